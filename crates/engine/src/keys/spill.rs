//! Sorted runs of key entries in a nameless file: nothing is left behind, not even by a killed process.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Entry;
use crate::Error;

pub(super) const ENTRY_BYTES: usize = size_of::<Entry>();

/// Runs are cut into this many ranges of keys, one of which is in memory at a time.
pub(super) const PARTITIONS: usize = 256;

/// What one read or write moves.
const PIECE_ENTRIES: usize = 2048;

/// A file without a name, shared by all runs of a pool; its space is given back with the last of them.
pub(super) struct SpillFile {
    file: File,
    /// For messages only.
    folder: PathBuf,
    end: AtomicU64,
}

impl SpillFile {
    pub(super) fn create(folder: &Path) -> Result<Self, Error> {
        let file =
            tempfile::tempfile_in(folder).map_err(Error::file("create a temporary file in", folder))?;
        Ok(Self { file, folder: folder.to_path_buf(), end: AtomicU64::new(0) })
    }
}

/// Entries sorted by key, then row.
pub(super) struct Run {
    file: Arc<SpillFile>,
    start: u64,
    /// Number of entries before each partition; one more at the end for all.
    before: Vec<u64>,
}

impl Run {
    pub(super) fn write(file: Arc<SpillFile>, sorted: &[Entry]) -> Result<Self, Error> {
        let start = file.end.fetch_add((sorted.len() * ENTRY_BYTES) as u64, Ordering::Relaxed);
        let mut bytes = Vec::with_capacity(PIECE_ENTRIES * ENTRY_BYTES);
        let mut at = start;
        for piece in sorted.chunks(PIECE_ENTRIES) {
            bytes.clear();
            for entry in piece {
                bytes.extend_from_slice(&entry.key.to_le_bytes());
                bytes.extend_from_slice(&entry.row.to_le_bytes());
                bytes.extend_from_slice(&entry.extra.to_le_bytes());
            }
            let written = file.file.write_all_at(&bytes, at);
            written.map_err(Error::file("write a temporary file in", &file.folder))?;
            at += bytes.len() as u64;
        }
        let before = (0..=PARTITIONS).map(|number| entries_before(sorted, number) as u64).collect();
        Ok(Self { file, start, before })
    }

    /// Hands out the entries of one partition, in order, a piece at a time.
    pub(super) fn read_partition(&self, number: usize, each: &mut impl FnMut(&[Entry])) -> Result<(), Error> {
        let bound = |number: usize| self.before.get(number).copied().unwrap_or_default();
        self.read(bound(number)..bound(number + 1), each)
    }

    pub(super) fn read_all(&self, each: &mut impl FnMut(&[Entry])) -> Result<(), Error> {
        self.read(0..self.before.last().copied().unwrap_or_default(), each)
    }

    fn read(&self, entries: Range<u64>, each: &mut impl FnMut(&[Entry])) -> Result<(), Error> {
        let mut bytes = Vec::new();
        let mut piece = Vec::with_capacity(PIECE_ENTRIES);
        let mut next = entries.start;
        while next < entries.end {
            let count = (entries.end - next).min(PIECE_ENTRIES as u64);
            bytes.resize(ENTRY_BYTES * usize::try_from(count).unwrap_or(PIECE_ENTRIES), 0);
            let read = self.file.file.read_exact_at(&mut bytes, self.start + next * ENTRY_BYTES as u64);
            read.map_err(Error::file("read a temporary file in", &self.file.folder))?;
            piece.clear();
            let (words, _) = bytes.as_chunks::<8>();
            let (triples, _) = words.as_chunks::<3>();
            piece.extend(triples.iter().map(|[key, row, extra]| Entry {
                key: u64::from_le_bytes(*key),
                row: i64::from_le_bytes(*row),
                extra: u64::from_le_bytes(*extra),
            }));
            each(&piece);
            next += count;
        }
        Ok(())
    }
}

/// The part of sorted entries that belongs to one partition.
pub(super) fn partition_of(sorted: &[Entry], number: usize) -> &[Entry] {
    sorted.get(entries_before(sorted, number)..entries_before(sorted, number + 1)).unwrap_or_default()
}

fn entries_before(sorted: &[Entry], number: usize) -> usize {
    const SHIFT: u32 = u64::BITS - PARTITIONS.ilog2();
    sorted.partition_point(|entry| entry.key >> SHIFT < number as u64)
}
