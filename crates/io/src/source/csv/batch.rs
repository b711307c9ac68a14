//! Fields become columns: views into the chunk's own bytes, copied only where a field does not stand there as it is.
//!
//! The walk leaves places of fields row by row in a tile that fits the processor's cache; a full tile is then turned into
//! columns one at a time, so that each inner loop has one output and no branch on the column.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringViewArray, make_view};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use bytes::Bytes;
use chartlift_rules::Encoding;

use super::charset;
use super::grammar::Grammar;
use super::machine::{ESCAPED, QUOTED, Sink};
use crate::Error;

/// The record's number, 1-based and without the header, below the file's index.
pub const ROW: &str = "_row";
/// Where the record starts in the file, in bytes.
pub const OFFSET: &str = "_offset";

/// What [`super::parse`] gives: the columns, then `_row` and `_offset`.
pub fn landed_schema(columns: &Schema) -> SchemaRef {
    let lineage = [ROW, OFFSET].map(|name| Arc::new(Field::new(name, DataType::Int64, false)));
    let fields: Vec<_> = columns.fields().iter().map(Arc::clone).chain(lineage).collect();
    Arc::new(Schema::new(fields))
}

/// The place of a field in the chunk and how it is written: 32 bits where, 30 how long, 2 how.
#[derive(Debug, Clone, Copy, Default)]
struct Span(u64);

impl Span {
    /// Chunks of this size and more do not fit.
    const LIMIT: usize = 1 << 30;

    #[inline(always)]
    fn new(start: usize, end: usize, shape: u8) -> Self {
        Self((start as u64) << 32 | ((end - start) as u64) << 2 | u64::from(shape))
    }

    #[inline(always)]
    fn start(self) -> usize {
        (self.0 >> 32) as usize
    }

    #[inline(always)]
    fn len(self) -> usize {
        (self.0 as u32 >> 2) as usize
    }

    #[inline(always)]
    fn is(self, shape: u8) -> bool {
        self.0 as u8 & shape != 0
    }
}

/// The fields of the rows walked but not yet turned into columns, row after row.
pub(super) struct Tile {
    spans: Vec<Span>,
    columns: usize,
    rows: usize,
    capacity: usize,
    /// Fields of the current record.
    fields: usize,
}

impl Sink for Tile {
    const FIELDS: bool = true;

    #[inline(always)]
    fn field(&mut self, start: usize, end: usize, shape: u8) {
        // Fields that no column takes share the place of the next row's first.
        let place = self.rows * self.columns + self.fields.min(self.columns);
        if let Some(span) = self.spans.get_mut(place) {
            *span = Span::new(start, end, shape);
        }
        self.fields += 1;
    }
}

impl Tile {
    pub(super) fn new(columns: usize, batch_rows: usize) -> Self {
        // Whole words of the null bitmap, about 128 KiB in all.
        let capacity = ((16_384 / columns.max(1)) & !63).clamp(64, batch_rows.next_multiple_of(64).max(64));
        let spans = vec![Span::default(); capacity * columns + 1];
        Self { spans, columns, rows: 0, capacity, fields: 0 }
    }

    #[inline(always)]
    pub(super) fn begin(&mut self) {
        self.fields = 0;
    }

    /// Fields that the current record has.
    #[inline(always)]
    pub(super) fn fields(&self) -> usize {
        self.fields
    }

    /// The longest field of the current record, of those that have a column.
    pub(super) fn longest(&self) -> usize {
        let row = self.spans.get(self.rows * self.columns..).unwrap_or_default();
        row.iter().take(self.columns).map(|span| span.len()).max().unwrap_or(0)
    }

    /// Keeps the current record; true when the tile is full.
    #[inline(always)]
    pub(super) fn keep(&mut self) -> bool {
        self.rows += 1;
        self.rows == self.capacity
    }
}

struct Column {
    views: Vec<u128>,
    /// A set bit: not null.
    valid: Vec<u64>,
}

/// Builds the batches of one chunk.
pub(super) struct Batches<'a> {
    bytes: &'a [u8],
    chunk: Buffer,
    grammar: &'a Grammar,
    /// Other than UTF-8 only where the chunk has bytes beyond ASCII.
    encoding: Encoding,
    schema: SchemaRef,
    batch_rows: usize,
    columns: Vec<Column>,
    /// Copied fields.
    side: String,
    scratch: Vec<u8>,
    pub(super) row_ids: Vec<i64>,
    pub(super) offsets: Vec<i64>,
    done: Vec<RecordBatch>,
}

impl<'a> Batches<'a> {
    pub(super) fn new(
        bytes: &'a Bytes,
        grammar: &'a Grammar,
        encoding: Encoding,
        columns: &Schema,
        batch_rows: usize,
    ) -> Result<Self, Error> {
        if bytes.len() >= Span::LIMIT {
            return Err(Error::ChunkTooLarge { bytes: bytes.len() });
        }
        let encoding = if bytes.is_ascii() { Encoding::Utf8 } else { encoding };
        Ok(Self {
            bytes,
            chunk: Buffer::from(bytes.clone()),
            grammar,
            encoding,
            schema: landed_schema(columns),
            batch_rows: batch_rows.max(1),
            columns: columns
                .fields()
                .iter()
                .map(|_| Column { views: Vec::new(), valid: Vec::new() })
                .collect(),
            side: String::new(),
            scratch: Vec::new(),
            row_ids: Vec::new(),
            offsets: Vec::new(),
            done: Vec::new(),
        })
    }

    /// Turns the tile's rows into columns and empties it.
    pub(super) fn absorb(&mut self, tile: &mut Tile) -> Result<(), Error> {
        let rows = tile.spans.get(..tile.rows * tile.columns).unwrap_or_default();
        let mut columns = std::mem::take(&mut self.columns);
        for (index, column) in columns.iter_mut().enumerate() {
            for block in rows.chunks(tile.columns.max(1) * 64) {
                let mut valid = 0;
                let spans = block.iter().skip(index).step_by(tile.columns.max(1));
                for (bit, span) in spans.enumerate() {
                    let plain = self.encoding == Encoding::Utf8 && !span.is(ESCAPED);
                    let view = if plain { self.view(*span) } else { self.copied(*span) };
                    column.views.push(view);
                    valid |= u64::from(span.len() != 0 || span.is(QUOTED)) << bit;
                }
                column.valid.push(valid.to_le());
            }
        }
        self.columns = columns;
        tile.rows = 0;
        // A batch ends with a tile, so that each tile starts a word of the null bitmap.
        if self.row_ids.len() + tile.capacity > self.batch_rows { self.cut() } else { Ok(()) }
    }

    /// A view of a field that stands in the chunk as it is.
    #[inline(always)]
    fn view(&self, span: Span) -> u128 {
        let (start, len) = (span.start(), span.len());
        let field = self.bytes.get(start..start + len).unwrap_or_default();
        make_view(field, 0, start as u32)
    }

    /// A view of a field that must be unescaped or decoded.
    fn copied(&mut self, span: Span) -> u128 {
        let (start, len) = (span.start(), span.len());
        let raw = self.bytes.get(start..start + len).unwrap_or_default();
        if !span.is(ESCAPED) && raw.is_ascii() {
            return make_view(raw, 0, start as u32);
        }
        let plain = if span.is(ESCAPED) {
            self.scratch.clear();
            unescape(raw, span.is(QUOTED), self.grammar, &mut self.scratch);
            &self.scratch
        } else {
            raw
        };
        let text = charset::decode_lossy(plain, self.encoding);
        let at = self.side.len();
        if text.len() > 12 {
            self.side.push_str(&text);
        }
        make_view(text.as_bytes(), 1, at as u32)
    }

    /// Ends the current batch.
    fn cut(&mut self) -> Result<(), Error> {
        let rows = self.row_ids.len();
        if rows == 0 {
            return Ok(());
        }
        let side = Buffer::from(std::mem::take(&mut self.side).into_bytes());
        let buffers: Arc<[Buffer]> = Arc::from([self.chunk.clone(), side]);
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.columns.len() + 2);
        for column in &mut self.columns {
            let views = std::mem::take(&mut column.views);
            let valid = Buffer::from_vec(std::mem::take(&mut column.valid));
            let nulls = NullBuffer::new(BooleanBuffer::new(valid, 0, rows));
            arrays.push(Arc::new(text_array(views, &buffers, nulls)?));
        }
        for lineage in [&mut self.row_ids, &mut self.offsets] {
            arrays.push(Arc::new(Int64Array::from(std::mem::take(lineage))));
        }
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), arrays);
        self.done.push(batch.map_err(|source| Error::Arrow { source })?);
        Ok(())
    }

    pub(super) fn finish(mut self, tile: &mut Tile) -> Result<Vec<RecordBatch>, Error> {
        self.absorb(tile)?;
        self.cut()?;
        Ok(self.done)
    }
}

/// The one unsafe call of the workspace: arrow's checked constructor reads every text once more, which costs a third of
/// the parse pass (`examples/reader_speed.rs`). With debug assertions, as in every test, the checked one is used.
#[expect(unsafe_code, reason = "the views are checked where they are made; see SAFETY")]
fn text_array(
    views: Vec<u128>,
    buffers: &Arc<[Buffer]>,
    nulls: NullBuffer,
) -> Result<StringViewArray, Error> {
    let nulls = Some(nulls).filter(|nulls| nulls.null_count() > 0);
    let views = ScalarBuffer::from(views);
    if cfg!(debug_assertions) {
        return StringViewArray::try_new(views, Arc::clone(buffers), nulls)
            .map_err(|source| Error::Arrow { source });
    }
    // SAFETY: a view needs its place inside its buffer, its prefix equal to the bytes there, and valid UTF-8.
    // `make_view` takes length and prefix from a slice of the very buffer that it names: the chunk (buffer 0; `view`
    // and the first branch of `copied`) or the side buffer (1), at the offset where that slice begins; a slice that
    // would leave the chunk is an empty one. Both buffers are shorter than 2^32 bytes: `Batches::new` refuses larger
    // chunks, and decoding makes at most three bytes of one. UTF-8: `Pass::fault` keeps records out that do not
    // decode, fields are cut from records at ASCII bytes (`Grammar` has no others), the branch of `copied` takes ASCII
    // only, and the side buffer is a `String` that is cut where whole texts were pushed. There are as many views as
    // bits in `nulls`: `absorb` pushes one view and sets one bit for each row of a tile.
    Ok(unsafe { StringViewArray::new_unchecked(views, Arc::clone(buffers), nulls) })
}

/// Takes out doubled quotes and escapes, a run between two of them at a time.
fn unescape(raw: &[u8], quoted: bool, grammar: &Grammar, to: &mut Vec<u8>) {
    let quote = grammar.quote.filter(|_| quoted);
    let special = |bytes: &[u8]| match (quote, grammar.escape) {
        (Some(quote), Some(escape)) => memchr::memchr2(quote, escape, bytes),
        (Some(one), None) | (None, Some(one)) => memchr::memchr(one, bytes),
        (None, None) => None,
    };
    let mut rest = raw;
    while let Some((run, [drops, after @ ..])) = special(rest).and_then(|at| rest.split_at_checked(at)) {
        to.extend_from_slice(run);
        // What it stands before is ordinary; at the very end it stands for itself.
        let (kept, left) = after.split_first().unwrap_or((drops, after));
        to.push(*kept);
        rest = left;
    }
    to.extend_from_slice(rest);
}
