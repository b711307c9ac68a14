//! The patients of an order at the end: who is whole, who is incomplete, who is not there at all.

use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray};

use super::Work;
use super::joined_rows::JoinedRows;
use super::loadable::row_ids;
use super::transform::Patients;
use super::validate::Table;
use crate::Error;
use crate::keys::{Secret, hash_parts};
use crate::layer;
use crate::marks::{RowId, read_rows};
use crate::statement::{Patients as PatientCount, Stage};

/// Whole, incomplete, absent: every patient exactly once.
pub(super) fn count_patients(
    work: &Work<'_>,
    systems: &[Work<'_>],
    tables: &[Table],
    joined: &JoinedRows,
    mut known: Patients,
) -> Result<PatientCount, Error> {
    for table in tables.iter().filter(|table| table.touched()) {
        let Some((folder, patient, secret)) = place(systems, table)? else { continue };
        let emptied = |id: RowId| table.emptied.iter().any(|(_, rows)| rows.contains(id));
        for_patients(&folder, patient.column, |id, key| {
            let held = table.held.contains(id);
            if held || emptied(id) {
                let absent = held && patient.defines;
                let set = if absent { &mut known.absent } else { &mut known.incomplete };
                set.insert(joined.person(hash_parts(secret, [key.as_bytes()].into_iter())));
            }
        })?;
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

/// Every row of a layer's folder that names a patient, with the patient's source key.
pub(super) fn for_patients(
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
