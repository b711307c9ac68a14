//! What the old and the new system say of a chart, side by side: what a clinician compares.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chartlift_rules::{FieldType, SafetyCritical, TableSchema};

use super::cells::{cells_of, each_row, source_rows, text_at, text_of, zone};
use super::{Cell, Identity, naming};
use crate::Error;
use crate::marks::{RowId, read_rows};
use crate::run::marked::place;
use crate::stage::Work;
use crate::statement::Stage;

/// A chart to read.
#[derive(Debug, Clone, Default)]
pub struct ChartFacts {
    pub identity: Identity,
    /// The patient first, then each safety-critical category.
    pub groups: Vec<FactGroup>,
}

/// A category of one chart.
#[derive(Debug, Clone)]
pub struct FactGroup {
    pub category: String,
    /// The patient's own record, of which there is one.
    pub is_patient: bool,
    /// Only what lies after the order was made is listed.
    pub only_future: bool,
    /// False where the pack of the old system fills no such category: then nothing follows from an empty list.
    pub exported: bool,
    pub facts: Vec<Fact>,
}

/// One record.
#[derive(Debug, Clone)]
pub struct Fact {
    pub file: String,
    pub record: i64,
    /// The row that drives the record, as the old system wrote it.
    pub source: Vec<Cell>,
    /// What a record of allergies says: `allergy`, `no-known-allergy`, `not-asked`, ...
    pub assertion: Option<String>,
    /// Field and text of what could not be carried over.
    pub lost: Vec<Cell>,
    /// The rows that the new system has for it: table and columns. Empty: none of its own.
    pub target: Vec<(String, Vec<Cell>)>,
}

/// Bits of a converted row's piece number that name the categorized row.
const CATEGORIZED_BITS: i32 = (1 << crate::produce::CONVERT_SHIFT) - 1;

struct Found {
    key: String,
    category: usize,
    id: RowId,
    fact: Fact,
}

pub(super) fn of(work: &Work<'_>, keys: &BTreeSet<&str>) -> Result<HashMap<String, ChartFacts>, Error> {
    let mut identities = naming::by_key(work, keys)?;
    let categories = categories(work);
    let mut found = Vec::new();
    for (number, (name, schema)) in categories.iter().enumerate() {
        categorized(work, number, name, schema, keys, &mut found)?;
    }
    targets(work, &categories, &mut found)?;
    let rows = source_rows(work, &found.iter().map(|one| one.id.row).collect())?;
    let sources = &work.report(Stage::Check)?.sources;
    let filled = |name: &str| work.system().is_ok_and(|system| system.rule_file(name).is_some());
    let mut charts: HashMap<String, ChartFacts> = HashMap::new();
    for key in keys {
        let identity = identities
            .remove(*key)
            .unwrap_or_else(|| Identity { key: (*key).to_owned(), ..Identity::default() });
        let groups = categories.iter().map(|(name, schema)| FactGroup {
            category: (*name).to_owned(),
            is_patient: defines(schema),
            only_future: schema.extension.safety_critical == SafetyCritical::Future,
            exported: filled(name),
            facts: Vec::new(),
        });
        charts.insert((*key).to_owned(), ChartFacts { identity, groups: groups.collect() });
    }
    found.sort_by_key(|one| one.id);
    for mut one in found {
        let place = place(one.id.row);
        one.fact.file =
            place.file.and_then(|file| sources.get(file)).map(|file| file.file.clone()).unwrap_or_default();
        one.fact.record = place.record;
        one.fact.source = rows.get(&one.id.row).cloned().unwrap_or_default();
        if let Some(group) = charts.get_mut(&one.key).and_then(|chart| chart.groups.get_mut(one.category)) {
            group.facts.push(one.fact);
        }
    }
    Ok(charts)
}

fn defines(schema: &TableSchema) -> bool {
    let patient = schema.extension.patient.as_ref().map(|patient| &patient.value);
    patient.is_some() && patient == schema.primary_key.first().map(|key| &key.value)
}

/// The patient's category first, then the safety-critical ones that name a patient.
fn categories<'a>(work: &'a Work<'_>) -> Vec<(&'a str, &'a TableSchema)> {
    let all = work.environment.project.categories.iter();
    let mut chosen: Vec<(&str, &TableSchema)> = all
        .map(|(name, schema)| (name.as_str(), schema))
        .filter(|(_, schema)| schema.extension.patient.is_some())
        .filter(|(_, schema)| defines(schema) || schema.extension.safety_critical != SafetyCritical::No)
        .collect();
    chosen.sort_by_key(|(_, schema)| !defines(schema));
    chosen
}

fn categorized(
    work: &Work<'_>,
    number: usize,
    name: &str,
    schema: &TableSchema,
    keys: &BTreeSet<&str>,
    found: &mut Vec<Found>,
) -> Result<(), Error> {
    let folder = work.folder(Stage::Categorize)?.join(name);
    let held = read_rows(&folder.join("held.parquet"))?;
    let Some(patient) = schema.extension.patient.as_ref() else { return Ok(()) };
    let start =
        (schema.extension.safety_critical == SafetyCritical::Future).then(|| instant(schema)).flatten();
    let made = work.order.spec().created_at.format("%Y-%m-%dT%H:%M:%S").to_string();
    each_row(&folder, None, |batch, row, id| {
        let Some(key) = text_at(batch, &patient.value, row).filter(|key| keys.contains(key)) else {
            return Ok(());
        };
        if held.contains(id) {
            return Ok(());
        }
        if let Some(start) = start {
            let at = batch.column_by_name(start).and_then(|column| text_of(column, row));
            // ISO 8601 in UTC sorts as time does.
            if at.is_some_and(|at| at < made) {
                return Ok(());
            }
        }
        let lost: BTreeMap<String, String> = text_at(batch, "_degraded", row)
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default();
        let lost = lost.into_iter().map(|(name, text)| Cell { name, text, kind: FieldType::String });
        let fact = Fact {
            file: String::new(),
            record: 0,
            source: Vec::new(),
            assertion: text_at(batch, "assertion", row).map(str::to_owned),
            lost: lost.collect(),
            target: Vec::new(),
        };
        found.push(Found { key: key.to_owned(), category: number, id, fact });
        Ok(())
    })
}

/// The field that says when a record takes place: the first instant that every record has.
pub(super) fn instant(schema: &TableSchema) -> Option<&str> {
    let mut instants = schema.fields.iter().filter(|field| field.kind == FieldType::Datetime);
    let required = instants.clone().find(|field| field.constraints.required);
    required.or_else(|| instants.next()).map(|field| field.name.value.as_str())
}

/// Adds the target's rows that convert made of the records and that nobody held.
fn targets(work: &Work<'_>, categories: &[(&str, &TableSchema)], found: &mut [Found]) -> Result<(), Error> {
    let zone = zone(work);
    let converted = work.folder(Stage::Convert)?;
    let target = work.target()?;
    let mut places: HashMap<(usize, RowId), usize> = HashMap::new();
    for (at, one) in found.iter().enumerate() {
        places.insert((one.category, one.id), at);
    }
    for file in &target.convert {
        let Some(table) = target.table(&file.into.value) else { continue };
        let froms: Vec<Option<usize>> = file
            .rules
            .iter()
            .map(|rule| categories.iter().position(|(name, _)| *name == rule.from.value))
            .collect();
        if froms.iter().all(Option::is_none) {
            continue;
        }
        let folder = converted.join(&file.into.value);
        let mut held = read_rows(&folder.join("held.parquet"))?;
        if let Ok(validated) = work.folder(Stage::Validate) {
            held.union(read_rows(&validated.join(&file.into.value).join("held.parquet"))?);
        }
        each_row(&folder, None, |batch, row, id| {
            let rule = usize::try_from(id.part >> crate::produce::CONVERT_SHIFT).ok();
            let Some(category) = rule.and_then(|rule| froms.get(rule).copied().flatten()) else {
                return Ok(());
            };
            let of = RowId { row: id.row, part: id.part & CATEGORIZED_BITS };
            let Some(at) = places.get(&(category, of)).filter(|_| !held.contains(id)) else { return Ok(()) };
            if let Some(one) = found.get_mut(*at) {
                let mut cells = cells_of(batch, row, &table.schema, zone);
                if let Some(key) = table.schema.primary_key.first() {
                    cells.retain(|cell| cell.name != key.value);
                }
                one.fact.target.push((table.database_name().to_owned(), cells));
            }
            Ok(())
        })?;
    }
    Ok(())
}
