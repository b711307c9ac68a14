//! JSON arrays as PostgreSQL's arrays in binary, one element after the other.

use bytes::{BufMut, BytesMut};

use super::texts::{date_in_words, instant_in_words, parse_uuid};
use super::{NULL, NumericLimits, put, write_numeric, write_text};
use crate::target::values::{OUT_OF_RANGE, Problem};
use crate::target::{CatalogColumn, Element};

const NO_ARRAY: Problem = "is no JSON array of the column's elements";

/// What is known of a column's elements.
pub(super) struct Elements {
    element: Element,
    longest: Option<u32>,
    step: i64,
}

impl Elements {
    pub(super) fn new(element: Element, column: &CatalogColumn) -> Self {
        Self { element, longest: column.max_length, step: super::step(column) }
    }

    /// The number of the element's type in `pg_type.dat`.
    fn oid(&self) -> i32 {
        match self.element {
            Element::Text => 25,
            Element::Varchar => 1043,
            Element::Uuid => 2950,
            Element::SmallInteger => 21,
            Element::Integer => 23,
            Element::BigInteger => 20,
            Element::Numeric { .. } => 1700,
            Element::Boolean => 16,
            Element::Date => 1082,
            Element::Timestamp => 1114,
            Element::TimestampWithZone => 1184,
        }
    }

    /// Appends the length and the array.
    pub(super) fn write(&self, text: &str, out: &mut BytesMut) -> Result<(), Problem> {
        let start = out.len();
        out.put_i32(0);
        let head = out.len();
        // Dimensions, whether there are nulls, the type, the dimension's length and its first index.
        out.put_slice(&[0; 20]);
        let (mut count, mut nulls) = (0_i32, false);
        for token in tokens(text)? {
            count += 1;
            if token == "null" {
                nulls = true;
                out.put_i32(NULL);
            } else {
                self.element(token, out)?;
            }
        }
        let mut header = BytesMut::with_capacity(20);
        header.put_i32(i32::from(count > 0));
        header.put_i32(i32::from(nulls));
        header.put_i32(self.oid());
        if count == 0 {
            // An empty array has no dimension.
            out.truncate(head + 12);
        } else {
            header.put_i32(count);
            header.put_i32(1);
        }
        let length = super::text_length(out.len() - head)?;
        replace(out, head, &header);
        replace(out, start, &length.to_be_bytes());
        Ok(())
    }

    fn element(&self, token: &str, out: &mut BytesMut) -> Result<(), Problem> {
        let integer = || token.parse::<i64>().ok().filter(|_| is_number(token)).ok_or(NO_ARRAY);
        match self.element {
            Element::Text | Element::Varchar => return write_text(&string(token)?, self.longest, out),
            Element::Uuid => put(out, &parse_uuid(&string(token)?).ok_or(NO_ARRAY)?),
            Element::SmallInteger => {
                put(out, &i16::try_from(integer()?).map_err(|_| OUT_OF_RANGE)?.to_be_bytes());
            }
            Element::Integer => put(out, &i32::try_from(integer()?).map_err(|_| OUT_OF_RANGE)?.to_be_bytes()),
            Element::BigInteger => put(out, &integer()?.to_be_bytes()),
            Element::Numeric { digits, scale } => {
                return numeric(token, NumericLimits { digits, scale }, out);
            }
            Element::Boolean => match token {
                "true" => put(out, &[1]),
                "false" => put(out, &[0]),
                _ => return Err(NO_ARRAY),
            },
            Element::Date => put(out, &date_in_words(&string(token)?)?.to_be_bytes()),
            Element::Timestamp | Element::TimestampWithZone => {
                put(out, &instant_in_words(&string(token)?, self.step)?.to_be_bytes());
            }
        }
        Ok(())
    }
}

fn replace(out: &mut BytesMut, at: usize, bytes: &[u8]) {
    if let Some(place) = out.get_mut(at..at + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}

/// The texts of the elements, each as it is written. What stands inside an element is judged by who reads it.
fn tokens(text: &str) -> Result<Vec<&str>, Problem> {
    let space = [' ', '\t', '\r', '\n'];
    let trimmed = text.trim_matches(space);
    let inner = trimmed.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).ok_or(NO_ARRAY)?;
    if inner.trim_matches(space).is_empty() {
        return Ok(Vec::new());
    }
    let (mut tokens, mut start) = (Vec::new(), 0);
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in inner.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => {
                tokens.push(inner.get(start..at).unwrap_or_default().trim_matches(space));
                start = at + 1;
            }
            _ => {}
        }
    }
    if quoted {
        return Err(NO_ARRAY);
    }
    tokens.push(inner.get(start..).unwrap_or_default().trim_matches(space));
    Ok(tokens)
}

fn string(token: &str) -> Result<String, Problem> {
    serde_json::from_str(token).map_err(|_| NO_ARRAY)
}

/// A whole number or a decimal as JSON writes it, without exponent.
fn is_number(token: &str) -> bool {
    let digits = token.strip_prefix('-').unwrap_or(token);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    plain(whole) && plain(fraction) && (whole == "0" || !whole.starts_with('0'))
}

/// At most 20 digits before the point and 18 after it, like every number here.
fn numeric(token: &str, limits: NumericLimits, out: &mut BytesMut) -> Result<(), Problem> {
    if !is_number(token) {
        return Err(NO_ARRAY);
    }
    let digits = token.trim_start_matches('-');
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = fraction.trim_end_matches('0');
    if whole.len() > 20 || fraction.len() > 18 {
        return Err(super::UNFIT);
    }
    let whole: u128 = whole.parse().map_err(|_| NO_ARRAY)?;
    let fraction: u64 = format!("{fraction:0<18}").parse().map_err(|_| NO_ARRAY)?;
    write_numeric(whole, fraction, token.starts_with('-'), limits, out)
}
