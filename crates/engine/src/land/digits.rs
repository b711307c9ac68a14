//! Columns of fixed digits: does the column as a whole show that a spreadsheet took its leading zeros?
//!
//! A spreadsheet that reads `02139` as a number writes `2139`, and does so to the whole column: afterwards no value begins
//! with a zero, all are digits, and the short ones are valid once they have their zeros again. Where anything speaks
//! against that, short values mean something else.

use arrow::array::{AsArray, RecordBatch, StringViewArray};
use chartlift_rules::TableSchema;
use serde::{Deserialize, Serialize};

use crate::constraints::{ColumnCheck, Missing};

/// What the values of a column are; those that mean "no value" left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigitCounts {
    /// Digits that the schema asks for.
    pub width: u32,
    /// As many digits as that, none of them a leading zero.
    pub full: u64,
    /// Digits that begin with a zero.
    pub zero: u64,
    /// Fewer digits.
    pub short: u64,
    /// Not digits, or too many.
    pub other: u64,
    /// Short values that a constraint of the column refuses also with their zeros.
    pub invalid: u64,
}

impl DigitCounts {
    pub(crate) fn lost_zeros(&self) -> bool {
        self.short > 0 && self.zero == 0 && self.other == 0 && self.invalid == 0
    }

    /// The evidence in words and counts.
    pub(crate) fn evidence(&self) -> String {
        let Self { width, full, zero, short, other, invalid } = self;
        let all = full + zero + short + other;
        format!(
            "of {all} values {short} have fewer than {width} digits, {zero} begin with 0, {other} are no such number, \
             {invalid} stay invalid with zeros"
        )
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.width = other.width;
        self.full += other.full;
        self.zero += other.zero;
        self.short += other.short;
        self.other += other.other;
        self.invalid += other.invalid;
    }
}

/// A column to look at while its table lands.
pub(crate) struct DigitColumn {
    pub column: String,
    width: u32,
    missing: Missing,
}

/// The columns of a schema whose constraints fix how many digits they have.
pub(crate) fn digit_columns(schema: &TableSchema) -> Vec<DigitColumn> {
    let fields = schema.fields.iter().filter(|field| !field.extension.keep_never);
    fields
        .filter_map(|field| {
            Some(DigitColumn {
                column: field.name.value.clone(),
                width: field.fixed_digits()?,
                missing: Missing::new(&schema.missing_values),
            })
        })
        .collect()
}

impl DigitColumn {
    /// Counts a batch's values. `checks` are those of the table.
    pub(super) fn count(&self, batch: &RecordBatch, checks: &[ColumnCheck]) -> DigitCounts {
        let mut counts = DigitCounts { width: self.width, ..DigitCounts::default() };
        let Some(values) = batch.column_by_name(&self.column).and_then(|column| column.as_string_view_opt())
        else {
            return counts;
        };
        let width = self.width as usize;
        let mut padded = Vec::new();
        for value in values.iter().flatten().filter(|value| !self.missing.is_missing(value)) {
            let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
            match value.len() {
                length if !digits || length > width => counts.other += 1,
                _ if value.starts_with('0') => counts.zero += 1,
                length if length == width => counts.full += 1,
                _ => {
                    counts.short += 1;
                    padded.push(format!("{value:0>width$}"));
                }
            }
        }
        if !padded.is_empty() {
            let padded = StringViewArray::from_iter_values(padded);
            let mut failed = Vec::new();
            checks.iter().filter(|check| check.column == self.column).for_each(|check| {
                check.failures(&padded, &mut failed);
            });
            failed.sort_unstable();
            failed.dedup();
            counts.invalid = failed.len() as u64;
        }
        counts
    }
}
