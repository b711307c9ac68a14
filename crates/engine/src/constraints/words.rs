//! A set of texts, for `enum` and for patterns that are lists of words.

use std::collections::HashSet;

use arrow::array::{StringViewArray, make_view};

use super::Missing;

/// Above this many words hashing beats comparing.
const COMPARED: usize = 16;
/// The longest text that a view holds within itself.
const INLINE: usize = 12;

#[derive(Debug, Clone)]
pub(super) struct WordSet {
    /// Words of at most 12 bytes as the views that arrays have for them: equal texts are equal views.
    short: Short,
    long: HashSet<String>,
}

#[derive(Debug, Clone)]
enum Short {
    Few(Vec<u128>),
    Many(HashSet<u128>),
}

impl WordSet {
    pub(super) fn new<T: AsRef<str>>(words: impl IntoIterator<Item = T>) -> Self {
        let (short, long): (Vec<String>, Vec<String>) =
            words.into_iter().map(|word| word.as_ref().to_owned()).partition(|word| word.len() <= INLINE);
        let short: HashSet<u128> = short.iter().map(|word| make_view(word.as_bytes(), 0, 0)).collect();
        let short =
            if short.len() > COMPARED { Short::Many(short) } else { Short::Few(short.into_iter().collect()) };
        Self { short, long: long.into_iter().collect() }
    }

    pub(super) fn failures(&self, column: &StringViewArray, missing: &Missing, out: &mut Vec<u32>) {
        for ((row, text), view) in (0..).zip(column).zip(column.views().iter()) {
            let Some(text) = text else { continue };
            let found = if text.len() > INLINE {
                self.long.contains(text)
            } else {
                match &self.short {
                    Short::Few(words) => words.contains(view),
                    Short::Many(words) => words.contains(view),
                }
            };
            if !found && !missing.is_missing(text) {
                out.push(row);
            }
        }
    }
}
