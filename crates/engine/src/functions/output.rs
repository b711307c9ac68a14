//! Result columns: text that changes seldom, dates, instants, decimals.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int64Array, StringViewArray,
    StringViewBuilder, TimestampMicrosecondArray,
};
use arrow::error::ArrowError;

use crate::numeral;

/// What became of a text.
pub(super) enum Changed<'a> {
    Same,
    /// A part of it.
    Part(&'a str),
    To(String),
    Null,
}

/// Most batches hold nothing to change; they are passed on without a copy.
pub(super) fn change(
    array: &StringViewArray,
    mut change: impl for<'t> FnMut(usize, &'t str) -> Changed<'t>,
) -> ArrayRef {
    let changes = |(row, text): (usize, Option<&str>)| match text {
        Some(text) => !matches!(change(row, text), Changed::Same),
        None => false,
    };
    let Some(first) = array.iter().enumerate().position(changes) else {
        return Arc::new(array.clone());
    };
    let mut builder = StringViewBuilder::with_capacity(array.len());
    for (row, text) in array.iter().enumerate() {
        match text {
            None => builder.append_null(),
            Some(text) if row < first => builder.append_value(text),
            Some(text) => match change(row, text) {
                Changed::Same => builder.append_value(text),
                Changed::Part(part) => builder.append_value(part),
                Changed::To(changed) => builder.append_value(changed),
                Changed::Null => builder.append_null(),
            },
        }
    }
    Arc::new(builder.finish())
}

impl<'a> Changed<'a> {
    /// A part of `text`, which may be all of it.
    pub(super) fn part(text: &str, part: &'a str) -> Self {
        if part.len() == text.len() { Self::Same } else { Self::Part(part) }
    }

    /// `None` is null.
    pub(super) fn part_or_null(text: &str, part: Option<&'a str>) -> Self {
        part.map_or(Self::Null, |part| Self::part(text, part))
    }

    /// What was made of `text`, which may be the same; `None` is null.
    pub(super) fn to_or_null(text: &str, made: Option<String>) -> Self {
        match made {
            None => Self::Null,
            Some(made) if made == text => Self::Same,
            Some(made) => Self::To(made),
        }
    }
}

/// Text written row by row into one buffer; `None` from `write` is null.
pub(super) fn write_text(rows: usize, mut write: impl FnMut(usize, &mut String) -> Option<()>) -> ArrayRef {
    let mut builder = StringViewBuilder::with_capacity(rows);
    let mut text = String::new();
    for row in 0..rows {
        text.clear();
        builder.append_option(write(row, &mut text).map(|()| text.as_str()));
    }
    Arc::new(builder.finish())
}

pub(super) fn booleans(rows: usize, value: impl FnMut(usize) -> Option<bool>) -> ArrayRef {
    Arc::new(BooleanArray::from_iter((0..rows).map(value)))
}

pub(super) fn integers(rows: usize, number: impl FnMut(usize) -> Option<i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter((0..rows).map(number)))
}

pub(super) fn dates(rows: usize, day: impl FnMut(usize) -> Option<i32>) -> ArrayRef {
    Arc::new(Date32Array::from_iter((0..rows).map(day)))
}

pub(super) fn instants(rows: usize, micros: impl FnMut(usize) -> Option<i64>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from_iter((0..rows).map(micros)).with_timezone("UTC"))
}

/// Decimals in units of 10^-18.
pub(super) fn decimals(
    rows: usize,
    number: impl FnMut(usize) -> Option<i128>,
) -> Result<ArrayRef, ArrowError> {
    let array = Decimal128Array::from_iter((0..rows).map(number));
    Ok(Arc::new(array.with_precision_and_scale(numeral::PRECISION, numeral::SCALE as i8)?))
}
