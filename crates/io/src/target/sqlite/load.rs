//! One load into SQLite: a connection on a thread of its own, one transaction, prepared inserts.
//!
//! A connection cannot be shared between threads, so batches travel to it. When the sender is dropped, the thread
//! rolls back and ends.

use std::collections::HashMap;
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::Duration;

use arrow::array::Array;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use rusqlite::{CachedStatement, Connection, OptionalExtension, params};
use tokio::sync::{mpsc, oneshot};

use super::refusal::{refused, refused_at};
use super::{bookkeeping, catalog, existing, quoted, quoted_part, row_hash};
use crate::Error;
use crate::target::values::{Values, number_as_float, write_date, write_instant, write_number, write_uuid};
use crate::target::{
    Begun, ColumnSpec, Existing, Load, LoadHeader, LoadOutcome, LoadRecord, LoadedTable, TableSpec, TypeClass,
};

enum Command {
    Write {
        table: Box<TableSpec>,
        batch: RecordBatch,
        reply: oneshot::Sender<Result<u64, Error>>,
    },
    /// Whatever else the load is asked; false when it failed.
    Ask(Box<dyn FnOnce(&mut Session) -> bool + Send>),
    Commit {
        outcome: LoadOutcome,
        reply: oneshot::Sender<Result<LoadRecord, Error>>,
    },
}

struct SqliteLoad {
    /// Taken when the load ends.
    commands: Option<mpsc::Sender<Command>>,
    thread: Option<JoinHandle<()>>,
}

pub(super) async fn begin(path: PathBuf, lock_wait: Duration, header: LoadHeader) -> Result<Begun, Error> {
    let (opened, answer) = oneshot::channel();
    let (commands, received) = mpsc::channel(1);
    let doing = "start the load's thread";
    let thread = std::thread::Builder::new()
        .name("sqlite-load".to_owned())
        .spawn({
            let path = path.clone();
            move || run(&path, lock_wait, header, opened, received)
        })
        .map_err(|source| Error::File { doing, path, source })?;
    let load = SqliteLoad { commands: Some(commands), thread: Some(thread) };
    match answer.await.map_err(ended)?? {
        Some(record) => Ok(Begun::Already(record)),
        None => Ok(Begun::Open(Box::new(load))),
    }
}

#[async_trait]
impl Load for SqliteLoad {
    async fn write(&mut self, table: &TableSpec, batch: &RecordBatch) -> Result<u64, Error> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Write { table: Box::new(table.clone()), batch: batch.clone(), reply }).await?;
        answer.await.map_err(ended)?
    }

    /// The transaction began with the write lock.
    async fn lock(&mut self, _tables: &[TableSpec]) -> Result<(), Error> {
        Ok(())
    }

    async fn existing(&mut self, table: &TableSpec, columns: &[String]) -> Result<Existing, Error> {
        let (table, columns) = (table.clone(), columns.to_vec());
        self.ask(move |session| existing::read(&session.connection, &table, &columns, &session.header.series))
            .await
    }

    async fn reserve(&mut self, table: &TableSpec, rows: u64) -> Result<Vec<i64>, Error> {
        let table = table.clone();
        self.ask(move |session| existing::reserve(&session.connection, &table, rows)).await
    }

    async fn link(&mut self, table: &TableSpec, links: &[(String, String)], known: u64) -> Result<(), Error> {
        let (table, links) = (table.clone(), links.to_vec());
        self.ask(move |session| session.link(&table, &links, known)).await
    }

    async fn commit(self: Box<Self>, outcome: &LoadOutcome) -> Result<LoadRecord, Error> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Commit { outcome: outcome.clone(), reply }).await?;
        answer.await.map_err(ended)?
    }
}

impl SqliteLoad {
    async fn ask<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Session) -> Result<T, Error> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Ask(Box::new(move |session| {
            let done = work(session);
            let well = done.is_ok();
            let _ = reply.send(done);
            well
        })))
        .await?;
        answer.await.map_err(ended)?
    }

    async fn send(&self, command: Command) -> Result<(), Error> {
        match &self.commands {
            Some(commands) => commands.send(command).await.map_err(|_| ended("the load has ended")),
            None => Err(ended("the load has ended")),
        }
    }
}

impl Drop for SqliteLoad {
    /// Waits for the rollback: who drops a load may begin the next at once.
    fn drop(&mut self) {
        self.commands = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has already been told as an error to whoever waited for an answer.
            let _ = thread.join();
        }
    }
}

fn ended(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Connection { doing: "go on with the load", target: "sqlite".to_owned(), source: source.into() }
}

/// The thread: opens, answers, then works until the commit, the first error, or until nobody asks any more.
/// Returning drops the connection, and with it whatever was not committed.
fn run(
    path: &std::path::Path,
    lock_wait: Duration,
    header: LoadHeader,
    opened: oneshot::Sender<Result<Option<LoadRecord>, Error>>,
    mut commands: mpsc::Receiver<Command>,
) {
    let mut session = match open(path, lock_wait, header) {
        Ok(Opened::Already(record)) => {
            let _ = opened.send(Ok(Some(record)));
            return;
        }
        Ok(Opened::Session(session)) => session,
        Err(error) => {
            let _ = opened.send(Err(error));
            return;
        }
    };
    // Whoever stopped waiting for an answer has dropped the load: the next receive ends the thread.
    let _ = opened.send(Ok(None));
    while let Some(command) = commands.blocking_recv() {
        match command {
            Command::Write { table, batch, reply } => {
                let written = session.write(&table, &batch);
                let failed = written.is_err();
                let _ = reply.send(written);
                if failed {
                    return;
                }
            }
            Command::Ask(work) => {
                if !work(&mut session) {
                    return;
                }
            }
            Command::Commit { outcome, reply } => {
                let _ = reply.send(session.commit(&outcome));
                return;
            }
        }
    }
}

#[expect(clippy::large_enum_variant, reason = "one value a load, moved once")]
enum Opened {
    Already(LoadRecord),
    Session(Box<Session>),
}

struct Session {
    connection: Connection,
    header: LoadHeader,
    load: i64,
    tables: Vec<LoadedTable>,
    /// By table and system.
    plans: HashMap<(String, String), Plan>,
    /// The tables that have plans.
    planned: Vec<TableSpec>,
}

/// What is looked up once a table.
#[derive(Clone)]
struct Plan {
    insert: String,
    classes: Vec<TypeClass>,
    keyspace: i64,
    linked: bool,
}

fn open(path: &std::path::Path, lock_wait: Duration, header: LoadHeader) -> Result<Opened, Error> {
    let connection = super::open(path, lock_wait)?;
    bookkeeping::state(&connection)?.demand("sqlite")?;
    connection
        .execute_batch("BEGIN IMMEDIATE; PRAGMA defer_foreign_keys = ON;")
        .map_err(refused("begin the load"))?;
    if let Some(record) = bookkeeping::find_load(&connection, &header.order)? {
        return Ok(Opened::Already(record));
    }
    let load = bookkeeping::insert_load(&connection, &header)?;
    let session =
        Session { connection, header, load, tables: Vec::new(), plans: HashMap::new(), planned: Vec::new() };
    Ok(Opened::Session(Box::new(session)))
}

const CROSSWALK: &str = "INSERT INTO chartlift_crosswalk (keyspace, source_key, target_uuid, load, created, target_key) \
                         VALUES (?, ?, ?, ?, ?, ?)";

impl Session {
    fn write(&mut self, table: &TableSpec, batch: &RecordBatch) -> Result<u64, Error> {
        let source_keys = table.source_keys(batch)?;
        let plan = self.plan(table)?;
        let mut columns = Vec::with_capacity(table.columns.len());
        for ((column, class), array) in table.columns.iter().zip(&plan.classes).zip(batch.columns()) {
            if !class.accepts(array.data_type()) {
                let problem = format!("its type in the database cannot take {}", array.data_type());
                return Err(Error::shape(&table.name, &column.name, problem));
            }
            columns.push((column, *class, Values::of(&table.name, &column.name, array.as_ref())?));
        }
        self.note_rows(table, &columns, batch.num_rows() as u64);
        let key = columns.get(table.key_position()?).map(|(_, _, values)| *values);
        let doing = "insert rows";
        let mut insert =
            self.connection.prepare_cached(&plan.insert).map_err(refused_at(doing, &table.name))?;
        let mut link = self.connection.prepare_cached(CROSSWALK).map_err(refused("write the crosswalk"))?;
        let mut text = String::new();
        for (row, source_key) in source_keys.iter().enumerate() {
            for (index, (column, class, values)) in columns.iter().enumerate() {
                text.clear();
                bind(&mut insert, index + 1, *values, *class, row, &mut text).map_err(
                    |trouble| match trouble {
                        Trouble::Value(problem) => {
                            Error::Value { table: table.name.clone(), column: column.name.clone(), problem }
                        }
                        Trouble::Database(error) => refused_at(doing, &table.name)(error),
                    },
                )?;
            }
            // A trigger may swallow a row without an error.
            if insert.raw_execute().map_err(refused_at(doing, &table.name))? != 1 {
                let sent = row as u64 + 1;
                return Err(Error::Short { table: table.name.clone(), sent, taken: row as u64 });
            }
            write_link(&mut link, &plan, source_key.unwrap_or_default(), key, row, self.load, &mut text)
                .map_err(refused_at("write the crosswalk", &table.name))?;
        }
        Ok(batch.num_rows() as u64)
    }

    fn plan(&mut self, table: &TableSpec) -> Result<Plan, Error> {
        let own = (table.name.clone(), table.system.clone());
        if let Some(plan) = self.plans.get(&own) {
            return Ok(plan.clone());
        }
        let entry = catalog::read_table(&self.connection, &table.name)?;
        let mut classes = Vec::new();
        for column in &table.columns {
            let known = entry
                .column(&column.name)
                .ok_or_else(|| Error::shape(&table.name, &column.name, "the database has no such column"))?;
            classes.push(known.class);
        }
        let names: Vec<String> = table.columns.iter().map(|column| quoted_part(&column.name)).collect();
        let places = vec!["?"; names.len()].join(", ");
        let insert = format!("INSERT INTO {} ({}) VALUES ({places})", quoted(&table.name), names.join(", "));
        let keyspace = bookkeeping::keyspace(&self.connection, &self.header.series, table)?;
        let plan = Plan { insert, classes, keyspace, linked: table.is_linked() };
        self.plans.insert(own, plan.clone());
        self.planned.push(table.clone());
        Ok(plan)
    }

    fn note_rows(&mut self, table: &TableSpec, columns: &[(&ColumnSpec, TypeClass, Values<'_>)], rows: u64) {
        let loaded = LoadedTable::of(&mut self.tables, &table.name);
        loaded.rows += rows;
        if loaded.types.is_empty() {
            loaded.types =
                columns.iter().map(|(_, _, values)| values.value_type().name().to_owned()).collect();
        }
    }

    fn link(&mut self, table: &TableSpec, links: &[(String, String)], known: u64) -> Result<(), Error> {
        let plan = self.plan(table)?;
        if plan.linked {
            LoadedTable::of(&mut self.tables, &table.name).matched += links.len() as u64 + known;
        }
        let write = || -> rusqlite::Result<()> {
            if plan.linked {
                // Entries from before the table's rows were matched name their rows in another column.
                let earlier = "UPDATE chartlift_crosswalk SET target_key = coalesce(target_uuid, source_key) \
                               WHERE keyspace = ? AND target_key IS NULL";
                self.connection.execute(earlier, [plan.keyspace])?;
            }
            let mut insert = self.connection.prepare_cached(CROSSWALK)?;
            for (source_key, target_key) in links {
                let key = Some(target_key);
                let (uuid, linked) = (key.filter(|_| !plan.linked), key.filter(|_| plan.linked));
                insert.execute(params![plan.keyspace, source_key, uuid, self.load, false, linked])?;
            }
            Ok(())
        };
        write().map_err(refused_at("write the crosswalk", &table.name))
    }

    fn commit(&mut self, outcome: &LoadOutcome) -> Result<LoadRecord, Error> {
        let tables = LoadedTable::reconcile(&self.tables, outcome)?;
        row_hash::fill_hashes(&self.connection, self.load, &self.header.series, &self.planned)?;
        bookkeeping::finish_load(&self.connection, self.load, outcome, &tables)?;
        if let Err(error) = self.connection.execute_batch("COMMIT") {
            let mut error = refused("commit the load")(error);
            if let Error::Refused { refusal, .. } = &mut error
                && refusal.code == "SQLITE_CONSTRAINT_FOREIGNKEY"
            {
                refusal.table = self.first_loose_table();
            }
            return Err(error);
        }
        let committed = bookkeeping::find_load(&self.connection, &self.header.order)?;
        committed.ok_or_else(|| ended("the load record is gone"))
    }

    /// The table whose references lead nowhere: at the commit SQLite itself does not say.
    fn first_loose_table(&self) -> Option<String> {
        self.connection
            .query_row("SELECT \"table\" FROM pragma_foreign_key_check LIMIT 1", [], |row| row.get(0))
            .optional()
            .ok()
            .flatten()
    }
}

enum Trouble {
    Value(&'static str),
    Database(rusqlite::Error),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

impl From<&'static str> for Trouble {
    fn from(problem: &'static str) -> Self {
        Self::Value(problem)
    }
}

fn bind(
    statement: &mut CachedStatement<'_>,
    index: usize,
    values: Values<'_>,
    class: TypeClass,
    row: usize,
    text: &mut String,
) -> Result<(), Trouble> {
    if values.array().is_null(row) {
        return Ok(statement.raw_bind_parameter(index, None::<i64>)?);
    }
    match values {
        Values::Text(array) => return Ok(statement.raw_bind_parameter(index, array.value(row))?),
        Values::Integer(array) if class == TypeClass::Double => {
            // A double holds every integer up to here.
            if array.value(row).unsigned_abs() > 1 << 53 {
                return Err("has more digits than the column keeps".into());
            }
            return Ok(statement.raw_bind_parameter(index, array.value(row) as f64)?);
        }
        Values::Integer(array) => return Ok(statement.raw_bind_parameter(index, array.value(row))?),
        Values::Boolean(array) => {
            return Ok(statement.raw_bind_parameter(index, i64::from(array.value(row)))?);
        }
        Values::Number(array) if class == TypeClass::Double => {
            let double: Option<f64> = number_as_float(array.value(row), text);
            return Ok(statement.raw_bind_parameter(index, double)?);
        }
        Values::Number(array) => write_number(text, array.value(row)),
        Values::Uuid(array) => write_uuid(text, array.value(row)),
        Values::Date(array) => write_date(text, array.value(row))?,
        Values::Instant(array) => write_instant(text, array.value(row))?,
    }
    Ok(statement.raw_bind_parameter(index, text.as_str())?)
}

fn write_link(
    link: &mut CachedStatement<'_>,
    plan: &Plan,
    source_key: &str,
    key: Option<Values<'_>>,
    row: usize,
    load: i64,
    text: &mut String,
) -> rusqlite::Result<()> {
    link.raw_bind_parameter(1, plan.keyspace)?;
    link.raw_bind_parameter(2, source_key)?;
    text.clear();
    match key {
        Some(values) if plan.linked || matches!(values, Values::Uuid(_)) => values.write_key(row, text),
        _ => {}
    }
    let written = Some(text.as_str()).filter(|text| !text.is_empty());
    link.raw_bind_parameter(3, written.filter(|_| !plan.linked))?;
    link.raw_bind_parameter(4, load)?;
    link.raw_bind_parameter(5, 1)?;
    link.raw_bind_parameter(6, written.filter(|_| plan.linked))?;
    link.raw_execute()?;
    Ok(())
}
