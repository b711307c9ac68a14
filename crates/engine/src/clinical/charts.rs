//! From numbers to texts, some charts at a time: what stood in the rows that were held or lost a value.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chartlift_rules::{FieldValue, RuleFile};

use super::cells::{each_row, source_rows, text_at, text_of};
use super::index::{Entry, Index, Kind, Level, place_of};
use super::{Cell, Chart, Identity, Problem, Reason, Standing};
use crate::Error;
use crate::marks::RowId;
use crate::run::marked::place;
use crate::stage::Work;
use crate::statement::Stage;

/// Charts whose texts are in memory at once. Each time the layers concerned are read once.
const CHARTS_AT_ONCE: usize = 2_000;

pub(super) fn each<E: From<Error>>(
    work: &Work<'_>,
    index: &Index,
    touched: &[(Identity, Standing, u64)],
    each: &mut impl FnMut(Chart) -> Result<(), E>,
) -> Result<(), E> {
    for some in touched.chunks(CHARTS_AT_ONCE) {
        let entries: Vec<Entry> = some.iter().flat_map(|(_, _, hash)| index.of(*hash)).copied().collect();
        let texts = Texts::read(work, index, &entries)?;
        for (identity, standing, hash) in some {
            let problems = texts.problems(work, index, index.of(*hash))?;
            each(Chart { identity: identity.clone(), standing: *standing, problems })?;
        }
    }
    Ok(())
}

pub(super) fn chartless(work: &Work<'_>, index: &Index, most: usize) -> Result<(Vec<Problem>, usize), Error> {
    let rows: BTreeSet<i64> = index.chartless.iter().map(|entry| entry.row).collect();
    let some: BTreeSet<i64> = rows.iter().copied().take(most).collect();
    let entries: Vec<Entry> =
        index.chartless.iter().filter(|entry| some.contains(&entry.row)).copied().collect();
    let texts = Texts::read(work, index, &entries)?;
    Ok((texts.problems(work, index, &entries)?, rows.len()))
}

/// The texts that some entries need.
struct Texts {
    rows: HashMap<i64, Vec<Cell>>,
    /// What a made row lost or was held for, by level, row and field.
    lost: HashMap<(Level, RowId), HashMap<String, String>>,
}

impl Texts {
    fn read(work: &Work<'_>, index: &Index, entries: &[Entry]) -> Result<Self, Error> {
        let held = entries.iter().filter(|entry| index.holds(entry));
        let rows = source_rows(work, &held.map(|entry| entry.row).collect())?;
        let mut wanted: BTreeMap<&Level, HashMap<RowId, BTreeSet<&str>>> = BTreeMap::new();
        for entry in entries {
            let Some(kind) = index.kind_of(entry).filter(|kind| kind.level != Level::Source) else {
                continue;
            };
            let Some(column) = kind.check.column.as_deref() else { continue };
            let id = RowId { row: entry.row, part: entry.part };
            wanted.entry(&kind.level).or_default().entry(id).or_default().insert(column);
        }
        let mut lost: HashMap<(Level, RowId), HashMap<String, String>> = HashMap::new();
        for (level, rows) in wanted {
            let Some((folder, _)) = place_of(work, level)? else { continue };
            each_row(&folder, None, |batch, row, id| {
                let Some(columns) = rows.get(&id) else { return Ok(()) };
                let degraded: serde_json::Value = text_at(batch, "_degraded", row)
                    .and_then(|text| serde_json::from_str(text).ok())
                    .unwrap_or_default();
                let found = lost.entry((level.clone(), id)).or_default();
                for column in columns {
                    // What was lost stands beside the row; what a reference was emptied of still stands in it.
                    let kept = degraded.get(*column).and_then(|text| text.as_str()).map(str::to_owned);
                    let text = kept.or_else(|| text_of(batch.column_by_name(column)?, row));
                    found.extend(text.map(|text| ((*column).to_owned(), text)));
                }
                Ok(())
            })?;
        }
        Ok(Self { rows, lost })
    }

    /// One problem for each source row, in the order of the files.
    fn problems(&self, work: &Work<'_>, index: &Index, entries: &[Entry]) -> Result<Vec<Problem>, Error> {
        let sources = &work.report(Stage::Check)?.sources;
        let mut problems: BTreeMap<i64, Problem> = BTreeMap::new();
        // A reference that was emptied in a row that is held as well is nobody's concern.
        let held: BTreeSet<(&Level, i64, i32)> = entries
            .iter()
            .filter_map(|entry| Some((&index.kind_of(entry)?.level, entry)).filter(|_| index.holds(entry)))
            .map(|(level, entry)| (level, entry.row, entry.part))
            .collect();
        for entry in entries {
            let Some(kind) = index.kind_of(entry) else { continue };
            if !kind.holds() && held.contains(&(&kind.level, entry.row, entry.part)) {
                continue;
            }
            let problem = problems.entry(entry.row).or_insert_with(|| {
                let place = place(entry.row);
                let file = place.file.and_then(|file| sources.get(file));
                Problem {
                    table: file.and_then(|file| file.table.clone()).unwrap_or_default(),
                    file: file.map(|file| file.file.clone()).unwrap_or_default(),
                    record: place.record,
                    held: false,
                    reasons: Vec::new(),
                    row: Vec::new(),
                }
            });
            if kind.holds() {
                problem.held = true;
                problem.row = self.rows.get(&entry.row).cloned().unwrap_or_default();
            }
            let reason = self.reason(work, kind, entry, &problem.table, &problem.row);
            if !problem.reasons.contains(&reason) {
                problem.reasons.push(reason);
            }
        }
        Ok(problems.into_values().collect())
    }

    fn reason(&self, work: &Work<'_>, kind: &Kind, entry: &Entry, table: &str, row: &[Cell]) -> Reason {
        let column = kind.check.column.as_deref();
        let label = column.map(|column| label(work, kind, column));
        let text = column.and_then(|column| match &kind.level {
            Level::Source => {
                // A category's field stands in the row under the name of the column that it is copied from.
                let name = if kind.check.table == table { Some(column) } else { label.as_deref() };
                row.iter().find(|cell| Some(cell.name.as_str()) == name).map(|cell| cell.text.clone())
            }
            level => {
                let id = RowId { row: entry.row, part: entry.part };
                self.lost.get(&(level.clone(), id)).and_then(|lost| lost.get(column).cloned())
            }
        });
        Reason {
            stage: kind.stage,
            code: kind.check.code.clone(),
            disposition: kind.check.disposition,
            label,
            detail: kind.check.name.clone(),
            text,
            shown: if kind.holds() { None } else { shown(work, kind) },
        }
    }
}

/// The name under which the clinic knows a field: its column in the old system, where a rule takes it from one.
fn label(work: &Work<'_>, kind: &Kind, column: &str) -> String {
    let from = || {
        let (system, target) = (work.system().ok()?, work.target().ok());
        match (kind.stage, &kind.level) {
            (Stage::Categorize, _) => {
                let layer = match &kind.level {
                    Level::Category(name) => name.as_str(),
                    _ => kind.check.table.as_str(),
                };
                copied(system.rule_file(layer)?, kind.check.name.as_deref(), column)
            }
            (_, Level::Converted(table)) => {
                let file = target?.rule_file(table)?;
                let field = copied(file, kind.check.name.as_deref(), column)?;
                let category = file.rules.first()?.from.value.as_str();
                copied(system.rule_file(category)?, None, &field).or(Some(field))
            }
            _ => None,
        }
    };
    from().unwrap_or_else(|| column.to_owned())
}

/// The column that a field is copied from, by the named rule where there is one of the name.
fn copied(file: &RuleFile, rule: Option<&str>, field: &str) -> Option<String> {
    let named = file.rules.iter().find(|one| Some(one.name.value.as_str()) == rule);
    let rule = named.or(file.rules.first())?;
    match &rule.field(field)?.value {
        FieldValue::Column(name) => Some(name.value.clone()),
        FieldValue::Text(_) | FieldValue::Sql(_) | FieldValue::Lines { .. } => None,
    }
}

/// Where the new system shows what a row has lost.
fn shown(work: &Work<'_>, kind: &Kind) -> Option<(String, String)> {
    let target = work.target().ok()?;
    let table = match &kind.level {
        Level::Converted(name) => target.table(name)?,
        Level::Category(category) => {
            let takes = |file: &&RuleFile| file.rules.iter().any(|rule| rule.from.value == *category);
            target.table(&target.convert.iter().find(takes)?.into.value)?
        }
        Level::Source => return None,
    };
    Some((table.database_name().to_owned(), table.schema.extension.hold.as_ref()?.value.clone()))
}
