//! check: what lands, what fails, what merges.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::expression::{Values, read_date, read_integer};
use crate::facts::{Facts, Finding};
use crate::model::{Case, Failed, Field, Kind, Line, Table, Test, Value};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Checked {
    Free,
    Merged,
    Held,
}

#[derive(Debug)]
pub(super) struct Row {
    pub(super) file: usize,
    /// From 1, with rejects.
    pub(super) record: usize,
    pub(super) raw: Vec<Value>,
    /// Without what means "no value", and with `_key`.
    pub(super) values: Values,
    pub(super) fate: Checked,
}

/// One table as check leaves it.
pub(super) struct Landed {
    pub(super) rows: Vec<Row>,
    /// Damaged records, as far as their fields can be told apart.
    pub(super) rejects: Vec<Reject>,
}

#[derive(Debug)]
pub(super) struct Reject {
    pub(super) file: usize,
    pub(super) record: usize,
    pub(super) values: Values,
}

impl Landed {
    pub(super) fn with(&self, fate: Checked) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |row| row.fate == fate)
    }
}

pub(super) fn disposition<'a>(field: Option<&Field>, failed: &Failed, name: &str, default: &'a str) -> &'a str
where
    'static: 'a,
{
    let of = |list: &Failed| list.iter().find(|(known, _)| *known == name).map(|(_, means)| *means);
    field.and_then(|field| of(&field.failed)).or_else(|| of(failed)).unwrap_or(default)
}

pub(super) fn holds(disposition: &str) -> bool {
    matches!(disposition, "exclude" | "quarantine" | "block")
}

pub(super) fn check(case: &Case, facts: &mut Facts) -> BTreeMap<String, Landed> {
    let mut file = 0;
    let mut landed: BTreeMap<String, Landed> = BTreeMap::new();
    for table in &case.tables {
        landed.insert(table.name.clone(), land(table, &mut file, facts));
    }
    for table in &case.tables {
        let mut held = BTreeSet::new();
        fields(table, &landed[&table.name], &mut held, facts);
        references(case, table, &landed, &mut held, facts);
        let merged = keys(table, &landed[&table.name], &mut held, facts);
        let rows = &mut landed.get_mut(&table.name).expect("landed").rows;
        for (at, row) in rows.iter_mut().enumerate() {
            row.fate = match (merged.contains(&at), held.contains(&at)) {
                (true, _) => Checked::Merged,
                (false, true) => Checked::Held,
                (false, false) => Checked::Free,
            };
        }
        let count = |fate| rows.iter().filter(|row| row.fate == fate).count() as u64;
        facts.table(
            &table.name,
            [rows.len() as u64, 0, count(Checked::Merged), count(Checked::Held)],
            &BTreeMap::new(),
        );
    }
    landed
}

fn without_missing(table: &Table, value: &Value) -> Value {
    value.clone().filter(|text| !table.missing.contains(&text.as_str()))
}

fn land(table: &Table, file: &mut usize, facts: &mut Facts) -> Landed {
    let mut landed = Landed { rows: Vec::new(), rejects: Vec::new() };
    for one in &table.files {
        let (mut good, mut bad) = (0, 0);
        for (line, record) in one.lines.iter().zip(1..) {
            match line {
                Line::Row(raw) => {
                    good += 1;
                    let values = table.fields.iter().zip(raw);
                    let values = values.map(|(field, raw)| (field.name.clone(), without_missing(table, raw)));
                    let values = values.collect();
                    landed.rows.push(Row {
                        file: *file,
                        record,
                        raw: raw.clone(),
                        values,
                        fate: Checked::Free,
                    });
                }
                Line::Damaged(cells) => {
                    bad += 1;
                    let code = if cells.len() < table.fields.len() { "missing-cell" } else { "extra-cell" };
                    facts.finding(&finding(code, table, "", "", "quarantine"), 1);
                    let cell = |at: usize| {
                        let place = one.order.iter().position(|field| *field == at);
                        place.and_then(|place| cells.get(place)).and_then(|raw| without_missing(table, raw))
                    };
                    let fields = table.fields.iter().enumerate();
                    let values = fields.map(|(at, field)| (field.name.clone(), cell(at))).collect();
                    landed.rejects.push(Reject { file: *file, record, values });
                }
            }
        }
        facts.file(&one.name, [good + bad, good, bad]);
        *file += 1;
    }
    name_rows(table, &mut landed);
    landed
}

/// Gives every row its `_key`.
fn name_rows(table: &Table, landed: &mut Landed) {
    let mut seen: BTreeMap<Vec<Value>, usize> = BTreeMap::new();
    for row in &mut landed.rows {
        let nth = if table.row_key.is_empty() {
            1
        } else {
            let parts: Vec<Value> = table.row_key.iter().map(|name| row.values[name].clone()).collect();
            let nth = seen.entry(parts).or_default();
            *nth += 1;
            *nth
        };
        let key = key_of(table, &row.values, nth);
        row.values.insert("_key".into(), key);
    }
    for reject in &mut landed.rejects {
        let key = key_of(table, &reject.values, 1);
        reject.values.insert("_key".into(), key);
    }
}

fn key_of(table: &Table, values: &Values, nth: usize) -> Value {
    if !table.row_key.is_empty() {
        let mut hash = Sha256::new();
        for name in &table.row_key {
            match &values[name] {
                None => hash.update([0]),
                Some(text) => {
                    hash.update([1]);
                    hash.update((text.len() as u64).to_be_bytes());
                    hash.update(text.as_bytes());
                }
            }
        }
        let digits: String = hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        return Some(format!("{digits}-{nth}"));
    }
    match table.primary.as_slice() {
        [] => None,
        [only] => values[only].clone(),
        several => {
            let parts: Option<Vec<String>> = several
                .iter()
                .map(|name| Some(values[name].clone()?.replace('\\', "\\\\").replace('|', "\\|")))
                .collect();
            parts.map(|parts| parts.join("|"))
        }
    }
}

fn finding<'a>(
    code: &'a str,
    table: &'a Table,
    column: &'a str,
    name: &'a str,
    disposition: &'a str,
) -> Finding<'a> {
    Finding { stage: "check", code, table: &table.name, column, name, disposition }
}

/// Constraints on single values.
fn fields(table: &Table, landed: &Landed, held: &mut BTreeSet<usize>, facts: &mut Facts) {
    for field in &table.fields {
        let mut tests: Vec<(&str, &str, Option<&Test>)> = Vec::new();
        if field.required() || table.primary.contains(&field.name) {
            tests.push(("constraint-error", "required", Some(&Test::Required)));
        }
        if field.kind != Kind::Text {
            tests.push(("type-error", "type", None));
        }
        let others = field.tests.iter().filter(|test| !matches!(test, Test::Required | Test::Unique));
        tests.extend(others.map(|test| ("constraint-error", test.name(), Some(test))));
        for (code, name, test) in tests {
            let default = if matches!(name, "required" | "type") { "quarantine" } else { "note" };
            let means = disposition(Some(field), &table.failed, name, default);
            for (at, row) in landed.rows.iter().enumerate() {
                let value = &row.values[&field.name];
                let fails = match test {
                    None => value.as_ref().is_some_and(|text| read(field, text).is_none()),
                    Some(Test::Minimum(_)) => {
                        let read = value.as_ref().and_then(|text| read(field, text));
                        fails(test.expect("a minimum"), &read)
                    }
                    Some(test) => fails(test, value),
                };
                if fails {
                    facts.finding(&finding(code, table, &field.name, name, means), 1);
                    if holds(means) {
                        held.insert(at);
                    }
                }
            }
        }
    }
}

/// A text as its column is declared.
pub(super) fn read(field: &Field, text: &str) -> Value {
    match field.kind {
        Kind::Text => Some(text.to_owned()),
        Kind::Integer => read_integer(text),
        Kind::Date => read_date(text, if field.day_first { "DD/MM/YYYY" } else { "YYYY-MM-DD" }),
    }
}

/// Whether a value breaks a constraint.
pub(super) fn fails(test: &Test, value: &Value) -> bool {
    let Some(text) = value else { return *test == Test::Required };
    match test {
        Test::Required | Test::Unique => false,
        Test::MinLength(least) => text.chars().count() < *least,
        Test::MaxLength(most) => text.chars().count() > *most,
        Test::OneOf(words) => !words.contains(&text.as_str()),
        Test::Minimum(least) => text.parse::<i64>().expect("an integer") < *least,
    }
}

/// Children whose parent is nowhere in the export. A held parent is there, and a damaged one that can be read.
fn references(
    case: &Case,
    table: &Table,
    landed: &BTreeMap<String, Landed>,
    held: &mut BTreeSet<usize>,
    facts: &mut Facts,
) {
    for (column, parent) in &table.references {
        let parent = &landed[&case.table(parent).name];
        let rows =
            parent.rows.iter().map(|row| &row.values).chain(parent.rejects.iter().map(|one| &one.values));
        let known: BTreeSet<&String> = rows.filter_map(|values| values["id"].as_ref()).collect();
        let means = disposition(table.field(column), &table.failed, "foreignKey", "quarantine");
        for (at, row) in landed[&table.name].rows.iter().enumerate() {
            if row.values[column].as_ref().is_some_and(|key| !known.contains(key)) {
                facts.finding(&finding("foreign-key", table, column, "", means), 1);
                if holds(means) {
                    held.insert(at);
                }
            }
        }
    }
}

/// Rows with one key: alike they merge into the first, otherwise all are marked.
fn keys(table: &Table, landed: &Landed, held: &mut BTreeSet<usize>, facts: &mut Facts) -> BTreeSet<usize> {
    let mut merged = BTreeSet::new();
    let mut keys: Vec<(Vec<&String>, &str, &str)> = Vec::new();
    if !table.primary.is_empty() {
        let means = disposition(None, &table.failed, "primaryKey", "quarantine");
        keys.push((table.primary.iter().collect(), "primary-key", means));
    }
    for field in table.fields.iter().filter(|field| field.tests.contains(&Test::Unique)) {
        if table.primary != [field.name.clone()] {
            let means = disposition(Some(field), &table.failed, "unique", "quarantine");
            keys.push((vec![&field.name], "unique-error", means));
        }
    }
    for (columns, code, means) in keys {
        let mut groups: BTreeMap<Vec<&String>, Vec<usize>> = BTreeMap::new();
        for (at, row) in landed.rows.iter().enumerate() {
            let key: Option<Vec<&String>> = columns.iter().map(|name| row.values[*name].as_ref()).collect();
            if let Some(key) = key {
                groups.entry(key).or_default().push(at);
            }
        }
        for group in groups.into_values().filter(|group| group.len() > 1) {
            let first = &landed.rows[group[0]].raw;
            if group.iter().all(|at| landed.rows[*at].raw == *first) {
                merged.extend(&group[1..]);
                continue;
            }
            facts.finding(&finding(code, table, &columns_text(&columns), "", means), group.len() as u64);
            if holds(means) {
                held.extend(group);
            }
        }
    }
    facts.finding(&finding("duplicate-row", table, "", "", "note"), merged.len() as u64);
    merged
}

fn columns_text(columns: &[&String]) -> String {
    columns.iter().map(|column| column.as_str()).collect::<Vec<_>>().join(", ")
}
