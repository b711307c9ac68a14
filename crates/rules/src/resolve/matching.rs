//! The parts by which a target table's rows are matched: columns that rules fill, each once.

use std::collections::HashSet;

use super::schemas::check_field;
use crate::entries::Problems;
use crate::{Diagnostic, Fill, Located, TableSchema};

/// `key` is the table's primary key.
pub(super) fn check(schema: &TableSchema, key: &Located<String>, problems: &mut Problems) {
    if let Fill::Columns(columns) = &schema.extension.fill {
        for column in columns {
            check_field(column, schema, problems);
            let hold = schema.extension.hold.as_ref().is_some_and(|hold| hold.value == column.value);
            if hold || column.value == key.value {
                let message = format!("`{}` is not filled in: it is the key, or shows holds", column.value);
                let problem = Diagnostic::error("match-shape", column.place, message);
                problems.push(problem.help("leave it out"));
            }
        }
    }
    for alternative in &schema.extension.alternatives {
        let mut seen = HashSet::new();
        for part in alternative {
            check_field(part, schema, problems);
            let (message, help) = if part.value == key.value {
                let help = "it holds the source key, which the target does not know: name columns that both sides have";
                (format!("`{}` is the key, and no row can be found by it", part.value), help)
            } else if schema.extension.hold.as_ref().is_some_and(|hold| hold.value == part.value) {
                (format!("`{}` shows holds, and no row can be found by it", part.value), "name other columns")
            } else if !seen.insert(part.value.as_str()) {
                (format!("`{}` stands twice in one alternative", part.value), "keep one of the two")
            } else {
                continue;
            };
            problems.push(Diagnostic::error("match-shape", part.place, message).help(help));
        }
    }
}
