//! What the stages recorded of rows that do not arrive as they were: held, merged, left out by name, degraded.

use std::collections::BTreeMap;
use std::path::Path;

use chartlift_rules::{Disposition, RuleFile};

use super::{Comparison, Work};
use crate::Error;
use crate::land::read_rejects;
use crate::marks::{Check, RowId, RowSet, read_all, read_rows};
use crate::produce::{CONVERT_SHIFT, RULE_SHIFT};
use crate::statement::Stage;

/// Fates of a category's entries on their way into one target table. Entries are named as categorize names them: by
/// source row, rule and piece.
#[derive(Default)]
pub(super) struct Settled {
    /// Source rows that check rejected, held or merged, by table.
    rows: BTreeMap<String, RowSet>,
    gone: RowSet,
    /// By field of the category.
    degraded: BTreeMap<String, RowSet>,
}

impl Settled {
    pub(super) fn of(work: &Work<'_>, comparison: &Comparison<'_>, file: &RuleFile) -> Result<Self, Error> {
        let mut settled = Self::default();
        let checked = work.folder(Stage::Check)?;
        for reading in &comparison.readings {
            let folder = checked.join(&reading.source.name.value);
            let mut rows = read_rows(&folder.join("held.parquet"))?;
            read_rejects(&folder, |reject| {
                rows.insert(RowId::source(reject.row));
            })?;
            settled.rows.insert(reading.source.name.value.clone(), rows);
        }
        settled.categorized(work, &file.into.value)?;
        settled.converted(work, comparison)?;
        Ok(settled)
    }

    fn categorized(&mut self, work: &Work<'_>, category: &str) -> Result<(), Error> {
        let folder = work.folder(Stage::Categorize)?.join(category);
        let checks = &work.report(Stage::Categorize)?.checks;
        let Self { gone, degraded, .. } = self;
        each_mark(&folder, checks, |id, rule, check| {
            if leaves_out(check.disposition) {
                // What is left out is named by its source row and piece.
                gone.insert(RowId { row: id.row, part: part(rule, RULE_SHIFT) | id.part });
            } else if let Some(field) = lost_field(check) {
                degraded.entry(field).or_default().insert(id);
            }
        })?;
        self.gone.union(read_rows(&folder.join("held.parquet"))?);
        Ok(())
    }

    fn converted(&mut self, work: &Work<'_>, comparison: &Comparison<'_>) -> Result<(), Error> {
        let name = &comparison.target.name.value;
        let folder = work.folder(Stage::Convert)?.join(name);
        let checks = &work.report(Stage::Convert)?.checks;
        // An entry is gone when every rule that reads the category has left it out.
        let mut by_rule: BTreeMap<usize, RowSet> = BTreeMap::new();
        for file in work.target()?.convert.iter().filter(|file| file.into.value == *name) {
            let from = |rule: usize| file.rules.get(rule).map(|rule| rule.from.value.as_str());
            let category = comparison.carried.category.value.as_str();
            let own = (0..file.rules.len()).filter(|rule| from(*rule) == Some(category));
            by_rule.extend(own.map(|rule| (rule, RowSet::default())));
        }
        let degraded = &mut self.degraded;
        each_mark(&folder, checks, |id, rule, check| {
            if leaves_out(check.disposition) {
                by_rule.entry(rule).and_modify(|rows| {
                    rows.insert(id);
                });
            } else if let Some(column) = lost_field(check) {
                let carried = comparison.carried.facts.iter().filter(|fact| fact.column.value == column);
                for fact in carried {
                    degraded.entry(fact.field.value.clone()).or_default().insert(categorized_id(id));
                }
            }
        })?;
        let validated = work.folder(Stage::Validate)?.join(name);
        for held in [folder.join("held.parquet"), validated.join("held.parquet")] {
            for id in read_rows(&held)?.iter() {
                let rule = usize::try_from(id.part >> CONVERT_SHIFT).unwrap_or_default();
                by_rule.entry(rule).and_modify(|rows| {
                    rows.insert(categorized_id(id));
                });
            }
        }
        let mut sets = by_rule.into_values();
        let Some(first) = sets.next() else { return Ok(()) };
        let others: Vec<RowSet> = sets.collect();
        for id in first.iter().filter(|id| others.iter().all(|other| other.contains(*id))) {
            self.gone.insert(id);
        }
        Ok(())
    }

    /// Whether a stage held, merged or left out the piece that a rule makes of a source row.
    pub(super) fn gone(&self, table: &str, row: i64, rule: usize, piece: i32) -> bool {
        self.rejected(table, row) || self.gone.contains(entry(row, rule, piece))
    }

    /// Whether check rejected, held or merged the whole row.
    pub(super) fn rejected(&self, table: &str, row: i64) -> bool {
        self.rows.get(table).is_some_and(|rows| rows.contains(RowId::source(row)))
    }

    pub(super) fn degraded(&self, field: &str, row: i64, rule: usize, piece: i32) -> bool {
        self.degraded.get(field).is_some_and(|rows| rows.contains(entry(row, rule, piece)))
    }
}

fn entry(row: i64, rule: usize, piece: i32) -> RowId {
    RowId { row, part: part(rule, RULE_SHIFT) | piece }
}

fn part(rule: usize, shift: u32) -> i32 {
    i32::try_from(rule).unwrap_or_default() << shift
}

/// The categorize rule that made a converted row.
pub(super) fn categorize_rule(id: RowId) -> usize {
    usize::try_from(categorized_id(id).part >> RULE_SHIFT).unwrap_or_default()
}

fn categorized_id(id: RowId) -> RowId {
    RowId { row: id.row, part: id.part & ((1 << CONVERT_SHIFT) - 1) }
}

fn leaves_out(disposition: Disposition) -> bool {
    disposition.holds() || disposition == Disposition::Exclude
}

fn lost_field(check: &Check) -> Option<String> {
    (check.disposition == Disposition::Degrade).then(|| check.column.clone()).flatten()
}

/// The marks of rules, with the rule's place in its file.
fn each_mark(
    folder: &Path,
    checks: &[Check],
    mut each: impl FnMut(RowId, usize, &Check),
) -> Result<(), Error> {
    read_all(folder, |mark| {
        let check = usize::try_from(mark.check).ok().and_then(|check| checks.get(check));
        if let Some((check, rule)) = check.and_then(|check| Some((check, check.rule?))) {
            each(mark.id, rule, check);
        }
    })
}
