//! SQLite: one file, nothing else to install. Dates, instants and decimals are canonical text, booleans 0 and 1.
//!
//! SQLite cannot hash texts, so its digests are computed here, by code of its own that reads the rows back.

mod bookkeeping;
mod catalog;
mod digest;
mod existing;
mod load;
mod refusal;
mod rollback;
mod row_hash;
mod scope;
mod script;
mod triggers;

use std::path::{Path, PathBuf};
use std::time::Duration;

use arrow::array::Array;
use async_trait::async_trait;
use rusqlite::{Connection, OpenFlags};

use super::{
    Begun, Bookkeeping, BucketDigest, Catalog, CatalogColumn, CatalogTable, Existing, LoadHeader, LoadRecord,
    Options, RollBack, RowDigest, TableSpec, Target, Unanswered,
};
use crate::Error;
use crate::target::name::{quoted, quoted_part};
use refusal::refused;

const READ_ONLY: &str = "the file may only be read";

pub(super) struct SqliteTarget {
    path: PathBuf,
    lock_wait: Duration,
}

impl SqliteTarget {
    pub(super) fn new(path: &str, options: &Options) -> Result<Self, Error> {
        if path.is_empty() || path.starts_with(':') {
            let problem = "`sqlite:` needs the path of a file".to_owned();
            return Err(Error::Address { problem });
        }
        Ok(Self { path: PathBuf::from(path), lock_wait: options.lock_wait })
    }

    /// Runs on a blocking thread, with a connection if the file exists.
    async fn read<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(Option<&mut Connection>) -> Result<T, Error> + Send + 'static,
    {
        let (path, lock_wait) = (self.path.clone(), self.lock_wait);
        blocking(move || {
            if !path.exists() {
                return work(None);
            }
            let mut connection = open(&path, lock_wait)?;
            work(Some(&mut connection))
        })
        .await
    }
}

#[async_trait]
impl Target for SqliteTarget {
    fn describe(&self) -> String {
        format!("sqlite:{}", self.path.display())
    }

    fn dialect(&self) -> &'static str {
        "sqlite"
    }

    async fn catalog(&self, tables: &[String]) -> Result<Catalog, Error> {
        let tables = tables.to_vec();
        self.read(move |connection| {
            let Some(connection) = connection else {
                let missing = |name| CatalogTable { name, ..Default::default() };
                return Ok(Catalog {
                    tables: tables.into_iter().map(missing).collect(),
                    ..Default::default()
                });
            };
            let read_only = connection.is_readonly("main").map_err(refused("read its catalogue"))?;
            let read_only = read_only.then_some(READ_ONLY);
            Ok(Catalog { tables: catalog::read(connection, &tables)?, read_only, ..Default::default() })
        })
        .await
    }

    async fn bookkeeping(&self) -> Result<Bookkeeping, Error> {
        self.read(|connection| match connection {
            Some(connection) => bookkeeping::state(connection),
            None => Ok(Bookkeeping::Missing),
        })
        .await
    }

    async fn init(&self, ddl: Option<&str>) -> Result<(), Error> {
        let (path, lock_wait, ddl) = (self.path.clone(), self.lock_wait, ddl.map(str::to_owned));
        blocking(move || {
            create_file(&path)?;
            let mut connection = open(&path, lock_wait)?;
            bookkeeping::init(&mut connection, ddl.as_deref())
        })
        .await
    }

    async fn find_load(&self, order: &str) -> Result<Option<LoadRecord>, Error> {
        let order = order.to_owned();
        self.read(move |connection| match connection {
            Some(connection) if bookkeeping::state(connection)? != Bookkeeping::Missing => {
                bookkeeping::find_load(connection, &order)
            }
            _ => Ok(None),
        })
        .await
    }

    async fn begin(&self, header: &LoadHeader) -> Result<Begun, Error> {
        let missing = || Error::BookkeepingMissing { target: self.describe() };
        if !self.path.exists() {
            return Err(missing());
        }
        load::begin(self.path.clone(), self.lock_wait, header.clone()).await
    }

    fn unfit(&self, table: &str, column: &CatalogColumn, values: &dyn Array) -> Result<Vec<u32>, Error> {
        load::session::unfit(table, column, values)
    }

    async fn analyze(&self, tables: &[String]) -> Result<Vec<String>, Error> {
        let tables = tables.to_vec();
        self.read(move |connection| {
            let Some(connection) = connection else { return Ok(tables) };
            let gather = |table: &String| {
                let sql = format!("PRAGMA analysis_limit = 1000; ANALYZE {}", quoted(table));
                connection.execute_batch(&sql)
            };
            Ok(tables.iter().filter(|table| gather(table).is_err()).cloned().collect())
        })
        .await
    }

    async fn digest(
        &self,
        table: &TableSpec,
        load: &LoadRecord,
        buckets: u32,
    ) -> Result<Vec<BucketDigest>, Error> {
        let (table, load) = (table.clone(), load.clone());
        self.read(move |connection| match connection {
            Some(connection) => digest::buckets(connection, &table, &load, buckets),
            None => Ok(Vec::new()),
        })
        .await
    }

    async fn row_digests(
        &self,
        table: &TableSpec,
        load: &LoadRecord,
        buckets: u32,
        chosen: &[u32],
    ) -> Result<Vec<RowDigest>, Error> {
        let (table, load, chosen) = (table.clone(), load.clone(), chosen.to_vec());
        self.read(move |connection| match connection {
            Some(connection) => digest::rows(connection, &table, &load, buckets, &chosen),
            None => Ok(Vec::new()),
        })
        .await
    }

    async fn filled(
        &self,
        table: &TableSpec,
        load: &LoadRecord,
    ) -> Result<Vec<(String, Vec<String>)>, Error> {
        let (table, load) = (table.clone(), load.clone());
        self.read(move |connection| match connection {
            Some(connection) => scope::filled(connection, &table, &load),
            None => Ok(Vec::new()),
        })
        .await
    }

    async fn unanswered(&self, table: &TableSpec, load: &LoadRecord) -> Result<Unanswered, Error> {
        let (table, load) = (table.clone(), load.clone());
        self.read(move |connection| match connection {
            Some(connection) => scope::unanswered(connection, &table, &load),
            None => Ok(Unanswered::default()),
        })
        .await
    }

    async fn existing(&self, table: &TableSpec, columns: &[String], series: &str) -> Result<Existing, Error> {
        let (table, columns) = (table.clone(), columns.to_vec());
        let series = series.to_owned();
        self.read(move |connection| match connection {
            Some(connection) => existing::read(connection, &table, &columns, &series),
            None => Ok(Existing::default()),
        })
        .await
    }

    async fn find_rolled_back(&self, order: &str) -> Result<Option<i64>, Error> {
        let order = order.to_owned();
        self.read(move |connection| match connection {
            Some(connection) => bookkeeping::find_rolled_back(connection, &order),
            None => Ok(None),
        })
        .await
    }

    async fn find_partly_rolled_back(&self, order: &str) -> Result<Option<LoadRecord>, Error> {
        let order = order.to_owned();
        self.read(move |connection| match connection {
            Some(connection) => bookkeeping::find_partly_rolled_back(connection, &order),
            None => Ok(None),
        })
        .await
    }

    async fn begin_roll_back(
        &self,
        load: &LoadRecord,
        tables: &[TableSpec],
    ) -> Result<Box<dyn RollBack>, Error> {
        let (path, lock_wait) = (self.path.clone(), self.lock_wait);
        let (load, tables) = (load.clone(), tables.to_vec());
        let open = blocking(move || rollback::Open::begin(open(&path, lock_wait)?, load, &tables)).await?;
        Ok(Box::new(rollback::SqliteRollBack::new(open)))
    }
}

/// Opens an existing file the way every use of it needs.
fn open(path: &Path, lock_wait: Duration) -> Result<Connection, Error> {
    let doing = "open the database";
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(refused(doing))?;
    connection.busy_timeout(lock_wait).map_err(refused(doing))?;
    connection
        .execute_batch(
            "PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536; \
             PRAGMA temp_store = FILE;",
        )
        .map_err(refused(doing))?;
    row_hash::register(&connection)?;
    Ok(connection)
}

/// Makes the file readable by its owner only: it will hold patients' data.
fn create_file(path: &Path) -> Result<(), Error> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(Error::File { doing: "create the database", path: path.to_owned(), source }),
    }
}

/// Runs blocking work and carries a panic on to the caller.
async fn blocking<T, F>(work: F) -> Result<T, Error>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, Error> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(error) => {
            let target = "sqlite".to_owned();
            Err(Error::Connection { doing: "use the database", target, source: Box::new(error) })
        }
    }
}
