//! Which patients the rows belong to that check held or could not parse: those charts are incomplete.

use std::collections::HashSet;
use std::path::Path;

use arrow::array::{Array, AsArray};
use datafusion::execution::context::SessionContext;

use super::Work;
use super::held::{HeldRows, rejected};
use super::transform::Patients;
use crate::Error;
use crate::compile::{Origin, Rows};
use crate::keys::hash_parts;
use crate::land;

/// Adds the patients of held rows to `known`; returns how many rejected rows name no patient.
pub(super) async fn of_held_rows(
    work: &Work<'_>,
    context: &SessionContext,
    origins: &[Origin<'_>],
    checked: &Path,
    known: &mut Patients,
) -> Result<u64, Error> {
    let (system, project) = (work.system()?, &work.environment.project);
    let mut unattributed = 0;
    let mut counted = HashSet::new();
    for file in &system.categorize {
        let Some(into) = project.categories.get(&file.into.value) else { continue };
        for rule in &file.rules {
            let Some(origin) = origins.iter().find(|origin| origin.name == rule.from.value) else { continue };
            let folder = checked.join(origin.name);
            let held = HeldRows { context, project, system, origins, rule, into };
            if let Some(rows) = held.quarantined(&folder) {
                name_patients(work, &held, rows, known).await?;
            }
            let first = counted.insert(rule.from.value.as_str());
            let header = work.headers(origin.name);
            for some in land::reject_batches(&folder)? {
                let batch = rejected(&some?, origin.schema, &header)?;
                let rows = batch.num_rows() as u64;
                let named = name_patients(work, &held, Rows::Memory(vec![batch]), known).await?;
                if first {
                    unattributed += rows.saturating_sub(named);
                }
            }
        }
    }
    Ok(unattributed)
}

/// Runs the rule over `rows` for the patient's key alone; returns how many rows name one.
async fn name_patients(
    work: &Work<'_>,
    held: &HeldRows<'_>,
    rows: Rows,
    known: &mut Patients,
) -> Result<u64, Error> {
    let Some(patient) = &held.into.extension.patient else { return Ok(0) };
    let defines = held.into.primary_key.first().is_some_and(|key| key.value == patient.value);
    let set = if defines { &mut known.absent } else { &mut known.incomplete };
    let secret = work.environment.key.secret();
    let mut named = 0;
    held.read(rows, &patient.value, |_, excluded, keys| {
        let keys = keys.as_string_view();
        for (row, excluded) in (0..keys.len()).zip(excluded).filter(|(row, _)| keys.is_valid(*row)) {
            named += 1;
            if *excluded <= 0 {
                set.insert(hash_parts(secret, [keys.value(row).as_bytes()].into_iter()));
            }
        }
    })
    .await?;
    Ok(named)
}
