//! The canonical text of every value that a layer or a target table can hold.

use std::fmt::Write;

use arrow::array::{
    Array, ArrowPrimitiveType, BinaryArray, BinaryViewArray, BooleanArray, Date32Array, Decimal128Array,
    FixedSizeBinaryArray, LargeStringArray, PrimitiveArray, StringArray, StringViewArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{
    DataType, Int8Type, Int16Type, Int32Type, Int64Type, TimeUnit, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use chartlift_io::hash::hash_text_extended;
use chartlift_io::target::{Element, TypeClass};
use chrono::{DateTime, Datelike, NaiveDate, Timelike};

use super::{json, misfit, words};
use crate::Error;

/// How a column's values come back from the database that holds them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writing {
    /// As they are.
    Plain,
    /// Numbers kept as 64-bit floats: their bits.
    Double,
    /// Numbers kept as 32-bit floats: their bits.
    Real,
    /// Texts kept as UUIDs: lower case.
    Uuid,
    /// Texts kept as times of day: always six digits of a second.
    Time,
    /// Texts kept as `jsonb`.
    Jsonb,
    /// Texts kept as bytes.
    Bytes,
    /// Texts kept as instants, where a pack has some that are infinite or before Christ.
    Instant,
    /// Texts kept as arrays.
    Array(Element),
}

impl Writing {
    pub fn of(class: TypeClass) -> Self {
        match class {
            TypeClass::Double => Self::Double,
            TypeClass::Real => Self::Real,
            TypeClass::Uuid => Self::Uuid,
            TypeClass::Time => Self::Time,
            TypeClass::Jsonb => Self::Jsonb,
            TypeClass::Bytes => Self::Bytes,
            TypeClass::Timestamp | TypeClass::TimestampWithZone => Self::Instant,
            TypeClass::Array(element) => Self::Array(element),
            _ => Self::Plain,
        }
    }
}

/// Calls with row and hash for every cell of an array; `seed` makes the seed of a row, told whether the cell is null.
pub(super) fn hash_cells(
    name: &str,
    writing: Writing,
    array: &dyn Array,
    seed: impl Fn(usize, bool) -> i64,
    take: impl FnMut(usize, i64),
) -> Result<(), Error> {
    let mut cells = Cells { array, seed, take };
    match (array.data_type(), writing) {
        (DataType::Utf8View, Writing::Plain) => {
            let texts = downcast::<StringViewArray>(name, array)?;
            cells.hash_bytes(|row| texts.value(row).as_bytes());
        }
        (DataType::Utf8, Writing::Plain) => {
            let texts = downcast::<StringArray>(name, array)?;
            cells.hash_bytes(|row| texts.value(row).as_bytes());
        }
        (DataType::LargeUtf8, Writing::Plain) => {
            let texts = downcast::<LargeStringArray>(name, array)?;
            cells.hash_bytes(|row| texts.value(row).as_bytes());
        }
        (DataType::Utf8View, _) => {
            let texts = downcast::<StringViewArray>(name, array)?;
            cells.hash_text(|row, text| write_text(text, texts.value(row), writing));
        }
        (DataType::Binary, _) => {
            let bytes = downcast::<BinaryArray>(name, array)?;
            cells.hash_bytes(|row| bytes.value(row));
        }
        (DataType::BinaryView, _) => {
            let bytes = downcast::<BinaryViewArray>(name, array)?;
            cells.hash_bytes(|row| bytes.value(row));
        }
        (DataType::FixedSizeBinary(16), _) => {
            let uuids = downcast::<FixedSizeBinaryArray>(name, array)?;
            cells.hash_text(|row, text| {
                let uuid = uuid::Uuid::from_slice(uuids.value(row)).unwrap_or_default();
                let _ = write!(text, "{uuid}");
            });
        }
        (DataType::Boolean, _) => {
            let flags = downcast::<BooleanArray>(name, array)?;
            cells.hash_bytes(|row| if flags.value(row) { b"true" } else { b"false" });
        }
        _ => return hash_numbers(name, writing, cells),
    }
    Ok(())
}

fn hash_numbers<S, T>(name: &str, writing: Writing, mut cells: Cells<'_, S, T>) -> Result<(), Error>
where
    S: Fn(usize, bool) -> i64,
    T: FnMut(usize, i64),
{
    let array = cells.array;
    match array.data_type() {
        DataType::Int64 => cells.hash_integers(writing, downcast::<PrimitiveArray<Int64Type>>(name, array)?),
        DataType::Int32 => cells.hash_integers(writing, downcast::<PrimitiveArray<Int32Type>>(name, array)?),
        DataType::Int16 => cells.hash_integers(writing, downcast::<PrimitiveArray<Int16Type>>(name, array)?),
        DataType::Int8 => cells.hash_integers(writing, downcast::<PrimitiveArray<Int8Type>>(name, array)?),
        DataType::UInt64 => {
            cells.hash_integers(writing, downcast::<PrimitiveArray<UInt64Type>>(name, array)?)
        }
        DataType::UInt32 => {
            cells.hash_integers(writing, downcast::<PrimitiveArray<UInt32Type>>(name, array)?)
        }
        DataType::UInt16 => {
            cells.hash_integers(writing, downcast::<PrimitiveArray<UInt16Type>>(name, array)?)
        }
        DataType::UInt8 => cells.hash_integers(writing, downcast::<PrimitiveArray<UInt8Type>>(name, array)?),
        DataType::Decimal128(_, scale) => {
            let scale = u32::try_from(*scale).map_err(|_| misfit(name, "its scale is below zero"))?;
            let numbers = downcast::<Decimal128Array>(name, array)?;
            cells.hash_text(|row, text| {
                write_decimal(text, numbers.value(row), scale);
                write_bits(text, writing);
            });
        }
        DataType::Date32 => {
            let dates = downcast::<Date32Array>(name, array)?;
            cells.hash_text(|row, text| write_date(text, dates.value(row)));
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let instants = downcast::<TimestampMicrosecondArray>(name, array)?;
            cells.hash_text(|row, text| write_instant(text, instants.value(row)));
        }
        other => return Err(misfit(name, &format!("values of type {other} have no canonical text"))),
    }
    Ok(())
}

struct Cells<'a, S, T> {
    array: &'a dyn Array,
    seed: S,
    take: T,
}

impl<S, T> Cells<'_, S, T>
where
    S: Fn(usize, bool) -> i64,
    T: FnMut(usize, i64),
{
    fn hash_bytes<'v>(&mut self, value: impl Fn(usize) -> &'v [u8]) {
        for row in 0..self.array.len() {
            let is_null = self.array.is_null(row);
            let bytes = if is_null { b"" } else { value(row) };
            (self.take)(row, hash_text_extended(bytes, (self.seed)(row, is_null)));
        }
    }

    fn hash_text(&mut self, write: impl Fn(usize, &mut String)) {
        let mut text = String::new();
        for row in 0..self.array.len() {
            let is_null = self.array.is_null(row);
            text.clear();
            if !is_null {
                write(row, &mut text);
            }
            (self.take)(row, hash_text_extended(text.as_bytes(), (self.seed)(row, is_null)));
        }
    }

    fn hash_integers<P>(&mut self, writing: Writing, integers: &PrimitiveArray<P>)
    where
        P: ArrowPrimitiveType,
        P::Native: std::fmt::Display,
    {
        // Writing into a String cannot fail, here and below.
        self.hash_text(|row, text| {
            let _ = write!(text, "{}", integers.value(row));
            write_bits(text, writing);
        });
    }
}

fn downcast<'a, A: 'static>(name: &str, array: &'a dyn Array) -> Result<&'a A, Error> {
    array.as_any().downcast_ref().ok_or_else(|| misfit(name, "its array is not what its type says"))
}

/// Turns the text of a number into the bits of the float that a column keeps of it.
fn write_bits(text: &mut String, writing: Writing) {
    let bits = match writing {
        Writing::Double => text.parse::<f64>().map(|value| format!("{:016x}", value.to_bits())),
        Writing::Real => text.parse::<f32>().map(|value| format!("{:08x}", value.to_bits())),
        _ => return,
    };
    if let Ok(bits) = bits {
        *text = bits;
    }
}

/// Without trailing zeros, exponent or negative zero.
fn write_decimal(text: &mut String, value: i128, scale: u32) {
    let digits = format!("{:0width$}", value.unsigned_abs(), width = scale as usize + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale as usize);
    let fraction = fraction.trim_end_matches('0');
    if value < 0 {
        text.push('-');
    }
    text.push_str(whole);
    if !fraction.is_empty() {
        text.push('.');
        text.push_str(fraction);
    }
}

fn write_date(text: &mut String, days: i32) {
    // chrono counts from the day before 0001-01-01.
    match days.checked_add(719_163).and_then(NaiveDate::from_num_days_from_ce_opt) {
        Some(date) => {
            let _ = write!(text, "{:04}-{:02}-{:02}", date.year(), date.month(), date.day());
        }
        None => text.push_str("out of range"),
    }
}

fn write_instant(text: &mut String, micros: i64) {
    let Some(instant) = DateTime::from_timestamp_micros(micros) else {
        text.push_str("out of range");
        return;
    };
    let (hour, minute, second) = (instant.hour(), instant.minute(), instant.second());
    let _ = write!(text, "{:04}-{:02}-{:02}", instant.year(), instant.month(), instant.day());
    let _ = write!(text, "T{hour:02}:{minute:02}:{second:02}.{:06}Z", instant.timestamp_subsec_micros());
}

/// What a column that is no text makes of one. What it would not take has been held before.
fn write_text(text: &mut String, value: &str, writing: Writing) {
    match writing {
        Writing::Uuid => {
            text.push_str(value);
            text.make_ascii_lowercase();
        }
        Writing::Time => words::write_time(text, value),
        Writing::Jsonb => text.push_str(json::canonical(value).as_deref().unwrap_or(value)),
        Writing::Bytes => words::write_bytes(text, value),
        Writing::Instant => words::write_instant(text, value),
        Writing::Array(element) => words::write_array(text, value, element),
        Writing::Plain | Writing::Double | Writing::Real => text.push_str(value),
    }
}
