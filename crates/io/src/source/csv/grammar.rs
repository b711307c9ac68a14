//! A dialect, checked: the characters that mean something.

use chartlift_rules::{Dialect, LineTerminator};

use super::charset;
use crate::Error;

#[derive(Debug, Clone)]
pub(super) struct Grammar {
    pub(super) delimiter: u8,
    pub(super) quote: Option<u8>,
    /// A doubled quote inside quotes is one quote.
    pub(super) doubled: bool,
    pub(super) escape: Option<u8>,
    pub(super) terminator: LineTerminator,
}

impl Grammar {
    /// Fails where two characters are the same or one is a line end: no reading of such a file is right.
    pub(super) fn new(dialect: &Dialect) -> Result<Self, Error> {
        // An escape that is the quote itself is the doubled quote under another name.
        let same = dialect.escape_char.is_some() && dialect.escape_char == dialect.quote_char;
        let grammar = Self {
            delimiter: dialect.delimiter,
            quote: dialect.quote_char,
            doubled: dialect.double_quote || same,
            escape: dialect.escape_char.filter(|_| !same),
            terminator: dialect.line_terminator,
        };
        let specials = [Some(grammar.delimiter), grammar.quote, grammar.escape];
        for (at, special) in specials.iter().enumerate() {
            let Some(byte) = special else { continue };
            if matches!(byte, b'\n' | b'\r') {
                return Err(Error::Dialect { reason: "a line end cannot be a delimiter, quote or escape" });
            }
            if charset::is_unicode(dialect.encoding) && !byte.is_ascii() {
                return Err(Error::Dialect {
                    reason: "in Unicode delimiter, quote and escape must be ASCII",
                });
            }
            if specials.iter().skip(at + 1).any(|other| other == special) {
                return Err(Error::Dialect { reason: "delimiter, quote and escape must differ" });
            }
        }
        Ok(grammar)
    }

    /// The byte at which every line end is found.
    pub(super) fn line_byte(&self) -> u8 {
        match self.terminator {
            LineTerminator::Cr => b'\r',
            LineTerminator::Any | LineTerminator::Lf | LineTerminator::CrLf => b'\n',
        }
    }
}
