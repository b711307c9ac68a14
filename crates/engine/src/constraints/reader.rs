//! Text to a field's type, by what its schema says of it; every type but text as a number that compares alike.

use arrow::array::StringViewArray;
use chartlift_rules::{Diagnostic, Field, FieldType};

use super::{Missing, each};
use crate::datetime::{Pattern, PatternError, Zone};
use crate::numeral::{Exponent, Notation, parse_grouped_integer, parse_integer};

/// Reads the values of one field.
#[derive(Debug, Clone)]
pub(super) enum Reader {
    Text,
    Integer(Option<char>),
    /// Units of 10^-18.
    Number(Notation),
    /// What stands for true, what for false.
    Boolean(Vec<String>, Vec<String>),
    /// Days since 1970-01-01.
    Date(Pattern),
    /// Microseconds since midnight.
    Time(Pattern),
    /// Microseconds since 1970-01-01 UTC.
    Datetime(Pattern, Zone),
}

/// Notation of numbers in rules and of standards.
const PLAIN: Notation = Notation { decimal: '.', group: None, exponent: Exponent::Allowed };

impl Reader {
    pub(super) fn of(field: &Field, zone: Zone) -> Result<Self, Box<Diagnostic>> {
        Ok(match field.kind {
            FieldType::String => Self::Text,
            FieldType::Integer => Self::Integer(field.group_char),
            FieldType::Number => Self::Number(Notation {
                decimal: field.decimal_char,
                group: field.group_char,
                exponent: Exponent::Allowed,
            }),
            FieldType::Boolean => Self::Boolean(field.true_values.clone(), field.false_values.clone()),
            FieldType::Date => Self::Date(pattern(field, Pattern::check_date)?),
            FieldType::Time => Self::Time(pattern(field, Pattern::check_time)?),
            FieldType::Datetime => Self::Datetime(pattern(field, Pattern::check_datetime)?, zone),
        })
    }

    /// The value as a number that compares as the value does; `None` when the text is not of the type.
    pub(super) fn read(&self, text: &str) -> Option<i128> {
        match self {
            Self::Text => None,
            Self::Integer(None) => parse_integer(text).map(i128::from),
            Self::Integer(Some(group)) => parse_grouped_integer(text, *group).map(i128::from),
            Self::Number(notation) => notation.parse(text),
            Self::Boolean(yes, no) => boolean(text, yes, no).map(i128::from),
            Self::Date(pattern) => pattern.parse_date(text).map(i128::from),
            Self::Time(pattern) => pattern.parse_time(text).map(i128::from),
            Self::Datetime(pattern, zone) => pattern.parse_datetime(text, *zone).map(i128::from),
        }
    }

    /// A value that stands in the schema itself: plainly written whatever the data's format, or as the data is.
    pub(super) fn read_rule_text(&self, text: &str) -> Option<i128> {
        let plain = match self {
            Self::Text => None,
            Self::Integer(_) => parse_integer(text).map(i128::from),
            Self::Number(_) => PLAIN.parse(text),
            Self::Boolean(..) => text.parse::<bool>().ok().map(i128::from),
            Self::Date(_) => Pattern::ISO.parse_date(text).map(i128::from),
            Self::Time(_) => Pattern::ISO.parse_time(text).map(i128::from),
            Self::Datetime(_, zone) => Pattern::ISO
                .parse_datetime(text, *zone)
                .or_else(|| Pattern::ISO.parse_datetime(&format!("{text}T00:00"), *zone))
                .map(i128::from),
        };
        plain.or_else(|| self.read(text))
    }

    pub(super) fn failures(&self, column: &StringViewArray, missing: &Missing, out: &mut Vec<u32>) {
        // One loop a type, so that nothing is decided per row.
        match self {
            Self::Text => {}
            Self::Integer(None) => each(column, missing, out, |text| parse_integer(text).is_some()),
            Self::Date(pattern) => each(column, missing, out, |text| pattern.parse_date(text).is_some()),
            Self::Datetime(pattern, zone) => {
                each(column, missing, out, |text| pattern.parse_datetime(text, *zone).is_some());
            }
            Self::Boolean(yes, no) => each(column, missing, out, |text| boolean(text, yes, no).is_some()),
            _ => each(column, missing, out, |text| self.read(text).is_some()),
        }
    }
}

/// Whether the field's `format` can be read by.
pub(crate) fn check_format(field: &Field) -> Result<(), Box<Diagnostic>> {
    Reader::of(field, Zone::Utc).map(|_| ())
}

fn boolean(text: &str, yes: &[String], no: &[String]) -> Option<bool> {
    if yes.iter().any(|word| word == text) {
        return Some(true);
    }
    no.iter().any(|word| word == text).then_some(false)
}

fn pattern(
    field: &Field,
    check: fn(&Pattern) -> Result<(), PatternError>,
) -> Result<Pattern, Box<Diagnostic>> {
    let Some(format) = &field.format else { return Ok(Pattern::ISO) };
    Pattern::strptime(&format.value).and_then(|pattern| check(&pattern).map(|()| pattern)).map_err(|error| {
        Box::new(Diagnostic::error("unsupported-format", format.place, error.to_string()).help(error.help()))
    })
}
