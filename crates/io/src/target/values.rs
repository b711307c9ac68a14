//! One column of a batch, seen as the type of value it holds, and the canonical writing of such values.

use std::fmt::Write;

use arrow::array::{
    Array, BooleanArray, Date32Array, Decimal128Array, FixedSizeBinaryArray, Int64Array, StringViewArray,
    TimestampMicrosecondArray,
};

use super::spec::ValueType;
use crate::Error;

/// A typed look at a column. The variants are all that converted rows can hold.
#[derive(Clone, Copy)]
pub(crate) enum Values<'a> {
    Text(&'a StringViewArray),
    Uuid(&'a FixedSizeBinaryArray),
    Integer(&'a Int64Array),
    Number(&'a Decimal128Array),
    Boolean(&'a BooleanArray),
    Date(&'a Date32Array),
    Instant(&'a TimestampMicrosecondArray),
}

impl<'a> Values<'a> {
    pub(crate) fn of(table: &str, column: &str, array: &'a dyn Array) -> Result<Self, Error> {
        let any = array.as_any();
        let values = ValueType::of(array.data_type()).and_then(|value_type| {
            Some(match value_type {
                ValueType::Text => Self::Text(any.downcast_ref()?),
                ValueType::Uuid => Self::Uuid(any.downcast_ref()?),
                ValueType::Integer => Self::Integer(any.downcast_ref()?),
                ValueType::Number => Self::Number(any.downcast_ref()?),
                ValueType::Boolean => Self::Boolean(any.downcast_ref()?),
                ValueType::Date => Self::Date(any.downcast_ref()?),
                ValueType::Instant => Self::Instant(any.downcast_ref()?),
            })
        });
        values.ok_or_else(|| {
            let problem = format!("values of type {} cannot be loaded", array.data_type());
            Error::shape(table, column, problem)
        })
    }

    pub(crate) fn value_type(self) -> ValueType {
        match self {
            Self::Text(_) => ValueType::Text,
            Self::Uuid(_) => ValueType::Uuid,
            Self::Integer(_) => ValueType::Integer,
            Self::Number(_) => ValueType::Number,
            Self::Boolean(_) => ValueType::Boolean,
            Self::Date(_) => ValueType::Date,
            Self::Instant(_) => ValueType::Instant,
        }
    }

    /// Writes a key as the crosswalk holds it; other types than integers, texts and UUIDs are no keys.
    pub(crate) fn write_key(self, row: usize, text: &mut String) {
        match self {
            Self::Integer(array) => {
                // Writing into a String cannot fail.
                let _ = write!(text, "{}", array.value(row));
            }
            Self::Text(array) => text.push_str(array.value(row)),
            Self::Uuid(array) => write_uuid(text, array.value(row)),
            _ => {}
        }
    }

    pub(crate) fn array(self) -> &'a dyn Array {
        match self {
            Self::Text(array) => array,
            Self::Uuid(array) => array,
            Self::Integer(array) => array,
            Self::Number(array) => array,
            Self::Boolean(array) => array,
            Self::Date(array) => array,
            Self::Instant(array) => array,
        }
    }
}

/// What is wrong with a value, in words that fit after "a value that".
pub(crate) type Problem = &'static str;

pub(crate) const OUT_OF_RANGE: Problem = "is out of the column type's range";

/// Microseconds of a day.
pub(crate) const DAY_US: i64 = 86_400_000_000;

/// Days from 1970-01-01 to 0001-01-01 and to 9999-12-31: what every database writes the same way.
pub(crate) const DATE_RANGE: std::ops::RangeInclusive<i32> = -719_162..=2_932_896;

/// A number of scale 18 without trailing zeros or exponent.
pub(crate) fn write_number(text: &mut String, value: i128) {
    const UNIT: u128 = 10_u128.pow(ValueType::NUMBER_SCALE as u32);
    let sign = if value < 0 { "-" } else { "" };
    let (whole, fraction) = (value.unsigned_abs() / UNIT, value.unsigned_abs() % UNIT);
    // Writing into a String cannot fail.
    let _ = write!(text, "{sign}{whole}");
    if fraction != 0 {
        let _ = write!(text, ".{fraction:018}");
        text.truncate(text.trim_end_matches('0').len());
    }
}

/// `YYYY-MM-DD`
pub(crate) fn write_date(text: &mut String, days: i32) -> Result<(), Problem> {
    if !DATE_RANGE.contains(&days) {
        return Err(OUT_OF_RANGE);
    }
    let (year, month, day) = civil_from_days(i64::from(days));
    let _ = write!(text, "{year:04}-{month:02}-{day:02}");
    Ok(())
}

/// `YYYY-MM-DDTHH:MM:SS.ffffffZ`
pub(crate) fn write_instant(text: &mut String, micros: i64) -> Result<(), Problem> {
    let days = i32::try_from(micros.div_euclid(DAY_US)).map_err(|_| OUT_OF_RANGE)?;
    write_date(text, days)?;
    let of_day = micros.rem_euclid(DAY_US);
    let (seconds, fraction) = (of_day / 1_000_000, of_day % 1_000_000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let _ = write!(text, "T{hour:02}:{minute:02}:{second:02}.{fraction:06}Z");
    Ok(())
}

/// Lower case, with hyphens.
pub(crate) fn write_uuid(text: &mut String, bytes: &[u8]) {
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        let _ = write!(text, "{byte:02x}");
    }
}

/// The nearest float, by way of the decimal text: dividing, or going from double to single, would round twice.
pub(crate) fn number_as_float<F: std::str::FromStr>(value: i128, scratch: &mut String) -> Option<F> {
    scratch.clear();
    write_number(scratch, value);
    scratch.parse().ok()
}

/// Howard Hinnant's `civil_from_days`, <https://howardhinnant.github.io/date_algorithms.html>.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}
