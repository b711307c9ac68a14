//! Landing: raw files become checked layers, every row with its lineage, every row checked on the way.
//!
//! Worker threads take tasks from one queue: first each file is indexed (one sequential pass that finds the
//! record starts and hashes the bytes), then its groups of chunks are parsed, checked and written, each group
//! to a part file of its own. What a group writes does not depend on who does it or when.

mod digits;
mod group;
mod keys;
mod rejects;
mod settle;

use std::collections::VecDeque;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};

use chartlift_io::source::csv::{self as source, Chunk, Hash, Index};
use chartlift_rules::SourceTable;

pub(crate) use digits::{DigitColumn, DigitCounts, digit_columns};
pub(crate) use group::{Landed, unique_names};
pub(crate) use keys::{TableKeys, table_keys};
pub(crate) use rejects::{Rejected, read_rejects, reject_batches};
pub(crate) use settle::{Settled, settle};

use crate::Error;
use crate::constraints::ColumnCheck;
use crate::keys::{Pool, Secret};
use crate::progress::Progress;

/// Bytes of a file that one task lands into one part file.
const GROUP_BYTES: u64 = 64 << 20;

/// One table to land: its files, its checks, and where to.
pub(crate) struct TableJob<'a> {
    pub table: &'a SourceTable,
    pub checks: Vec<ColumnCheck>,
    /// The number of the table's first check.
    pub first_check: usize,
    pub keys: TableKeys,
    pub digits: Vec<DigitColumn>,
    pub folder: PathBuf,
}

pub(crate) struct FileJob {
    /// Index into the tables.
    pub table: usize,
    pub path: PathBuf,
    /// The file's number in the order; rows carry it.
    pub number: u32,
}

pub(crate) struct Options<'a> {
    pub threads: usize,
    pub field_bytes: usize,
    pub secret: Secret,
    /// Where keys go while files are read.
    pub pool: &'a Arc<Pool>,
    pub progress: &'a Arc<dyn Progress>,
}

/// What landing a file came to.
pub(crate) struct FileResult {
    pub index: Index,
    pub landed: Landed,
}

enum Task {
    Index { file: usize },
    Parse { file: usize, group: usize, chunks: Vec<Chunk> },
}

#[derive(Default)]
struct Queue {
    tasks: VecDeque<Task>,
    /// Tasks that were taken and may still add others.
    running: usize,
    failed: Option<Error>,
}

struct Shared<'a> {
    queue: Mutex<Queue>,
    changed: Condvar,
    tables: &'a [TableJob<'a>],
    files: &'a [FileJob],
    indexes: Vec<std::sync::OnceLock<Index>>,
    landed: Vec<Mutex<Landed>>,
    options: &'a Options<'a>,
}

/// Lands all files; the result is in the order of `files`.
pub(crate) fn land(
    tables: &[TableJob<'_>],
    files: &[FileJob],
    options: &Options<'_>,
) -> Result<Vec<FileResult>, Error> {
    let mut order: Vec<usize> = (0..files.len()).collect();
    // The largest first, so that no long file is left for the end.
    order.sort_by_key(|file| {
        files.get(*file).and_then(|file| file.path.metadata().ok()).map_or(0, |one| u64::MAX - one.len())
    });
    let queue =
        Queue { tasks: order.into_iter().map(|file| Task::Index { file }).collect(), ..Queue::default() };
    let shared = Shared {
        queue: Mutex::new(queue),
        changed: Condvar::new(),
        tables,
        files,
        indexes: files.iter().map(|_| std::sync::OnceLock::new()).collect(),
        landed: files.iter().map(|_| Mutex::new(Landed::default())).collect(),
        options,
    };
    std::thread::scope(|scope| {
        for _ in 0..options.threads.max(1) {
            scope.spawn(|| shared.work());
        }
    });
    let mut queue = shared.queue.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(error) = queue.failed.take() {
        return Err(error);
    }
    let results = shared.indexes.into_iter().zip(shared.landed);
    Ok(results
        .filter_map(|(index, landed)| {
            let landed = landed.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
            index.into_inner().map(|index| FileResult { index, landed })
        })
        .collect())
}

impl Shared<'_> {
    fn work(&self) {
        while let Some(task) = self.take() {
            let done = self.run(task);
            let mut queue = self.queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            queue.running -= 1;
            match done {
                // Parsing goes before indexing the next file, so that what was just read is still cached.
                Ok(more) => more.into_iter().rev().for_each(|task| queue.tasks.push_front(task)),
                Err(error) => {
                    queue.tasks.clear();
                    queue.failed.get_or_insert(error);
                }
            }
            drop(queue);
            self.changed.notify_all();
        }
    }

    fn take(&self) -> Option<Task> {
        let mut queue = self.queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        loop {
            if let Some(task) = queue.tasks.pop_front() {
                queue.running += 1;
                return Some(task);
            }
            if queue.running == 0 {
                return None;
            }
            queue = self.changed.wait(queue).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
    }

    fn run(&self, task: Task) -> Result<Vec<Task>, Error> {
        match task {
            Task::Index { file } => self.index(file),
            Task::Parse { file, group, chunks } => self.parse(file, group, &chunks).map(|()| Vec::new()),
        }
    }

    fn index(&self, number: usize) -> Result<Vec<Task>, Error> {
        let (Some(file), Some(slot)) = (self.files.get(number), self.indexes.get(number)) else {
            return Ok(Vec::new());
        };
        let Some(table) = self.tables.get(file.table) else { return Ok(Vec::new()) };
        let input = File::open(&file.path).map_err(Error::file("open", &file.path))?;
        let index = source::index(input, &self.reading(table), Hash::Sha256, &mut |_| {})?;
        let groups = groups(&index.chunks);
        let _ = slot.set(index);
        Ok(groups
            .into_iter()
            .enumerate()
            .map(|(group, chunks)| Task::Parse { file: number, group, chunks })
            .collect())
    }

    fn parse(&self, number: usize, group: usize, chunks: &[Chunk]) -> Result<(), Error> {
        let (Some(file), Some(index), Some(slot)) = (
            self.files.get(number),
            self.indexes.get(number).and_then(|index| index.get()),
            self.landed.get(number),
        ) else {
            return Ok(());
        };
        let Some(table) = self.tables.get(file.table) else { return Ok(()) };
        let landed = group::land(table, file, index, group, chunks, &self.reading(table), self.options)?;
        slot.lock().unwrap_or_else(std::sync::PoisonError::into_inner).merge(landed);
        Ok(())
    }

    fn reading(&self, table: &TableJob<'_>) -> source::Options {
        source::Options::new(table.table.dialect.clone(), self.options.field_bytes)
    }
}

fn groups(chunks: &[Chunk]) -> Vec<Vec<Chunk>> {
    let mut groups: Vec<Vec<Chunk>> = Vec::new();
    let mut bytes = u64::MAX;
    for chunk in chunks {
        if bytes >= GROUP_BYTES {
            groups.push(Vec::new());
            bytes = 0;
        }
        bytes += chunk.range.end - chunk.range.start;
        if let Some(group) = groups.last_mut() {
            group.push(chunk.clone());
        }
    }
    groups
}

/// The name of a part file, a marks file or a rejects file: file number and group.
fn part(folder: &Path, kind: &str, file: u32, group: usize) -> PathBuf {
    folder.join(format!("{kind}-{file:05}-{group:05}.parquet"))
}
