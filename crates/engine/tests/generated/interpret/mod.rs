//! A naive interpreter of rules over rows, written from docs/semantics.md and docs/rules.md: plain loops over vectors
//! of texts. It shares no code with the engine, so that an error must be made twice to go unseen.

mod check;
mod expression;
mod field;
mod gates;
mod rule;
mod settle;
mod shape;
mod validate;

use std::collections::{BTreeMap, BTreeSet};

use check::{Checked, Landed, Row};
use expression::Values;
use gates::Measured;
use rule::{Fate, Outcome, Run};

use crate::facts::Facts;
use crate::model::{Case, Sink, Table};

/// Where a row comes from, in the order of the files, then of the rules.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Id {
    file: usize,
    record: usize,
    convert: usize,
    rule: usize,
    piece: usize,
}

/// A row that a rule reads, or a record that it made.
#[derive(Clone, Debug)]
pub(crate) struct Driving {
    id: Id,
    values: Values,
    /// What was lost on the way: field and raw text.
    degraded: BTreeMap<String, String>,
}

impl Driving {
    fn of(row: &Row) -> Self {
        let id = Id { file: row.file, record: row.record, convert: 0, rule: 0, piece: 0 };
        Self { id, values: row.values.clone(), degraded: BTreeMap::new() }
    }
}

/// Patients by their keys.
#[derive(Clone, Default)]
struct Patients {
    exported: BTreeSet<String>,
    incomplete: BTreeSet<String>,
    absent: BTreeSet<String>,
    unattributed: u64,
}

/// All that should be said of a case.
pub(crate) fn interpret(case: &Case) -> Facts {
    let mut facts = Facts::default();
    let landed = check::check(case, &mut facts);
    if !check_passes(case, &landed, &mut facts) {
        return facts;
    }
    let mut patients = Patients::default();
    let Some(records) = categorize(case, &landed, &mut patients, &mut facts) else { return facts };
    let Some(converted) = convert(case, &records, &mut patients, &mut facts) else { return facts };
    validate::validate(case, converted, patients, &mut facts);
    facts
}

fn check_passes(case: &Case, landed: &BTreeMap<String, Landed>, facts: &mut Facts) -> bool {
    facts.patients([0; 5]);
    let read: usize = landed.values().map(|table| table.rows.len() + table.rejects.len()).sum();
    if read == 0 {
        facts.say("stage check", "not-run");
        return false;
    }
    let measured: Vec<Measured<'_>> = case
        .tables
        .iter()
        .map(|table| {
            let one = &landed[&table.name];
            let rejects = one.rejects.len() as u64;
            let feeds = |category: &&Sink| category.rules.iter().any(|rule| rule.from.contains(&table.name));
            Measured {
                name: &table.name,
                critical: case.categories.iter().filter(feeds).any(|category| category.critical),
                read: one.rows.len() as u64 + rejects,
                excluded: 0,
                held: one.with(Checked::Held).count() as u64 + rejects,
            }
        })
        .collect();
    gates::judge(case, "check", &measured, facts)
}

/// A rule file run, each rule with the table it read.
struct File {
    outcomes: Vec<(String, Vec<String>, Outcome)>,
    emitted: Vec<Driving>,
    lost: Vec<Driving>,
    read: u64,
    excluded: u64,
    /// By the rules of this stage.
    quarantined: u64,
}

/// Held and merged rows of a table before its rules run.
fn before(landed: Option<&Landed>) -> [u64; 2] {
    landed.map_or([0, 0], |landed| {
        [landed.with(Checked::Merged).count() as u64, landed.with(Checked::Held).count() as u64]
    })
}

fn run_file(
    case: &Case,
    stage: &'static str,
    sink: &Sink,
    others: &BTreeMap<String, Vec<Driving>>,
    landed: Option<&BTreeMap<String, Landed>>,
    facts: &mut Facts,
) -> File {
    let mut file = File {
        outcomes: Vec::new(),
        emitted: Vec::new(),
        lost: Vec::new(),
        read: 0,
        excluded: 0,
        quarantined: 0,
    };
    let mut number = 0;
    for rule in &sink.rules {
        for from in &rule.from {
            let run = Run { case, stage, rule, from, sink, number, others };
            let rows = others[from].clone();
            let table = landed.map(|landed| &landed[from]);
            let [merged, held] = before(table);
            let read = table.map_or(rows.len(), |table| table.rows.len()) as u64;
            let mut outcome = run.run(rows, facts);
            let count = |fate: &Fate| outcome.fates.values().filter(|one| *one == fate).count() as u64;
            let mut excluded: BTreeMap<String, u64> = BTreeMap::new();
            for fate in outcome.fates.values() {
                if let Fate::Excluded(name) = fate {
                    *excluded.entry(name.clone()).or_default() += 1;
                }
            }
            facts.rule(
                [stage, &rule.name, from, &sink.name],
                [
                    read,
                    count(&Fate::Produced),
                    merged + count(&Fate::Merged),
                    held + count(&Fate::Quarantined),
                    outcome.emitted.len() as u64,
                ],
                &excluded,
            );
            file.read += read;
            file.excluded += excluded.values().sum::<u64>();
            file.quarantined += count(&Fate::Quarantined);
            file.emitted.append(&mut outcome.emitted);
            file.lost.append(&mut outcome.lost);
            if let Some(table) = table {
                file.lost.extend(held_records(&run, table));
            }
            let joined = rule.joins.iter().map(|join| join.table.clone()).collect();
            file.outcomes.push((from.clone(), joined, outcome));
            number += 1;
        }
    }
    file
}

/// The records that rows would have made which check held or could not read.
fn held_records(run: &Run<'_>, landed: &Landed) -> Vec<Driving> {
    let rows = landed.with(Checked::Held).map(Driving::of).chain(rejected(landed)).collect();
    run.of_held(rows).into_iter().filter(|(_, wanted)| *wanted).map(|(record, _)| record).collect()
}

fn rejected(landed: &Landed) -> impl Iterator<Item = Driving> {
    landed.rejects.iter().map(|reject| Driving {
        id: Id { file: reject.file, record: reject.record, convert: 0, rule: 0, piece: 0 },
        values: reject.values.clone(),
        degraded: BTreeMap::new(),
    })
}

fn categorize(
    case: &Case,
    landed: &BTreeMap<String, Landed>,
    patients: &mut Patients,
    facts: &mut Facts,
) -> Option<BTreeMap<String, Vec<Driving>>> {
    let free = |table: &Landed| table.with(Checked::Free).map(Driving::of).collect::<Vec<_>>();
    let tables: BTreeMap<String, Vec<Driving>> =
        landed.iter().map(|(name, table)| (name.clone(), free(table))).collect();
    let mut records = BTreeMap::new();
    let mut files = Vec::new();
    let mut measured = Vec::new();
    for category in &case.categories {
        let mut file = run_file(case, "categorize", category, &tables, Some(landed), facts);
        for (_, _, outcome) in &mut file.outcomes {
            patients.incomplete.append(&mut outcome.incomplete);
            patients.absent.append(&mut outcome.absent);
        }
        if category.defines_patients() {
            patients.exported.extend(file.emitted.iter().filter_map(|row| row.values[&category.key].clone()));
        }
        let emitted = file.emitted.len() as u64;
        let rules: usize = category.rules.iter().map(|rule| rule.from.len()).sum();
        let settled = settle::settle(
            "categorize",
            category,
            std::mem::take(&mut file.emitted),
            &file.lost,
            |id, piece| Id { rule: rules, piece, ..id },
            facts,
        );
        conflicts(category, &settled.conflicts, patients);
        let held = settled.conflicts.len() as u64;
        let rows = settled.rows.len() as u64;
        facts.category(&category.name, [emitted, settled.merged, held, rows]);
        measured.push(Measured {
            name: &category.name,
            critical: category.critical,
            read: file.read,
            excluded: file.excluded,
            held: file.quarantined + held,
        });
        records.insert(category.name.clone(), settled.rows);
        files.push(file);
    }
    of_held_rows(case, landed, &tables, patients);
    patients.exported.extend(patients.absent.iter().cloned());
    facts.patients([patients.exported.len() as u64, 0, 0, 0, patients.unattributed]);
    for table in &case.tables {
        settle_table(case, table, &landed[&table.name], &files, facts);
    }
    gates::judge(case, "categorize", &measured, facts).then_some(records)
}

fn conflicts(sink: &Sink, rows: &[Driving], patients: &mut Patients) {
    let Some(patient) = &sink.patient else { return };
    let keys = rows.iter().filter_map(|row| row.values[patient].clone());
    if sink.defines_patients() {
        patients.absent.extend(keys);
    } else {
        patients.incomplete.extend(keys);
    }
}

/// Whose rows check held or could not read. A reject is nobody's if no rule on its table finds its patient.
fn of_held_rows(
    case: &Case,
    landed: &BTreeMap<String, Landed>,
    others: &BTreeMap<String, Vec<Driving>>,
    patients: &mut Patients,
) {
    let mut nobody: BTreeSet<Id> = BTreeSet::new();
    let mut somebody: BTreeSet<Id> = BTreeSet::new();
    for category in &case.categories {
        for rule in &category.rules {
            for from in &rule.from {
                let run = Run { case, stage: "categorize", rule, from, sink: category, number: 0, others };
                let table = &landed[from];
                nobody.extend(rejected(table).map(|row| row.id));
                let Some(patient) = &category.patient else { continue };
                let rows = table.with(Checked::Held).map(Driving::of).chain(rejected(table)).collect();
                for (record, wanted) in run.of_held(rows) {
                    let Some(key) = record.values[patient].clone() else { continue };
                    somebody.insert(record.id);
                    let set = if category.defines_patients() {
                        &mut patients.absent
                    } else {
                        &mut patients.incomplete
                    };
                    if wanted {
                        set.insert(key);
                    }
                }
            }
        }
    }
    patients.unattributed = nobody.difference(&somebody).count() as u64;
}

/// A source table: each row once, by its best fate.
fn settle_table(case: &Case, table: &Table, landed: &Landed, files: &[File], facts: &mut Facts) {
    let free: Vec<Id> = landed.with(Checked::Free).map(|row| Driving::of(row).id).collect();
    let [mut merged, mut held] = before(Some(landed));
    let mut excluded: BTreeMap<String, u64> = BTreeMap::new();
    let mut produced = 0;
    let outcomes = || files.iter().flat_map(|file| &file.outcomes);
    let driven = outcomes().any(|(from, ..)| *from == table.name);
    let joins = || case.categories.iter().flat_map(|one| &one.rules).flat_map(|rule| &rule.joins);
    let joined = joins().any(|join| join.table == table.name);
    if driven {
        for id in free {
            let fates = outcomes().filter(|(from, ..)| *from == table.name);
            let fates = fates.map(|(_, _, outcome)| outcome.fates.get(&id).expect("every row has a fate"));
            match fates.min().expect("a rule") {
                Fate::Produced => produced += 1,
                Fate::Merged => merged += 1,
                Fate::Quarantined => held += 1,
                Fate::Excluded(name) => *excluded.entry(name.clone()).or_default() += 1,
            }
        }
    } else if joined {
        let mut reached: BTreeSet<Id> = BTreeSet::new();
        for (_, tables, outcome) in outcomes() {
            for (name, rows) in tables.iter().zip(&outcome.reached) {
                if *name == table.name {
                    reached.extend(rows);
                }
            }
        }
        let excused = joins().any(|join| join.table == table.name && join.exclude);
        let left = free.iter().filter(|id| !reached.contains(id)).count() as u64;
        merged += free.len() as u64 - left;
        if excused {
            excluded.insert("unreferenced".into(), left);
        } else {
            held += left;
        }
        let disposition = if excused { "exclude" } else { "quarantine" };
        let finding = crate::facts::Finding {
            stage: "categorize",
            code: "unreferenced",
            table: &table.name,
            column: "",
            name: "",
            disposition,
        };
        facts.finding(&finding, left);
    } else {
        excluded.insert("not-migrated".into(), free.len() as u64);
    }
    facts.table(&table.name, [landed.rows.len() as u64, produced, merged, held], &excluded);
}

/// A target table as convert leaves it.
pub(crate) struct Converted {
    rows: Vec<Driving>,
    conflicts: Vec<Driving>,
}

fn convert(
    case: &Case,
    records: &BTreeMap<String, Vec<Driving>>,
    patients: &mut Patients,
    facts: &mut Facts,
) -> Option<BTreeMap<String, Converted>> {
    let mut converted = BTreeMap::new();
    let mut measured = Vec::new();
    for target in &case.targets {
        let mut file = run_file(case, "convert", target, records, None, facts);
        for (_, _, outcome) in &mut file.outcomes {
            patients.incomplete.append(&mut outcome.incomplete);
            patients.absent.append(&mut outcome.absent);
        }
        let rules = target.rules.len();
        let settled = settle::settle(
            "convert",
            target,
            std::mem::take(&mut file.emitted),
            &file.lost,
            |id, piece| Id { convert: rules, rule: 0, piece, ..id },
            facts,
        );
        conflicts(target, &settled.conflicts, patients);
        let held = settled.conflicts.len() as u64;
        facts.load(&target.name, [settled.rows.len() as u64 + held, held, 0, 0, 0]);
        measured.push(Measured {
            name: &target.name,
            critical: critical(case, target),
            read: file.read,
            excluded: file.excluded,
            held: file.quarantined + held,
        });
        converted.insert(target.name.clone(), Converted { rows: settled.rows, conflicts: settled.conflicts });
    }
    gates::judge(case, "convert", &measured, facts).then_some(converted)
}

/// Whether a target table takes safety-critical records.
fn critical(case: &Case, target: &Sink) -> bool {
    target.rules.iter().flat_map(|rule| &rule.from).any(|from| case.category(from).critical)
}
