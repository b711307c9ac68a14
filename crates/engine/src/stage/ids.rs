//! The keys that rows have in the target: made from source keys, one key space a system and table; and the further
//! names of patients that are known in several systems.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, FixedSizeBinaryBuilder, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use chartlift_io::target::{KeyKind, Load, Role, TableSpec};
use chartlift_rules::TargetTable;

use super::Work;
use super::joining::{Joined, joined_tables};
use super::linked::Assigned;
use super::loadable::table_spec;
use crate::Error;
use crate::project_key::IdMaker;

/// Makes target keys from source keys, and finds those that the target assigned.
pub(super) struct Ids<'a> {
    makers: BTreeMap<String, Maker>,
    assigned: &'a Assigned,
    /// Patients whose rows are another system's.
    joined: Joined,
}

/// Makes the keys of one column.
struct Maker {
    own: IdMaker,
    /// Of each system, where the column may name patients that are joined.
    others: Vec<IdMaker>,
}

impl Maker {
    fn make(&self, joined: &Joined, key: &str) -> [u8; 16] {
        let other = joined.of(key).and_then(|(system, key)| Some((self.others.get(system)?, key)));
        other.map_or_else(|| self.own.make(key), |(maker, key)| maker.make(key))
    }
}

impl<'a> Ids<'a> {
    pub(super) fn new(work: &Work<'_>, spec: &TableSpec, assigned: &'a Assigned) -> Result<Self, Error> {
        let joined = Joined::read(work)?;
        let joined_tables = if joined.is_empty() { Vec::new() } else { joined_tables(work.target()?) };
        let mut makers = BTreeMap::new();
        for column in &spec.columns {
            let keyspace = match &column.role {
                Role::Key(KeyKind::Uuid) => &spec.keyspace,
                Role::Reference { table, kind: KeyKind::Uuid } => table,
                _ => continue,
            };
            let leads = joined_tables.iter().any(|table| table.name.value == *keyspace);
            let others = if leads { work.system_names()? } else { Vec::new() };
            let maker = Maker {
                own: maker(work, &spec.system, keyspace),
                others: others.iter().map(|system| maker(work, system, keyspace)).collect(),
            };
            makers.insert(column.name.clone(), maker);
        }
        Ok(Self { makers, assigned, joined })
    }

    /// The batch with its keys and references as the target's ids.
    pub(super) fn resolve(&self, spec: &TableSpec, batch: &RecordBatch) -> Result<RecordBatch, Error> {
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(batch.num_columns());
        for (at, column) in batch.columns().iter().enumerate() {
            let maker = spec.columns.get(at).and_then(|column| self.makers.get(&column.name));
            columns.push(match (maker, column.as_string_view_opt()) {
                (Some(maker), Some(keys)) => {
                    let mut ids = FixedSizeBinaryBuilder::with_capacity(keys.len(), 16);
                    for key in keys {
                        match key {
                            Some(key) => {
                                ids.append_value(maker.make(&self.joined, key)).map_err(unresolved)?
                            }
                            None => ids.append_null(),
                        }
                    }
                    Arc::new(ids.finish())
                }
                (None, Some(keys)) => match self.assigned.resolve(spec, at, keys)? {
                    Some(resolved) => resolved,
                    None => Arc::clone(column),
                },
                _ => Arc::clone(column),
            });
        }
        let fields: Vec<Field> = batch
            .schema_ref()
            .fields()
            .iter()
            .zip(&columns)
            .map(|(field, column): (_, &ArrayRef)| {
                let kind: DataType = column.data_type().clone();
                Field::new(field.name(), kind, true)
            })
            .collect();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(unresolved)
    }
}

fn unresolved(error: arrow::error::ArrowError) -> Error {
    Error::query("making target keys")(error.into())
}

fn maker(work: &Work<'_>, system: &str, keyspace: &str) -> IdMaker {
    IdMaker::new(&work.environment.key, &work.order.spec().series, system, keyspace)
}

/// The keys by which later systems know the rows of a table that are theirs no more: the crosswalk keeps them, so that
/// references can be read back and the next export finds its patients.
pub(super) struct FurtherNames {
    /// By the place of the system and the key of the row: who else knows it, by which key.
    names: HashMap<(usize, String), Vec<(usize, String)>>,
    /// For each system, what is to be written.
    links: Vec<Vec<(String, String)>>,
    /// For each system, makes the table's keys.
    makers: Vec<IdMaker>,
}

impl FurtherNames {
    pub(super) fn of(systems: &[Work<'_>], table: &TargetTable) -> Result<Self, Error> {
        let mut further = Self {
            names: HashMap::new(),
            links: systems.iter().map(|_| Vec::new()).collect(),
            makers: Vec::new(),
        };
        for (nth, work) in systems.iter().enumerate() {
            further.makers.push(maker(work, &work.system()?.name, &table.name.value));
            if joined_tables(work.target()?).iter().any(|joined| joined.name.value == table.name.value) {
                for (key, into, into_key) in Joined::read(work)?.iter() {
                    further.names.entry((into, into_key.to_owned())).or_default().push((nth, key.to_owned()));
                }
            }
        }
        Ok(further)
    }

    /// Takes note of rows that are written: only those have names.
    pub(super) fn see(&mut self, nth: usize, batch: &RecordBatch) {
        if self.names.is_empty() {
            return;
        }
        let Some(keys) = batch.columns().last().and_then(|keys| keys.as_string_view_opt()) else { return };
        for key in keys.iter().flatten() {
            let Some(names) = self.names.remove(&(nth, key.to_owned())) else { continue };
            let Some(maker) = self.makers.get(nth) else { continue };
            let target = uuid::Uuid::from_bytes(maker.make(key)).to_string();
            for (system, source_key) in names {
                if let Some(links) = self.links.get_mut(system) {
                    links.push((source_key, target.clone()));
                }
            }
        }
    }

    pub(super) async fn link(
        &self,
        systems: &[Work<'_>],
        table: &TargetTable,
        load: &mut dyn Load,
    ) -> Result<(), Error> {
        for (work, links) in systems.iter().zip(&self.links).filter(|(_, links)| !links.is_empty()) {
            let spec = table_spec(work.target()?, table, &work.system()?.name);
            load.link(&spec, links, 0).await?;
        }
        Ok(())
    }
}
