//! Charts that are likelier than others to have gone wrong: chosen for a reason that is told, and no part of the random
//! sample or of what follows from it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use arrow::array::{Array, AsArray, RecordBatch};
use chartlift_rules::{FieldType, SafetyCritical, TableSchema};
use chrono::Months;
use chrono_tz::Tz;

use super::cells::{each_row, local, text_at, text_of, zone};
use super::index::Index;
use super::sample::rank;
use super::standing::Settled;
use super::{facts, hash_of, naming};
use crate::Error;
use crate::marks::read_rows;
use crate::project_key::hex;
use crate::stage::Work;
use crate::statement::Stage;

/// As many as a clinician reads in an afternoon.
const RISKS_MOST: usize = 30;

/// Years below which somebody is a minor.
const MINOR_YEARS: u32 = 18;

/// A chart and why it should be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Risk {
    /// The patient's source key.
    pub key: String,
    pub why: Vec<Why>,
}

/// What makes a chart worth reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    Most {
        category: String,
        records: u64,
    },
    Longest {
        category: String,
        letters: u64,
    },
    /// Somebody said that there is none, or that nobody asked.
    Asserted {
        assertion: String,
    },
    Next {
        category: String,
        at: String,
    },
    Youngest,
    Minor,
    Oldest,
    Deceased,
    LongestName,
    /// A row of the chart carries this mark; `held`: it did not go on.
    Marked {
        code: String,
        table: String,
        column: Option<String>,
        held: bool,
    },
}

/// Reasons in the order in which they were found, with the patient's hash.
type Picks = Vec<(u64, Why)>;

pub(super) fn choose(
    work: &Work<'_>,
    index: &Index,
    standing: &Settled,
    seed: &str,
) -> Result<Vec<Risk>, Error> {
    let mut picks = Picks::new();
    let categorized = work.folder(Stage::Categorize)?;
    for (name, schema) in &work.environment.project.categories {
        let Some(patient) = schema.extension.patient.as_ref() else { continue };
        let folder = categorized.join(name);
        let held = read_rows(&folder.join("held.parquet"))?;
        let mut seen = Seen::of(work, name, schema, &patient.value, seed);
        let columns = seen.columns();
        if columns.is_empty() {
            continue;
        }
        let columns: Vec<&str> = ["_row", "_part", &patient.value].into_iter().chain(columns).collect();
        each_row(&folder, Some(&columns), |batch, row, id| {
            if let Some(key) = text_at(batch, &patient.value, row).filter(|_| !held.contains(id)) {
                let hash = hash_of(work, key);
                if standing.arrives(hash) {
                    seen.look(batch, row, hash);
                }
            }
            Ok(())
        })?;
        seen.picks(zone(work), &mut picks);
    }
    of_marks(index, standing, seed, &mut picks);
    resolve(work, picks)
}

/// One chart for each kind of mark.
fn of_marks(index: &Index, standing: &Settled, seed: &str, picks: &mut Picks) {
    let mut best: BTreeMap<u32, ([u8; 32], u64)> = BTreeMap::new();
    for entry in &index.entries {
        let Some(patient) = entry.patient.filter(|patient| standing.arrives(*patient)) else { continue };
        let place = (rank(seed, &hex(&patient.to_be_bytes())), patient);
        let kept = best.entry(entry.kind).or_insert(place);
        *kept = (*kept).min(place);
    }
    let mut told = HashSet::new();
    for (kind, (_, patient)) in best {
        let Some(kind) = usize::try_from(kind).ok().and_then(|at| index.kinds.get(at)) else { continue };
        let check = &kind.check;
        // Constraints and rules of one column are one kind here.
        if told.insert((&check.code, &check.table, &check.column)) {
            let (code, table, column) = (check.code.clone(), check.table.clone(), check.column.clone());
            picks.push((patient, Why::Marked { code, table, column, held: kind.holds() }));
        }
    }
}

/// Puts the reasons of one chart together, and names the charts by their source keys.
fn resolve(work: &Work<'_>, picks: Picks) -> Result<Vec<Risk>, Error> {
    let mut charts: Vec<(u64, Vec<Why>)> = Vec::new();
    for (hash, why) in picks {
        let full = charts.len() >= RISKS_MOST;
        match charts.iter_mut().find(|(known, _)| *known == hash) {
            Some((_, reasons)) if !reasons.contains(&why) => reasons.push(why),
            Some(_) => {}
            None if full => {}
            None => charts.push((hash, vec![why])),
        }
    }
    let mut identities = HashMap::new();
    naming::of_layers(work, &charts.iter().map(|(hash, _)| *hash).collect(), &mut identities)?;
    let named = charts.into_iter().filter_map(|(hash, why)| {
        let key = identities.remove(&hash)?.key;
        Some(Risk { key, why })
    });
    Ok(named.collect())
}

/// What is looked for in one category.
struct Seen<'a> {
    category: &'a str,
    is_patient: bool,
    counts: Option<HashMap<u64, u64>>,
    /// Where a record's text stands.
    text: Option<&'a str>,
    longest: Extreme<u64>,
    has_assertion: bool,
    asserted: BTreeMap<String, ([u8; 32], u64)>,
    instant: Option<&'a str>,
    next: Extreme<std::cmp::Reverse<String>>,
    birth_date: Option<&'a str>,
    deceased: Vec<&'a str>,
    name: Option<&'a str>,
    youngest: Extreme<String>,
    oldest: Extreme<std::cmp::Reverse<String>>,
    minor: Extreme<[u8; 32]>,
    dead: Extreme<[u8; 32]>,
    longest_name: Extreme<u64>,
    today: String,
    grown_up: String,
    seed: &'a str,
}

/// The greatest value so far, and whose it is; of equals the one whose hash is lower.
struct Extreme<T>(Option<(T, u64)>);

impl<T: Ord> Extreme<T> {
    fn offer(&mut self, value: T, hash: u64) {
        let better = match &self.0 {
            None => true,
            Some((known, of)) => value > *known || value == *known && hash < *of,
        };
        if better {
            self.0 = Some((value, hash));
        }
    }
}

impl<'a> Seen<'a> {
    fn of(work: &Work<'_>, category: &'a str, schema: &'a TableSchema, patient: &str, seed: &'a str) -> Self {
        let is_patient = schema.primary_key.first().is_some_and(|key| key.value == patient);
        let critical = schema.extension.safety_critical != SafetyCritical::No;
        let field = |name: &'static str, kind: FieldType| {
            schema.field(name).filter(|field| field.kind == kind).map(|field| field.name.value.as_str())
        };
        let of_patient = |name| if is_patient { field(name, FieldType::String) } else { None };
        let deceased = [field("deceased", FieldType::Boolean), field("death_date", FieldType::Date)];
        let made = work.order.spec().created_at;
        let grown_up = made.date_naive().checked_sub_months(Months::new(12 * MINOR_YEARS));
        let future = schema.extension.safety_critical == SafetyCritical::Future;
        Self {
            category,
            is_patient,
            counts: (critical && !is_patient).then(HashMap::new),
            text: ["content_text", "text", "body"]
                .into_iter()
                .find_map(|name| field(name, FieldType::String))
                .filter(|_| !is_patient),
            longest: Extreme(None),
            has_assertion: field("assertion", FieldType::String).is_some(),
            asserted: BTreeMap::new(),
            instant: if future { facts::instant(schema) } else { None },
            next: Extreme(None),
            birth_date: if is_patient { field("birth_date", FieldType::Date) } else { None },
            deceased: deceased.into_iter().flatten().filter(|_| is_patient).collect(),
            name: of_patient("full_name_src").or_else(|| of_patient("full_name")),
            youngest: Extreme(None),
            oldest: Extreme(None),
            minor: Extreme(None),
            dead: Extreme(None),
            longest_name: Extreme(None),
            today: made.format("%Y-%m-%dT%H:%M:%S").to_string(),
            grown_up: grown_up.map(|day| day.to_string()).unwrap_or_default(),
            seed,
        }
    }

    /// The columns to read; none: there is nothing to look for.
    fn columns(&self) -> Vec<&'a str> {
        let assertion = self.has_assertion.then_some("assertion");
        let single = [self.text, assertion, self.instant, self.birth_date, self.name];
        let all: BTreeSet<&str> = single.into_iter().flatten().chain(self.deceased.iter().copied()).collect();
        if all.is_empty() && self.counts.is_some() {
            // Counting needs no column but the patient's.
            return vec!["_degraded"];
        }
        all.into_iter().collect()
    }

    fn look(&mut self, batch: &RecordBatch, row: usize, hash: u64) {
        if let Some(counts) = &mut self.counts {
            *counts.entry(hash).or_default() += 1;
        }
        let order = || rank(self.seed, &hex(&hash.to_be_bytes()));
        if let Some(text) = self.text.and_then(|name| text_at(batch, name, row)) {
            self.longest.offer(text.chars().count() as u64, hash);
        }
        let assertion = if self.has_assertion { text_at(batch, "assertion", row) } else { None };
        if let Some(assertion) = assertion.filter(|assertion| !["allergy", "condition"].contains(assertion)) {
            let place = (order(), hash);
            let kept = self.asserted.entry(assertion.to_owned()).or_insert(place);
            *kept = (*kept).min(place);
        }
        let value = |name: &str| text_of(batch.column_by_name(name)?, row);
        if let Some(at) = self.instant.and_then(value).filter(|at| *at >= self.today) {
            self.next.offer(std::cmp::Reverse(at), hash);
        }
        if !self.is_patient {
            return;
        }
        if let Some(born) = self.birth_date.and_then(value) {
            if born > self.grown_up {
                self.minor.offer(order(), hash);
            }
            self.youngest.offer(born.clone(), hash);
            self.oldest.offer(std::cmp::Reverse(born), hash);
        }
        let dead = self.deceased.iter().any(|name| {
            batch.column_by_name(name).is_some_and(|column| match column.as_boolean_opt() {
                Some(dead) => dead.is_valid(row) && dead.value(row),
                None => column.is_valid(row),
            })
        });
        if dead {
            self.dead.offer(order(), hash);
        }
        if let Some(name) = self.name.and_then(|name| text_at(batch, name, row)) {
            self.longest_name.offer(name.chars().count() as u64, hash);
        }
    }

    fn picks(self, zone: Tz, picks: &mut Picks) {
        let category = self.category.to_owned();
        let mut most = Extreme(None);
        self.counts.into_iter().flatten().for_each(|(hash, records)| most.offer(records, hash));
        // One record is nothing to be proud of.
        if let Some((records, hash)) = most.0.filter(|(records, _)| *records > 1) {
            picks.push((hash, Why::Most { category: category.clone(), records }));
        }
        picks.extend(
            self.longest
                .0
                .map(|(letters, hash)| (hash, Why::Longest { category: category.clone(), letters })),
        );
        picks.extend(
            self.asserted.into_iter().map(|(assertion, (_, hash))| (hash, Why::Asserted { assertion })),
        );
        picks.extend(self.next.0.map(|(at, hash)| (hash, Why::Next { category, at: local(&at.0, zone) })));
        picks.extend(self.youngest.0.map(|(_, hash)| (hash, Why::Youngest)));
        picks.extend(self.minor.0.map(|(_, hash)| (hash, Why::Minor)));
        picks.extend(self.oldest.0.map(|(_, hash)| (hash, Why::Oldest)));
        picks.extend(self.dead.0.map(|(_, hash)| (hash, Why::Deceased)));
        picks.extend(self.longest_name.0.map(|(_, hash)| (hash, Why::LongestName)));
    }
}
