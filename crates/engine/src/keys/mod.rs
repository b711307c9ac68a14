//! Keys of any number of rows in bounded memory: who shares one, who refers to none.
//!
//! A key is a keyed 64-bit hash with its row. Entries are sorted in memory while they fit, else in runs on disk that
//! are visited one range of keys at a time. Different keys may share a hash, though hardly ever: callers recheck.

mod siphash;
mod spill;
mod writer;

use std::collections::HashSet;

pub use siphash::{Secret, hash_parts};
pub use writer::{KeyWriter, Pool};

use crate::Error;
use spill::{PARTITIONS, Run, partition_of};
use writer::Held;

/// A key's hash, the row that has it, and whatever else the caller must know of the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entry {
    pub key: u64,
    pub row: i64,
    pub extra: u64,
}

/// All entries of one key, for reading.
#[derive(Default)]
pub struct KeySet {
    /// Sorted.
    memory: Vec<Entry>,
    runs: Vec<Run>,
    _held: Option<Held>,
}

impl KeySet {
    pub fn finish(writers: Vec<KeyWriter>) -> Result<Self, Error> {
        let Some(KeyWriter { buffer, runs, held, .. }) = KeyWriter::gather(writers)? else {
            return Ok(Self::default());
        };
        Ok(Self { memory: buffer, runs, _held: Some(held) })
    }

    /// Every group of two or more entries with the same hash, in the order of their rows.
    pub fn groups(&self, mut group: impl FnMut(&[Entry])) -> Result<(), Error> {
        let mut scratch = Vec::new();
        for range in self.ranges(self) {
            let entries = self.sorted(range, &mut scratch)?;
            entries.chunk_by(|a, b| a.key == b.key).filter(|entries| entries.len() > 1).for_each(&mut group);
        }
        Ok(())
    }

    /// How many different hashes there are.
    pub fn distinct(&self) -> Result<u64, Error> {
        let mut scratch = Vec::new();
        let mut count = 0;
        for range in self.ranges(self) {
            count += self.sorted(range, &mut scratch)?.chunk_by(|a, b| a.key == b.key).count() as u64;
        }
        Ok(count)
    }

    /// Every entry whose hash none of the parents has.
    pub fn missing_from(&self, parents: &Self, mut child: impl FnMut(&Entry)) -> Result<(), Error> {
        let mut scratch = Vec::new();
        for range in self.ranges(parents) {
            let known = parents.sorted(range, &mut scratch)?;
            self.pieces(range, &mut |entries| {
                let mut rest = known;
                for entry in entries {
                    rest = from_key(rest, entry.key);
                    if rest.first().is_none_or(|parent| parent.key != entry.key) {
                        child(entry);
                    }
                }
            })?;
        }
        Ok(())
    }

    /// Every entry whose hash is among the given ones.
    pub fn contained_in(&self, keys: &HashSet<u64>, mut entry: impl FnMut(&Entry)) -> Result<(), Error> {
        self.each(|one| {
            if keys.contains(&one.key) {
                entry(one);
            }
        })
    }

    /// Every entry, in no order.
    pub fn each(&self, mut entry: impl FnMut(&Entry)) -> Result<(), Error> {
        self.memory.iter().for_each(&mut entry);
        self.runs.iter().try_for_each(|run| run.read_all(&mut |entries| entries.iter().for_each(&mut entry)))
    }

    /// What to go through, a range at a time, so that only one range of either set is in memory.
    fn ranges(&self, other: &Self) -> impl Iterator<Item = KeyRange> + use<> {
        let all = self.runs.is_empty() && other.runs.is_empty();
        let count = if all { 1 } else { PARTITIONS };
        (0..count).map(move |number| if all { KeyRange::All } else { KeyRange::Partition(number) })
    }

    /// The entries of a range, sorted; `scratch` holds them when they are not all in memory anyway.
    fn sorted<'a>(&'a self, range: KeyRange, scratch: &'a mut Vec<Entry>) -> Result<&'a [Entry], Error> {
        if self.runs.is_empty() {
            return Ok(range.of(&self.memory));
        }
        scratch.clear();
        self.pieces(range, &mut |entries| scratch.extend_from_slice(entries))?;
        scratch.sort_unstable();
        Ok(scratch)
    }

    /// The entries of a range in several sorted pieces. Unlike [`Self::sorted`] this never holds a range as a
    /// whole, because a thousand rows may refer to one parent, and all rows of a table to another.
    fn pieces(&self, range: KeyRange, each: &mut impl FnMut(&[Entry])) -> Result<(), Error> {
        each(range.of(&self.memory));
        self.runs.iter().try_for_each(|run| match range {
            KeyRange::All => run.read_all(each),
            KeyRange::Partition(number) => run.read_partition(number, each),
        })
    }
}

#[derive(Clone, Copy)]
enum KeyRange {
    All,
    Partition(usize),
}

impl KeyRange {
    fn of(self, sorted: &[Entry]) -> &[Entry] {
        match self {
            Self::All => sorted,
            Self::Partition(number) => partition_of(sorted, number),
        }
    }
}

/// The entries from the first that is not below `key`. Looks near the start first: both sides go upwards.
fn from_key(sorted: &[Entry], key: u64) -> &[Entry] {
    let below = |at: usize| sorted.get(at).is_some_and(|entry| entry.key < key);
    let mut end = 1;
    while below(end - 1) {
        end *= 2;
    }
    let start = end / 2;
    let window = sorted.get(start..end.min(sorted.len())).unwrap_or_default();
    sorted.get(start + window.partition_point(|entry| entry.key < key)..).unwrap_or_default()
}

#[cfg(test)]
mod tests;
