//! Collects key entries, in memory while there is room for them, else in sorted runs on disk.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::Entry;
use super::spill::{ENTRY_BYTES, Run, SpillFile};
use crate::Error;

/// A writer holds at least this many entries before it uses the disk: shorter runs cost more than they save.
const RUN_ENTRIES: usize = 8 << 10;

/// The first room a writer makes.
const FIRST_ENTRIES: usize = 128;

/// Memory that writers and sets share, and the folder of their temporary file.
pub struct Pool {
    limit: usize,
    run_entries: usize,
    held: AtomicUsize,
    folder: PathBuf,
    file: Mutex<Weak<SpillFile>>,
}

impl Pool {
    pub fn new(limit_bytes: usize, folder: &Path) -> Arc<Self> {
        Self::with_run_entries(limit_bytes, RUN_ENTRIES, folder)
    }

    pub(super) fn with_run_entries(limit: usize, run_entries: usize, folder: &Path) -> Arc<Self> {
        let folder = folder.to_path_buf();
        Arc::new(Self {
            limit,
            run_entries,
            held: AtomicUsize::new(0),
            folder,
            file: Mutex::new(Weak::new()),
        })
    }

    /// Bytes held in memory now.
    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    fn write(&self, sorted: &[Entry]) -> Result<Run, Error> {
        let mut current = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let file = match current.upgrade() {
            Some(file) => file,
            None => {
                let file = Arc::new(SpillFile::create(&self.folder)?);
                *current = Arc::downgrade(&file);
                file
            }
        };
        drop(current);
        Run::write(file, sorted)
    }
}

/// A share of a pool's memory, given back when dropped.
pub(super) struct Held {
    pool: Arc<Pool>,
    bytes: usize,
}

impl Held {
    fn none_of(pool: &Arc<Pool>) -> Self {
        Self { pool: Arc::clone(pool), bytes: 0 }
    }

    fn set(&mut self, entries: usize) {
        let bytes = entries * ENTRY_BYTES;
        if bytes > self.bytes {
            self.pool.held.fetch_add(bytes - self.bytes, Ordering::Relaxed);
        } else {
            self.pool.held.fetch_sub(self.bytes - bytes, Ordering::Relaxed);
        }
        self.bytes = bytes;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.set(0);
    }
}

/// Takes entries from one thread. Trouble with the disk comes out when the set is finished.
pub struct KeyWriter {
    pub(super) buffer: Vec<Entry>,
    pub(super) runs: Vec<Run>,
    pub(super) held: Held,
    failed: Option<Error>,
}

impl KeyWriter {
    pub fn new(pool: &Arc<Pool>) -> Self {
        Self { buffer: Vec::new(), runs: Vec::new(), held: Held::none_of(pool), failed: None }
    }

    #[inline]
    pub fn push(&mut self, entry: Entry) {
        if self.buffer.len() == self.buffer.capacity() {
            self.make_room();
        }
        self.buffer.push(entry);
    }

    #[cold]
    fn make_room(&mut self) {
        let pool = &self.held.pool;
        let more = self.buffer.len().max(FIRST_ENTRIES);
        let full = pool.held() + more * ENTRY_BYTES > pool.limit;
        if full && self.buffer.len() >= pool.run_entries {
            self.spill();
        }
        let more = self.buffer.len().max(FIRST_ENTRIES);
        self.buffer.reserve_exact(more);
        self.held.set(self.buffer.capacity());
    }

    fn spill(&mut self) {
        let mut entries = std::mem::take(&mut self.buffer);
        entries.sort_unstable();
        match self.held.pool.write(&entries) {
            // After a failure nothing that is collected can be trusted, so it is not kept either.
            Ok(run) if self.failed.is_none() => self.runs.push(run),
            Ok(_) => {}
            Err(error) => {
                self.failed.get_or_insert(error);
            }
        }
        drop(entries);
        self.held.set(0);
    }

    /// One writer with everything the writers took: what is in memory sorted, and the runs on disk.
    pub(super) fn gather(writers: Vec<Self>) -> Result<Option<Self>, Error> {
        let total: usize = writers.iter().map(|writer| writer.buffer.len()).sum();
        let mut all: Option<Self> = None;
        for mut writer in writers {
            if let Some(error) = writer.failed.take() {
                return Err(error);
            }
            let Some(first) = &mut all else {
                all = Some(writer);
                continue;
            };
            first.buffer.reserve_exact(total - first.buffer.len());
            first.held.set(first.buffer.capacity());
            first.buffer.append(&mut writer.buffer);
            first.runs.append(&mut writer.runs);
        }
        let Some(mut all) = all else { return Ok(None) };
        let pool = &all.held.pool;
        // Finished sets stay a while: they leave half of the pool to those who still write.
        if pool.held() > pool.limit / 2 && all.buffer.len() >= pool.run_entries {
            all.spill();
        } else {
            all.buffer.sort_unstable();
            all.buffer.shrink_to_fit();
            all.held.set(all.buffer.capacity());
        }
        all.failed.take().map_or(Ok(Some(all)), Err)
    }
}
