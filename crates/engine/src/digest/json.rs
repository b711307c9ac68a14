//! JSON as PostgreSQL's `jsonb` prints it, and as its `json` takes it: written from their documentation and held
//! against a server in the tests.
//!
//! <https://www.postgresql.org/docs/current/datatype-json.html>

use std::collections::BTreeMap;
use std::fmt::Write;

/// Deeper ones are refused: whoever reads them back may not be able to.
const DEEPEST: usize = 200;
/// The server's own limits for one value are higher, but what it prints of it must fit into one text too.
const LONGEST_BYTES: usize = 128 << 20;
/// What a `numeric` can have before and after its point.
const MOST_WHOLE_DIGITS: i64 = 131_072;
const MOST_FRACTION_DIGITS: i64 = 16_383;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json {
    Null,
    Boolean(bool),
    /// Spelt out: without exponent, with as many digits after the point as were written.
    Number(String),
    Text(String),
    Array(Vec<Json>),
    /// By length of the name, then by its bytes.
    Object(BTreeMap<(usize, String), Json>),
}

/// The text that a server makes of a `jsonb`; `None` for what it would not take.
pub(crate) fn canonical(text: &str) -> Option<String> {
    let value = parse(text)?;
    let mut out = String::with_capacity(text.len());
    value.write(&mut out);
    Some(out)
}

/// Whether a `json` column takes a text: its form only, not whether its escapes mean anything.
pub(crate) fn is_json(text: &str) -> bool {
    let mut parser = Parser { rest: text, kept: false };
    text.len() <= LONGEST_BYTES && parser.value(0).is_some() && parser.space().is_empty()
}

pub(super) fn parse(text: &str) -> Option<Json> {
    let mut parser = Parser { rest: text, kept: true };
    let value = parser.value(0).filter(|_| text.len() <= LONGEST_BYTES)?;
    parser.space().is_empty().then_some(value)
}

impl Json {
    fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Boolean(true) => out.push_str("true"),
            Self::Boolean(false) => out.push_str("false"),
            Self::Number(number) => out.push_str(number),
            Self::Text(text) => write_text(text, out),
            Self::Array(values) => {
                out.push('[');
                for (index, value) in values.iter().enumerate() {
                    out.push_str(if index == 0 { "" } else { ", " });
                    value.write(out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (index, ((_, name), value)) in members.iter().enumerate() {
                    out.push_str(if index == 0 { "" } else { ", " });
                    write_text(name, out);
                    out.push_str(": ");
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            control if control < ' ' => {
                // Writing into a String cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

struct Parser<'a> {
    rest: &'a str,
    /// Whether values are kept, and must mean something; otherwise only their form counts.
    kept: bool,
}

impl<'a> Parser<'a> {
    /// What is left after white space.
    fn space(&mut self) -> &'a str {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
        self.rest
    }

    fn take(&mut self, word: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(word)?;
        Some(())
    }

    fn value(&mut self, depth: usize) -> Option<Json> {
        match self.space().bytes().next()? {
            b'n' => self.take("null").map(|()| Json::Null),
            b't' => self.take("true").map(|()| Json::Boolean(true)),
            b'f' => self.take("false").map(|()| Json::Boolean(false)),
            b'"' => self.text().map(Json::Text),
            b'[' | b'{' if depth >= DEEPEST => None,
            b'[' => self.array(depth + 1),
            b'{' => self.object(depth + 1),
            _ => self.number().map(Json::Number),
        }
    }

    fn array(&mut self, depth: usize) -> Option<Json> {
        self.take("[")?;
        let mut values = Vec::new();
        if self.space().starts_with(']') {
            self.take("]")?;
            return Some(Json::Array(values));
        }
        loop {
            values.push(self.value(depth)?);
            self.space();
            if self.take("]").is_some() {
                return Some(Json::Array(values));
            }
            self.take(",")?;
        }
    }

    fn object(&mut self, depth: usize) -> Option<Json> {
        self.take("{")?;
        let mut members = BTreeMap::new();
        if self.space().starts_with('}') {
            self.take("}")?;
            return Some(Json::Object(members));
        }
        loop {
            self.space();
            let name = self.text()?;
            self.space();
            self.take(":")?;
            let value = self.value(depth)?;
            // Of equal names the last counts.
            members.insert((name.len(), name), value);
            self.space();
            if self.take("}").is_some() {
                return Some(Json::Object(members));
            }
            self.take(",")?;
        }
    }

    fn text(&mut self) -> Option<String> {
        self.take("\"")?;
        let mut text = String::new();
        loop {
            let end = self.rest.find(|character: char| matches!(character, '"' | '\\') || character < ' ')?;
            let (before, after) = self.rest.split_at(end);
            text.push_str(before);
            self.rest = after;
            if self.take("\"").is_some() {
                return Some(text);
            }
            // Control characters must be escaped.
            self.take("\\")?;
            text.push(self.escaped()?);
        }
    }

    fn escaped(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let escape = characters.next()?;
        self.rest = characters.as_str();
        Some(match escape {
            '"' | '\\' | '/' => escape,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => return self.unicode(),
            _ => return None,
        })
    }

    fn unicode(&mut self) -> Option<char> {
        let unit = self.four_digits()?;
        if !self.kept {
            return Some('u');
        }
        let code = if (0xd800..0xdc00).contains(&unit) {
            self.take("\\u")?;
            let low = self.four_digits().filter(|low| (0xdc00..0xe000).contains(low))?;
            0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00)
        } else {
            unit
        };
        // No text of the server holds a NUL, and half a surrogate pair is no character.
        char::from_u32(code).filter(|character| *character != '\0')
    }

    fn four_digits(&mut self) -> Option<u32> {
        let (digits, rest) = self.rest.split_at_checked(4)?;
        self.rest = rest;
        let all = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        all.then(|| u32::from_str_radix(digits, 16).ok()).flatten()
    }

    fn digits(&mut self) -> &'a str {
        let end = self.rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        self.rest = rest;
        digits
    }

    fn number(&mut self) -> Option<String> {
        let negative = self.take("-").is_some();
        let whole = self.digits();
        if whole.is_empty() || (whole.len() > 1 && whole.starts_with('0')) {
            return None;
        }
        let fraction = match self.take(".") {
            Some(()) => Some(self.digits()).filter(|digits| !digits.is_empty())?,
            None => "",
        };
        let mut exponent = 0;
        if self.take("e").or_else(|| self.take("E")).is_some() {
            let below = self.take("-").is_some();
            if !below {
                let _ = self.take("+");
            }
            let digits = Some(self.digits()).filter(|digits| !digits.is_empty())?;
            let size = digits.parse::<i64>().unwrap_or(i64::MAX).min(MOST_WHOLE_DIGITS * 2);
            exponent = if below { -size } else { size };
        }
        if self.kept { spelt_out(negative, whole, fraction, exponent) } else { Some(String::new()) }
    }
}

/// As a `numeric` prints: `exponent` moves the point.
fn spelt_out(negative: bool, whole: &str, fraction: &str, exponent: i64) -> Option<String> {
    let scale = (fraction.len() as i64 - exponent).max(0);
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0');
    // Where the point stands in `digits`, counted from its begin.
    let point = whole.len() as i64 + exponent;
    let leading = (digits.len() - significant.len()) as i64;
    let is_zero = significant.is_empty();
    if scale > MOST_FRACTION_DIGITS || (!is_zero && point - leading > MOST_WHOLE_DIGITS) {
        return None;
    }
    let mut out = String::new();
    if negative && !is_zero {
        out.push('-');
    }
    let digit = |place: i64| {
        let index = usize::try_from(place + leading).ok();
        let byte = index.and_then(|index| digits.as_bytes().get(index)).filter(|_| place + leading >= 0);
        byte.map_or('0', |byte| char::from(*byte))
    };
    if is_zero || point - leading <= 0 {
        out.push('0');
    } else {
        out.extend((0..point - leading).map(digit));
    }
    if scale > 0 {
        out.push('.');
        out.extend((point - leading..point - leading + scale).map(digit));
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_the_manual_says() {
        for (text, printed) in [
            (
                r#"{"bar": "baz", "balance": 7.77, "active":false}"#,
                Some(r#"{"bar": "baz", "active": false, "balance": 7.77}"#),
            ),
            (r#"{"reading": 1.230e-5}"#, Some(r#"{"reading": 0.00001230}"#)),
            (r#"{"a":1,"a":2}"#, Some(r#"{"a": 2}"#)),
            ("[ ]", Some("[]")),
            (" {} ", Some("{}")),
            ("-0", Some("0")),
            ("-0.0", Some("0.0")),
            ("1E3", Some("1000")),
            ("12.5e1", Some("125")),
            ("12.5e-1", Some("1.25")),
            ("0.0012e2", Some("0.12")),
            ("0e5", Some("0")),
            ("\"\\ud83d\\ude00\\u00e9\\/\\u0001\"", Some("\"😀é/\\u0001\"")),
            ("\"\\u0000\"", None),
            ("\"\\ud83d\"", None),
            ("\"a\nb\"", None),
            ("01", None),
            ("1.", None),
            ("[1,]", None),
            ("{'a': 1}", None),
            ("NaN", None),
            ("1 2", None),
            ("", None),
            ("1e200000", None),
        ] {
            assert_eq!(canonical(text).as_deref(), printed, "{text}");
        }
        assert!(is_json("\"\\u0000\"") && is_json("\"\\ud83d\"") && !is_json("\"\\u00\""));
        assert!(canonical(&format!("{}1{}", "[".repeat(200), "]".repeat(200))).is_some());
        assert!(canonical(&format!("{}1{}", "[".repeat(201), "]".repeat(201))).is_none());
    }
}
