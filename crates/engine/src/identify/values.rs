//! Do the values of a sample look as the schema says? Counted by column, so that a damaged row weighs nothing.

use std::collections::BTreeSet;

use arrow::array::StringViewArray;
use chartlift_rules::{FieldType, TableSchema};

use crate::constraints::{ColumnCheck, Missing, text_checks};

/// The columns of a sample that can tell anything: with a type or a form, and with values.
#[derive(Debug, Default)]
pub(super) struct Agreement {
    /// Most values are as the schema says.
    pub(super) agreeing: usize,
    /// Most values are not.
    pub(super) disagreeing: Vec<String>,
}

impl Agreement {
    /// The share of agreeing columns; none when no column can tell.
    pub(super) fn share(&self) -> Option<f64> {
        let all = self.agreeing + self.disagreeing.len();
        (all > 0).then(|| self.agreeing as f64 / all as f64)
    }
}

/// What a table's schema expects of its values.
pub(super) struct Expected {
    checks: Vec<ColumnCheck>,
    missing: Missing,
}

impl Expected {
    pub(super) fn new(schema: &TableSchema, timezone: &str) -> Self {
        let (mut checks, _) = text_checks(schema, timezone);
        // Any text is a string, and no value at all tells nothing about the system.
        checks.retain(|check| match check.constraint {
            "type" => schema.field(&check.column).is_some_and(|field| field.kind != FieldType::String),
            constraint => matches!(constraint, "pattern" | "enum"),
        });
        Self { checks, missing: Missing::new(&schema.missing_values) }
    }

    pub(super) fn agreement(&self, header: &[String], rows: &[Vec<Option<String>>]) -> Agreement {
        let mut agreement = Agreement::default();
        for (at, name) in header.iter().enumerate() {
            let checks: Vec<&ColumnCheck> =
                self.checks.iter().filter(|check| check.column == *name).collect();
            let values: StringViewArray = rows
                .iter()
                .filter_map(|row| row.get(at)?.as_deref())
                .filter(|text| !self.missing.is_missing(text))
                .map(Some)
                .collect();
            let count = values.iter().count();
            if checks.is_empty() || count == 0 {
                continue;
            }
            let mut failed = Vec::new();
            checks.iter().for_each(|check| check.failures(&values, &mut failed));
            let failed: BTreeSet<u32> = failed.into_iter().collect();
            if failed.len() * 2 < count {
                agreement.agreeing += 1;
            } else {
                agreement.disagreeing.push(name.clone());
            }
        }
        agreement
    }
}
