//! Rows of a category or a target table that have one key: alike they merge, otherwise the pack's merge rule decides,
//! and without one all are held. So are they where a record that is held already would have been the one that stays.

use arrow::array::RecordBatch;
use chartlift_rules::{Disposition, Keep};

use super::merge::{self, Merged};
use super::overruled;
use super::transform::{Transform, Transformed};
use super::whole::for_patients;
use crate::Error;
use crate::duplicates::{self, Equal};
use crate::keys::{KeySet, KeyWriter, hash_parts};
use crate::layer::{LayerWriter, part_name};
use crate::marks::{Check, Mark, MarkWriter, RowId, RowSet, write_rows};
use crate::report::StageReport;

pub(super) fn settle(
    one: &Transform<'_>,
    keys: Vec<KeyWriter>,
    next_part: usize,
    report: &mut StageReport,
    counts: &mut Vec<u64>,
    marks: &mut MarkWriter,
    made: &mut Transformed,
) -> Result<(), Error> {
    let into = one.file.into.value.as_str();
    let Some(key) = one.into.primary_key.first() else { return Ok(()) };
    let first_check = report.checks.len();
    let check = |code, disposition| Check::new(code, into, disposition).column(&key.value);
    report.checks.push(check("key-conflict", Disposition::Quarantine));
    report.checks.push(check("duplicate-row", Disposition::Note));
    report.checks.push(check("merged-by-rule", Disposition::Note));
    counts.resize(report.checks.len(), 0);
    let keys = KeySet::finish(keys)?;
    let mut candidates = RowSet::default();
    keys.groups(|group| {
        for entry in group {
            let part = u32::try_from(entry.extra).unwrap_or_default().cast_signed();
            candidates.insert(RowId { row: entry.row, part });
        }
    })?;
    let mut settling = Settling { held: RowSet::default(), first_check, counts, marks };
    let mut conflicts = RowSet::default();
    if let Some(merge) = &one.file.merge {
        conflicts = overruled::find(one, merge, &key.value, &keys, &made.held)?;
        candidates.remove(&conflicts);
    }
    let mut different = Vec::new();
    for equal in duplicates::settle(&one.folder, std::slice::from_ref(&key.value), &candidates)? {
        match equal {
            Equal::Same { rows } => {
                made.balance.merged += rows.len() as u64;
                settling.hold(rows, DUPLICATE)?;
            }
            Equal::Different { rows } => different.push(rows),
        }
    }
    match &one.file.merge {
        Some(merge) => {
            let merged = merge::settle(one, merge, &different)?;
            write_made(one, next_part, &merged, made)?;
            for group in merged {
                made.balance.merged += group.gone.len() as u64 - u64::from(merge.keep == Keep::Fill);
                settling.hold(group.gone, BY_RULE)?;
            }
        }
        None => different.into_iter().flatten().for_each(|id| {
            conflicts.insert(id);
        }),
    }
    made.balance.quarantined += conflicts.len();
    settling.hold(conflicts.iter().collect(), CONFLICT)?;
    remember_patients(one, &conflicts, made)?;
    made.conflicts = conflicts;
    if !settling.held.is_empty() {
        write_rows(&one.folder.join("held.parquet"), &settling.held)?;
    }
    let names_patients =
        one.into.extension.patient.as_ref().is_some_and(|patient| patient.value == key.value);
    made.patients = Some(keys).filter(|_| names_patients);
    Ok(())
}

/// The checks, in the order in which they are listed.
const CONFLICT: usize = 0;
const DUPLICATE: usize = 1;
const BY_RULE: usize = 2;

struct Settling<'a> {
    held: RowSet,
    first_check: usize,
    counts: &'a mut Vec<u64>,
    marks: &'a mut MarkWriter,
}

impl Settling<'_> {
    fn hold(&mut self, rows: Vec<RowId>, check: usize) -> Result<(), Error> {
        let check = self.first_check + check;
        for id in rows {
            self.held.insert(id);
            if let Some(count) = self.counts.get_mut(check) {
                *count += 1;
            }
            self.marks.push(Mark { id, check: i32::try_from(check).unwrap_or(i32::MAX) })?;
        }
        Ok(())
    }
}

/// Rows filled from others go into a part of their own.
fn write_made(
    one: &Transform<'_>,
    next_part: usize,
    merged: &[Merged],
    made: &mut Transformed,
) -> Result<(), Error> {
    let rows: Vec<&RecordBatch> = merged.iter().filter_map(|group| group.made.as_ref()).collect();
    let Some(first) = rows.first() else { return Ok(()) };
    let all = arrow::compute::concat_batches(&first.schema(), rows.iter().copied())
        .map_err(|error| Error::query("writing merged rows")(error.into()))?;
    let mut writer = LayerWriter::create(&one.folder.join(part_name(next_part)), &all.schema())?;
    writer.write(&all)?;
    writer.close()?;
    made.digest.add(&all)
}

/// The charts that lack the rows that are held for their keys.
fn remember_patients(one: &Transform<'_>, held: &RowSet, made: &mut Transformed) -> Result<(), Error> {
    let Some(patient) = one.into.extension.patient.as_ref().filter(|_| !held.is_empty()) else {
        return Ok(());
    };
    let defines = one.into.primary_key.first().is_some_and(|key| key.value == patient.value);
    let secret = one.work.secret();
    let charts = if defines { &mut made.absent } else { &mut made.incomplete };
    for_patients(&one.folder, &patient.value, |id, key| {
        if held.contains(id) {
            charts.insert(hash_parts(secret, [key.as_bytes()].into_iter()));
        }
    })
}
