//! Which patients the rows belong to that check held or could not parse: those charts are incomplete.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Int32Type, Int64Type};
use roaring::RoaringTreemap;

use super::held_rows::{Held, HeldRows};
use super::transform::Patients;
use crate::Error;
use crate::keys::hash_parts;

/// Adds the patients of held rows to `known`; returns how many rejects name no patient, whichever rule is asked.
pub(super) async fn of_held_rows(held: &HeldRows<'_>, known: &mut Patients) -> Result<u64, Error> {
    let system = held.work.system()?;
    let (mut rejects, mut named) = (RoaringTreemap::new(), RoaringTreemap::new());
    for file in &system.categorize {
        let Some(into) = held.work.environment.project.categories.get(&file.into.value) else { continue };
        let patient = into.extension.patient.as_ref().map(|patient| patient.value.as_str());
        let defines = into.primary_key.first().is_some_and(|key| Some(key.value.as_str()) == patient);
        for rule in &file.rules {
            let set = if defines { &mut known.absent } else { &mut known.incomplete };
            for rows in held.of(rule, into).await? {
                let all = rows.rejects;
                read(rows, patient, |found| {
                    if all {
                        rejects.insert(found.row.cast_unsigned());
                    }
                    let Some(key) = found.patient else { return };
                    named.insert(found.row.cast_unsigned());
                    if !found.excluded {
                        set.insert(hash_parts(held.work.secret(), [key.as_bytes()].into_iter()));
                    }
                })
                .await?;
            }
        }
    }
    Ok((rejects - named).len())
}

/// A held row as a rule sees it.
struct Found<'a> {
    row: i64,
    excluded: bool,
    patient: Option<&'a str>,
}

async fn read(rows: Held, patient: Option<&str>, mut each: impl FnMut(Found<'_>)) -> Result<(), Error> {
    // Without patients only rejects are counted.
    if patient.is_none() && !rows.rejects {
        return Ok(());
    }
    let wanted: Vec<&str> = ["_row", "_exclude", "_fan"].into_iter().chain(patient).collect();
    rows.each(&wanted, |batch| {
        let ids = batch.column(0).as_primitive::<Int64Type>();
        let excluded = batch.column(1).as_primitive::<Int32Type>();
        let fan = batch.column(2).as_boolean();
        let keys = patient.map(|_| batch.column(3).as_string_view());
        for row in 0..batch.num_rows() {
            each(Found {
                row: ids.value(row),
                excluded: excluded.value(row) > 0 && !fan.value(row),
                patient: keys.filter(|keys| keys.is_valid(row)).map(|keys| keys.value(row)),
            });
        }
    })
    .await
}
