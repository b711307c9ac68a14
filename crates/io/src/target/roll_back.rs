//! Taking a load back: what both databases tell of it, and the order in which tables go.

use async_trait::async_trait;

use super::TableSpec;
use crate::Error;

/// One open rollback. Dropping it means that nothing happened.
#[async_trait]
pub trait RollBack: Send {
    /// Disables these triggers of a table until the end. Those that are disabled anyway stay so.
    async fn disable_triggers(&mut self, table: &TableSpec, triggers: &[String]) -> Result<(), Error>;

    /// Rows of the load that are no longer only the load's: somebody wrote to them or deleted them since, or a row that
    /// the load did not write refers to them, by whatever foreign key of whatever table of the database.
    async fn standing(&mut self) -> Result<Vec<Stays>, Error>;

    /// Leaves rows of the load where they are, with their entries, whether the load wrote or matched them.
    async fn keep(&mut self, table: &TableSpec, source_keys: &[String]) -> Result<(), Error>;

    /// Keeps the rows too that kept rows refer to, and tells them; none means that what is kept can stand by itself.
    async fn referred(&mut self) -> Result<Vec<Stays>, Error>;

    /// Takes back everything that is not kept: what the load created goes, what it changed or deleted becomes as it was,
    /// cell by cell, which is proved before the end. With `dry_run` all of it is done and then undone.
    async fn finish(self: Box<Self>, dry_run: bool) -> Result<TakenBack, Error>;
}

/// A row that cannot go. Its key is a value: it must not reach a log.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stays {
    /// The place of its table among those that the rollback was begun with.
    pub table: usize,
    pub source_key: String,
    pub why: Why,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// Somebody wrote to it since.
    Edited,
    /// Somebody deleted it since.
    Gone,
    /// Rows that stay refer to it.
    Referenced,
}

impl Why {
    pub fn name(self) -> &'static str {
        match self {
            Self::Edited => "edited",
            Self::Gone => "gone",
            Self::Referenced => "referenced",
        }
    }
}

/// What became of a load, or would.
#[derive(Debug, Clone, Default)]
pub struct TakenBack {
    /// One for each table that the rollback was begun with, in that order.
    pub tables: Vec<TableBack>,
    /// Rows of other tables that triggers wrote meanwhile.
    pub elsewhere: Vec<Elsewhere>,
    pub slow: Vec<SlowReference>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableBack {
    /// Rows that the load had created, and that went.
    pub removed: u64,
    /// Rows that the load had changed, and that are as they were.
    pub restored: u64,
    /// Rows that the load had deleted, and that are there again.
    pub returned: u64,
    /// Rows that the load wrote and that stay.
    pub kept: u64,
    /// The sum of hashes over the rows that were restored or returned: as the load had found them, and as they are now.
    pub digest_before: i128,
    pub digest_after: i128,
}

/// What happened in a table that the load did not write to; a table's name is no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    pub table: String,
    pub inserted: u64,
    pub updated: u64,
    pub deleted: u64,
}

/// A foreign key whose referring columns have no index: the database looks through the whole table for each row that
/// goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlowReference {
    /// The table that refers.
    pub table: String,
    pub columns: Vec<String>,
    /// An index is made for the time of the rollback.
    pub indexed_meanwhile: bool,
}

/// The places 0 to `tables` in the order in which rows can be deleted: whoever refers goes before what it refers to.
/// Tables of a cycle go together. `references` are pairs of who refers and to whom.
pub(crate) fn deletion_order(tables: usize, references: &[(usize, usize)]) -> Vec<Vec<usize>> {
    let mut waiting: Vec<usize> = (0..tables).collect();
    let mut waves = Vec::new();
    while !waiting.is_empty() {
        let referred = |table: usize| {
            references.iter().any(|(from, to)| *to == table && *from != table && waiting.contains(from))
        };
        let free: Vec<usize> = waiting.iter().copied().filter(|table| !referred(*table)).collect();
        if free.is_empty() {
            waves.push(std::mem::take(&mut waiting));
            break;
        }
        waiting.retain(|table| !free.contains(table));
        waves.extend(free.into_iter().map(|table| vec![table]));
    }
    waves
}

#[cfg(test)]
mod tests {
    use super::deletion_order;

    #[test]
    fn who_refers_goes_first() {
        assert_eq!(deletion_order(3, &[(0, 1), (1, 2), (2, 2)]), [[0], [1], [2]]);
        assert_eq!(deletion_order(3, &[(2, 1), (1, 0)]), [[2], [1], [0]]);
    }

    #[test]
    fn a_cycle_goes_together() {
        assert_eq!(deletion_order(3, &[(0, 1), (1, 0), (2, 0)]), [vec![2], vec![0, 1]]);
    }
}
