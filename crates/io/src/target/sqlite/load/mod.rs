//! One load into SQLite: a connection on a thread of its own, one transaction, prepared inserts.
//!
//! A connection cannot be shared between threads, so batches travel to it. When the sender is dropped, the thread
//! rolls back and ends.

mod earlier;
mod merge;
mod remove;
pub(super) mod session;

use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::Duration;

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};

use self::session::{Opened, Session, open};
use super::existing;
use crate::Error;
use crate::target::{
    Begun, Comparison, Exemption, Existing, Load, LoadHeader, LoadOutcome, LoadRecord, Merged, Removed,
    Rulings, TablePlan, TableSpec,
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
    async fn plan(&mut self, table: &TableSpec) -> Result<TablePlan, Error> {
        let table = table.clone();
        self.ask(move |session| Ok(merge::plan(&table, session.compares_with_earlier(&table)?))).await
    }

    async fn write(&mut self, table: &TableSpec, batch: &RecordBatch) -> Result<u64, Error> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Write { table: Box::new(table.clone()), batch: batch.clone(), reply }).await?;
        answer.await.map_err(ended)?
    }

    async fn merge(&mut self, table: &TableSpec, rulings: &Rulings) -> Result<Merged, Error> {
        let (table, rulings) = (table.clone(), rulings.clone());
        self.ask(move |session| session.merge(&table, &rulings)).await
    }

    async fn follow(&mut self) -> Result<(), Error> {
        self.ask(|session| {
            session.follows = true;
            Ok(())
        })
        .await
    }

    async fn compare(&mut self, table: &TableSpec, orders: &[String]) -> Result<Comparison, Error> {
        let (table, orders) = (table.clone(), orders.to_vec());
        self.ask(move |session| session.compare_with_earlier(&table, &orders)).await
    }

    async fn exempt(&mut self, table: &TableSpec, rows: &[(String, Exemption)]) -> Result<(), Error> {
        let (table, rows) = (table.clone(), rows.to_vec());
        self.ask(move |session| session.exempt(&table, &rows)).await
    }

    async fn remove(&mut self, table: &TableSpec, source_keys: &[String]) -> Result<Removed, Error> {
        let (table, source_keys) = (table.clone(), source_keys.to_vec());
        self.ask(move |session| session.remove(&table, &source_keys)).await
    }

    /// The transaction began with all of them deferred.
    async fn defer(&mut self, _constraints: &[String]) -> Result<(), Error> {
        Ok(())
    }

    async fn check(&mut self) -> Result<(), Error> {
        self.ask(|session| session.check()).await
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

    async fn disable_triggers(&mut self, table: &TableSpec, triggers: &[String]) -> Result<(), Error> {
        let (table, triggers) = (table.name.clone(), triggers.to_vec());
        self.ask(move |session| session.disabled.disable(&session.connection, &table, &triggers)).await
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

pub(super) fn ended(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
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
