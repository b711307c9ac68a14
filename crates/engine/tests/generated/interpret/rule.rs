//! One rule over its driving rows: each row's fate, the records that come out, the patients concerned.

use std::collections::{BTreeMap, BTreeSet};

use super::check::{disposition, fails, holds};
use super::expression::{Scope, Values, truth};
use super::field;
use super::shape::{Piece, Shaped, shape, unshaped};
use super::{Driving, Id};
use crate::facts::{Facts, Finding};
use crate::model::{Case, Join, Rule, Sink, Table};

/// Why a driving row produced something or nothing, best first.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Fate {
    Produced,
    Merged,
    Quarantined,
    Excluded(String),
}

/// A rule and what it reads.
pub(super) struct Run<'a> {
    pub(super) case: &'a Case,
    pub(super) stage: &'static str,
    pub(super) rule: &'a Rule,
    /// One of the rule's tables, or its category.
    pub(super) from: &'a str,
    pub(super) sink: &'a Sink,
    /// Its place in the file, each table of a union by itself.
    pub(super) number: usize,
    /// What can be joined: rows that are not held.
    pub(super) others: &'a BTreeMap<String, Vec<Driving>>,
}

#[derive(Default)]
pub(super) struct Outcome {
    pub(super) fates: BTreeMap<Id, Fate>,
    pub(super) emitted: Vec<Driving>,
    /// Rows that were held after they had a key: what a merge rule must know.
    pub(super) lost: Vec<Driving>,
    /// For each join the rows that a driving row took.
    pub(super) reached: Vec<BTreeSet<Id>>,
    pub(super) incomplete: BTreeSet<String>,
    pub(super) absent: BTreeSet<String>,
}

/// A row as the joins leave it.
struct Joined<'a> {
    piece: &'a Piece,
    number: usize,
    matched: Vec<Option<&'a Driving>>,
    fan: bool,
}

/// What a row came to.
enum Settled {
    Kept(Driving),
    Held(Driving),
    Excluded(usize, Driving),
}

impl Run<'_> {
    /// The source table, where the rule reads one.
    pub(super) fn table(&self) -> Option<&Table> {
        self.case.tables.iter().find(|table| table.name == self.from)
    }

    pub(super) fn run(&self, rows: Vec<Driving>, facts: &mut Facts) -> Outcome {
        let mut outcome =
            Outcome { reached: vec![BTreeSet::new(); self.rule.joins.len()], ..Outcome::default() };
        let shaped = match self.table() {
            Some(table) => shape(self.rule, table, rows),
            None => Shaped { pieces: unshaped(self.rule, rows), merged: Vec::new(), nothing: Vec::new() },
        };
        let mut settle = |id: Id, fate: Fate| {
            let best = outcome.fates.entry(id).or_insert_with(|| fate.clone());
            if fate < *best {
                *best = fate;
            }
        };
        shaped.merged.iter().for_each(|row| settle(row.id, Fate::Merged));
        shaped.nothing.iter().for_each(|row| settle(row.id, Fate::Excluded("no-values".into())));
        for joined in self.joined(&shaped.pieces) {
            let id = joined.piece.row.id;
            for (reached, row) in outcome.reached.iter_mut().zip(&joined.matched) {
                reached.extend(row.map(|row| row.id));
            }
            let settled = self.settle(&joined, Some(facts));
            self.patients(&settled, &mut outcome.incomplete, &mut outcome.absent);
            match settled {
                Settled::Kept(mut record) => {
                    record.id = self.id_of(id, joined.number);
                    settle(id, Fate::Produced);
                    outcome.emitted.push(record);
                }
                Settled::Held(mut record) => {
                    record.id = self.id_of(id, joined.number);
                    settle(id, Fate::Quarantined);
                    outcome.lost.push(record);
                }
                Settled::Excluded(at, _) => {
                    settle(id, Fate::Excluded(self.rule.excludes[at].name.clone()));
                }
            }
        }
        outcome
    }

    fn id_of(&self, id: Id, piece: usize) -> Id {
        if self.table().is_some() {
            Id { rule: self.number, piece, ..id }
        } else {
            Id { convert: self.number, ..id }
        }
    }

    /// The records of rows that check held or could not read, for their keys: none that the rule excludes.
    pub(super) fn of_held(&self, rows: Vec<Driving>) -> Vec<(Driving, bool)> {
        let pieces = unshaped(self.rule, rows);
        let settled = self.joined(&pieces).into_iter().map(|joined| self.settle(&joined, None));
        settled
            .map(|settled| match settled {
                Settled::Kept(record) | Settled::Held(record) => (record, true),
                Settled::Excluded(_, record) => (record, false),
            })
            .collect()
    }

    fn joined<'r>(&'r self, pieces: &'r [Piece]) -> Vec<Joined<'r>> {
        let mut all = Vec::new();
        let mut numbers: BTreeMap<Id, usize> = BTreeMap::new();
        for piece in pieces {
            let mut rows: Vec<(Vec<Option<&Driving>>, bool)> = vec![(Vec::new(), false)];
            for join in &self.rule.joins {
                rows = rows.into_iter().flat_map(|row| self.join(piece, join, row)).collect();
            }
            for (matched, fan) in rows {
                let number = numbers.entry(piece.row.id).or_default();
                all.push(Joined { piece, number: *number, matched, fan });
                *number += 1;
            }
        }
        all
    }

    /// The driving row stays whatever matches: with each match under `many`, else with the first.
    fn join<'r>(
        &'r self,
        piece: &'r Piece,
        join: &'r Join,
        (before, fan): (Vec<Option<&'r Driving>>, bool),
    ) -> Vec<(Vec<Option<&'r Driving>>, bool)> {
        let rows = &self.others[&join.table];
        let matches: Vec<&Driving> = rows
            .iter()
            .filter(|row| {
                let mut scope = self.scope(piece, &before);
                scope.0.push((&join.alias, Some(&row.values)));
                truth(&join.matches, &scope) == Some(true)
            })
            .collect();
        let fan = fan || (!join.many && matches.len() > 1);
        let taken = if join.many { matches.len().max(1) } else { 1 };
        (0..taken)
            .map(|at| {
                let mut all = before.clone();
                all.push(matches.get(at).copied());
                (all, fan)
            })
            .collect()
    }

    fn scope<'r>(&'r self, piece: &'r Piece, matched: &[Option<&'r Driving>]) -> Scope<'r> {
        let mut tables: Vec<(&str, Option<&Values>)> = vec![(&self.rule.from[0], Some(&piece.row.values))];
        for (join, row) in self.rule.joins.iter().zip(matched) {
            tables.push((&join.alias, row.map(|row| &row.values)));
        }
        Scope(tables)
    }

    /// In the order of the words: uneven lists, too many matches, exclusions; then the values.
    fn settle(&self, joined: &Joined<'_>, facts: Option<&mut Facts>) -> Settled {
        let mut nobody = Facts::default();
        let facts = facts.unwrap_or(&mut nobody);
        let scope = self.scope(joined.piece, &joined.matched);
        let of_rule = |code, name, means| self.finding(code, self.from, "", name, means);
        let mut held = false;
        let mut excluded = None;
        if joined.piece.uneven {
            facts.finding(&of_rule("uneven-lists", &self.rule.name, "quarantine"), 1);
            held = true;
        } else if joined.fan {
            facts.finding(&of_rule("fan-out", &self.rule.name, "quarantine"), 1);
            held = true;
        } else {
            for (at, exclude) in self.rule.excludes.iter().enumerate() {
                match (truth(&exclude.when, &scope), exclude.unknown) {
                    (Some(true), _) | (None, "exclude") => {
                        facts.finding(&of_rule("excluded", &exclude.name, "exclude"), 1);
                        excluded = Some(at);
                        break;
                    }
                    (None, "stop") => {
                        facts.finding(&of_rule("undecided", &self.rule.name, "quarantine"), 1);
                        held = true;
                        break;
                    }
                    _ => {}
                }
            }
        }
        let mut record = Driving { id: joined.piece.row.id, ..joined.piece.row.clone() };
        let quiet = excluded.is_some();
        let mut nobody = Facts::default();
        let facts = if quiet { &mut nobody } else { facts };
        record.values = self.fields(&scope, &mut record.degraded, &mut held, facts);
        for check in &self.rule.checks {
            if truth(&check.when, &scope) == Some(true) {
                facts.finding(&of_rule("condition-failed", &check.name, check.failed), 1);
                held |= holds(check.failed);
            }
        }
        match excluded {
            Some(at) => Settled::Excluded(at, record),
            None if held => Settled::Held(record),
            None => Settled::Kept(record),
        }
    }

    /// The record's values; what a category's own constraints say of them.
    fn fields(
        &self,
        scope: &Scope<'_>,
        degraded: &mut BTreeMap<String, String>,
        held: &mut bool,
        facts: &mut Facts,
    ) -> Values {
        let mut values = Values::new();
        for field in &self.sink.fields {
            let given = self.rule.fields.iter().find(|(name, _)| *name == field.name).map(|(_, given)| given);
            let value = given.and_then(|given| {
                let made = field::make(self, given, field, scope);
                for (code, raw, means) in made.lost {
                    facts.finding(
                        &self.finding(code, &self.sink.name, &field.name, &self.rule.name, means),
                        1,
                    );
                    *held |= holds(means);
                    if means == "degrade" {
                        degraded.insert(field.name.clone(), raw);
                    }
                }
                if made.repaired {
                    facts.finding(
                        &self.finding("repaired", &self.sink.name, &field.name, "mojibake", "repair"),
                        1,
                    );
                }
                made.value
            });
            values.insert(field.name.clone(), value);
        }
        if self.table().is_some() {
            self.constraints(&values, held, facts);
        }
        if let Some(hold) = self.sink.hold.as_ref().filter(|_| !degraded.is_empty()) {
            values.insert(hold.clone(), Some(serde_json::to_string(degraded).expect("texts")));
        }
        values
    }

    fn constraints(&self, values: &Values, held: &mut bool, facts: &mut Facts) {
        for field in &self.sink.fields {
            let key = field.name == self.sink.key && !field.required();
            let tests = key.then_some(&crate::model::Test::Required).into_iter().chain(&field.tests);
            for test in tests {
                let default = if test.name() == "required" { "quarantine" } else { "note" };
                let means = disposition(Some(field), &self.sink.failed, test.name(), default);
                if fails(test, &values[&field.name]) {
                    let finding =
                        self.finding("constraint-error", &self.sink.name, &field.name, test.name(), means);
                    facts.finding(&finding, 1);
                    *held |= holds(means);
                }
            }
        }
    }

    /// Whose chart lacks something. What a source's rule excludes was never exported; what a target's excludes was.
    fn patients(&self, settled: &Settled, incomplete: &mut BTreeSet<String>, absent: &mut BTreeSet<String>) {
        let Some(patient) = &self.sink.patient else { return };
        let defines = self.sink.defines_patients();
        let (record, held) = match settled {
            Settled::Kept(record) => (record, false),
            Settled::Held(record) => (record, true),
            Settled::Excluded(_, record) if defines && self.table().is_none() => (record, true),
            Settled::Excluded(..) => return,
        };
        let Some(key) = record.values[patient].clone() else { return };
        if held && defines {
            absent.insert(key);
        } else if held || !record.degraded.is_empty() {
            incomplete.insert(key);
        }
    }

    fn finding<'f>(
        &self,
        code: &'f str,
        table: &'f str,
        column: &'f str,
        name: &'f str,
        disposition: &'f str,
    ) -> Finding<'f> {
        Finding { stage: self.stage, code, table, column, name, disposition }
    }
}
