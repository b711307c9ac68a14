//! What the target remembers of a load, and the digests it answers with.

use serde::{Deserialize, Serialize};

use super::TableSpec;
use super::writing::{Merged, WriteMode};

/// What is known of a load before its first row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadHeader {
    pub order: String,
    pub series: String,
    /// For people; each table says whose keys it has.
    pub system: String,
    pub target: String,
    /// The digest of all that is loaded: who begins again can see whether it is the same.
    pub input_digest: String,
    /// The hash of the last event of the order's log.
    pub log_head: String,
    /// Now, as RFC 3339 text.
    pub at: String,
}

/// What is known once every row is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadOutcome {
    /// Tables in load order and the rows written to each.
    pub tables: Vec<(String, u64)>,
    pub log_head: String,
    pub at: String,
}

/// The load record in the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadRecord {
    pub id: i64,
    pub order: String,
    pub series: String,
    pub system: String,
    pub target: String,
    pub input_digest: String,
    /// `committed`: no other state can be seen from outside yet.
    pub state: String,
    pub log_head: String,
    pub started: String,
    pub committed: String,
    pub tables: Vec<LoadedTable>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LoadedTable {
    pub name: String,
    pub rows: u64,
    /// The value types written, by column: a database with few types of its own needs them to read back.
    #[serde(default)]
    pub types: Vec<String>,
    /// Rows that were there before and stand for rows of the load.
    #[serde(default)]
    pub matched: u64,
    /// Of `rows`, those that were there before and took other cells.
    #[serde(default)]
    pub updated: u64,
    /// Of `rows`, those that were there before with just these cells.
    #[serde(default)]
    pub unchanged: u64,
    /// Rows of earlier loads that were edited since and left so.
    #[serde(default)]
    pub kept: u64,
    /// Rows of earlier loads that the load has not, and left.
    #[serde(default)]
    pub absent: u64,
    /// The same, but taken out.
    #[serde(default)]
    pub deleted: u64,
    /// The load answers for rows of earlier loads too, but for those it is exempt from.
    #[serde(default)]
    pub follows: bool,
    /// Of `matched`, those that took cells where they had none.
    #[serde(default)]
    pub filled: u64,
    /// As `types`, of the key and the columns that are filled in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filled_types: Vec<String>,
}

impl LoadedTable {
    /// The entry of a table, made where it is the table's first.
    pub(crate) fn of<'a>(tables: &'a mut Vec<Self>, name: &str) -> &'a mut Self {
        let at = tables.iter().position(|table| table.name == name).unwrap_or_else(|| {
            tables.push(Self { name: name.to_owned(), ..Self::default() });
            tables.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "the place of an entry that was found or made just now")]
        &mut tables[at]
    }

    /// Notes the value types of rows that were written in this mode.
    pub(crate) fn note_types(&mut self, mode: WriteMode, types: Vec<String>) {
        match mode {
            WriteMode::Fill => self.filled_types = types,
            // They are among the others.
            WriteMode::Late => {}
            _ => self.types = types,
        }
    }

    /// The value types of what was written in this mode, by column.
    pub(crate) fn types_of(&self, mode: WriteMode) -> &[String] {
        if mode == WriteMode::Fill { &self.filled_types } else { &self.types }
    }

    /// Adds what a table's written rows came to.
    pub(crate) fn add(&mut self, merged: &Merged) {
        self.rows += merged.loaded();
        self.updated += merged.updated;
        self.unchanged += merged.unchanged;
        self.matched += merged.matched;
        self.kept += merged.kept;
        self.filled += merged.filled;
    }

    /// What the record says of the tables: as announced, which must be what was written.
    pub(crate) fn reconcile(written: &[Self], outcome: &LoadOutcome) -> Result<Vec<Self>, crate::Error> {
        let unannounced =
            written.iter().find(|table| !outcome.tables.iter().any(|(name, _)| *name == table.name));
        if let Some(table) = unannounced {
            return Err(crate::Error::shape(&table.name, "*", "rows were written but not announced"));
        }
        let mut tables = Vec::with_capacity(outcome.tables.len());
        for (name, rows) in &outcome.tables {
            let table = written.iter().find(|table| table.name == *name);
            let found = table.map_or(0, |table| table.rows);
            if found != *rows {
                let problem = format!("{rows} rows were announced, {found} written");
                return Err(crate::Error::shape(name, "*", problem));
            }
            let known = table.cloned().unwrap_or_default();
            tables.push(Self { name: name.clone(), rows: found, ..known });
        }
        Ok(tables)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bookkeeping {
    Missing,
    Ready {
        version: i64,
    },
    /// Written by an earlier program: `init` brings it up to date.
    Older {
        version: i64,
    },
    /// Written by a later program.
    Newer {
        version: i64,
    },
}

/// The version of the bookkeeping tables that this program makes.
pub(crate) const BOOKKEEPING_VERSION: i64 = 3;

impl Bookkeeping {
    pub(crate) fn of(version: Option<i64>) -> Self {
        match version {
            None => Self::Missing,
            Some(version) if version > BOOKKEEPING_VERSION => Self::Newer { version },
            Some(version) if version < BOOKKEEPING_VERSION => Self::Older { version },
            Some(version) => Self::Ready { version },
        }
    }

    /// An error unless the tables are there and known.
    pub fn demand(self, target: &str) -> Result<(), crate::Error> {
        match self {
            Self::Ready { .. } => Ok(()),
            Self::Older { version } => {
                let (target, known) = (target.to_owned(), BOOKKEEPING_VERSION);
                Err(crate::Error::BookkeepingOlder { target, found: version, known })
            }
            Self::Missing => Err(crate::Error::BookkeepingMissing { target: target.to_owned() }),
            Self::Newer { version } => {
                Err(crate::Error::BookkeepingNewer { found: version, known: BOOKKEEPING_VERSION })
            }
        }
    }
}

/// Sums of cell hashes over the rows of one bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketDigest {
    pub bucket: u32,
    pub rows: u64,
    /// One for each column of the table; key columns 0.
    pub columns: Vec<i128>,
}

/// The cell hashes of one row; key columns 0.
#[derive(Clone, PartialEq, Eq)]
pub struct RowDigest {
    /// The row's source key: a value, so it must not reach a log.
    pub key: String,
    pub cells: Vec<i64>,
}

/// Between the systems of a load.
pub const SYSTEMS: &str = ", ";

impl LoadRecord {
    /// Whether this load shares its keys with another.
    pub(crate) fn in_space_of(&self, other: &Self) -> bool {
        let own = |system: &str| other.system.split(SYSTEMS).any(|other| other == system);
        self.series == other.series && self.system.split(SYSTEMS).any(own)
    }

    /// Whether it answers for rows of a table that earlier loads wrote.
    pub(crate) fn follows(&self, table: &TableSpec) -> bool {
        self.tables.iter().any(|loaded| loaded.name == table.name && loaded.follows)
    }

    pub(crate) fn tables_json(tables: &[LoadedTable]) -> String {
        serde_json::to_string(tables).unwrap_or_else(|_| "[]".to_owned())
    }

    pub(crate) fn tables_from_json(text: &str) -> Vec<LoadedTable> {
        serde_json::from_str(text).unwrap_or_default()
    }
}
