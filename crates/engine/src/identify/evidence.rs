//! Why a pack was or was not chosen, in words. Names of files and columns, never a value.
//!
//! A file's own column names are told only where half of them are the schema's: without a header a file's first
//! record would pass for one.

use super::{Candidate, TableClaim};

/// How many names a list shows.
const SHOWN_NAMES: usize = 12;

/// One line for a table that has files.
pub(super) fn of_table(claim: &TableClaim) -> String {
    let mut parts = Vec::new();
    parts.push(match claim.files.as_slice() {
        [one] => format!("`{one}`"),
        several => format!("{} files", several.len()),
    });
    if claim.renamed {
        parts.push("known by its columns, under another name".to_owned());
    }
    if claim.missing_columns.is_empty() && claim.extra_columns.is_empty() {
        let order = if claim.in_order { "in the schema's order" } else { "in another order" };
        parts.push(format!("all {} columns {order}", claim.columns));
    }
    if !claim.missing_columns.is_empty() {
        parts.push(format!("lacks {}", list(&claim.missing_columns)));
    }
    if !claim.extra_columns.is_empty() {
        parts.push(format!("also has {}", list(&claim.extra_columns)));
    }
    match claim.agreement {
        Some(share) if claim.disagreeing_columns.is_empty() => {
            debug_assert!(share >= 1.0, "no column disagrees");
            parts.push("values as the schema says".to_owned());
        }
        Some(share) => parts.push(format!(
            "values as the schema says in {:.0} % of the columns, not in {}",
            share * 100.0,
            list(&claim.disagreeing_columns)
        )),
        None => parts.push("no values to compare".to_owned()),
    }
    if claim.damaged > 0 {
        parts.push(format!("{} damaged records in the sample", claim.damaged));
    }
    format!("`{}`: {}", claim.table, parts.join("; "))
}

/// The tables' missing columns as `table.column`.
pub(super) fn missing_columns(candidate: &Candidate) -> String {
    let names: Vec<String> = candidate
        .tables
        .iter()
        .flat_map(|claim| claim.missing_columns.iter().map(move |column| format!("{}.{column}", claim.table)))
        .collect();
    list(&names)
}

/// A candidate with its score.
pub(super) fn scored(candidate: &Candidate) -> String {
    format!("`{}` {} ({:.2})", candidate.system, candidate.version, candidate.score)
}

pub(super) fn list<T: AsRef<str>>(names: &[T]) -> String {
    let shown: Vec<String> =
        names.iter().take(SHOWN_NAMES).map(|name| format!("`{}`", name.as_ref())).collect();
    let more = names.len().saturating_sub(SHOWN_NAMES);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{rest}", shown.join(", "))
}
