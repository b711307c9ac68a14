//! validate, import, verify: which rows the target takes, and whose charts are whole.

use std::collections::{BTreeMap, BTreeSet};

use super::check::fails;
use super::gates::{self, Measured};
use super::{Converted, Driving, Id, Patients, critical};
use crate::facts::{Facts, Finding};
use crate::model::{Case, Rule, Sink, Source, Test, Value};

/// One target table while references are settled.
struct Rows<'a> {
    sink: &'a Sink,
    rows: &'a [Driving],
    conflicts: u64,
    held: BTreeSet<Id>,
    own: BTreeSet<Id>,
    /// Keys of rows that were held since their children were last looked at.
    fresh: BTreeSet<String>,
    emptied: BTreeMap<String, BTreeSet<Id>>,
}

pub(super) fn validate(
    case: &Case,
    converted: BTreeMap<String, Converted>,
    mut patients: Patients,
    facts: &mut Facts,
) {
    let mut tables: Vec<Rows<'_>> = Vec::new();
    for sink in &case.targets {
        let one = &converted[&sink.name];
        let own = constraints(sink, &one.rows, facts);
        let key = |row: &Driving| row.values[&sink.key].clone();
        tables.push(Rows {
            sink,
            rows: &one.rows,
            conflicts: one.conflicts.len() as u64,
            fresh: one.rows.iter().filter(|row| own.contains(&row.id)).filter_map(key).collect(),
            held: own.clone(),
            own,
            emptied: BTreeMap::new(),
        });
    }
    cascade(case, &mut tables, facts);
    let load = |table: &Rows<'_>| {
        let converted = table.rows.len() as u64 + table.conflicts;
        [converted, table.conflicts + table.held.len() as u64]
    };
    for table in &tables {
        let [converted, held] = load(table);
        facts.load(&table.sink.name, [converted, held, 0, 0, 0]);
    }
    count_patients(&tables, &mut patients, facts);
    let measured: Vec<Measured<'_>> = tables
        .iter()
        .map(|table| Measured {
            name: &table.sink.name,
            critical: critical(case, table.sink),
            read: load(table)[0],
            excluded: 0,
            held: table.own.len() as u64,
        })
        .collect();
    if !gates::judge(case, "validate", &measured, facts) {
        return;
    }
    facts.say("stage import", "pass");
    facts.say("stage verify", "pass");
    facts.say("balanced", "true");
    for table in &tables {
        let [converted, held] = load(table);
        facts.load(&table.sink.name, [converted, held, 0, converted - held, converted - held]);
        for row in table.rows.iter().filter(|row| !table.held.contains(&row.id)) {
            facts.count(loaded(table, row), 1);
        }
    }
}

/// The line of a row as it is in the target, references as source keys.
fn loaded(table: &Rows<'_>, row: &Driving) -> String {
    let mut values = row.values.clone();
    let mut lost = row.degraded.clone();
    for (column, _) in table.emptied.iter().filter(|(_, rows)| rows.contains(&row.id)) {
        let was = values.insert(column.clone(), None).flatten();
        lost.insert(column.clone(), was.expect("a reference that pointed somewhere"));
    }
    if let Some(hold) = table.sink.hold.as_ref().filter(|_| !lost.is_empty()) {
        values.insert(hold.clone(), Some(serde_json::to_string(&lost).expect("texts")));
    }
    let cells: Vec<&Value> = table.sink.fields.iter().map(|field| &values[&field.name]).collect();
    format!("row {} {cells:?}", table.sink.name)
}

/// Every broken constraint holds; the key is required, said or not.
fn constraints(sink: &Sink, rows: &[Driving], facts: &mut Facts) -> BTreeSet<Id> {
    let mut held = BTreeSet::new();
    for field in &sink.fields {
        let key = field.name == sink.key && !field.required();
        for test in key.then_some(&Test::Required).into_iter().chain(&field.tests) {
            for row in rows.iter().filter(|row| fails(test, &row.values[&field.name])) {
                held.insert(row.id);
                let finding = Finding {
                    stage: "validate",
                    code: "constraint-error",
                    table: &sink.name,
                    column: &field.name,
                    name: test.name(),
                    disposition: "quarantine",
                };
                facts.finding(&finding, 1);
            }
        }
    }
    held
}

/// Round by round: rows whose parent is not among the rows at all, then rows whose parent was held in the last round.
fn cascade(case: &Case, tables: &mut [Rows<'_>], facts: &mut Facts) {
    let mut first = true;
    loop {
        let fresh: Vec<BTreeSet<String>> =
            tables.iter_mut().map(|table| std::mem::take(&mut table.fresh)).collect();
        if !first && fresh.iter().all(BTreeSet::is_empty) {
            return;
        }
        let mut all = Vec::new();
        for table in tables.iter() {
            for (column, parent) in &table.sink.references {
                let at = tables.iter().position(|one| one.sink.name == *parent).expect("a table");
                let keys: BTreeSet<&String> = tables[at]
                    .rows
                    .iter()
                    .filter_map(|row| row.values[&tables[at].sink.key].as_ref())
                    .collect();
                let gone = |key: &String| if first { !keys.contains(key) } else { fresh[at].contains(key) };
                let rows = table.rows.iter();
                let rows = rows.filter(|row| row.values[column].as_ref().is_some_and(gone));
                all.push((
                    table.sink.name.clone(),
                    column.clone(),
                    parent.clone(),
                    rows.map(|row| row.id).collect::<Vec<_>>(),
                ));
            }
        }
        if first {
            // Own faults count from the second round on.
            tables.iter_mut().zip(fresh).for_each(|(table, keys)| table.fresh = keys);
        }
        first = false;
        for (name, column, parent, rows) in all {
            let table = tables.iter_mut().find(|table| table.sink.name == name).expect("a table");
            settle(case, table, &column, &parent, rows, facts);
        }
    }
}

fn settle(case: &Case, table: &mut Rows<'_>, column: &str, parent: &str, rows: Vec<Id>, facts: &mut Facts) {
    let required = table.sink.field(column).is_some_and(|field| field.required());
    let vouched = vouched(case, table.sink, column);
    let patient = table.sink.patient.as_deref() == Some(column);
    let disposition = match (required, vouched) {
        (false, _) => "degrade",
        (true, false) if patient && critical(case, table.sink) => "block",
        (true, _) => "quarantine",
    };
    let finding = Finding {
        stage: "validate",
        code: if vouched { "parent-held" } else { "foreign-key" },
        table: &table.sink.name,
        column,
        name: parent,
        disposition,
    };
    for id in rows {
        let new = if required {
            table.held.insert(id)
        } else {
            table.emptied.entry(column.to_owned()).or_default().insert(id)
        };
        if new {
            facts.finding(&finding, 1);
        }
        if new && required {
            let row = table.rows.iter().find(|row| row.id == id).expect("a row");
            table.fresh.extend(row.values[&table.sink.key].clone());
        }
    }
}

/// Whether every rule on the way copies a source column that has a foreign key or is the primary key.
fn vouched(case: &Case, target: &Sink, column: &str) -> bool {
    let copies = |rule: &Rule, field: &str| -> Option<Option<(String, String)>> {
        let Some((_, given)) = rule.fields.iter().find(|(name, _)| name == field) else { return Some(None) };
        let Source::Column(column) = &given.source else { return None };
        let join = rule.joins.iter().find(|join| join.alias == column.alias);
        let table = join.map_or_else(String::new, |join| join.table.clone());
        Some(Some((table, column.name.clone())))
    };
    let keeps = |table: &str, column: &str| {
        let table = case.table(table);
        table.references.iter().any(|(own, _)| own == column) || table.primary.iter().any(|own| own == column)
    };
    let category_vouches = |category: &str, field: &str| {
        case.category(category).rules.iter().all(|rule| match copies(rule, field) {
            None => false,
            Some(None) => true,
            Some(Some((table, column))) if table.is_empty() => {
                rule.from.iter().all(|from| keeps(from, &column))
            }
            Some(Some((table, column))) => keeps(&table, &column),
        })
    };
    target.rules.iter().all(|rule| match copies(rule, column) {
        None => false,
        Some(None) => true,
        Some(Some((category, field))) if category.is_empty() => {
            rule.from.iter().all(|from| category_vouches(from, &field))
        }
        Some(Some((category, field))) => category_vouches(&category, &field),
    })
}

fn count_patients(tables: &[Rows<'_>], patients: &mut Patients, facts: &mut Facts) {
    for table in tables {
        let Some(patient) = &table.sink.patient else { continue };
        for row in table.rows {
            let Some(key) = row.values[patient].clone() else { continue };
            let held = table.held.contains(&row.id);
            let emptied = table.emptied.values().any(|rows| rows.contains(&row.id));
            if held && table.sink.defines_patients() {
                patients.absent.insert(key);
            } else if held || emptied {
                patients.incomplete.insert(key);
            }
        }
    }
    let (mut whole, mut incomplete) = (0, 0);
    for table in tables.iter().filter(|table| table.sink.defines_patients()) {
        for row in table.rows.iter().filter(|row| !table.held.contains(&row.id)) {
            let key = row.values[&table.sink.key].as_ref().expect("a loaded row has a key");
            patients.absent.remove(key);
            if patients.incomplete.contains(key) { incomplete += 1 } else { whole += 1 }
        }
    }
    let exported = patients.exported.len() as u64;
    facts.patients([exported, whole, incomplete, patients.absent.len() as u64, patients.unattributed]);
}
