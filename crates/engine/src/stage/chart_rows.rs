//! Whose chart each row of the target is: the patient that a converted row names.

use arrow::array::{Array, AsArray};
use chartlift_rules::TargetTable;

use super::Work;
use super::joining::Joined;
use super::loadable::Loadable;
use crate::Error;
use crate::keys::hash_parts;

/// A patient of an order, led to the system whose record stayed where two systems know the person.
#[derive(Clone, Copy)]
pub(crate) struct Person<'a> {
    /// Another one for each person of the order.
    pub(crate) hash: u64,
    /// The system's place among the order's.
    pub(crate) nth: usize,
    pub(crate) key: &'a str,
}

/// The table's column that names patients.
pub(crate) fn patient_column(table: &TargetTable) -> Option<&str> {
    table.schema.extension.patient.as_ref().map(|patient| patient.value.as_str())
}

/// Whether each row of the table is a patient.
pub(crate) fn defines_patients(table: &TargetTable) -> bool {
    let key = table.schema.primary_key.first().map(|key| key.value.as_str());
    key.is_some() && patient_column(table) == key
}

/// Calls with the source key and the patient of every row of the table that was loaded or matched, of the system at
/// hand. Rows without a patient are left out.
pub(crate) fn chart_rows(
    work: &Work<'_>,
    table: &TargetTable,
    mut each: impl FnMut(&str, Person<'_>),
) -> Result<(), Error> {
    let Some(patient) = patient_column(table) else { return Ok(()) };
    let systems = work.systems()?;
    let joined = Joined::read(work)?;
    let loadable = Loadable::open(work, table)?.with_matched().only(&[patient]);
    for batch in loadable.batches() {
        let batch = batch?;
        let patients = batch.column_by_name(patient).and_then(|column| column.as_string_view_opt());
        let keys = batch.columns().last().and_then(|column| column.as_string_view_opt());
        let (Some(patients), Some(keys)) = (patients, keys) else { continue };
        for row in (0..batch.num_rows()).filter(|row| patients.is_valid(*row) && keys.is_valid(*row)) {
            let (nth, key) = joined.of(patients.value(row)).unwrap_or((work.nth, patients.value(row)));
            let secret = systems.get(nth).unwrap_or(work).secret();
            let hash = hash_parts(secret, [key.as_bytes()].into_iter());
            each(keys.value(row), Person { hash, nth, key });
        }
    }
    Ok(())
}
