//! The text of RTF: groups, control words, characters by code page or by number.

use encoding_rs::Encoding;

/// `None` where a group is not closed or a control is cut off (such a note is damaged), and where a letter stands in
/// a code page that is not read.
pub(super) fn text(rtf: &str) -> Option<String> {
    let mut reader = Reader {
        out: String::new(),
        groups: Vec::new(),
        code_page: Some(encoding_rs::WINDOWS_1252),
        skip: 0,
        high: None,
    };
    let mut rest = rtf;
    while let Some(first) = rest.chars().next() {
        let after = rest.get(first.len_utf8()..)?;
        rest = match first {
            '\\' => reader.control(after)?,
            '{' => {
                reader.open();
                after
            }
            '}' => {
                reader.groups.pop()?;
                if reader.groups.is_empty() {
                    // What follows the document is padding.
                    return Some(reader.finish());
                }
                reader.skip = 0;
                after
            }
            '\r' | '\n' | '\0' => after,
            _ => {
                reader.push(first);
                after
            }
        };
    }
    None
}

/// What a group inherits from the one around it.
#[derive(Debug, Clone, Copy)]
struct Group {
    hidden: bool,
    /// How many characters stand in for one that is given by its number.
    substitutes: usize,
    /// Nothing but `\*` was met in it.
    fresh: bool,
}

#[derive(Debug)]
struct Reader {
    out: String,
    groups: Vec<Group>,
    /// `None` for one that is not read.
    code_page: Option<&'static Encoding>,
    /// Substitutes still to be passed over.
    skip: usize,
    /// The first half of a character beyond 16 bits.
    high: Option<u32>,
}

impl Reader {
    fn open(&mut self) {
        let group =
            self.groups.last().copied().unwrap_or(Group { hidden: false, substitutes: 1, fresh: true });
        self.groups.push(Group { fresh: true, ..group });
        self.skip = 0;
    }

    fn hide(&mut self) {
        if let Some(group) = self.groups.last_mut() {
            group.hidden = true;
        }
    }

    fn push(&mut self, character: char) {
        let Some(group) = self.groups.last_mut() else { return };
        group.fresh = false;
        if self.skip > 0 {
            self.skip -= 1;
        } else if !group.hidden {
            self.out.push(character);
        }
    }

    /// Reads what follows a backslash, and gives what follows that.
    fn control<'t>(&mut self, text: &'t str) -> Option<&'t str> {
        let first = text.chars().next()?;
        let after = text.get(first.len_utf8()..)?;
        match first {
            'a'..='z' | 'A'..='Z' => self.word(text),
            '\'' => {
                let (digits, after) = after.split_at_checked(2)?;
                self.byte(u8::from_str_radix(digits, 16).ok()?)?;
                Some(after)
            }
            '*' => {
                self.hide();
                Some(after)
            }
            '~' => {
                self.push('\u{a0}');
                Some(after)
            }
            '_' => {
                self.push('-');
                Some(after)
            }
            '\r' | '\n' => {
                self.push('\n');
                Some(after)
            }
            '\\' | '{' | '}' => {
                self.push(first);
                Some(after)
            }
            // An optional hyphen, an index mark, and what newer writers have.
            _ => Some(after),
        }
    }

    /// `None` where the page of a visible character is not known: a guess would be another text.
    fn byte(&mut self, byte: u8) -> Option<()> {
        let hidden = self.groups.last().is_some_and(|group| group.hidden);
        let code_page = match self.code_page {
            _ if hidden || byte.is_ascii() => encoding_rs::WINDOWS_1252,
            code_page => code_page?,
        };
        let bytes = [byte];
        let (decoded, _) = code_page.decode_without_bom_handling(&bytes);
        for character in decoded.chars() {
            self.push(character);
        }
        Some(())
    }

    fn word<'t>(&mut self, text: &'t str) -> Option<&'t str> {
        let letters = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
        let (name, rest) = text.split_at_checked(letters)?;
        let sign = usize::from(rest.starts_with('-'));
        let digits = rest.get(sign..)?.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len() - sign);
        let (number, rest) = if digits > 0 { rest.split_at_checked(sign + digits)? } else { ("", rest) };
        let number: Option<i32> = number.parse().ok();
        let rest = rest.strip_prefix(' ').unwrap_or(rest);
        if name == "bin" {
            // Bytes of a picture, which cannot have come through as text; they are hidden in any case.
            return Some(rest);
        }
        let fresh = self.groups.last().is_some_and(|group| group.fresh);
        if fresh && HIDDEN.contains(&name) {
            self.hide();
        }
        match (name, number) {
            ("par" | "line" | "sect" | "page" | "row" | "nestrow", _) => self.line(),
            ("tab" | "cell" | "nestcell", _) => self.push('\t'),
            ("uc", Some(number)) => {
                if let Some(group) = self.groups.last_mut() {
                    group.substitutes = usize::try_from(number).unwrap_or(0);
                }
            }
            ("u", Some(number)) => self.unicode(number),
            ("ansicpg", Some(number)) => self.code_page = code_page(number),
            ("mac", _) => self.code_page = Some(encoding_rs::MACINTOSH),
            ("pc" | "pca", _) => self.code_page = None,
            (name, _) => {
                if let Some((_, character)) = CHARACTERS.iter().find(|(word, _)| *word == name) {
                    self.push(*character);
                }
            }
        }
        if let Some(group) = self.groups.last_mut() {
            group.fresh = false;
        }
        Some(rest)
    }

    /// A row's last cell ends in a tab that nothing follows.
    fn line(&mut self) {
        let hidden = self.groups.last().is_some_and(|group| group.hidden);
        if !hidden && self.out.ends_with('\t') {
            self.out.pop();
        }
        self.push('\n');
    }

    /// A character by its number in UTF-16, which may be written as a negative one.
    fn unicode(&mut self, number: i32) {
        let unit = (number as u32) & 0xffff;
        let code = match (self.high.take(), unit) {
            (_, 0xd800..=0xdbff) => {
                self.high = Some(unit);
                None
            }
            (Some(high), 0xdc00..=0xdfff) => Some(0x10000 + ((high - 0xd800) << 10) + (unit - 0xdc00)),
            _ => Some(unit),
        };
        self.skip = 0;
        if let Some(code) = code {
            self.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        self.skip = self.groups.last().map_or(0, |group| group.substitutes);
    }

    fn finish(mut self) -> String {
        self.out.truncate(self.out.trim_end().len());
        self.out
    }
}

/// Groups that hold no text of the note.
const HIDDEN: [&str; 18] = [
    "fonttbl",
    "colortbl",
    "stylesheet",
    "info",
    "pict",
    "object",
    "header",
    "headerl",
    "headerr",
    "headerf",
    "footer",
    "footerl",
    "footerr",
    "footerf",
    "listtable",
    "listoverridetable",
    "fldinst",
    "themedata",
];

const CHARACTERS: [(&str, char); 10] = [
    ("emdash", '—'),
    ("endash", '–'),
    ("lquote", '‘'),
    ("rquote", '’'),
    ("ldblquote", '“'),
    ("rdblquote", '”'),
    ("bullet", '•'),
    ("emspace", '\u{2003}'),
    ("enspace", '\u{2002}'),
    ("softline", '\n'),
];

/// Windows' code pages of one byte a character.
fn code_page(number: i32) -> Option<&'static Encoding> {
    Some(match number {
        874 => encoding_rs::WINDOWS_874,
        1250 => encoding_rs::WINDOWS_1250,
        1251 => encoding_rs::WINDOWS_1251,
        1252 => encoding_rs::WINDOWS_1252,
        1253 => encoding_rs::WINDOWS_1253,
        1254 => encoding_rs::WINDOWS_1254,
        1255 => encoding_rs::WINDOWS_1255,
        1256 => encoding_rs::WINDOWS_1256,
        1257 => encoding_rs::WINDOWS_1257,
        1258 => encoding_rs::WINDOWS_1258,
        _ => return None,
    })
}
