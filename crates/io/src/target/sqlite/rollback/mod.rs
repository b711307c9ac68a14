//! Taking a load back from SQLite, in one transaction that nobody else writes beside: who stays is found by the hash
//! that the load remembered of each row, what goes, goes by the crosswalk.

mod finish;
mod standing;

use async_trait::async_trait;
use rusqlite::Connection;

use super::refusal::{refused, refused_at};
use super::triggers::Disabled;
use super::{blocking, bookkeeping, catalog, quoted, quoted_part, row_hash};
use crate::Error;
use crate::failpoint;
use crate::target::{LoadRecord, RollBack, Stays, TableSpec, TakenBack};

const DOING: &str = "take the load back";

/// What is to stay, while the rollback lasts.
const KEPT: &str = "CREATE TEMP TABLE chartlift_kept (keyspace INTEGER NOT NULL, source_key TEXT NOT NULL, \
                    PRIMARY KEY (keyspace, source_key)) WITHOUT ROWID";

/// The condition that the entry or image with this name is not kept.
fn goes(alias: &str) -> String {
    format!(
        "NOT EXISTS (SELECT 1 FROM temp.chartlift_kept x \
         WHERE x.keyspace = {alias}.keyspace AND x.source_key = {alias}.source_key)"
    )
}

/// A table and system that the load may have written to.
struct Space {
    /// Its place among the tables that the rollback was begun with.
    at: usize,
    spec: TableSpec,
    keyspace: i64,
    columns: Vec<String>,
}

impl Space {
    fn table(&self) -> String {
        quoted(&self.spec.name)
    }

    /// The table's key column, of the row with this name.
    fn key(&self, row: &str) -> Result<String, Error> {
        Ok(format!("{row}.{}", quoted_part(&self.spec.key()?.0.name)))
    }

    /// The condition that ties a row to its crosswalk entry, by their names in the query.
    fn link(&self, row: &str, link: &str) -> Result<String, Error> {
        Ok(format!("{} = {link}.{}", self.key(row)?, row_hash::link_column(self.spec.key()?.1)))
    }
}

/// One foreign key, whoever has it.
struct Reference {
    child: String,
    parent: String,
    columns: Vec<String>,
    referred: Vec<String>,
}

impl Reference {
    /// The condition that row `c` refers to row `t`.
    fn joined(&self) -> String {
        let pairs = self.columns.iter().zip(&self.referred);
        let pairs = pairs.map(|(own, other)| format!("c.{} = t.{}", quoted_part(own), quoted_part(other)));
        pairs.collect::<Vec<_>>().join(" AND ")
    }
}

/// SQLite tells names apart by their letters only, not by their case.
fn same_table(one: &str, other: &str) -> bool {
    one.trim_start_matches("main.").eq_ignore_ascii_case(other.trim_start_matches("main."))
}

/// The open transaction. Dropping the connection undoes it.
pub(super) struct Open {
    connection: Connection,
    load: LoadRecord,
    tables: usize,
    spaces: Vec<Space>,
    references: Vec<Reference>,
    disabled: Disabled,
}

impl Open {
    pub(super) fn begin(
        connection: Connection,
        load: LoadRecord,
        tables: &[TableSpec],
    ) -> Result<Self, Error> {
        // References are asked for at the end: rows of one table may refer to one another.
        connection
            .execute_batch("BEGIN IMMEDIATE; PRAGMA defer_foreign_keys = ON;")
            .map_err(refused(DOING))?;
        failpoint::hit("rollback-locked");
        if let Some(later) = bookkeeping::stands_on(&connection, &load)? {
            return Err(Error::Stood { load: load.id, later });
        }
        connection.execute_batch(KEPT).map_err(refused(DOING))?;
        let spaces = spaces(&connection, &load, tables)?;
        let references = references(&connection, &spaces)?;
        let disabled = Disabled::default();
        let open = Self { connection, load, tables: tables.len(), spaces, references, disabled };
        open.demand_hashes()?;
        Ok(open)
    }

    /// Loads from before rows were hashed have none.
    fn demand_hashes(&self) -> Result<(), Error> {
        for space in &self.spaces {
            let sql = format!(
                "SELECT EXISTS (SELECT 1 FROM chartlift_crosswalk k WHERE keyspace = ?1 AND load = ?2 \
                 AND (created = 1 OR updated = 1) AND row_hash IS NULL AND EXISTS \
                 (SELECT 1 FROM {} t WHERE {}))",
                space.table(),
                space.link("t", "k")?
            );
            let lacks: bool = self
                .connection
                .query_row(&sql, [space.keyspace, self.load.id], |row| row.get(0))
                .map_err(refused_at(DOING, &space.spec.name))?;
            if lacks {
                return Err(Error::Untold { load: self.load.id });
            }
        }
        Ok(())
    }

    fn keep(&self, table: &TableSpec, source_keys: &[String]) -> Result<(), Error> {
        let space = self
            .spaces
            .iter()
            .find(|space| space.spec.name == table.name && space.spec.system == table.system);
        let Some(space) = space else { return Ok(()) };
        let insert = || -> rusqlite::Result<()> {
            let mut insert =
                self.connection.prepare_cached("INSERT OR IGNORE INTO temp.chartlift_kept VALUES (?, ?)")?;
            source_keys.iter().try_for_each(|key| insert.execute((space.keyspace, key)).map(|_| ()))
        };
        insert().map_err(refused(DOING))
    }

    fn end(&self, dry_run: bool) -> Result<TakenBack, Error> {
        let done = self.take_back()?;
        self.disabled.enable_again(&self.connection)?;
        failpoint::hit("rollback-record");
        failpoint::hit("rollback-committing");
        let end = if dry_run { "ROLLBACK" } else { "COMMIT" };
        self.connection.execute_batch(end).map_err(refused(DOING))?;
        failpoint::hit("rollback-committed");
        Ok(done)
    }
}

fn spaces(connection: &Connection, load: &LoadRecord, tables: &[TableSpec]) -> Result<Vec<Space>, Error> {
    if let Some(unknown) =
        load.tables.iter().find(|loaded| !tables.iter().any(|table| table.name == loaded.name))
    {
        return Err(Error::shape(&unknown.name, "*", "the load wrote to it, and the pack no longer has it"));
    }
    let mut spaces = Vec::new();
    for (at, spec) in tables.iter().enumerate() {
        let keyspace = bookkeeping::find_keyspace(connection, &load.series, &spec.system, &spec.keyspace)?;
        let Some(keyspace) = keyspace else { continue };
        let columns = row_hash::columns(connection, &spec.name)?;
        if columns.is_empty() {
            return Err(Error::shape(&spec.name, "*", "the database no longer has the table"));
        }
        spaces.push(Space { at, spec: spec.clone(), keyspace, columns });
    }
    Ok(spaces)
}

/// All foreign keys of the database that lead to the load's tables.
fn references(connection: &Connection, spaces: &[Space]) -> Result<Vec<Reference>, Error> {
    let names = || -> rusqlite::Result<Vec<String>> {
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
                   AND name NOT LIKE 'chartlift\\_%' ESCAPE '\\' ORDER BY name";
        connection.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
    };
    let mut references = Vec::new();
    for child in names().map_err(refused(DOING))? {
        for key in catalog::read_table(connection, &child)?.foreign_keys {
            if spaces.iter().any(|space| same_table(&space.spec.name, &key.table)) {
                references.push(Reference {
                    child: child.clone(),
                    parent: key.table,
                    columns: key.columns,
                    referred: key.referred_columns,
                });
            }
        }
    }
    Ok(references)
}

/// The transaction travels to a blocking thread for each call: a connection cannot be shared between threads.
pub(super) struct SqliteRollBack {
    /// Away while a call is under way; gone for good where that was abandoned.
    open: Option<Box<Open>>,
}

impl SqliteRollBack {
    pub(super) fn new(open: Open) -> Self {
        Self { open: Some(Box::new(open)) }
    }

    async fn ask<T, F>(&mut self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Open) -> Result<T, Error> + Send + 'static,
    {
        let Some(mut open) = self.open.take() else {
            let source = "an earlier call was abandoned: nothing was taken back".into();
            return Err(Error::Connection { doing: DOING, target: "sqlite".to_owned(), source });
        };
        let (open, done) = blocking(move || {
            let done = work(&mut open);
            Ok((open, done))
        })
        .await?;
        self.open = Some(open);
        done
    }
}

#[async_trait]
impl RollBack for SqliteRollBack {
    async fn disable_triggers(&mut self, table: &TableSpec, triggers: &[String]) -> Result<(), Error> {
        let (table, triggers) = (table.name.clone(), triggers.to_vec());
        self.ask(move |open| open.disabled.disable(&open.connection, &table, &triggers)).await
    }

    async fn standing(&mut self) -> Result<Vec<Stays>, Error> {
        self.ask(|open| {
            let mut stays = open.touched()?;
            stays.extend(open.referenced_from_outside()?);
            Ok(stays)
        })
        .await
    }

    async fn keep(&mut self, table: &TableSpec, source_keys: &[String]) -> Result<(), Error> {
        let (table, source_keys) = (table.clone(), source_keys.to_vec());
        self.ask(move |open| open.keep(&table, &source_keys)).await
    }

    async fn referred(&mut self) -> Result<Vec<Stays>, Error> {
        self.ask(|open| open.referred_by_kept()).await
    }

    async fn finish(mut self: Box<Self>, dry_run: bool) -> Result<TakenBack, Error> {
        self.ask(move |open| open.end(dry_run)).await
    }
}
