//! One load into PostgreSQL: one connection, one transaction, rows and crosswalk by binary COPY.
//!
//! A connection runs one COPY at a time, so crosswalk entries gather in a buffer of bounded size; when it is full,
//! the table's COPY ends, the entries go in by one of their own, and the next batch opens the table's again.

use std::collections::HashMap;
use std::pin::Pin;

use arrow::array::{Array, StringViewArray};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use bytes::{BufMut, Bytes, BytesMut};
use futures::SinkExt;
use tokio_postgres::CopyInSink;

use super::bookkeeping::Keyspace;
use super::session::{Server, Session};
use super::triggers::Disabled;
use super::{aftermath, bookkeeping, catalog, existing, quoted, quoted_part};
use crate::Error;
use crate::copy::{Column, HEADER, TRAILER, parse_uuid, write_link};
use crate::failpoint;
use crate::target::values::Values;
use crate::target::{
    Begun, CatalogColumn, Existing, Load, LoadHeader, LoadOutcome, LoadRecord, LoadedTable, TableSpec,
};

/// What is sent at a time, in bytes.
const CHUNK_BYTES: usize = 128 << 10;
/// How much of the crosswalk waits in memory, in bytes: some 60 000 entries.
const LINKS_BYTES: usize = 4 << 20;
/// The same for tables whose rows refer to one another: their references are checked at the end of each COPY, so
/// all of a table's rows should fit into one.
const LINKS_OF_SELF_REFERENCE_BYTES: usize = 64 << 20;

const WRITE: &str = "insert rows";
const LINK: &str = "write the crosswalk";

struct PostgresLoad {
    server: Server,
    session: Session,
    header: LoadHeader,
    load: i32,
    /// By table and system.
    plans: HashMap<(String, String), Plan>,
    copy: Option<OpenCopy>,
    links: BytesMut,
    /// The table and system whose entries `links` holds, and the statement that sends them.
    links_of: (String, String),
    links_copy: String,
    /// Keyspaces that no load used before: their entries go into a partition of their own.
    new_keyspaces: Vec<i32>,
    tables: Vec<LoadedTable>,
    disabled: Disabled,
    scratch: String,
    /// A call did not come to its end: nothing may be committed any more.
    broken: bool,
}

/// What is looked up once a table.
#[derive(Clone)]
struct Plan {
    copy: String,
    links_copy: String,
    columns: Vec<CatalogColumn>,
    keyspace: i32,
    key: usize,
    linked: bool,
    links_bytes: usize,
}

struct OpenCopy {
    table: String,
    sink: Pin<Box<CopyInSink<Bytes>>>,
    buffer: BytesMut,
    rows: u64,
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
        copy: None,
        links: BytesMut::new(),
        links_of: Default::default(),
        links_copy: String::new(),
        new_keyspaces: Vec::new(),
        tables: Vec::new(),
        disabled: Disabled::default(),
        scratch: String::new(),
        broken: false,
    })))
}

#[async_trait]
impl Load for PostgresLoad {
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
        self.note_rows(table, batch)?;
        let mut row = 0;
        while row < batch.num_rows() {
            if self.copy.is_none() {
                self.open_copy(table, &plan).await?;
            }
            let next = self.encode(table, &plan, &columns, &keys, row)?;
            if let Some(copy) = &mut self.copy {
                copy.rows += (next - row) as u64;
            }
            row = next;
            self.send_chunk().await?;
            if self.links.len() >= plan.links_bytes {
                self.end_copy().await?;
                self.send_links().await?;
            }
        }
        self.broken = false;
        Ok(batch.num_rows() as u64)
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
            if self.links.len() >= plan.links_bytes {
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
        let written: Vec<&str> = self.tables.iter().map(|table| table.name.as_str()).collect();
        aftermath::advance_sequences(&self.session, &written).await?;
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

struct Keys<'a> {
    source: &'a StringViewArray,
    target: Option<Values<'a>>,
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

    /// Ends what is open of another table, or of another system's rows of the same.
    async fn turn_to(&mut self, table: &TableSpec) -> Result<Plan, Error> {
        let own = (&table.name, &table.system);
        if (&self.links_of.0, &self.links_of.1) != own {
            // One COPY at a time, and nothing else beside it.
            self.end_copy().await?;
            self.send_links().await?;
        }
        let plan = self.plan(table).await?;
        self.links_of = (table.name.clone(), table.system.clone());
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

    async fn plan(&mut self, table: &TableSpec) -> Result<Plan, Error> {
        let own = (table.name.clone(), table.system.clone());
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
        let (keyspace, links_copy) = self.keyspace(table, linked).await?;
        let names: Vec<String> = table.columns.iter().map(|column| quoted_part(&column.name)).collect();
        let plan = Plan {
            copy: format!("COPY {} ({}) FROM STDIN (FORMAT binary)", quoted(&table.name), names.join(", ")),
            links_copy,
            columns,
            keyspace,
            key: table.key_position()?,
            linked,
            links_bytes: if table.refers_to_itself() { LINKS_OF_SELF_REFERENCE_BYTES } else { LINKS_BYTES },
        };
        self.plans.insert(own, plan.clone());
        Ok(plan)
    }

    /// A keyspace's number and the statement that copies its entries.
    async fn keyspace(&mut self, table: &TableSpec, linked: bool) -> Result<(i32, String), Error> {
        let key = if linked { "target_key" } else { "target_uuid" };
        let columns = format!("(keyspace, load, created, {key}, source_key)");
        let keyspace = match bookkeeping::keyspace(&self.session, &self.header.series, table).await? {
            Keyspace::Known(keyspace) if !self.new_keyspaces.contains(&keyspace) => {
                return Ok((
                    keyspace,
                    format!("COPY chartlift.crosswalk {columns} FROM STDIN (FORMAT binary)"),
                ));
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
        // Nobody sees the partition before the commit: its rows need not be looked at again.
        let partition = bookkeeping::partition(self.load);
        Ok((keyspace, format!("COPY {partition} {columns} FROM STDIN (FORMAT binary, FREEZE)")))
    }

    /// Encodes rows from `row` on until a chunk is full; the first row that is left.
    fn encode(
        &mut self,
        table: &TableSpec,
        plan: &Plan,
        columns: &[Column<'_>],
        keys: &Keys<'_>,
        row: usize,
    ) -> Result<usize, Error> {
        let Some(copy) = &mut self.copy else { return Ok(row) };
        let unfit = |column: &str, problem| Error::Value {
            table: table.name.clone(),
            column: column.to_owned(),
            problem,
        };
        let mut next = row;
        while next < keys.source.len() && copy.buffer.len() < CHUNK_BYTES {
            copy.buffer.put_i16(columns.len() as i16);
            for column in columns {
                column
                    .write(next, &mut copy.buffer, &mut self.scratch)
                    .map_err(|problem| unfit(column.name, problem))?;
            }
            let key = match keys.target {
                Some(values) if plan.linked => {
                    self.scratch.clear();
                    values.write_key(next, &mut self.scratch);
                    Some(self.scratch.as_bytes())
                }
                Some(Values::Uuid(array)) => Some(array.value(next)),
                _ => None,
            };
            let place = (plan.keyspace, self.load);
            write_link(&mut self.links, place, true, keys.source.value(next), key)
                .map_err(|problem| unfit(crate::target::KEY_COLUMN, problem))?;
            next += 1;
        }
        Ok(next)
    }

    fn note_rows(&mut self, table: &TableSpec, batch: &RecordBatch) -> Result<(), Error> {
        let mut types = Vec::new();
        for (column, array) in table.columns.iter().zip(batch.columns()) {
            let values = Values::of(&table.name, &column.name, array.as_ref())?;
            types.push(values.value_type().name().to_owned());
        }
        let loaded = LoadedTable::of(&mut self.tables, &table.name);
        loaded.rows += batch.num_rows() as u64;
        loaded.types = types;
        Ok(())
    }

    async fn open_copy(&mut self, table: &TableSpec, plan: &Plan) -> Result<(), Error> {
        let refused = self.session.refused_at(WRITE, &table.name);
        let sink = self.session.client.copy_in::<_, Bytes>(plan.copy.as_str()).await.map_err(refused)?;
        failpoint::hit("copy-open");
        let mut buffer = BytesMut::with_capacity(CHUNK_BYTES * 2);
        buffer.put_slice(HEADER);
        self.copy = Some(OpenCopy { table: table.name.clone(), sink: Box::pin(sink), buffer, rows: 0 });
        Ok(())
    }

    async fn send_chunk(&mut self) -> Result<(), Error> {
        let Some(copy) = &mut self.copy else { return Ok(()) };
        if copy.buffer.len() < CHUNK_BYTES {
            return Ok(());
        }
        let chunk = copy.buffer.split().freeze();
        copy.buffer.reserve(CHUNK_BYTES * 2);
        let refused = self.session.refused_at(WRITE, &copy.table);
        copy.sink.feed(chunk).await.map_err(refused)?;
        failpoint::hit("copy-chunk");
        Ok(())
    }

    async fn end_copy(&mut self) -> Result<(), Error> {
        let Some(mut copy) = self.copy.take() else { return Ok(()) };
        copy.buffer.put_slice(&TRAILER);
        let refused = self.session.refused_at(WRITE, &copy.table);
        copy.sink.send(copy.buffer.freeze()).await.map_err(&refused)?;
        let taken = copy.sink.as_mut().finish().await.map_err(&refused)?;
        failpoint::hit("copy-ended");
        // A trigger may swallow rows without an error.
        if taken != copy.rows {
            return Err(Error::Short { table: copy.table, sent: copy.rows, taken });
        }
        Ok(())
    }

    async fn send_links(&mut self) -> Result<(), Error> {
        if self.links.is_empty() {
            return Ok(());
        }
        let refused = self.session.refused_at(LINK, &self.links_of.0);
        let copy = std::mem::take(&mut self.links_copy);
        let sink = self.session.client.copy_in::<_, Bytes>(copy.as_str()).await.map_err(&refused)?;
        let mut sink = std::pin::pin!(sink);
        failpoint::hit("crosswalk-open");
        sink.feed(Bytes::from_static(HEADER)).await.map_err(&refused)?;
        let links = self.links.split().freeze();
        let mut from = 0;
        while from < links.len() {
            let to = links.len().min(from + CHUNK_BYTES);
            sink.feed(links.slice(from..to)).await.map_err(&refused)?;
            failpoint::hit("crosswalk-chunk");
            from = to;
        }
        sink.send(Bytes::copy_from_slice(&TRAILER)).await.map_err(&refused)?;
        sink.as_mut().finish().await.map_err(&refused)?;
        failpoint::hit("crosswalk-sent");
        self.links_copy = copy;
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
