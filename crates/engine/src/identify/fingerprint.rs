//! Versions that have the same files and columns, told apart by facts about all values of a column.

use std::collections::HashSet;

use chartlift_rules::{Fingerprint, Located, Says, System, pattern_regex};

use super::claim::read;
use super::{FileHead, TableClaim};

/// Rows looked at for a fingerprint: all that the beginning of a file holds.
const ROWS: usize = 100_000;

/// Damaged rows must not decide: a fact that holds for so many values holds, and one that fails for so many fails.
const HOLDS: f64 = 0.9;
const FAILS: f64 = 0.1;

/// What the files say of a pack's fingerprints.
#[derive(Default)]
pub(super) struct Facts {
    pub(super) evidence: Vec<String>,
    /// At least one does not hold.
    pub(super) against: bool,
}

pub(super) fn facts(system: &System, claims: &[TableClaim], files: &[FileHead], field_bytes: usize) -> Facts {
    let mut facts = Facts::default();
    let sample = Sampling { system, claims, files, field_bytes };
    for fingerprint in &system.fingerprints {
        let Some((share, count, what)) = sample.share(fingerprint) else { continue };
        let place = format!("`{}.{}`", fingerprint.table.value, fingerprint.column.value);
        if share >= HOLDS {
            facts.evidence.push(format!("the values of {place} {what}"));
        } else if share <= FAILS {
            facts.against = true;
            facts.evidence.push(format!("of {count} values of {place} hardly any {what}"));
        }
    }
    facts
}

struct Sampling<'a> {
    system: &'a System,
    claims: &'a [TableClaim],
    files: &'a [FileHead],
    field_bytes: usize,
}

/// The different values of a column, and whether the whole file was read.
struct Values {
    values: HashSet<String>,
    whole: bool,
}

impl Sampling<'_> {
    /// The share of values that are as the fingerprint says, how many there are, and the fact in words. `None`: the
    /// files cannot tell.
    fn share(&self, fingerprint: &Fingerprint) -> Option<(f64, usize, String)> {
        let found = self.values(&fingerprint.table, &fingerprint.column)?.values;
        let count = found.len();
        let (fitting, what) = match &fingerprint.says {
            Says::Pattern(pattern) => {
                let regex = pattern_regex(&pattern.value).ok()?;
                let fitting = found.iter().filter(|value| regex.is_match(value)).count();
                (fitting, format!("match `{}`", pattern.value))
            }
            Says::AllIn { table, column } => {
                let known = self.values(table, column)?;
                let fitting = found.iter().filter(|value| known.values.contains(*value)).count();
                // What is not among the first rows may be among the others; what is among them speaks for itself.
                let fitting = if !known.whole && fitting > 0 { count } else { fitting };
                (fitting, format!("are values of `{}.{}`", table.value, column.value))
            }
        };
        if count == 0 {
            return None;
        }
        Some((fitting as f64 / count as f64, count, what))
    }

    fn values(&self, table: &Located<String>, column: &Located<String>) -> Option<Values> {
        let source = self.system.table(&table.value)?;
        let claim = self.claims.iter().find(|claim| claim.table == table.value)?;
        let mut all = Values { values: HashSet::new(), whole: true };
        for file in self.files.iter().filter(|file| claim.files.contains(&file.name)) {
            let sample = read(source, file, ROWS, self.field_bytes)?;
            let at = match sample.header.as_slice() {
                [] => source.schema.position(&column.value)?,
                header => header.iter().position(|name| *name == column.value)?,
            };
            all.whole &= file.size <= file.head.len() as u64;
            let values = sample.rows.into_iter().filter_map(|row| row.into_iter().nth(at).flatten());
            all.values.extend(values.filter(|value| !value.is_empty()));
        }
        Some(all)
    }
}
