//! `missingValues`: texts that mean "no value".

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, StringViewArray};
use arrow::compute::nullif;
use arrow::error::ArrowError;

/// The texts of a column that mean "no value"; null always does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    empty: bool,
    others: Vec<String>,
}

impl Missing {
    pub fn new<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Self {
        let (empty, others): (Vec<String>, Vec<String>) =
            texts.into_iter().map(|text| text.as_ref().to_owned()).partition(String::is_empty);
        Self { empty: !empty.is_empty(), others }
    }

    /// Only null means "no value".
    pub fn none() -> Self {
        Self { empty: false, others: Vec::new() }
    }

    #[inline]
    pub fn is_missing(&self, text: &str) -> bool {
        if text.is_empty() {
            return self.empty;
        }
        self.others.iter().any(|missing| missing == text)
    }

    /// Adds the index of every row without a value, in order.
    pub fn rows(&self, column: &StringViewArray, out: &mut Vec<u32>) {
        for (row, text) in (0..).zip(column) {
            if text.is_none_or(|text| self.is_missing(text)) {
                out.push(row);
            }
        }
    }

    /// The column with null for every missing value; texts are shared, not copied.
    pub fn nulled(&self, column: &StringViewArray) -> Result<ArrayRef, ArrowError> {
        if !column.iter().flatten().any(|text| self.is_missing(text)) {
            return Ok(Arc::new(column.clone()));
        }
        let missing = column.iter().map(|text| Some(text.is_some_and(|text| self.is_missing(text))));
        nullif(column, &missing.collect::<BooleanArray>())
    }
}
