//! Who is whole, who is incomplete, who is absent: the same sets that validate counted, read again.

use std::collections::HashMap;
use std::path::PathBuf;

use super::naming::Named;
use super::{Hashes, Identity, Standing, hash_of};
use crate::Error;
use crate::marks::{RowSet, read_rows};
use crate::stage::{Patients, Work, add_lost, emptied_path, for_patients};
use crate::statement::Stage;

/// The patients of an order, by the hash of their source keys.
pub(super) struct Settled {
    /// May hold patients who do not arrive, and some that were never exported.
    pub(super) incomplete: Hashes,
    /// None of them arrives.
    pub(super) absent: Hashes,
    arrived: Option<Hashes>,
    layers: Vec<Layer>,
}

/// A layer in which each row is a patient.
struct Layer {
    folder: PathBuf,
    column: String,
    held: RowSet,
}

/// Reads what the stages up to `reached` remembered of their patients.
pub(super) fn of(work: &Work<'_>, reached: Stage, named: &Named) -> Result<Settled, Error> {
    let mut known = Patients::default();
    if reached == Stage::Check {
        // Nothing has been counted yet: what the held rows say is all there is.
        known.incomplete.extend(&named.incomplete);
        known.absent.extend(&named.absent);
        let incomplete = known.incomplete.difference(&known.absent).copied().collect();
        return Ok(Settled { incomplete, absent: known.absent, arrived: None, layers: Vec::new() });
    }
    for stage in [Stage::Categorize, Stage::Convert] {
        if stage <= reached {
            let more = Patients::read(&work.folder(stage)?)?;
            known.incomplete.extend(more.incomplete);
            known.absent.extend(more.absent);
        }
    }
    if reached == Stage::Validate {
        of_validate(work, &mut known)?;
    }
    let layers = layers(work, reached)?;
    let mut settled = Settled { incomplete: known.incomplete, absent: known.absent, arrived: None, layers };
    let mut arrived = Hashes::new();
    settled.arriving(work, |_, hash| {
        arrived.insert(hash);
    })?;
    settled.absent.retain(|hash| !arrived.contains(hash));
    settled.arrived = Some(arrived);
    Ok(settled)
}

fn of_validate(work: &Work<'_>, known: &mut Patients) -> Result<(), Error> {
    let (converted, validated) = (work.folder(Stage::Convert)?, work.folder(Stage::Validate)?);
    for table in &work.target()?.tables {
        let folder = validated.join(&table.name.value);
        let held = read_rows(&folder.join("held.parquet"))?;
        let mut emptied = Vec::new();
        for column in table.schema.foreign_keys.iter().filter_map(|foreign| foreign.fields.first()) {
            emptied.push(read_rows(&emptied_path(&folder, &column.value))?);
        }
        let emptied: Vec<&RowSet> = emptied.iter().collect();
        add_lost(work.secret(), table, &converted, &held, &emptied, known)?;
    }
    Ok(())
}

fn layers(work: &Work<'_>, reached: Stage) -> Result<Vec<Layer>, Error> {
    let mut layers = Vec::new();
    let defines = |schema: &chartlift_rules::TableSchema| {
        let patient = schema.extension.patient.as_ref().map(|patient| patient.value.clone())?;
        schema.primary_key.first().is_some_and(|key| key.value == patient).then_some(patient)
    };
    if reached == Stage::Categorize {
        let folder = work.folder(reached)?;
        for (name, schema) in &work.environment.project.categories {
            if let Some(column) = defines(schema) {
                let folder = folder.join(name);
                layers.push(Layer { held: read_rows(&folder.join("held.parquet"))?, folder, column });
            }
        }
        return Ok(layers);
    }
    let converted = work.folder(Stage::Convert)?;
    for table in &work.target()?.tables {
        let Some(column) = defines(&table.schema) else { continue };
        let folder = converted.join(&table.name.value);
        let mut held = read_rows(&folder.join("held.parquet"))?;
        if reached == Stage::Validate {
            let validated = work.folder(Stage::Validate)?.join(&table.name.value);
            held.union(read_rows(&validated.join("held.parquet"))?);
        }
        layers.push(Layer { folder, column, held });
    }
    Ok(layers)
}

impl Settled {
    /// Every patient who arrives, or would arrive as far as the order has come.
    pub(super) fn arriving(&self, work: &Work<'_>, mut each: impl FnMut(&str, u64)) -> Result<(), Error> {
        for layer in &self.layers {
            for_patients(&layer.folder, &layer.column, |id, key| {
                if !layer.held.contains(id) {
                    each(key, hash_of(work, key));
                }
            })?;
        }
        Ok(())
    }

    fn standing(&self, hash: u64) -> Option<Standing> {
        if self.absent.contains(&hash) {
            return Some(Standing::Absent);
        }
        let there = self.arrived.as_ref().is_none_or(|arrived| arrived.contains(&hash));
        (there && self.incomplete.contains(&hash)).then_some(Standing::Incomplete)
    }

    /// Whether the patient is in the new system, or will be.
    pub(super) fn arrives(&self, hash: u64) -> bool {
        self.arrived.as_ref().is_some_and(|arrived| arrived.contains(&hash))
    }

    pub(super) fn touched(&self) -> Hashes {
        let both = self.incomplete.iter().chain(&self.absent).copied();
        both.filter(|hash| self.standing(*hash).is_some()).collect()
    }

    /// Each patient who is not whole, once, with the name where one could be read.
    pub(super) fn listed(&self, identities: &mut HashMap<u64, Identity>) -> Vec<(Identity, Standing, u64)> {
        let listed = self.touched().into_iter().filter_map(|hash| {
            let standing = self.standing(hash)?;
            Some((identities.remove(&hash).unwrap_or_default(), standing, hash))
        });
        listed.collect()
    }
}
