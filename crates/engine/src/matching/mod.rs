//! Rows of the target that rows to be loaded are meant by: found by the alternatives that the pack names, and held
//! where they cannot be told apart. What is decided here is only which row is which; nothing is read or written.
//!
//! Alternatives are lists of columns. A row of the target is found by one where all its parts are equal, none of them
//! null; all that are found by any must be one row, and whatever other alternative has its parts on both sides must hold
//! too: the same CPF with another birth date is more often a parent's than a slip.

mod settle;
#[cfg(test)]
mod tests;
mod value;

use std::collections::{BTreeMap, HashMap};

use crate::marks::{RowId, RowSet};

pub(crate) use settle::Settling;
pub(crate) use value::{Kind, comparable};

/// A part of a row to be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Is(String),
    /// The key of a row that is not in the target yet: nothing there can refer to it.
    OfNewRow,
}

/// What somebody decided of a row that could not be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decision {
    /// It is the row of the target with this key.
    Row(String),
    /// It is none of them.
    New,
}

/// Decisions on the rows of one table, by source key.
pub(crate) type Decisions = BTreeMap<String, Decision>;

/// A row of the export and the row of the target that it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) id: RowId,
    pub(crate) target_key: String,
    /// The crosswalk says so already.
    pub(crate) known: bool,
}

/// What matching came to for one table.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Matches {
    /// By source key.
    pub(crate) links: BTreeMap<String, Link>,
    pub(crate) ambiguous: RowSet,
}

/// The target's rows of one table, to be searched.
pub(crate) struct Candidates {
    /// For each alternative, the places of its parts.
    alternatives: Vec<Vec<usize>>,
    rows: Vec<Row>,
    by_key: HashMap<String, usize>,
    /// For each alternative, the rows by its parts.
    found: Vec<HashMap<String, Vec<usize>>>,
}

struct Row {
    key: String,
    parts: Vec<Option<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    Nothing,
    One(usize),
    Ambiguous,
}

impl Candidates {
    pub(crate) fn new(alternatives: Vec<Vec<usize>>) -> Self {
        let found = alternatives.iter().map(|_| HashMap::new()).collect();
        Self { alternatives, rows: Vec::new(), by_key: HashMap::new(), found }
    }

    /// Adds a row of the target; its parts are comparable texts.
    pub(crate) fn add(&mut self, key: String, parts: Vec<Option<String>>) {
        let place = self.rows.len();
        for (alternative, found) in self.alternatives.iter().zip(&mut self.found) {
            let texts = alternative.iter().map(|part| parts.get(*part).and_then(Option::as_deref));
            if let Some(joined) = joined(texts) {
                found.entry(joined).or_default().push(place);
            }
        }
        self.by_key.insert(key.clone(), place);
        self.rows.push(Row { key, parts });
    }

    /// The one row that these parts mean.
    pub(crate) fn find(&self, parts: &[Option<Value>]) -> Found {
        let mut one = None;
        for (alternative, found) in self.alternatives.iter().zip(&self.found) {
            let texts = alternative.iter().map(|part| match parts.get(*part) {
                Some(Some(Value::Is(text))) => Some(text.as_str()),
                _ => None,
            });
            let rows = joined(texts).and_then(|joined| found.get(&joined));
            for row in rows.into_iter().flatten() {
                if one.is_some_and(|other| other != *row) {
                    return Found::Ambiguous;
                }
                one = Some(*row);
            }
        }
        match one {
            None => Found::Nothing,
            Some(row) if self.agrees(row, parts) => Found::One(row),
            Some(_) => Found::Ambiguous,
        }
    }

    /// Whether every alternative holds that has its parts on both sides.
    fn agrees(&self, row: usize, parts: &[Option<Value>]) -> bool {
        let Some(row) = self.rows.get(row) else { return false };
        self.alternatives.iter().all(|alternative| {
            let pairs = alternative.iter().map(|part| {
                let theirs = row.parts.get(*part).and_then(Option::as_ref);
                parts.get(*part).and_then(Option::as_ref).zip(theirs)
            });
            let Some(pairs) = pairs.collect::<Option<Vec<_>>>() else { return true };
            pairs.into_iter().all(|(ours, theirs)| matches!(ours, Value::Is(text) if text == theirs))
        })
    }
}

/// Parts as one text that no other parts give; none where one is null.
fn joined<'a>(parts: impl Iterator<Item = Option<&'a str>>) -> Option<String> {
    let mut joined = String::new();
    for part in parts {
        let part = part?;
        joined.push_str(&part.len().to_string());
        joined.push(':');
        joined.push_str(part);
    }
    Some(joined)
}
