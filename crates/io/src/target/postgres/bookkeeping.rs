//! The bookkeeping tables in PostgreSQL: schema `chartlift`.
//!
//! The crosswalk gets a row for every row loaded, and with its key in place costs the server more than the COPY
//! itself (1 million random keys: 5.3 s of CPU against 1.5 s with the key built afterwards). So it has one key, byte
//! order instead of a language's, no foreign keys, and is partitioned: the keyspaces that a load is the first to use
//! get a partition of their own, filled without its key and attached at the end. Nobody else waits for that.

use tokio_postgres::Row;

use super::refusal::line_of;
use super::session::Session;
use crate::Error;
use crate::failpoint;
use crate::hash::hash_text_extended;
use crate::target::record::{BOOKKEEPING_VERSION, Bookkeeping};
use crate::target::{LoadHeader, LoadOutcome, LoadRecord, LoadedTable, TableSpec};

const TABLES: &str = r#"
CREATE TABLE chartlift.version (version bigint NOT NULL);
CREATE TABLE chartlift.load (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  order_id text NOT NULL,
  series text NOT NULL,
  system text NOT NULL,
  target text NOT NULL,
  input_digest text NOT NULL,
  state text NOT NULL,
  log_head text NOT NULL,
  started text NOT NULL,
  committed text,
  tables text NOT NULL
);
CREATE TABLE chartlift.keyspace (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  series text NOT NULL,
  system text NOT NULL,
  target_table text NOT NULL,
  UNIQUE (series, system, target_table)
);
CREATE TABLE chartlift.crosswalk (
  keyspace integer NOT NULL,
  load integer NOT NULL,
  created boolean NOT NULL,
  target_uuid uuid,
  source_key text COLLATE "C" NOT NULL,
  target_key text COLLATE "C",
  updated boolean,
  PRIMARY KEY (keyspace, source_key)
) PARTITION BY LIST (keyspace);
"#;

/// What version 1 lacks.
const OF_VERSION_1: &str = r#"
ALTER TABLE chartlift.crosswalk ADD COLUMN target_key text COLLATE "C";
UPDATE chartlift.version SET version = 2;
"#;

/// What version 2 lacks, of the tables that it has.
const OF_VERSION_2: &str = r#"
ALTER TABLE chartlift.crosswalk ADD COLUMN updated boolean;
DROP INDEX IF EXISTS chartlift.load_active;
UPDATE chartlift.version SET version = 3;
"#;

/// What version 3 added: which transactions were ours, what rows were before them, and for which rows a load does not
/// answer.
///
/// A row whose `xmin` is none of our transactions' has been written by somebody else since; `place` tells whether the
/// numbers are of this cluster and database at all (a restored dump has others).
const TABLES_OF_VERSION_3: &str = r#"
CREATE TABLE chartlift.transaction (
  load integer NOT NULL,
  kind text NOT NULL,
  xid bigint NOT NULL,
  place text NOT NULL,
  PRIMARY KEY (place, xid)
);
CREATE TABLE chartlift.before (
  load integer NOT NULL,
  keyspace integer NOT NULL,
  source_key text COLLATE "C" NOT NULL,
  target_key text COLLATE "C" NOT NULL,
  deleted boolean NOT NULL,
  edited boolean NOT NULL,
  entry_load integer,
  entry_created boolean,
  entry_updated boolean,
  columns text[] NOT NULL,
  cells text[] NOT NULL,
  PRIMARY KEY (load, keyspace, source_key)
);
CREATE TABLE chartlift.exempt (
  load integer NOT NULL,
  keyspace integer NOT NULL,
  source_key text COLLATE "C" NOT NULL,
  reason text NOT NULL,
  PRIMARY KEY (load, keyspace, source_key)
);
CREATE UNIQUE INDEX load_active ON chartlift.load (order_id) WHERE state IN ('open', 'committed');
"#;

/// Two processes that initialise the same database must not race.
const INIT_LOCK: &str = "chartlift target init";

/// The advisory lock of one order's load.
fn fence_key(order: &str) -> i64 {
    hash_text_extended(order.as_bytes(), hash_text_extended(b"chartlift load", 0))
}

pub(super) async fn state(session: &Session) -> Result<Bookkeeping, Error> {
    let doing = "read its bookkeeping";
    let exists = session
        .client
        .query_one("SELECT to_regclass('chartlift.version') IS NOT NULL", &[])
        .await
        .map_err(session.refused(doing))?;
    if !exists.get::<_, bool>(0) {
        return Ok(Bookkeeping::Missing);
    }
    let version = session
        .client
        .query_one("SELECT max(version) FROM chartlift.version", &[])
        .await
        .map_err(session.refused(doing))?;
    Ok(Bookkeeping::of(version.get(0)))
}

pub(super) async fn init(session: &Session, ddl: Option<&str>) -> Result<(), Error> {
    let doing = "make the bookkeeping tables";
    session.run(doing, "BEGIN").await?;
    failpoint::hit("init-begun");
    let lock = hash_text_extended(INIT_LOCK.as_bytes(), 0);
    session
        .client
        .execute("SELECT pg_advisory_xact_lock($1)", &[&lock])
        .await
        .map_err(session.refused(doing))?;
    match state(session).await? {
        Bookkeeping::Missing => {
            make_schema(session, doing).await?;
            session.run(doing, TABLES).await?;
            session.run(doing, TABLES_OF_VERSION_3).await?;
            session
                .client
                .execute("INSERT INTO chartlift.version (version) VALUES ($1)", &[&BOOKKEEPING_VERSION])
                .await
                .map_err(session.refused(doing))?;
        }
        Bookkeeping::Older { version } => {
            let lacking = [OF_VERSION_1, OF_VERSION_2].into_iter().skip(usize::from(version > 1));
            for sql in lacking.chain([TABLES_OF_VERSION_3]) {
                session.run(doing, sql).await?;
            }
        }
        known_or_newer => known_or_newer.demand("postgres")?,
    }
    failpoint::hit("init-tables");
    if let Some(ddl) = ddl {
        session.client.batch_execute(ddl).await.map_err(|error| {
            let line = line_of(&error, ddl);
            let mut error = session.refused("run the pack's DDL")(error);
            if let Error::Refused { refusal, .. } = &mut error {
                refusal.line = line;
            }
            error
        })?;
    }
    failpoint::hit("init-committing");
    session.run(doing, "COMMIT").await?;
    failpoint::hit("init-committed");
    Ok(())
}

/// Even `IF NOT EXISTS` asks for the right to make schemas, which a user may lack for whom somebody has made this one.
async fn make_schema(session: &Session, doing: &'static str) -> Result<(), Error> {
    let sql = "SELECT to_regnamespace('chartlift') IS NULL";
    let missing = session.client.query_one(sql, &[]).await.map_err(session.refused(doing))?;
    if missing.get(0) { session.run(doing, "CREATE SCHEMA chartlift").await } else { Ok(()) }
}

/// Waits for the order's fence inside the open transaction; its end gives the fence back.
pub(super) async fn take_fence(
    session: &Session,
    order: &str,
    lock_wait: std::time::Duration,
) -> Result<(), Error> {
    let doing = "wait for the order's lock";
    // 0 would mean for ever.
    let wait_ms = lock_wait.as_millis().max(1);
    session.run(doing, &format!("SET LOCAL lock_timeout = '{wait_ms}ms'")).await?;
    let taken = session.client.execute("SELECT pg_advisory_xact_lock($1)", &[&fence_key(order)]).await;
    match taken.map_err(session.refused(doing)) {
        Ok(_) => Ok(()),
        Err(Error::Refused { refusal, .. }) if refusal.code == "55P03" => {
            Err(Error::Fenced { order: order.to_owned() })
        }
        Err(error) => Err(error),
    }
}

const LOADS: &str = "SELECT id::bigint, order_id, series, system, target, input_digest, state, log_head, started, \
     coalesce(committed, ''), tables FROM chartlift.load WHERE state = 'committed'";

pub(super) async fn find_load(session: &Session, order: &str) -> Result<Option<LoadRecord>, Error> {
    let sql = format!("{LOADS} AND order_id = $1");
    let row = session.client.query_opt(&sql, &[&order]).await;
    Ok(row.map_err(session.refused("look for the order's load"))?.map(|row| record(&row)))
}

/// A later load in force that stands on this one: it has the same keys, or has matched or changed rows that this one
/// created.
pub(super) async fn stands_on(session: &Session, load: &LoadRecord) -> Result<Option<i64>, Error> {
    let refused = session.refused("look for later loads");
    let sql = format!("{LOADS} AND id > $1::bigint ORDER BY id DESC");
    for row in session.client.query(&sql, &[&load.id]).await.map_err(&refused)? {
        let later = record(&row);
        if later.in_space_of(load) {
            return Ok(Some(later.id));
        }
    }
    let sql = "SELECT max(later.id)::bigint FROM chartlift.load later \
        WHERE later.state = 'committed' AND later.id > $1::bigint AND (EXISTS ( \
          SELECT FROM chartlift.crosswalk k \
          JOIN chartlift.keyspace ks ON ks.id = k.keyspace \
          JOIN chartlift.keyspace os ON os.target_table = ks.target_table \
          JOIN chartlift.crosswalk o ON o.keyspace = os.id AND o.target_key = k.target_key \
          WHERE k.load = $1::bigint AND k.created AND o.load = later.id AND NOT o.created) \
        OR EXISTS (SELECT FROM chartlift.before b WHERE b.load = later.id AND b.entry_load = $1::bigint))";
    Ok(session.client.query_one(sql, &[&load.id]).await.map_err(&refused)?.get(0))
}

/// The latest load of an order of which a rollback left something standing.
pub(super) async fn find_partly_rolled_back(
    session: &Session,
    order: &str,
) -> Result<Option<LoadRecord>, Error> {
    if let Bookkeeping::Missing = state(session).await? {
        return Ok(None);
    }
    let sql = format!(
        "{} AND order_id = $1 ORDER BY id DESC LIMIT 1",
        LOADS.replace("'committed'", "'partly-rolled-back'")
    );
    let row = session.client.query_opt(&sql, &[&order]).await;
    Ok(row.map_err(session.refused("look for the order's load"))?.map(|row| record(&row)))
}

pub(super) async fn find_rolled_back(session: &Session, order: &str) -> Result<Option<i64>, Error> {
    if let Bookkeeping::Missing = state(session).await? {
        return Ok(None);
    }
    let sql = "SELECT max(id)::bigint FROM chartlift.load WHERE order_id = $1 AND state = 'rolled-back'";
    let row = session.client.query_one(sql, &[&order]).await;
    Ok(row.map_err(session.refused("look for the order's load"))?.get(0))
}

fn record(row: &Row) -> LoadRecord {
    LoadRecord {
        id: row.get(0),
        order: row.get(1),
        series: row.get(2),
        system: row.get(3),
        target: row.get(4),
        input_digest: row.get(5),
        state: row.get(6),
        log_head: row.get(7),
        started: row.get(8),
        committed: row.get(9),
        tables: LoadRecord::tables_from_json(row.get(10)),
    }
}

/// Writes the record of a load that has begun; its id.
pub(super) async fn insert_load(session: &Session, header: &LoadHeader) -> Result<i32, Error> {
    let LoadHeader { order, series, system, target, input_digest, log_head, at } = header;
    let row = session
        .client
        .query_one(
            "INSERT INTO chartlift.load (order_id, series, system, target, input_digest, state, log_head, \
             started, tables) VALUES ($1, $2, $3, $4, $5, 'open', $6, $7, '[]') RETURNING id",
            &[order, series, system, target, input_digest, log_head, at],
        )
        .await
        .map_err(session.refused("write the load record"))?;
    let load = row.get(0);
    insert_transaction(session, load, "load").await?;
    Ok(load)
}

/// The cluster and database that transaction numbers belong to.
const PLACE: &str = "(SELECT c.system_identifier::text || '/' || d.oid::text FROM pg_control_system() c, pg_database d \
     WHERE d.datname = current_database())";

/// Whether the load's own transaction is remembered, and was of this cluster and database.
pub(super) async fn knows_transactions(session: &Session, load: i64) -> Result<bool, Error> {
    let sql = format!(
        "SELECT EXISTS (SELECT FROM chartlift.transaction WHERE load = $1::bigint AND kind = 'load' AND place = {PLACE})"
    );
    let row = session.client.query_one(&sql, &[&load]).await;
    Ok(row.map_err(session.refused("look for our transactions"))?.get(0))
}

/// Whether a row's `xmin`, given as an expression, is of none of our transactions here: somebody else has written to the
/// row since our last write.
pub(super) fn foreign(xmin: &str) -> String {
    format!(
        "({xmin}::text::bigint NOT IN (SELECT x.xid & 4294967295 FROM chartlift.transaction x WHERE x.place = {PLACE}))"
    )
}

/// Remembers that the open transaction is one of ours: `load` or `rollback`.
pub(super) async fn insert_transaction(session: &Session, load: i32, kind: &str) -> Result<(), Error> {
    let sql = format!(
        "INSERT INTO chartlift.transaction (load, kind, xid, place) VALUES ($1, $2, txid_current(), {PLACE})"
    );
    let written = session.client.execute(&sql, &[&load, &kind]).await;
    written.map(|_| ()).map_err(session.refused("write the load record"))
}

pub(super) async fn finish_load(
    session: &Session,
    id: i32,
    outcome: &LoadOutcome,
    tables: &[LoadedTable],
) -> Result<(), Error> {
    let tables = LoadRecord::tables_json(tables);
    session
        .client
        .execute(
            "UPDATE chartlift.load SET state = 'committed', log_head = $1, committed = $2, tables = $3 \
             WHERE id = $4",
            &[&outcome.log_head, &outcome.at, &tables, &id],
        )
        .await
        .map_err(session.refused("write the load record"))?;
    Ok(())
}

/// The number of a keyspace, if it has one.
pub(super) async fn find_keyspace(
    session: &Session,
    series: &str,
    system: &str,
    table: &str,
) -> Result<Option<i32>, Error> {
    let row = session
        .client
        .query_opt(
            "SELECT id FROM chartlift.keyspace WHERE series = $1 AND system = $2 AND target_table = $3",
            &[&series, &system, &table],
        )
        .await
        .map_err(session.refused("look up a keyspace"))?;
    Ok(row.map(|row| row.get(0)))
}

/// A keyspace as a load finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keyspace {
    /// Made by this load: nobody else can have entries in it.
    New(i32),
    Known(i32),
}

/// The number of a keyspace, made where it is new.
pub(super) async fn keyspace(session: &Session, series: &str, table: &TableSpec) -> Result<Keyspace, Error> {
    let TableSpec { system, keyspace, .. } = table;
    let made = session
        .client
        .query_opt(
            "INSERT INTO chartlift.keyspace (series, system, target_table) VALUES ($1, $2, $3) \
             ON CONFLICT DO NOTHING RETURNING id",
            &[&series, system, keyspace],
        )
        .await
        .map_err(session.refused("write a keyspace"))?;
    if let Some(row) = made {
        return Ok(Keyspace::New(row.get(0)));
    }
    let found = find_keyspace(session, series, system, keyspace).await?;
    found
        .map(Keyspace::Known)
        .ok_or_else(|| Error::shape(keyspace, "*", "its keyspace is gone from the bookkeeping"))
}

/// The name of the crosswalk's partition that a load fills.
pub(super) fn partition(load: i32) -> String {
    format!("chartlift.crosswalk_{load}")
}

/// Makes the partition, without its key and not yet part of the crosswalk.
pub(super) async fn create_partition(session: &Session, load: i32) -> Result<(), Error> {
    let sql = format!("CREATE TABLE {} (LIKE chartlift.crosswalk)", partition(load));
    session.run("make a part of the crosswalk", &sql).await
}

/// Builds the partition's key and makes it part of the crosswalk.
pub(super) async fn attach_partition(session: &Session, load: i32, keyspaces: &[i32]) -> Result<(), Error> {
    let numbers: Vec<String> = keyspaces.iter().map(ToString::to_string).collect();
    let (partition, numbers) = (partition(load), numbers.join(", "));
    let sql = format!(
        "SET LOCAL maintenance_work_mem = '128MB'; \
         ALTER TABLE {partition} ADD PRIMARY KEY (keyspace, source_key); \
         ALTER TABLE chartlift.crosswalk ATTACH PARTITION {partition} FOR VALUES IN ({numbers})"
    );
    session.run("finish the crosswalk", &sql).await
}
