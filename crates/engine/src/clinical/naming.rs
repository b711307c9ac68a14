//! Whose row is it, and what is the patient called: by the pack's own rules, run over the rows that were held.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type};
use chartlift_rules::TableSchema;

use super::cells::{each_row, text_at, text_of};
use super::index::Index;
use super::{Hashes, Identity, hash_of};
use crate::Error;
use crate::marks::{RowId, RowSet, write_rows};
use crate::run::marked::place;
use crate::stage::{Held, HeldRows, Work, origins};
use crate::statement::Stage;

/// What the held rows say of patients.
#[derive(Default)]
pub(super) struct Named {
    pub(super) incomplete: Hashes,
    pub(super) absent: Hashes,
    pub(super) identities: HashMap<u64, Identity>,
    rows: HashMap<i64, BTreeSet<u64>>,
}

/// Fields of a category of patients that say who somebody is.
const WHO: [&str; 12] = [
    "full_name_src",
    "full_name",
    "name",
    "family_name",
    "given_name",
    "middle_name",
    "social_name",
    "mother_name",
    "birth_date",
    "birth_date_precision",
    "birth_date_src",
    "_degraded",
];

/// Finds the patients of all source rows in the index. `scratch` is a folder for lists of rows.
pub(super) async fn attribute(work: &Work<'_>, index: &mut Index, scratch: &Path) -> Result<Named, Error> {
    let mut named = Named::default();
    let system = work.system()?;
    let checked = work.folder(Stage::Check)?;
    let context = work.session()?;
    let report = work.report(Stage::Check)?;
    let origins = origins(system, &checked, report);
    let held = HeldRows { work, context: &context, origins: &origins, checked: &checked, report };
    let rows = index.source_rows();
    let lists = lists(work, &rows, scratch)?;
    for file in &system.categorize {
        let Some(into) = work.environment.project.categories.get(&file.into.value) else { continue };
        for rule in &file.rules {
            let list = lists.get(rule.from.value.as_str()).cloned();
            for rows in held.chosen(rule, into, list).await? {
                named.read(work, into, rows).await?;
            }
        }
    }
    index.attribute(&named.rows);
    named.rows.clear();
    Ok(named)
}

/// One file of row numbers for each source table.
fn lists<'a>(
    work: &'a Work<'_>,
    rows: &BTreeSet<i64>,
    scratch: &Path,
) -> Result<BTreeMap<&'a str, std::path::PathBuf>, Error> {
    let sources = &work.report(Stage::Check)?.sources;
    let mut sets: BTreeMap<&str, RowSet> = BTreeMap::new();
    for row in rows {
        let file = place(*row).file.and_then(|file| sources.get(file));
        if let Some(table) = file.and_then(|file| file.table.as_deref()) {
            sets.entry(table).or_default().insert(RowId::source(*row));
        }
    }
    let mut lists = BTreeMap::new();
    for (table, rows) in sets {
        let path = scratch.join(format!("{table}.parquet"));
        write_rows(&path, &rows)?;
        lists.insert(table, path);
    }
    Ok(lists)
}

impl Named {
    async fn read(&mut self, work: &Work<'_>, into: &TableSchema, rows: Held) -> Result<(), Error> {
        let Some(patient) = &into.extension.patient else { return Ok(()) };
        let defines = into.primary_key.first().is_some_and(|key| key.value == patient.value);
        let also = known(into).filter(|name| defines && *name != "_degraded");
        let wanted: Vec<&str> = ["_row", "_exclude", &patient.value].into_iter().chain(also).collect();
        rows.each(&wanted, |batch| {
            let numbers = batch.column(0).as_primitive::<Int64Type>();
            let excluded = batch.column(1).as_primitive::<Int32Type>();
            let keys = batch.column(2).as_string_view();
            for row in (0..keys.len()).filter(|row| keys.is_valid(*row)) {
                let hash = hash_of(work, keys.value(row));
                self.rows.entry(numbers.value(row)).or_default().insert(hash);
                if excluded.value(row) <= 0 {
                    if defines {
                        self.absent.insert(hash)
                    } else {
                        self.incomplete.insert(hash)
                    };
                }
                let told = self.identities.entry(hash).or_default();
                if defines {
                    tell(told, identity(batch, row, keys.value(row)));
                } else if told.key.is_empty() {
                    keys.value(row).clone_into(&mut told.key);
                }
            }
        })
        .await
    }
}

/// Several held rows may claim one key: then all their names are told.
fn tell(told: &mut Identity, other: Identity) {
    match (&mut told.name, &other.name) {
        (Some(name), Some(another)) => {
            if !name.split(" / ").any(|known| known == another) {
                *name = format!("{name} / {another}");
            }
        }
        _ => *told = other,
    }
}

fn known(schema: &TableSchema) -> impl Iterator<Item = &str> {
    let patient = schema.extension.patient.as_ref().map(|patient| patient.value.as_str());
    let names = WHO.into_iter().map(|name: &str| name);
    names.filter(move |name| Some(*name) != patient && (*name == "_degraded" || schema.field(name).is_some()))
}

/// Names the patients of `wanted` whom the categorized rows name, held ones included.
pub(super) fn of_layers(
    work: &Work<'_>,
    wanted: &HashSet<u64>,
    identities: &mut HashMap<u64, Identity>,
) -> Result<(), Error> {
    let Ok(categorized) = work.folder(Stage::Categorize) else { return Ok(()) };
    for (name, schema) in &work.environment.project.categories {
        let Some(patient) = schema.extension.patient.as_ref().map(|patient| patient.value.as_str()) else {
            continue;
        };
        if schema.primary_key.first().is_none_or(|key| key.value != patient) {
            continue;
        }
        let columns: Vec<&str> = ["_row", "_part", patient].into_iter().chain(known(schema)).collect();
        each_row(&categorized.join(name), Some(&columns), |batch, row, _| {
            if let Some(key) = text_at(batch, patient, row) {
                let hash = hash_of(work, key);
                if wanted.contains(&hash) {
                    identities.insert(hash, identity(batch, row, key));
                }
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// The patients of these source keys.
pub(super) fn by_key(work: &Work<'_>, keys: &BTreeSet<&str>) -> Result<HashMap<String, Identity>, Error> {
    let mut identities = HashMap::new();
    of_layers(work, &keys.iter().map(|key| hash_of(work, key)).collect(), &mut identities)?;
    Ok(identities.into_values().map(|identity| (identity.key.clone(), identity)).collect())
}

fn identity(batch: &RecordBatch, row: usize, key: &str) -> Identity {
    let value = |name: &str| {
        let text = text_of(batch.column_by_name(name)?, row)?;
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    };
    let parts = ["given_name", "middle_name", "family_name"].into_iter().filter_map(value);
    let parts = Some(parts.collect::<Vec<_>>().join(" ")).filter(|name| !name.is_empty());
    let known = match value("birth_date_precision").as_deref() {
        Some("Y") => "YYYY".len(),
        Some("M") => "YYYY-MM".len(),
        _ => "YYYY-MM-DD".len(),
    };
    let birth_date = value("birth_date").map(|date| date.chars().take(known).collect::<String>());
    let lost = value("_degraded").and_then(|text| {
        let lost: serde_json::Value = serde_json::from_str(&text).ok()?;
        Some(lost.get("birth_date")?.as_str()?.to_owned())
    });
    Identity {
        key: key.to_owned(),
        name: value("full_name_src").or_else(|| value("full_name")).or_else(|| value("name")).or(parts),
        social_name: value("social_name"),
        birth_text: if birth_date.is_none() { lost.or_else(|| value("birth_date_src")) } else { None },
        birth_date,
        mother: value("mother_name"),
    }
}
