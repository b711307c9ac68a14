//! Taking a load back from PostgreSQL, in one transaction: who stays is found by the transaction that wrote a row last,
//! what goes, goes by the crosswalk.

mod finish;
mod references;
mod standing;

use async_trait::async_trait;

use super::session::{Server, Session};
use super::triggers::Disabled;
use super::{bookkeeping, catalog, digest, quoted};
use crate::Error;
use crate::failpoint;
use crate::target::{CatalogTable, LoadRecord, RollBack, Stays, TableSpec, TakenBack};
use references::Reference;

const DOING: &str = "take the load back";

/// Keys that are sent at a time.
const KEYS_AT_ONCE: usize = 20_000;

/// What is to stay, while the rollback lasts.
const KEPT: &str = "CREATE TEMP TABLE chartlift_kept (keyspace integer, source_key text COLLATE \"C\", \
                    PRIMARY KEY (keyspace, source_key)) ON COMMIT DROP";

pub(super) struct PostgresRollBack {
    session: Session,
    load: LoadRecord,
    /// How many tables it was begun with.
    tables: usize,
    spaces: Vec<Space>,
    references: Vec<Reference>,
    /// Something is kept.
    keeps: bool,
    disabled: Disabled,
}

/// A table and system that the load may have written to.
struct Space {
    /// Its place among the tables that the rollback was begun with.
    at: usize,
    spec: TableSpec,
    keyspace: i32,
    entry: CatalogTable,
    oid: u32,
}

impl Space {
    /// The condition that ties a row to its crosswalk entry, by their names in the query.
    fn link(&self, row: &str, link: &str) -> Result<String, Error> {
        digest::link_of(row, link, &self.entry, &self.spec, self.keyspace)
    }

    fn table(&self) -> String {
        quoted(&self.spec.name)
    }
}

pub(super) async fn begin(
    server: &Server,
    load: &LoadRecord,
    tables: &[TableSpec],
) -> Result<Box<dyn RollBack>, Error> {
    let session = server.open_to_write(DOING).await?;
    session.run(DOING, "BEGIN; SET LOCAL work_mem = '128MB'; SET LOCAL jit = off").await?;
    if load.tables.iter().any(|loaded| loaded.rows >= digest::HASHED_JOIN_ROWS) {
        // Fresh tables have no statistics: the planner would look every row up by itself.
        session.run(DOING, "SET LOCAL enable_nestloop = off; SET LOCAL enable_mergejoin = off").await?;
    }
    bookkeeping::take_fence(&session, &load.order, server.lock_wait).await?;
    failpoint::hit("rollback-locked");
    if let Some(later) = bookkeeping::stands_on(&session, load).await? {
        return Err(Error::Stood { load: load.id, later });
    }
    if !bookkeeping::knows_transactions(&session, load.id).await? {
        return Err(Error::Untold { load: load.id });
    }
    let spaces = spaces(&session, load, tables).await?;
    lock(&session, &spaces).await?;
    let references = references::read(&session, &spaces).await?;
    let tables = tables.len();
    let (load, disabled) = (load.clone(), Disabled::default());
    Ok(Box::new(PostgresRollBack { session, load, tables, spaces, references, keeps: false, disabled }))
}

async fn spaces(session: &Session, load: &LoadRecord, tables: &[TableSpec]) -> Result<Vec<Space>, Error> {
    if let Some(unknown) =
        load.tables.iter().find(|loaded| !tables.iter().any(|table| table.name == loaded.name))
    {
        return Err(Error::shape(&unknown.name, "*", "the load wrote to it, and the pack no longer has it"));
    }
    let mut spaces = Vec::new();
    for (at, spec) in tables.iter().enumerate() {
        let found = bookkeeping::find_keyspace(session, &load.series, &spec.system, &spec.keyspace).await?;
        let Some(keyspace) = found else { continue };
        let entry = catalog::read_table(session, &spec.name).await?;
        let oid = session.client.query_one("SELECT to_regclass($1)::oid", &[&quoted(&spec.name)]).await;
        let oid = oid.map_err(session.refused_at(DOING, &spec.name))?.get::<_, Option<u32>>(0);
        let oid = oid.ok_or_else(|| Error::shape(&spec.name, "*", "the database no longer has the table"))?;
        spaces.push(Space { at, spec: spec.clone(), keyspace, entry, oid });
    }
    Ok(spaces)
}

/// Who would make a row that refers to one of these has to lock that one, and waits: so nothing can come to refer to
/// what goes. Reading stays possible.
async fn lock(session: &Session, spaces: &[Space]) -> Result<(), Error> {
    for space in spaces {
        let sql = format!("LOCK TABLE {} IN EXCLUSIVE MODE", space.table());
        session.client.batch_execute(&sql).await.map_err(session.refused_at(DOING, &space.spec.name))?;
    }
    Ok(())
}

#[async_trait]
impl RollBack for PostgresRollBack {
    async fn disable_triggers(&mut self, table: &TableSpec, triggers: &[String]) -> Result<(), Error> {
        self.disabled.disable(&self.session, &table.name, triggers).await
    }

    async fn standing(&mut self) -> Result<Vec<Stays>, Error> {
        let mut stays = self.touched().await?;
        stays.extend(self.referenced_from_outside().await?);
        Ok(stays)
    }

    async fn keep(&mut self, table: &TableSpec, source_keys: &[String]) -> Result<(), Error> {
        let space = self
            .spaces
            .iter()
            .find(|space| space.spec.name == table.name && space.spec.system == table.system);
        let Some(keyspace) = space.map(|space| space.keyspace) else { return Ok(()) };
        self.begin_keeping().await?;
        let sql = "INSERT INTO pg_temp.chartlift_kept SELECT $1, unnest($2::text[]) ON CONFLICT DO NOTHING";
        for keys in source_keys.chunks(KEYS_AT_ONCE) {
            let kept = self.session.client.execute(sql, &[&keyspace, &keys]).await;
            kept.map_err(self.session.refused(DOING))?;
        }
        Ok(())
    }

    async fn referred(&mut self) -> Result<Vec<Stays>, Error> {
        self.referred_by_kept().await
    }

    async fn finish(self: Box<Self>, dry_run: bool) -> Result<TakenBack, Error> {
        let done = self.take_back().await?;
        self.disabled.enable_again(&self.session).await?;
        failpoint::hit("rollback-record");
        // Constraints that wait for the end have spoken by now, also where nothing is to stay.
        failpoint::hit("rollback-committing");
        self.session.run(DOING, if dry_run { "ROLLBACK" } else { "COMMIT" }).await?;
        failpoint::hit("rollback-committed");
        self.session.close().await;
        Ok(done)
    }
}

impl PostgresRollBack {
    async fn begin_keeping(&mut self) -> Result<(), Error> {
        if !std::mem::replace(&mut self.keeps, true) {
            self.session.run(DOING, KEPT).await?;
        }
        Ok(())
    }

    /// The condition that the row with this keyspace and source key is not kept.
    fn goes(&self, alias: &str) -> String {
        if !self.keeps {
            return "true".to_owned();
        }
        format!(
            "NOT EXISTS (SELECT FROM pg_temp.chartlift_kept x \
             WHERE x.keyspace = {alias}.keyspace AND x.source_key = {alias}.source_key)"
        )
    }

    async fn count(&self, table: &str, sql: &str) -> Result<u64, Error> {
        let row = self.session.client.query_one(sql, &[]).await;
        Ok(row.map_err(self.session.refused_at(DOING, table))?.get::<_, i64>(0).cast_unsigned())
    }

    async fn change(&self, table: &str, sql: &str) -> Result<u64, Error> {
        let changed = self.session.client.execute(sql, &[]).await;
        changed.map_err(self.session.refused_at(DOING, table))
    }
}
