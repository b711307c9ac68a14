//! Rows of joined patients while references are settled: where a later system names a patient that went into an earlier
//! system's record, the row that it needs is that one's.

use std::collections::{HashMap, HashSet};

use super::Work;
use super::joining::{Joined, joined_tables};
use super::validate::Table;
use crate::Error;

/// Key hashes of joined patients, by table.
#[derive(Default)]
pub(super) struct JoinedRows {
    rows: Vec<JoinedRow>,
    /// The person that a patient's key hash stands for.
    people: HashMap<u64, u64>,
}

struct JoinedRow {
    /// The place of the later system's table, and the patient's key there.
    table: usize,
    key: u64,
    /// The same of the record that stays.
    into: usize,
    into_key: u64,
}

impl JoinedRows {
    pub(super) fn of(systems: &[Work<'_>], tables: &[Table]) -> Result<Self, Error> {
        let mut all = Self::default();
        let place =
            |nth: usize, name: &str| tables.iter().position(|table| table.nth == nth && table.name == name);
        for (nth, work) in systems.iter().enumerate() {
            let joined = Joined::read(work)?;
            for (key, into_system, into_key) in joined.hashes(nth, systems) {
                all.people.insert(key, into_key);
                for table in joined_tables(work.target()?) {
                    let name = &table.name.value;
                    if let (Some(table), Some(into)) = (place(nth, name), place(into_system, name)) {
                        all.rows.push(JoinedRow { table, key, into, into_key });
                    }
                }
            }
        }
        Ok(all)
    }

    /// The person that a patient is.
    pub(super) fn person(&self, patient: u64) -> u64 {
        self.people.get(&patient).copied().unwrap_or(patient)
    }

    /// Counts as newly held the keys whose rows are not there at all.
    pub(super) fn missing(&self, tables: &mut [Table]) -> Result<(), Error> {
        let mut places: Vec<usize> = self.rows.iter().map(|row| row.into).collect();
        places.sort_unstable();
        places.dedup();
        for place in places {
            let rows = || self.rows.iter().filter(|row| row.into == place);
            let wanted: HashSet<u64> = rows().map(|row| row.into_key).collect();
            let mut there = HashSet::new();
            if let Some(table) = tables.get(place) {
                table.keys.contained_in(&wanted, |entry| {
                    there.insert(entry.key);
                })?;
            }
            for row in rows().filter(|row| !there.contains(&row.into_key)) {
                if let Some(table) = tables.get_mut(row.table) {
                    table.fresh.insert(row.key);
                }
            }
        }
        Ok(())
    }

    /// What is newly held of the records that stay is newly held of those that went into them.
    pub(super) fn follow(&self, fresh: &mut [HashSet<u64>]) {
        for row in &self.rows {
            if fresh.get(row.into).is_some_and(|keys| keys.contains(&row.into_key))
                && let Some(keys) = fresh.get_mut(row.table)
            {
                keys.insert(row.key);
            }
        }
    }
}
