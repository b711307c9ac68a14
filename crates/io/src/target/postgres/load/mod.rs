//! One load into PostgreSQL: one connection, one transaction, rows and crosswalk by binary COPY, staged where a plain
//! COPY into the table would not do.

mod copying;
mod earlier;
mod merge;
mod remove;
mod stage;

use std::collections::{BTreeMap, HashMap, HashSet};

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use bytes::BytesMut;

use self::copying::{Keys, LINKS_BYTES, OpenCopy};
use self::merge::Merge;
use super::bookkeeping::Keyspace;
use super::session::{Server, Session};
use super::triggers::Disabled;
use super::{aftermath, bookkeeping, catalog, existing};
use crate::Error;
use crate::copy::{Column, parse_uuid, write_link};
use crate::failpoint;
use crate::target::values::Values;
use crate::target::{
    Begun, CatalogColumn, Comparison, Exemption, Existing, Load, LoadHeader, LoadOutcome, LoadRecord,
    LoadedTable, Merged, Path, Removed, Rulings, TablePlan, TableSpec, WriteMode,
};

const WRITE: &str = "insert rows";
const LINK: &str = "write the crosswalk";

struct PostgresLoad {
    server: Server,
    session: Session,
    header: LoadHeader,
    load: i32,
    plans: HashMap<Own, Plan>,
    /// The columns that were written, by table.
    written: BTreeMap<String, Vec<String>>,
    /// Rows of earlier loads are compared before they are written to.
    follows: bool,
    /// Tables whose rows are compared already.
    compared: HashSet<Own>,
    /// Rows written of each and not merged yet.
    waiting: HashMap<Own, u64>,
    copy: Option<OpenCopy>,
    links: BytesMut,
    /// The table and system whose entries `links` holds, and the statement that sends them.
    links_of: Own,
    links_copy: String,
    /// Keyspaces that no load used before: their entries go into a partition of their own.
    new_keyspaces: Vec<i32>,
    tables: Vec<LoadedTable>,
    disabled: Disabled,
    scratch: String,
    /// How many tables rows waited in so far.
    stages: usize,
    /// A call did not come to its end: nothing may be committed any more.
    broken: bool,
}

/// What rows are kept apart by: table, system, and how they are written.
type Own = (String, String, WriteMode);

fn own(table: &TableSpec) -> Own {
    (table.name.clone(), table.system.clone(), table.mode)
}

/// What is looked up once a table.
#[derive(Clone)]
struct Plan {
    copy: String,
    links_copy: String,
    columns: Vec<CatalogColumn>,
    keyspace: i32,
    /// Nobody but this load has entries in it.
    new_keyspace: bool,
    /// Earlier loads may have rows in the table that are to be compared.
    follows: bool,
    /// Where entries go: the crosswalk, or the part of it that this load fills.
    crosswalk: String,
    key: usize,
    linked: bool,
    /// The table that rows wait in, where they are staged.
    stage: Option<String>,
}

pub(super) async fn begin(server: &Server, header: &LoadHeader) -> Result<Begun, Error> {
    let doing = "begin the load";
    let session = server.open_to_write(doing).await?;
    bookkeeping::state(&session).await?.demand(&server.shown)?;
    session.run(doing, "BEGIN").await?;
    bookkeeping::take_fence(&session, &header.order, server.lock_wait).await?;
    failpoint::hit("load-locked");
    if let Some(record) = bookkeeping::find_load(&session, &header.order).await? {
        session.run(doing, "ROLLBACK").await?;
        session.close().await;
        return Ok(Begun::Already(record));
    }
    let load = bookkeeping::insert_load(&session, header).await?;
    failpoint::hit("load-begun");
    Ok(Begun::Open(Box::new(PostgresLoad {
        server: server.clone(),
        session,
        header: header.clone(),
        load,
        plans: HashMap::new(),
        written: BTreeMap::new(),
        follows: false,
        compared: HashSet::new(),
        waiting: HashMap::new(),
        copy: None,
        links: BytesMut::new(),
        links_of: Default::default(),
        links_copy: String::new(),
        new_keyspaces: Vec::new(),
        tables: Vec::new(),
        disabled: Disabled::default(),
        scratch: String::new(),
        stages: 0,
        broken: false,
    })))
}

#[async_trait]
impl Load for PostgresLoad {
    async fn plan(&mut self, table: &TableSpec) -> Result<TablePlan, Error> {
        self.settle().await?;
        let found =
            bookkeeping::find_keyspace(&self.session, &self.header.series, &table.system, &table.keyspace)
                .await?;
        stage::plan(&self.session, table, self.compares_with_earlier(table) && found.is_some()).await
    }

    async fn write(&mut self, table: &TableSpec, batch: &RecordBatch) -> Result<u64, Error> {
        self.check_whole()?;
        // Holds too when this call is abandoned half way.
        self.broken = true;
        let source_keys = table.source_keys(batch)?;
        let plan = self.turn_to(table).await?;
        let mut columns = Vec::with_capacity(table.columns.len());
        for (known, array) in plan.columns.iter().zip(batch.columns()) {
            columns.push(Column::new(&table.name, known, array.as_ref())?);
        }
        let key = batch.columns().get(plan.key).map(|array| Values::of(&table.name, "_key", array.as_ref()));
        let keys = Keys { source: source_keys, target: key.transpose()? };
        self.note_rows(table, &plan, batch)?;
        let mut row = 0;
        while row < batch.num_rows() {
            if self.copy.is_none() {
                self.open_copy(table, &plan).await?;
            }
            row = self.encode(table, &plan, &columns, &keys, row)?;
            self.send_chunk().await?;
            if self.links.len() >= LINKS_BYTES {
                self.end_copy().await?;
                self.send_links().await?;
            }
        }
        self.broken = false;
        Ok(batch.num_rows() as u64)
    }

    async fn merge(&mut self, table: &TableSpec, rulings: &Rulings) -> Result<Merged, Error> {
        self.settle().await?;
        let own = own(table);
        let Some(rows) = self.waiting.remove(&own) else { return Ok(Merged::default()) };
        self.broken = true;
        let plan = self.plan_of(table).await?;
        let merged = match &plan.stage {
            None => Merged { inserted: rows, ..Merged::default() },
            Some(stage) => {
                let merge = Merge::new(&self.session, table, &plan, (stage, self.load)).await?;
                let merged = merge.run(rows, rulings, self.compared.remove(&own)).await?;
                if merged != Merged::default() {
                    LoadedTable::of(&mut self.tables, &table.name).add(&merged);
                }
                // What it waited in is gone.
                self.plans.remove(&own);
                merged
            }
        };
        self.broken = false;
        Ok(merged)
    }

    async fn defer(&mut self, constraints: &[String]) -> Result<(), Error> {
        self.settle().await?;
        if constraints.is_empty() {
            return Ok(());
        }
        let sql = format!("SET CONSTRAINTS {} DEFERRED", constraints.join(", "));
        self.session.run("let references wait", &sql).await
    }

    async fn check(&mut self) -> Result<(), Error> {
        self.settle().await?;
        self.broken = true;
        self.session.run("check what waits for the end", "SET CONSTRAINTS ALL IMMEDIATE").await?;
        self.broken = false;
        Ok(())
    }

    async fn follow(&mut self) -> Result<(), Error> {
        self.follows = true;
        Ok(())
    }

    async fn compare(&mut self, table: &TableSpec, orders: &[String]) -> Result<Comparison, Error> {
        self.settle().await?;
        self.broken = true;
        let plan = self.plan_of(table).await?;
        let mut found = Comparison::default();
        if let Some(stage) = plan.stage.as_ref().filter(|_| plan.follows) {
            let own = own(table);
            LoadedTable::of(&mut self.tables, &table.name).follows = true;
            let rows = *self.waiting.entry(own.clone()).or_default();
            let merge = Merge::new(&self.session, table, &plan, (stage, self.load)).await?;
            found = merge.against_earlier(rows, orders).await?;
            self.compared.insert(own);
        }
        self.broken = false;
        Ok(found)
    }

    async fn exempt(&mut self, table: &TableSpec, rows: &[(String, Exemption)]) -> Result<(), Error> {
        if rows.is_empty() {
            return Ok(());
        }
        self.settle().await?;
        self.broken = true;
        let keyspace = self.keyspace(table).await?.0;
        earlier::exempt(&self.session, table, (self.load, keyspace), rows).await?;
        let absent = rows.iter().filter(|(_, reason)| *reason == Exemption::Absent).count();
        LoadedTable::of(&mut self.tables, &table.name).absent += absent as u64;
        self.broken = false;
        Ok(())
    }

    async fn remove(&mut self, table: &TableSpec, source_keys: &[String]) -> Result<Removed, Error> {
        self.settle().await?;
        self.broken = true;
        let keyspace = self.keyspace(table).await?.0;
        let removed = remove::remove(&self.session, table, (self.load, keyspace), source_keys).await?;
        LoadedTable::of(&mut self.tables, &table.name).deleted += removed.rows;
        self.broken = false;
        Ok(removed)
    }

    async fn lock(&mut self, tables: &[TableSpec]) -> Result<(), Error> {
        self.settle().await?;
        existing::lock(&self.session, tables).await
    }

    async fn existing(&mut self, table: &TableSpec, columns: &[String]) -> Result<Existing, Error> {
        self.settle().await?;
        existing::read(&self.session, table, columns, &self.header.series).await
    }

    async fn reserve(&mut self, table: &TableSpec, rows: u64) -> Result<Vec<i64>, Error> {
        self.settle().await?;
        existing::reserve(&self.session, table, rows).await
    }

    async fn link(&mut self, table: &TableSpec, links: &[(String, String)], known: u64) -> Result<(), Error> {
        self.settle().await?;
        self.broken = true;
        let plan = self.turn_to(table).await?;
        if plan.linked {
            LoadedTable::of(&mut self.tables, &table.name).matched += links.len() as u64 + known;
            // Entries from before the table's rows were matched name their rows in another column.
            let earlier = format!(
                "UPDATE chartlift.crosswalk SET target_key = coalesce(target_uuid::text, source_key) \
                 WHERE keyspace = {} AND target_key IS NULL",
                plan.keyspace
            );
            self.session.run(LINK, &earlier).await?;
        }
        let unfit = |problem| {
            let column = crate::target::KEY_COLUMN.to_owned();
            Error::Value { table: table.name.clone(), column, problem }
        };
        for (source_key, target_key) in links {
            let place = (plan.keyspace, self.load);
            let uuid;
            let key = if plan.linked {
                target_key.as_bytes()
            } else {
                uuid = parse_uuid(target_key).ok_or_else(|| unfit("is not a UUID"))?;
                &uuid
            };
            write_link(&mut self.links, place, false, source_key, Some(key)).map_err(unfit)?;
            if self.links.len() >= LINKS_BYTES {
                self.send_links().await?;
            }
        }
        self.broken = false;
        Ok(())
    }

    async fn disable_triggers(&mut self, table: &TableSpec, triggers: &[String]) -> Result<(), Error> {
        self.settle().await?;
        self.disabled.disable(&self.session, &table.name, triggers).await
    }

    async fn commit(mut self: Box<Self>, outcome: &LoadOutcome) -> Result<LoadRecord, Error> {
        self.check_whole()?;
        let tables = LoadedTable::reconcile(&self.tables, outcome)?;
        self.end_copy().await?;
        self.send_links().await?;
        aftermath::advance_sequences(&self.session, &self.written).await?;
        failpoint::hit("sequences-advanced");
        self.disabled.enable_again(&self.session).await?;
        if !self.new_keyspaces.is_empty() {
            bookkeeping::attach_partition(&self.session, self.load, &self.new_keyspaces).await?;
            failpoint::hit("partition-attached");
        }
        bookkeeping::finish_load(&self.session, self.load, outcome, &tables).await?;
        failpoint::hit("load-finished");
        let doing = "commit the load";
        failpoint::hit("load-committing");
        let committed = self.session.run(doing, "COMMIT").await;
        failpoint::hit("load-committed");
        let found = match committed {
            Ok(()) => bookkeeping::find_load(&self.session, &self.header.order).await,
            Err(error) => Err(error),
        };
        match found {
            Ok(Some(record)) if record.id == i64::from(self.load) => Ok(record),
            Ok(_) => {
                Err(Error::shape("chartlift.load", "*", "the load record is not there after the commit"))
            }
            Err(lost @ Error::Connection { .. }) => self.decide(lost).await,
            Err(error) => Err(error),
        }
    }
}

impl PostgresLoad {
    fn check_whole(&self) -> Result<(), Error> {
        if self.broken {
            let source = "an earlier call failed: nothing was loaded".into();
            let target = self.server.shown.clone();
            return Err(Error::Connection { doing: "go on with the load", target, source });
        }
        Ok(())
    }

    /// Matched rows are found before they are written, and never written to.
    fn compares_with_earlier(&self, table: &TableSpec) -> bool {
        self.follows && !matches!(table.mode, WriteMode::Match | WriteMode::Fill | WriteMode::Late)
    }

    /// Ends what is open of another table, or of another system's rows of the same.
    async fn turn_to(&mut self, table: &TableSpec) -> Result<Plan, Error> {
        if self.links_of != own(table) {
            // One COPY at a time, and nothing else beside it.
            self.end_copy().await?;
            self.send_links().await?;
        }
        let plan = self.plan_of(table).await?;
        self.links_of = own(table);
        self.links_copy.clone_from(&plan.links_copy);
        Ok(plan)
    }

    /// Ends what is being copied: a connection does one thing at a time.
    async fn settle(&mut self) -> Result<(), Error> {
        self.check_whole()?;
        self.broken = true;
        self.end_copy().await?;
        self.send_links().await?;
        self.broken = false;
        Ok(())
    }

    async fn plan_of(&mut self, table: &TableSpec) -> Result<Plan, Error> {
        let own = own(table);
        if let Some(plan) = self.plans.get(&own) {
            return Ok(plan.clone());
        }
        let entry = catalog::read_table(&self.session, &table.name).await?;
        let mut columns = Vec::new();
        for column in &table.columns {
            let known = entry
                .column(&column.name)
                .ok_or_else(|| Error::shape(&table.name, &column.name, "the database has no such column"))?;
            columns.push(known.clone());
        }
        let linked = table.is_linked();
        let (keyspace, crosswalk) = self.keyspace(table).await?;
        let new_keyspace = self.new_keyspaces.contains(&keyspace);
        let follows = self.compares_with_earlier(table) && !new_keyspace;
        let stage = match stage::plan(&self.session, table, follows).await?.path {
            Path::Direct => None,
            Path::Staged => {
                self.stages += 1;
                Some(stage::create(&self.session, table, self.stages).await?)
            }
        };
        let key = if linked { "target_key" } else { "target_uuid" };
        // Nobody sees the load's own part of the crosswalk before the commit: its rows need not be looked at again.
        let frozen = if new_keyspace { ", FREEZE" } else { "" };
        let plan = Plan {
            copy: stage::copy(table, stage.as_deref()),
            links_copy: format!(
                "COPY {crosswalk} (keyspace, load, created, {key}, source_key) FROM STDIN (FORMAT binary{frozen})"
            ),
            columns,
            keyspace,
            new_keyspace,
            follows,
            crosswalk,
            key: table.key_position()?,
            linked,
            stage,
        };
        let columns = table.columns.iter().map(|column| column.name.clone()).collect();
        self.written.insert(table.name.clone(), columns);
        self.plans.insert(own, plan.clone());
        Ok(plan)
    }

    /// A keyspace's number and the table that takes its entries.
    async fn keyspace(&mut self, table: &TableSpec) -> Result<(i32, String), Error> {
        let keyspace = match bookkeeping::keyspace(&self.session, &self.header.series, table).await? {
            Keyspace::Known(keyspace) if !self.new_keyspaces.contains(&keyspace) => {
                return Ok((keyspace, "chartlift.crosswalk".to_owned()));
            }
            Keyspace::Known(keyspace) => keyspace,
            Keyspace::New(keyspace) => {
                if self.new_keyspaces.is_empty() {
                    bookkeeping::create_partition(&self.session, self.load).await?;
                    failpoint::hit("partition-made");
                }
                self.new_keyspaces.push(keyspace);
                keyspace
            }
        };
        Ok((keyspace, bookkeeping::partition(self.load)))
    }

    fn note_rows(&mut self, table: &TableSpec, plan: &Plan, batch: &RecordBatch) -> Result<(), Error> {
        let mut types = Vec::new();
        for (column, array) in table.columns.iter().zip(batch.columns()) {
            let values = Values::of(&table.name, &column.name, array.as_ref())?;
            types.push(values.value_type().name().to_owned());
        }
        LoadedTable::of(&mut self.tables, &table.name).note_types(table.mode, types);
        let rows = batch.num_rows() as u64;
        // Staged rows count once it is known what became of them.
        if plan.stage.is_none() {
            LoadedTable::of(&mut self.tables, &table.name).rows += rows;
        }
        *self.waiting.entry(own(table)).or_default() += rows;
        Ok(())
    }

    /// The answer to the commit was lost: once the fence can be had, the old transaction has ended one way or the
    /// other, and the load record says which.
    async fn decide(self: Box<Self>, lost: Error) -> Result<LoadRecord, Error> {
        let Self { server, header, load, .. } = *self;
        let deadline = tokio::time::Instant::now() + server.lock_wait;
        loop {
            match look_again(&server, &header.order).await {
                Ok(Some(record)) if record.id == i64::from(load) => return Ok(record),
                Ok(_) => return Err(lost),
                Err(_) if tokio::time::Instant::now() < deadline => {
                    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
                }
                Err(_) => {
                    return Err(Error::CommitUnknown { order: header.order, source: Box::new(lost) });
                }
            }
        }
    }
}

async fn look_again(server: &Server, order: &str) -> Result<Option<LoadRecord>, Error> {
    let session = server.open("look for the order's load").await?;
    session.run("look for the order's load", "BEGIN").await?;
    bookkeeping::take_fence(&session, order, server.lock_wait).await?;
    let record = bookkeeping::find_load(&session, order).await?;
    session.close().await;
    Ok(record)
}
