//! The one normaliser: what two databases write differently and means the same becomes the same text.

use chartlift_rules::FieldType;

use crate::datetime::{MICROS_PER_DAY, Pattern, Zone};
use crate::functions::folded;
use crate::numeral::{Exponent, Notation};

/// What a part is compared as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Letters and digits, without accents and case.
    Text,
    Number,
    Boolean,
    Date,
    Instant,
    Time,
    /// The key of a row of this table, as it is.
    Reference(String),
}

impl Kind {
    pub(crate) fn of(field: FieldType) -> Self {
        match field {
            FieldType::String => Self::Text,
            FieldType::Integer | FieldType::Number => Self::Number,
            FieldType::Boolean => Self::Boolean,
            FieldType::Date => Self::Date,
            FieldType::Time => Self::Time,
            FieldType::Datetime => Self::Instant,
        }
    }
}

/// The text by which a part is compared; none where nothing is left, or where it is no value of its kind.
pub(crate) fn comparable(kind: &Kind, text: &str) -> Option<String> {
    let text = text.trim();
    let comparable = match kind {
        Kind::Reference(_) => text.to_owned(),
        Kind::Text => folded(text).to_lowercase().chars().filter(|letter| letter.is_alphanumeric()).collect(),
        Kind::Number => {
            let notation = Notation { decimal: '.', group: None, exponent: Exponent::Allowed };
            notation.parse(text)?.to_string()
        }
        Kind::Boolean => match text {
            "1" | "t" | "true" => "1".to_owned(),
            "0" | "f" | "false" => "0".to_owned(),
            _ => return None,
        },
        Kind::Date => match Pattern::ISO.parse_date(text) {
            Some(days) => days.to_string(),
            // A date kept as its midnight.
            None => {
                let micros = instant(text)?;
                if micros % MICROS_PER_DAY != 0 {
                    return None;
                }
                (micros / MICROS_PER_DAY).to_string()
            }
        },
        Kind::Instant => instant(text)?.to_string(),
        Kind::Time => Pattern::ISO.parse_time(text)?.to_string(),
    };
    Some(comparable).filter(|comparable| !comparable.is_empty())
}

/// Between date and time stands a `T`, or in what SQL writes a blank. Without an offset it is UTC.
fn instant(text: &str) -> Option<i64> {
    match text.split_once(' ') {
        Some((date, time)) => Pattern::ISO.parse_datetime(&format!("{date}T{time}"), Zone::Utc),
        None => Pattern::ISO.parse_datetime(text, Zone::Utc),
    }
}
