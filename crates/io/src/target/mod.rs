//! Targets: batches of converted rows become rows of a database, once and all or nothing, and can be read back
//! as digests that the database itself computes.
//!
//! One trait for all databases; `crates/io/tests/target` holds the suite that every one of them passes.

mod catalog;
mod delta;
mod existing;
mod facts;
pub(crate) mod name;
mod postgres;
mod record;
mod roll_back;
mod spec;
mod sqlite;
mod surroundings;
pub(crate) mod values;
mod writing;

use std::collections::HashSet;
use std::time::Duration;

use arrow::array::Array;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;

use crate::Error;

pub use catalog::{Catalog, CatalogColumn, CatalogTable, Element, ForeignKey, TypeClass};
pub use delta::{Absent, Comparison, Exemption, Removed, Touched};
pub use existing::{Existing, ExistingRow, Link};
pub use facts::{Deferred, RowCheck, Sequence, TableFacts, Trigger};
pub use record::{
    Bookkeeping, BucketDigest, LoadHeader, LoadOutcome, LoadRecord, LoadedTable, RowDigest, SYSTEMS,
};
pub use roll_back::{Elsewhere, RollBack, SlowReference, Stays, TableBack, TakenBack, Why};
pub use spec::{ColumnSpec, KEY_COLUMN, KeyKind, Role, TableSpec};
pub use surroundings::Surroundings;
pub use writing::{Merged, Path, Reason, Rulings, TablePlan, Unanswered, WriteMode};

/// A place that rows are loaded into.
#[async_trait]
pub trait Target: Send + Sync {
    /// Where it is, without credentials.
    fn describe(&self) -> String;

    /// The database's kind, as the pack's DDL files are named: `postgres` or `sqlite`.
    fn dialect(&self) -> &'static str;

    /// What the database says of these tables (`table` or `schema.table`); one entry each, in order.
    async fn catalog(&self, tables: &[String]) -> Result<Catalog, Error>;

    async fn bookkeeping(&self) -> Result<Bookkeeping, Error>;

    /// Makes the bookkeeping tables where they are missing and, if given, runs the pack's own DDL: all in one
    /// transaction.
    async fn init(&self, ddl: Option<&str>) -> Result<(), Error>;

    /// The committed load of an order.
    async fn find_load(&self, order: &str) -> Result<Option<LoadRecord>, Error>;

    /// Takes the order's fence and opens the one transaction of its load.
    async fn begin(&self, header: &LoadHeader) -> Result<Begun, Error>;

    /// Which of these values the column could not take and give back unchanged: rows of the array, in order. The column
    /// is one of this target's catalogue; says nothing of `json`, whose form only a reader can judge.
    fn unfit(&self, table: &str, column: &CatalogColumn, values: &dyn Array) -> Result<Vec<u32>, Error>;

    /// Whether [`Target::failing`] can compute a check of the table.
    fn can_ask(&self, _table: &CatalogTable, _check: &RowCheck) -> bool {
        false
    }

    /// The rows of the batch, in order, that a check of the table would refuse, as the database itself computes it. Rows
    /// in `skipped` are not asked about.
    async fn failing(
        &self,
        _table: &CatalogTable,
        _check: &RowCheck,
        _batch: &RecordBatch,
        _skipped: &HashSet<usize>,
    ) -> Result<Vec<u32>, Error> {
        Ok(Vec::new())
    }

    /// Gathers statistics of tables that have got many rows, so that the next queries find their way. Answers those of
    /// which it could not.
    async fn analyze(&self, tables: &[String]) -> Result<Vec<String>, Error>;

    /// Sums of cell hashes over the rows that this load put into the table, by bucket of the row's source key
    /// (`buckets` is a power of two; 1 is the whole table). Buckets without rows are left out.
    async fn digest(
        &self,
        table: &TableSpec,
        load: &LoadRecord,
        buckets: u32,
    ) -> Result<Vec<BucketDigest>, Error>;

    /// The cell hashes of the rows in the chosen buckets, ordered by source key.
    async fn row_digests(
        &self,
        table: &TableSpec,
        load: &LoadRecord,
        buckets: u32,
        chosen: &[u32],
    ) -> Result<Vec<RowDigest>, Error>;

    /// The rows that a load filled, by source key, each with its columns that were empty before.
    async fn filled(&self, table: &TableSpec, load: &LoadRecord)
    -> Result<Vec<(String, Vec<String>)>, Error>;

    /// The rows of the table's keyspace for which a load does not answer any more, or never did.
    async fn unanswered(&self, table: &TableSpec, load: &LoadRecord) -> Result<Unanswered, Error>;

    /// The rows that a linked table has now, with the given columns, and what its keyspace knows of them.
    async fn existing(&self, table: &TableSpec, columns: &[String], series: &str) -> Result<Existing, Error>;

    /// The latest load of an order that was rolled back.
    async fn find_rolled_back(&self, order: &str) -> Result<Option<i64>, Error>;

    /// The latest load of an order of which a rollback left some charts standing.
    async fn find_partly_rolled_back(&self, order: &str) -> Result<Option<LoadRecord>, Error>;

    /// Takes the order's fence, keeps everybody else from writing to these tables, and opens the one transaction in
    /// which the load is taken back. Refused while a later load stands on this one, and where nothing tells any more
    /// which rows were written to since. `tables` are all that the load may have written to.
    async fn begin_roll_back(
        &self,
        load: &LoadRecord,
        tables: &[TableSpec],
    ) -> Result<Box<dyn RollBack>, Error>;
}

/// One open transaction. Dropping it means that nothing happened.
#[async_trait]
pub trait Load: Send {
    /// Which way the table's rows take. Looks, and changes nothing.
    async fn plan(&mut self, table: &TableSpec) -> Result<TablePlan, Error>;

    /// Writes rows and their crosswalk entries. The batch has one column for each of the table's, in order, and
    /// then `_key`, the row's source key. Answers how many rows were written. Staged rows are in the table, and
    /// counted, after [`Load::merge`].
    async fn write(&mut self, table: &TableSpec, batch: &RecordBatch) -> Result<u64, Error>;

    /// Brings the rows that were written of a table into it; to be called once, after the last of them. Rows that are
    /// there are left as they were in the bookkeeping before anything is written to them.
    async fn merge(&mut self, table: &TableSpec, rulings: &Rulings) -> Result<Merged, Error>;

    /// Says that the load follows others: of each table, rows that earlier loads wrote are compared before they are written
    /// to. To be called before the first row.
    async fn follow(&mut self) -> Result<(), Error>;

    /// Between a table's last [`Load::write`] and its merge, in a load that follows others: what of the table's earlier
    /// rows somebody may have to decide. `orders` are those that the load follows, and its own.
    async fn compare(&mut self, table: &TableSpec, orders: &[String]) -> Result<Comparison, Error>;

    /// Notes that the load does not answer for rows of the table, by source key.
    async fn exempt(&mut self, table: &TableSpec, rows: &[(String, Exemption)]) -> Result<(), Error>;

    /// Takes rows of earlier loads out of the table, and keeps what they were. Rows that others refer to stay.
    async fn remove(&mut self, table: &TableSpec, source_keys: &[String]) -> Result<Removed, Error>;
    /// Has these constraints, named as [`ForeignKey::deferrable`] does, looked at when the load ends.
    async fn defer(&mut self, constraints: &[String]) -> Result<(), Error>;

    /// Looks at all constraints now that wait for the end: a load that is not committed learns what its end would say.
    async fn check(&mut self) -> Result<(), Error>;

    /// Keeps others from writing to these tables until the load ends. Reading stays possible.
    async fn lock(&mut self, tables: &[TableSpec]) -> Result<(), Error>;

    /// As [`Target::existing`], within the load.
    async fn existing(&mut self, table: &TableSpec, columns: &[String]) -> Result<Existing, Error>;

    /// As many numbers as asked for that no row of the table has for a key, as the table's own way of assigning
    /// them gives them. The table must be locked.
    async fn reserve(&mut self, table: &TableSpec, rows: u64) -> Result<Vec<i64>, Error>;

    /// Keeps triggers of a table from firing until the load ends; they are enabled again before it commits. Comes before
    /// the table's first row, and asks for the table's ownership.
    async fn disable_triggers(&mut self, table: &TableSpec, triggers: &[String]) -> Result<(), Error>;

    /// Writes crosswalk entries, source key and target key, that create no row: of rows that a linked table had before,
    /// and further names of rows that other entries create. `known` counts those that have an entry already.
    async fn link(&mut self, table: &TableSpec, links: &[(String, String)], known: u64) -> Result<(), Error>;

    /// Writes the load record and commits. When the answer to the commit is lost, the record decides.
    async fn commit(self: Box<Self>, outcome: &LoadOutcome) -> Result<LoadRecord, Error>;
}

#[expect(clippy::large_enum_variant, reason = "one value a load, moved once")]
pub enum Begun {
    /// The order was loaded before; nothing was opened.
    Already(LoadRecord),
    Open(Box<dyn Load>),
}

/// How to behave towards the database.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long to wait for the fence: a killed client's server process may hold it for a while.
    pub lock_wait: Duration,
    /// What adds to an address: login, files, certificates.
    pub surroundings: Surroundings,
}

impl Default for Options {
    fn default() -> Self {
        Self { lock_wait: Duration::from_secs(60), surroundings: Surroundings::default() }
    }
}

/// Opens `sqlite:PATH` or `postgresql://...`.
pub async fn connect(url: &str) -> Result<Box<dyn Target>, Error> {
    connect_with(url, &Options::default()).await
}

pub async fn connect_with(url: &str, options: &Options) -> Result<Box<dyn Target>, Error> {
    if let Some(path) = url.strip_prefix("sqlite:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        return Ok(Box::new(sqlite::SqliteTarget::new(path, options)?));
    }
    if url.starts_with("postgresql://") || url.starts_with("postgres://") {
        return Ok(Box::new(postgres::PostgresTarget::connect(url, options).await?));
    }
    let problem = "it begins with neither `sqlite:` nor `postgresql://`".to_owned();
    Err(Error::Address { problem })
}

/// The mask that takes a key's hash to its bucket.
fn bucket_mask(buckets: u32) -> i64 {
    debug_assert!(buckets.is_power_of_two(), "bucket counts are powers of two");
    i64::from(buckets.max(1)) - 1
}
