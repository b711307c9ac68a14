//! Which charts stay: those with a row that somebody has written to since, or that rows from elsewhere refer to. A chart
//! stays whole, and so does what its rows refer to.

use std::collections::{BTreeMap, HashMap, HashSet};

use chartlift_io::target::{RollBack, Stays, TableSpec, Why};
use chartlift_rules::TargetTable;
use serde::Serialize;

use crate::Error;
use crate::report::table_of;
use crate::stage::{Work, chart_rows, defines_patients, patient_column};

/// A chart that stays, or a row of nobody's chart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeptChart {
    /// The table of the patients, or that of the row.
    pub table: String,
    /// The keyed hash of the patient's key, or of the row's.
    pub row_key_hash: String,
    /// `edited`, `gone` or `referenced`.
    pub reason: &'static str,
}

/// A table and system, as the target was told of them.
pub(super) struct Place<'a> {
    pub(super) work: Work<'a>,
    pub(super) table: &'a TargetTable,
    pub(super) spec: TableSpec,
}

/// What stays, as far as it is known.
pub(super) struct Charts<'a> {
    places: &'a [Place<'a>],
    /// Source keys by place.
    rows: Vec<HashSet<String>>,
    /// Why each person's chart stays.
    persons: HashMap<u64, Why>,
    listed: BTreeMap<(String, String), KeptChart>,
}

impl<'a> Charts<'a> {
    pub(super) fn new(places: &'a [Place<'a>]) -> Self {
        let rows = places.iter().map(|_| HashSet::new()).collect();
        Self { places, rows, persons: HashMap::new(), listed: BTreeMap::new() }
    }

    /// Keeps the charts of these rows, and goes on until everything that stays can stand by itself.
    pub(super) async fn keep(
        &mut self,
        open: &mut dyn RollBack,
        mut stays: Vec<Stays>,
    ) -> Result<Vec<KeptChart>, Error> {
        while !stays.is_empty() {
            // The gravest reason of a row comes first.
            stays.sort_by_key(|one| one.why);
            let fresh = tokio::task::block_in_place(|| self.grow(&stays))?;
            for (place, keys) in self.places.iter().zip(&fresh) {
                if !keys.is_empty() {
                    open.keep(&place.spec, keys).await?;
                }
            }
            stays = open.referred().await?;
            // What the target has kept by itself and is known here already brings no further chart.
            stays.retain(|one| self.rows.get(one.table).is_some_and(|rows| !rows.contains(&one.source_key)));
        }
        Ok(std::mem::take(&mut self.listed).into_values().collect())
    }

    /// Adds these rows and their charts; answers what was added, by place.
    fn grow(&mut self, stays: &[Stays]) -> Result<Vec<Vec<String>>, Error> {
        let mut asked: Vec<HashMap<&str, Why>> = self.places.iter().map(|_| HashMap::new()).collect();
        for one in stays {
            if let Some(asked) = asked.get_mut(one.table) {
                asked.entry(one.source_key.as_str()).or_insert(one.why);
            }
        }
        let new = self.find_persons(&mut asked)?;
        let mut fresh: Vec<Vec<String>> = self.places.iter().map(|_| Vec::new()).collect();
        for one in stays {
            add(&mut self.rows, &mut fresh, one.table, &one.source_key);
        }
        // What is left names no patient.
        for (place, rows) in self.places.iter().zip(&asked) {
            for (key, why) in rows {
                self.list(place.table, &place.work, key, *why);
            }
        }
        if !new.is_empty() {
            self.add_charts(&new, &mut fresh)?;
        }
        Ok(fresh)
    }

    /// The persons whom the rows name and whose charts did not stay before; takes the rows that name one out of `asked`.
    fn find_persons(&mut self, asked: &mut [HashMap<&str, Why>]) -> Result<HashSet<u64>, Error> {
        let mut new = HashSet::new();
        for (place, asked) in self.places.iter().zip(asked) {
            if asked.is_empty() || patient_column(place.table).is_none() {
                continue;
            }
            let mut found: Vec<(String, u64)> = Vec::new();
            chart_rows(&place.work, place.table, |key, person| {
                if asked.contains_key(key) {
                    found.push((key.to_owned(), person.hash));
                }
            })?;
            for (key, person) in found {
                let Some(why) = asked.remove(key.as_str()) else { continue };
                let known = self.persons.get(&person).copied();
                if known.is_none() {
                    new.insert(person);
                }
                if known.is_none_or(|known| why < known) {
                    self.persons.insert(person, why);
                }
            }
        }
        Ok(new)
    }

    /// Adds every row of these persons.
    fn add_charts(&mut self, new: &HashSet<u64>, fresh: &mut [Vec<String>]) -> Result<(), Error> {
        for (at, place) in self.places.iter().enumerate() {
            let mut listed = Vec::new();
            let rows = &mut self.rows;
            chart_rows(&place.work, place.table, |key, person| {
                if new.contains(&person.hash) {
                    add(rows, fresh, at, key);
                    listed.push((person.nth, person.key.to_owned(), person.hash));
                }
            })?;
            for (nth, key, hash) in listed {
                let work = Work { nth, ..place.work.clone() };
                let why = self.persons.get(&hash).copied().unwrap_or(Why::Referenced);
                let patients =
                    self.places.iter().map(|place| place.table).find(|table| defines_patients(table));
                self.list(patients.unwrap_or(place.table), &work, &key, why);
            }
        }
        Ok(())
    }

    fn list(&mut self, table: &TargetTable, work: &Work<'_>, key: &str, why: Why) {
        let table = table.name.value.clone();
        // Equal keys of two systems are two rows.
        let keyspace = work.label().map_or(table.clone(), |system| table_of(system, &table));
        let row_key_hash = work.environment.key.hash_row_key(&keyspace, key);
        let kept = KeptChart { table: table.clone(), row_key_hash: row_key_hash.clone(), reason: why.name() };
        self.listed.entry((table, row_key_hash)).or_insert(kept);
    }
}

fn add(rows: &mut [HashSet<String>], fresh: &mut [Vec<String>], at: usize, key: &str) {
    if let (Some(rows), Some(fresh)) = (rows.get_mut(at), fresh.get_mut(at))
        && !rows.contains(key)
    {
        rows.insert(key.to_owned());
        fresh.push(key.to_owned());
    }
}
