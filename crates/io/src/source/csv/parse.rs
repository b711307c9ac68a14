//! The parse pass: one chunk becomes batches and rejects.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use chartlift_rules::Encoding;

use super::batch::{Batches, Tile};
use super::grammar::Grammar;
use super::index::{Chunk, Ends};
use super::machine::{Step, Tail, Walk};
use super::{Fault, Options, Reject, charset, row_id, utf16};
use crate::Error;

/// What one chunk holds. Batches and rejects together are the chunk's records, each in order.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// The columns as `Utf8View` (null: no value), then [`super::ROW`] and [`super::OFFSET`]; none without rows.
    pub batches: Vec<RecordBatch>,
    pub rejects: Vec<Reject>,
}

/// Parses the bytes of `chunk.range`. `columns` are the text columns in the order of the file; a record with another
/// number of fields is a reject. `file` is the file's index in the manifest.
///
/// # Errors
///
/// Where the dialect contradicts itself, or the bytes are not what the index pass saw.
pub fn parse(
    bytes: &Bytes,
    chunk: &Chunk,
    columns: &SchemaRef,
    file: u32,
    options: &Options,
) -> Result<Parsed, Error> {
    let length = chunk.range.end.saturating_sub(chunk.range.start);
    if bytes.len() as u64 != length {
        return Err(Error::Changed);
    }
    let tail = match chunk.ends {
        Ends::Cut => {
            let bytes = bytes.clone();
            let (row, offset) = (chunk.first_row, chunk.range.start);
            let reject = Reject { row, offset, bytes, fault: Fault::TooLong, order: chunk.order };
            return Ok(Parsed { batches: Vec::new(), rejects: vec![reject] });
        }
        Ends::Inside => Tail::OtherChunks,
        Ends::Input => Tail::End,
    };
    let grammar = Grammar::new(&options.dialect)?;
    let text = match chunk.order {
        None => bytes.clone(),
        Some(order) => Bytes::from(utf16::text_of(bytes, order)),
    };
    let encoding = if chunk.order.is_some() { Encoding::Utf8 } else { options.dialect.encoding };
    let mut pass = Pass {
        bytes,
        text: &text,
        place: Place { text: 0, file: 0 },
        chunk,
        options,
        column_count: columns.fields().len(),
        row: chunk.first_row,
        check_rows: (!charset::decodes(&text, encoding)).then_some(encoding),
        tile: Tile::new(columns.fields().len(), options.batch_rows),
        batches: Batches::new(&text, &grammar, encoding, columns, options.batch_rows)?,
        rejects: Vec::new(),
        file,
    };
    let mut walk = Walk::new(&text, tail, &grammar, options.record_bytes, &pass.tile);
    walk.suspect = usize::try_from(chunk.suspect).unwrap_or(usize::MAX);
    pass.run(&mut walk)?;
    if pass.row - chunk.first_row != chunk.rows {
        return Err(Error::Changed);
    }
    Ok(Parsed { batches: pass.batches.finish(&mut pass.tile)?, rejects: pass.rejects })
}

/// A place in a chunk: in its text, and in the bytes of the file.
struct Place {
    text: usize,
    file: usize,
}

struct Pass<'a> {
    /// As they stand in the file.
    bytes: &'a Bytes,
    /// What the walk sees: the same bytes, or what UTF-16 says.
    text: &'a Bytes,
    /// The last place asked for.
    place: Place,
    chunk: &'a Chunk,
    options: &'a Options,
    column_count: usize,
    /// The number of the next record.
    row: u64,
    /// Set where some record of the chunk does not decode.
    check_rows: Option<Encoding>,
    tile: Tile,
    batches: Batches<'a>,
    rejects: Vec<Reject>,
    file: u32,
}

impl Pass<'_> {
    fn run(&mut self, walk: &mut Walk<'_>) -> Result<(), Error> {
        let mut at = 0;
        loop {
            self.tile.begin();
            match walk.step(at, &mut self.tile) {
                Step::Record { start, end, next } => {
                    self.record(start, end)?;
                    at = next;
                }
                Step::Broken { start, end, next } => {
                    self.reject(start, end, Fault::Quote);
                    at = next;
                }
                Step::Done => return Ok(()),
                // The index pass gives such a record a chunk of its own, and a chunk always has a known tail.
                Step::Endless { .. } | Step::More { .. } => return Err(Error::Changed),
            }
            self.row += 1;
        }
    }

    #[inline(always)]
    fn record(&mut self, start: usize, end: usize) -> Result<(), Error> {
        if let Some(fault) = self.fault(start, end) {
            self.reject(start, end, fault);
            return Ok(());
        }
        self.batches.row_ids.push(row_id(self.file, self.row));
        let offset = self.chunk.range.start + self.in_file(start) as u64;
        self.batches.offsets.push(offset as i64);
        if self.tile.keep() { self.batches.absorb(&mut self.tile) } else { Ok(()) }
    }

    #[inline(always)]
    fn fault(&self, start: usize, end: usize) -> Option<Fault> {
        if self.tile.fields() != self.column_count {
            let more = self.tile.fields() > self.column_count;
            return Some(if more { Fault::ExtraCell } else { Fault::MissingCell });
        }
        if end - start > self.options.field_bytes && self.tile.longest() > self.options.field_bytes {
            return Some(Fault::TooLong);
        }
        let encoding = self.check_rows?;
        let record = self.text.get(start..end).unwrap_or_default();
        (!charset::decodes(record, encoding)).then_some(Fault::Encoding)
    }

    fn reject(&mut self, start: usize, end: usize, fault: Fault) {
        let from = self.in_file(start);
        let to = self.in_file(end).min(self.bytes.len());
        let (row, offset) = (self.row, self.chunk.range.start + from as u64);
        let bytes = self.bytes.slice(from.min(to)..to);
        self.rejects.push(Reject { row, offset, bytes, fault, order: self.chunk.order });
    }

    /// Where a place of the text stands in the chunk's bytes; places are asked for in order.
    #[inline(always)]
    fn in_file(&mut self, at: usize) -> usize {
        if self.chunk.order.is_none() {
            return at;
        }
        let passed = self.text.get(self.place.text..at).unwrap_or_default();
        let passed = usize::try_from(utf16::file_bytes(passed)).unwrap_or(usize::MAX);
        self.place = Place { text: at, file: self.place.file.saturating_add(passed) };
        self.place.file
    }
}
