//! Rows and crosswalk entries on their way to the server: encoded in chunks, sent by COPY statements of bounded size.
//!
//! A connection runs one COPY at a time, so crosswalk entries gather in a buffer of bounded size; when it is full,
//! the table's COPY ends, the entries go in by one of their own, and the next batch opens the table's again.

use std::pin::Pin;

use arrow::array::{Array, StringViewArray};
use bytes::{BufMut, Bytes, BytesMut};
use futures::SinkExt;
use tokio_postgres::CopyInSink;

use super::{LINK, Plan, PostgresLoad, WRITE};
use crate::Error;
use crate::copy::{Column, HEADER, TRAILER, write_link, write_text};
use crate::failpoint;
use crate::target::TableSpec;
use crate::target::values::Values;

/// What is sent at a time, in bytes.
pub(super) const CHUNK_BYTES: usize = 128 << 10;
/// How much of the crosswalk waits in memory, in bytes: some 60 000 entries.
pub(super) const LINKS_BYTES: usize = 4 << 20;
/// What one COPY of rows takes, so that no statement is without bound.
const COPY_BYTES: usize = 256 << 20;
const COPY_ROWS: u64 = 1_000_000;

pub(super) struct OpenCopy {
    table: String,
    sink: Pin<Box<CopyInSink<Bytes>>>,
    buffer: BytesMut,
    rows: u64,
    sent_bytes: usize,
}

/// The keys of one batch.
pub(super) struct Keys<'a> {
    pub(super) source: &'a StringViewArray,
    pub(super) target: Option<Values<'a>>,
}

impl PostgresLoad {
    /// Encodes rows from `row` on until a chunk is full; the first row that is left.
    pub(super) fn encode(
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
        let staged = plan.stage.is_some();
        let width = columns.len() + usize::from(staged);
        let mut next = row;
        while next < keys.source.len() && copy.buffer.len() < CHUNK_BYTES {
            copy.buffer.put_i16(width as i16);
            for column in columns {
                column
                    .write(next, &mut copy.buffer, &mut self.scratch)
                    .map_err(|problem| unfit(column.name, problem))?;
            }
            let source_key = keys.source.value(next);
            let entry = if staged {
                write_text(source_key, None, &mut copy.buffer)
            } else {
                let key = match keys.target {
                    Some(values) if plan.linked => {
                        self.scratch.clear();
                        values.write_key(next, &mut self.scratch);
                        Some(self.scratch.as_bytes())
                    }
                    Some(Values::Uuid(array)) => Some(array.value(next)),
                    _ => None,
                };
                write_link(&mut self.links, (plan.keyspace, self.load), true, source_key, key)
            };
            entry.map_err(|problem| unfit(crate::target::KEY_COLUMN, problem))?;
            next += 1;
        }
        copy.rows += (next - row) as u64;
        Ok(next)
    }

    pub(super) async fn open_copy(&mut self, table: &TableSpec, plan: &Plan) -> Result<(), Error> {
        let refused = self.session.refused_at(WRITE, &table.name);
        let sink = self.session.client.copy_in::<_, Bytes>(plan.copy.as_str()).await.map_err(refused)?;
        failpoint::hit("copy-open");
        let mut buffer = BytesMut::with_capacity(CHUNK_BYTES * 2);
        buffer.put_slice(HEADER);
        let (table, sink) = (table.name.clone(), Box::pin(sink));
        self.copy = Some(OpenCopy { table, sink, buffer, rows: 0, sent_bytes: 0 });
        Ok(())
    }

    /// Sends what is encoded, if it is enough, and ends the COPY that has had its share.
    pub(super) async fn send_chunk(&mut self) -> Result<(), Error> {
        let Some(copy) = &mut self.copy else { return Ok(()) };
        if copy.buffer.len() < CHUNK_BYTES {
            return Ok(());
        }
        let chunk = copy.buffer.split().freeze();
        copy.buffer.reserve(CHUNK_BYTES * 2);
        copy.sent_bytes += chunk.len();
        let refused = self.session.refused_at(WRITE, &copy.table);
        copy.sink.feed(chunk).await.map_err(refused)?;
        failpoint::hit("copy-chunk");
        if copy.sent_bytes >= COPY_BYTES || copy.rows >= COPY_ROWS {
            self.end_copy().await?;
        }
        Ok(())
    }

    pub(super) async fn end_copy(&mut self) -> Result<(), Error> {
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

    pub(super) async fn send_links(&mut self) -> Result<(), Error> {
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
}
