//! The patients of an order at the end: who is whole, who is incomplete, who is not there at all.

use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray};
use chartlift_rules::TargetTable;

use super::Work;
use super::joined_rows::JoinedRows;
use super::loadable::row_ids;
use super::transform::Patients;
use super::validate::Table;
use crate::Error;
use crate::keys::{Secret, hash_parts};
use crate::layer;
use crate::marks::{RowId, RowSet, read_rows};
use crate::statement::{Patients as PatientCount, Stage};

/// Whole, incomplete, absent: every patient exactly once.
pub(super) fn count_patients(
    work: &Work<'_>,
    systems: &[Work<'_>],
    tables: &[Table],
    joined: &JoinedRows,
    mut known: Patients,
) -> Result<PatientCount, Error> {
    for table in tables {
        let Some(work) = systems.get(table.nth) else { continue };
        let Some(pack) = work.target()?.table(&table.name) else { continue };
        let emptied: Vec<&RowSet> = table.emptied.iter().map(|(_, rows)| rows).collect();
        let converted = work.folder(Stage::Convert)?;
        let mut lost = Patients::default();
        add_lost(work.secret(), pack, &converted, &table.held, &emptied, &mut lost)?;
        lost.lead(|patient| joined.person(patient));
        known.add(lost);
    }
    let exported = work.report(Stage::Categorize)?.patients.clone().unwrap_or_default();
    let mut count = PatientCount { unattributed: exported.unattributed, ..PatientCount::default() };
    let mut defined = false;
    for table in tables {
        let Some((folder, patient, secret)) = place(systems, table)?.filter(|(_, one, _)| one.defines) else {
            continue;
        };
        defined = true;
        let held_before = read_rows(&folder.join("held.parquet"))?;
        let hash = |key: &str| hash_parts(secret, [key.as_bytes()].into_iter());
        for_patients(&folder, patient.column, |id, key| {
            if held_before.contains(id) {
                known.absent.insert(hash(key));
            }
        })?;
        for_patients(&folder, patient.column, |id, key| {
            if table.held.contains(id) || held_before.contains(id) {
                return;
            }
            let hash = hash(key);
            known.absent.remove(&hash);
            if known.incomplete.contains(&hash) { count.incomplete += 1 } else { count.whole += 1 }
        })?;
    }
    count.absent = known.absent.len() as u64;
    // Counted where the patients came from. A target without patients has nothing to hold against that.
    count.exported = if defined { exported.exported } else { count.absent };
    Ok(count)
}

/// The column of a table that names patients.
struct PatientColumn<'a> {
    column: &'a str,
    /// Its rows are the patients.
    defines: bool,
}

/// Where a table's converted rows are, which column names their patients, and what its keys are hashed with.
fn place<'a>(
    systems: &[Work<'a>],
    table: &Table,
) -> Result<Option<(PathBuf, PatientColumn<'a>, Secret)>, Error> {
    let Some(work) = systems.get(table.nth) else { return Ok(None) };
    let schema = work.target()?.table(&table.name).map(|table| &table.schema);
    let Some((schema, column)) = schema.and_then(|schema| Some((schema, schema.extension.patient.as_ref()?)))
    else {
        return Ok(None);
    };
    let column = column.value.as_str();
    let defines = schema.primary_key.first().is_some_and(|key| key.value == column);
    let folder = work.folder(Stage::Convert)?.join(&table.name);
    Ok(Some((folder, PatientColumn { column, defines }, work.secret())))
}

/// Adds the patients of the rows that validate held, and of those whose references it emptied.
pub(crate) fn add_lost(
    secret: Secret,
    pack: &TargetTable,
    converted: &Path,
    held: &RowSet,
    emptied: &[&RowSet],
    known: &mut Patients,
) -> Result<(), Error> {
    let Some(patient) = &pack.schema.extension.patient else { return Ok(()) };
    if held.is_empty() && emptied.iter().all(|rows| rows.is_empty()) {
        return Ok(());
    }
    let defines = pack.schema.primary_key.first().is_some_and(|key| key.value == patient.value);
    for_patients(&converted.join(&pack.name.value), &patient.value, |id, key| {
        if held.contains(id) || emptied.iter().any(|rows| rows.contains(id)) {
            let set = if defines && held.contains(id) { &mut known.absent } else { &mut known.incomplete };
            set.insert(hash_parts(secret, [key.as_bytes()].into_iter()));
        }
    })
}

/// Every row of a layer's folder that names a patient, with the patient's source key.
pub(crate) fn for_patients(
    folder: &Path,
    column: &str,
    mut each: impl FnMut(RowId, &str),
) -> Result<(), Error> {
    for part in layer::parts(folder)? {
        for batch in layer::batches_of(&part, Some(&["_row", "_part", column]))? {
            let batch = batch?;
            let Some(keys) = batch.column_by_name(column).and_then(|keys| keys.as_string_view_opt()) else {
                continue;
            };
            for (row, id) in row_ids(&batch).into_iter().enumerate().filter(|(row, _)| keys.is_valid(*row)) {
                each(id, keys.value(row));
            }
        }
    }
    Ok(())
}
