//! After landing: which rows repeat a key, which refer to nothing, which are the nth of their kind.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};

use super::TableJob;
use super::keys::{KeyWriters, REJECTED};
use crate::Error;
use crate::duplicates::{self, Equal};
use crate::keys::{Entry, KeySet};
use crate::layer::LayerWriter;
use crate::marks::{Check, Mark, MarkWriter, RowId, RowSet};

/// What the keys of one table came to.
#[derive(Default)]
pub(crate) struct Settled {
    /// Rows by check number, of the stage's list.
    pub counts: Vec<(usize, u64)>,
    pub quarantined: RowSet,
    /// Rows equal to an earlier one in every byte.
    pub merged: RowSet,
    pub occurrences: Option<PathBuf>,
}

/// Settles all tables. `merged_checks` gives for each table the check that merged rows are marked with.
pub(crate) fn settle(
    tables: &[TableJob<'_>],
    remembered: Vec<Vec<KeyWriters>>,
    checks: &[Check],
    merged_checks: &[usize],
) -> Result<Vec<Settled>, Error> {
    let mut keys: Vec<Vec<KeySet>> = Vec::new();
    let mut references: Vec<Vec<KeySet>> = Vec::new();
    for (table, writers) in tables.iter().zip(remembered) {
        let (mut own, mut outgoing) = (Vec::new(), Vec::new());
        own.resize_with(table.keys.keys.len(), Vec::new);
        outgoing.resize_with(table.keys.references.len(), Vec::new);
        for one in writers {
            own.iter_mut().zip(one.keys).for_each(|(all, writer)| all.push(writer));
            outgoing.iter_mut().zip(one.references).for_each(|(all, writer)| all.push(writer));
        }
        keys.push(own.into_iter().map(KeySet::finish).collect::<Result<_, Error>>()?);
        references.push(outgoing.into_iter().map(KeySet::finish).collect::<Result<_, Error>>()?);
    }
    let mut all = Vec::new();
    for (number, table) in tables.iter().enumerate() {
        let mut marks = MarkWriter::new(table.folder.join("marks-keys.parquet"));
        let mut settled = Settled::default();
        let own = keys.get(number).map(Vec::as_slice).unwrap_or_default();
        let merged_check = merged_checks.get(number).copied().unwrap_or_default();
        repeated(table, own, checks, merged_check, &mut settled, &mut marks)?;
        let outgoing = references.get(number).map(Vec::as_slice).unwrap_or_default();
        for (reference, children) in table.keys.references.iter().zip(outgoing) {
            let Some(parents) = keys.get(reference.parent.0).and_then(|keys| keys.get(reference.parent.1))
            else {
                continue;
            };
            dangling(reference.check, children, parents, checks, &mut settled, &mut marks)?;
        }
        marks.close()?;
        settled.occurrences = occurrences(table, own)?;
        all.push(settled);
    }
    Ok(all)
}

/// Equal keys: byte-identical rows merge into the first, others are all marked.
fn repeated(
    table: &TableJob<'_>,
    keys: &[KeySet],
    checks: &[Check],
    merged_check: usize,
    settled: &mut Settled,
    marks: &mut MarkWriter,
) -> Result<(), Error> {
    for (key, set) in table.keys.keys.iter().zip(keys) {
        let Some(check) = key.unique else { continue };
        let mut candidates = RowSet::default();
        set.groups(|group| {
            let rows: Vec<&Entry> = group.iter().filter(|entry| entry.extra != REJECTED).collect();
            if rows.len() > 1 {
                rows.iter().for_each(|entry| {
                    candidates.insert(RowId::source(entry.row));
                });
            }
        })?;
        for equal in duplicates::settle(&table.folder, &key.columns, &candidates)? {
            match equal {
                Equal::Same { rows } => {
                    for id in rows {
                        if settled.merged.insert(id) {
                            marks.push(Mark { id, check: number(merged_check) })?;
                            count(settled, merged_check);
                        }
                    }
                }
                Equal::Different { rows } => {
                    let holds = checks.get(check).is_some_and(|check| check.disposition.holds());
                    for id in rows {
                        marks.push(Mark { id, check: number(check) })?;
                        count(settled, check);
                        if holds {
                            settled.quarantined.insert(id);
                        }
                    }
                }
            }
        }
    }
    Ok(())
}

fn dangling(
    check: usize,
    children: &KeySet,
    parents: &KeySet,
    checks: &[Check],
    settled: &mut Settled,
    marks: &mut MarkWriter,
) -> Result<(), Error> {
    let holds = checks.get(check).is_some_and(|check| check.disposition.holds());
    let mut rows = Vec::new();
    children.missing_from(parents, |child| rows.push(child.row))?;
    rows.sort_unstable();
    for row in rows {
        let id = RowId::source(row);
        marks.push(Mark { id, check: number(check) })?;
        count(settled, check);
        if holds {
            settled.quarantined.insert(id);
        }
    }
    Ok(())
}

/// Numbers the rows of equal declared keys; only those beyond the first are written.
fn occurrences(table: &TableJob<'_>, keys: &[KeySet]) -> Result<Option<PathBuf>, Error> {
    let Some((_, set)) = table.keys.keys.iter().zip(keys).find(|(key, _)| key.numbered) else {
        return Ok(None);
    };
    let mut numbered: Vec<(i64, i64)> = Vec::new();
    set.groups(|group| {
        let mut rows: Vec<i64> = group.iter().map(|entry| entry.row).collect();
        rows.sort_unstable();
        numbered.extend(rows.into_iter().zip(1_i64..).skip(1));
    })?;
    if numbered.is_empty() {
        return Ok(None);
    }
    numbered.sort_unstable();
    let path = table.folder.join("occurrences.parquet");
    write_occurrences(&path, &numbered)?;
    Ok(Some(path))
}

fn write_occurrences(path: &Path, numbered: &[(i64, i64)]) -> Result<(), Error> {
    let schema = Arc::new(Schema::new(vec![
        Field::new("_row", DataType::Int64, false),
        Field::new("_occurrence", DataType::Int64, false),
    ]));
    let mut writer = LayerWriter::create(path, &schema)?;
    for some in numbered.chunks(64 << 10) {
        let batch = RecordBatch::try_new(
            Arc::clone(&schema),
            vec![
                Arc::new(Int64Array::from_iter_values(some.iter().map(|one| one.0))),
                Arc::new(Int64Array::from_iter_values(some.iter().map(|one| one.1))),
            ],
        )
        .map_err(|error| Error::query("writing occurrence numbers")(error.into()))?;
        writer.write(&batch)?;
    }
    writer.close()
}

fn count(settled: &mut Settled, check: usize) {
    match settled.counts.iter_mut().find(|(known, _)| *known == check) {
        Some((_, rows)) => *rows += 1,
        None => settled.counts.push((check, 1)),
    }
}

fn number(check: usize) -> i32 {
    i32::try_from(check).unwrap_or(i32::MAX)
}
