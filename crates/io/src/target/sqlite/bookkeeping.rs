//! The bookkeeping tables in SQLite: prefix `chartlift_`, since it has no schemas.

use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use super::refusal::refused;
use super::script;
use crate::Error;
use crate::failpoint;
use crate::target::record::{BOOKKEEPING_VERSION, Bookkeeping};
use crate::target::{LoadHeader, LoadOutcome, LoadRecord, LoadedTable, TableSpec};

const TABLES: &str = "
CREATE TABLE chartlift_version (version INTEGER NOT NULL) STRICT;
CREATE TABLE chartlift_load (
  id INTEGER PRIMARY KEY,
  order_id TEXT NOT NULL,
  series TEXT NOT NULL,
  system TEXT NOT NULL,
  target TEXT NOT NULL,
  input_digest TEXT NOT NULL,
  state TEXT NOT NULL,
  log_head TEXT NOT NULL,
  started TEXT NOT NULL,
  committed TEXT,
  tables TEXT NOT NULL
) STRICT;
CREATE TABLE chartlift_keyspace (
  id INTEGER PRIMARY KEY,
  series TEXT NOT NULL,
  system TEXT NOT NULL,
  target_table TEXT NOT NULL,
  UNIQUE (series, system, target_table)
) STRICT;
CREATE TABLE chartlift_crosswalk (
  keyspace INTEGER NOT NULL,
  source_key TEXT NOT NULL,
  target_uuid TEXT,
  target_key TEXT,
  load INTEGER NOT NULL,
  created INTEGER NOT NULL,
  updated INTEGER,
  row_hash INTEGER,
  PRIMARY KEY (keyspace, source_key)
) STRICT, WITHOUT ROWID;
";

/// What version 1 lacks.
const OF_VERSION_1: &str = "
ALTER TABLE chartlift_crosswalk ADD COLUMN target_key TEXT;
UPDATE chartlift_version SET version = 2;
";

/// What version 2 lacks, of the tables that it has.
const OF_VERSION_2: &str = "
ALTER TABLE chartlift_crosswalk ADD COLUMN updated INTEGER;
ALTER TABLE chartlift_crosswalk ADD COLUMN row_hash INTEGER;
DROP INDEX IF EXISTS chartlift_load_active;
UPDATE chartlift_version SET version = 3;
";

/// What version 3 added: what rows were before a load, and for which rows it does not answer. `row_hash` is of the
/// whole row as the last load left it: another hash now means that somebody else has written to it since.
const TABLES_OF_VERSION_3: &str = "
CREATE TABLE chartlift_before (
  load INTEGER NOT NULL,
  keyspace INTEGER NOT NULL,
  source_key TEXT NOT NULL,
  target_key TEXT NOT NULL,
  deleted INTEGER NOT NULL,
  edited INTEGER NOT NULL,
  entry_load INTEGER,
  entry_created INTEGER,
  entry_updated INTEGER,
  entry_row_hash INTEGER,
  columns TEXT NOT NULL,
  cells TEXT NOT NULL,
  PRIMARY KEY (load, keyspace, source_key)
) STRICT, WITHOUT ROWID;
CREATE TABLE chartlift_exempt (
  load INTEGER NOT NULL,
  keyspace INTEGER NOT NULL,
  source_key TEXT NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (load, keyspace, source_key)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX chartlift_load_active ON chartlift_load (order_id) WHERE state IN ('open', 'committed');
";

/// References are read back by what they name: without this, each would be looked for among all rows.
const REFERENCES: &str = "CREATE INDEX IF NOT EXISTS chartlift_crosswalk_target \
    ON chartlift_crosswalk (keyspace, target_uuid);
    CREATE INDEX IF NOT EXISTS chartlift_crosswalk_key \
    ON chartlift_crosswalk (keyspace, target_key) WHERE target_key IS NOT NULL;";

pub(super) fn state(connection: &Connection) -> Result<Bookkeeping, Error> {
    let doing = "read its bookkeeping";
    let exists: bool = connection
        .query_row(
            "SELECT count(*) > 0 FROM sqlite_schema WHERE type = 'table' AND name = 'chartlift_version'",
            [],
            |row| row.get(0),
        )
        .map_err(refused(doing))?;
    if !exists {
        return Ok(Bookkeeping::Missing);
    }
    let version: Option<i64> = connection
        .query_row("SELECT max(version) FROM chartlift_version", [], |row| row.get(0))
        .map_err(refused(doing))?;
    Ok(Bookkeeping::of(version))
}

pub(super) fn init(connection: &mut Connection, ddl: Option<&str>) -> Result<(), Error> {
    let doing = "make the bookkeeping tables";
    // A reader must be able to work while a load is being written.
    connection.execute_batch("PRAGMA journal_mode = WAL;").map_err(refused(doing))?;
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(refused(doing))?;
    failpoint::hit("init-begun");
    match state(&transaction)? {
        Bookkeeping::Missing => {
            transaction.execute_batch(TABLES).map_err(refused(doing))?;
            transaction.execute_batch(TABLES_OF_VERSION_3).map_err(refused(doing))?;
            transaction
                .execute("INSERT INTO chartlift_version (version) VALUES (?)", [BOOKKEEPING_VERSION])
                .map_err(refused(doing))?;
        }
        Bookkeeping::Older { version } => {
            let lacking = [OF_VERSION_1, OF_VERSION_2].into_iter().skip(usize::from(version > 1));
            for sql in lacking.chain([TABLES_OF_VERSION_3]) {
                transaction.execute_batch(sql).map_err(refused(doing))?;
            }
        }
        known_or_newer => known_or_newer.demand("sqlite")?,
    }
    transaction.execute_batch(REFERENCES).map_err(refused(doing))?;
    failpoint::hit("init-tables");
    if let Some(ddl) = ddl {
        script::run(&transaction, ddl)?;
    }
    failpoint::hit("init-committing");
    transaction.commit().map_err(refused(doing))?;
    failpoint::hit("init-committed");
    Ok(())
}

const LOADS: &str = "SELECT id, order_id, series, system, target, input_digest, state, log_head, started, \
     coalesce(committed, ''), tables FROM chartlift_load WHERE state = 'committed'";

pub(super) fn find_load(connection: &Connection, order: &str) -> Result<Option<LoadRecord>, Error> {
    connection
        .query_row(&format!("{LOADS} AND order_id = ?"), [order], record)
        .optional()
        .map_err(refused("look for the order's load"))
}

fn record(row: &Row<'_>) -> rusqlite::Result<LoadRecord> {
    Ok(LoadRecord {
        id: row.get(0)?,
        order: row.get(1)?,
        series: row.get(2)?,
        system: row.get(3)?,
        target: row.get(4)?,
        input_digest: row.get(5)?,
        state: row.get(6)?,
        log_head: row.get(7)?,
        started: row.get(8)?,
        committed: row.get(9)?,
        tables: LoadRecord::tables_from_json(&row.get::<_, String>(10)?),
    })
}

/// A later load in force that stands on this one: it has the same keys, or has matched or changed rows that this one
/// created.
pub(super) fn stands_on(connection: &Connection, load: &LoadRecord) -> Result<Option<i64>, Error> {
    let doing = "look for later loads";
    let read = || -> rusqlite::Result<Option<i64>> {
        let mut statement = connection.prepare(&format!("{LOADS} AND id > ? ORDER BY id DESC"))?;
        for later in statement.query_map([load.id], record)? {
            let later = later?;
            if later.in_space_of(load) {
                return Ok(Some(later.id));
            }
        }
        let others = "SELECT max(later.id) FROM chartlift_load later \
            WHERE later.state = 'committed' AND later.id > ?1 AND (EXISTS ( \
              SELECT 1 FROM chartlift_crosswalk k \
              JOIN chartlift_keyspace ks ON ks.id = k.keyspace \
              JOIN chartlift_keyspace os ON os.target_table = ks.target_table \
              JOIN chartlift_crosswalk o ON o.keyspace = os.id AND o.target_key = k.target_key \
              WHERE k.load = ?1 AND k.created = 1 AND o.load = later.id AND o.created = 0) \
            OR EXISTS (SELECT 1 FROM chartlift_before b WHERE b.load = later.id AND b.entry_load = ?1))";
        connection.query_row(others, [load.id], |row| row.get(0))
    };
    read().map_err(refused(doing))
}

/// The latest load of an order of which a rollback left something standing.
pub(super) fn find_partly_rolled_back(
    connection: &Connection,
    order: &str,
) -> Result<Option<LoadRecord>, Error> {
    if let Bookkeeping::Missing = state(connection)? {
        return Ok(None);
    }
    let loads = LOADS.replace("'committed'", "'partly-rolled-back'");
    connection
        .query_row(&format!("{loads} AND order_id = ? ORDER BY id DESC LIMIT 1"), [order], record)
        .optional()
        .map_err(refused("look for the order's load"))
}

pub(super) fn find_rolled_back(connection: &Connection, order: &str) -> Result<Option<i64>, Error> {
    if let Bookkeeping::Missing = state(connection)? {
        return Ok(None);
    }
    let sql = "SELECT max(id) FROM chartlift_load WHERE order_id = ? AND state = 'rolled-back'";
    connection.query_row(sql, [order], |row| row.get(0)).map_err(refused("look for the order's load"))
}

/// Writes the record of a load that has begun; its id.
pub(super) fn insert_load(connection: &Connection, header: &LoadHeader) -> Result<i64, Error> {
    connection
        .execute(
            "INSERT INTO chartlift_load (order_id, series, system, target, input_digest, state, log_head, \
             started, tables) VALUES (?, ?, ?, ?, ?, 'open', ?, ?, '[]')",
            params![
                header.order,
                header.series,
                header.system,
                header.target,
                header.input_digest,
                header.log_head,
                header.at
            ],
        )
        .map_err(refused("write the load record"))?;
    Ok(connection.last_insert_rowid())
}

pub(super) fn finish_load(
    connection: &Connection,
    id: i64,
    outcome: &LoadOutcome,
    tables: &[LoadedTable],
) -> Result<(), Error> {
    connection
        .execute(
            "UPDATE chartlift_load SET state = 'committed', log_head = ?, committed = ?, tables = ? \
             WHERE id = ?",
            params![outcome.log_head, outcome.at, LoadRecord::tables_json(tables), id],
        )
        .map_err(refused("write the load record"))?;
    Ok(())
}

/// The number of a keyspace, if it has one.
pub(super) fn find_keyspace(
    connection: &Connection,
    series: &str,
    system: &str,
    table: &str,
) -> Result<Option<i64>, Error> {
    connection
        .prepare_cached(
            "SELECT id FROM chartlift_keyspace WHERE series = ? AND system = ? AND target_table = ?",
        )
        .and_then(|mut statement| {
            statement.query_row(params![series, system, table], |row| row.get(0)).optional()
        })
        .map_err(refused("look up a keyspace"))
}

/// The number of a keyspace, made where it is new.
pub(super) fn keyspace(connection: &Connection, series: &str, table: &TableSpec) -> Result<i64, Error> {
    let TableSpec { system, keyspace, .. } = table;
    if let Some(id) = find_keyspace(connection, series, system, keyspace)? {
        return Ok(id);
    }
    connection
        .execute(
            "INSERT INTO chartlift_keyspace (series, system, target_table) VALUES (?, ?, ?)",
            params![series, system, keyspace],
        )
        .map_err(refused("write a keyspace"))?;
    Ok(connection.last_insert_rowid())
}
