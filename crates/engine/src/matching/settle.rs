//! All rows of one table together: no row of the target may stand for two.

use std::collections::HashMap;

use super::{Candidates, Decision, Decisions, Found, Link, Matches, Value};
use crate::marks::RowId;

/// Takes the rows of a table one by one.
pub(crate) struct Settling<'a> {
    candidates: &'a Candidates,
    /// What the crosswalk says: target key by source key.
    known: &'a HashMap<String, String>,
    decisions: &'a Decisions,
    matches: Matches,
    /// Rows of the target and the source keys that found them.
    claims: HashMap<usize, Vec<String>>,
}

impl<'a> Settling<'a> {
    pub(crate) fn new(
        candidates: &'a Candidates,
        known: &'a HashMap<String, String>,
        decisions: &'a Decisions,
    ) -> Self {
        Self { candidates, known, decisions, matches: Matches::default(), claims: HashMap::new() }
    }

    /// A link of an earlier load comes first, then what somebody decided, then what is found.
    pub(crate) fn row(&mut self, id: RowId, source_key: &str, parts: &[Option<Value>]) {
        let known = self.known.get(source_key);
        let there =
            |key: &String| self.candidates.by_key.get(key).map_or(Found::Ambiguous, |row| Found::One(*row));
        let found = match (known, self.decisions.get(source_key)) {
            (Some(key), _) | (None, Some(Decision::Row(key))) => there(key),
            (None, Some(Decision::New)) => Found::Nothing,
            (None, None) => self.candidates.find(parts),
        };
        match found {
            Found::Nothing => {}
            Found::Ambiguous => {
                self.matches.ambiguous.insert(id);
            }
            Found::One(row) => {
                let target_key = self.candidates.rows.get(row).map(|row| row.key.clone()).unwrap_or_default();
                let link = Link { id, target_key, known: known.is_some() };
                self.matches.links.insert(source_key.to_owned(), link);
                self.claims.entry(row).or_default().push(source_key.to_owned());
            }
        }
    }

    /// Rows that found one that is somebody else's are ambiguous too.
    pub(crate) fn finish(mut self) -> Matches {
        for (source_key, target_key) in self.known {
            if let Some(row) = self.candidates.by_key.get(target_key) {
                let claims = self.claims.entry(*row).or_default();
                if !claims.contains(source_key) {
                    claims.push(source_key.clone());
                }
            }
        }
        for claims in self.claims.into_values().filter(|claims| claims.len() > 1) {
            for source_key in claims.iter().filter(|key| !self.known.contains_key(*key)) {
                if let Some(link) = self.matches.links.remove(source_key) {
                    self.matches.ambiguous.insert(link.id);
                }
            }
        }
        self.matches
    }
}
