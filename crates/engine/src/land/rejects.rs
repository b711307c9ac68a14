//! Records that could not be parsed: kept with their bytes, never in the table.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BinaryArray, Int64Array, RecordBatch, StringViewArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use chartlift_io::source::csv::{Reject, row_id};

use crate::Error;
use crate::layer::{self, LayerWriter};

/// Bytes of rejects held before they are written.
const BUFFER_BYTES: usize = 4 << 20;
const BUFFER_ROWS: usize = 16 << 10;

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("_row", DataType::Int64, false),
        Field::new("_offset", DataType::Int64, false),
        Field::new("code", DataType::Utf8View, false),
        Field::new("bytes", DataType::Binary, false),
        Field::new("fields", DataType::Utf8View, false),
    ]))
}

/// A rejected record as later stages read it.
pub(crate) struct Rejected {
    pub row: i64,
    pub code: String,
    pub bytes: Vec<u8>,
    /// What could be read of its fields, in the file's order.
    pub fields: Vec<Option<String>>,
}

/// A reject with bytes of its own, since the reader's are a slice of its chunk.
struct Held {
    row: i64,
    offset: i64,
    code: &'static str,
    bytes: Vec<u8>,
    fields: Vec<Option<String>>,
}

pub(super) struct RejectWriter {
    path: PathBuf,
    writer: Option<LayerWriter>,
    held: Vec<Held>,
    bytes: usize,
}

impl RejectWriter {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, writer: None, held: Vec::new(), bytes: 0 }
    }

    /// `secrets`: the table has columns that are never kept. Where in a damaged record they stand nobody knows, so
    /// nothing of it is kept but its place in the input file.
    pub(super) fn write(
        &mut self,
        file: u32,
        reject: &Reject,
        fields: Vec<Option<String>>,
        secrets: bool,
    ) -> Result<(), Error> {
        let (bytes, fields) = if secrets { Default::default() } else { (reject.bytes.to_vec(), fields) };
        self.bytes += bytes.len();
        self.held.push(Held {
            row: row_id(file, reject.row),
            offset: i64::try_from(reject.offset).unwrap_or(i64::MAX),
            code: reject.code(),
            bytes,
            fields,
        });
        if self.bytes >= BUFFER_BYTES || self.held.len() >= BUFFER_ROWS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Error> {
        let held = std::mem::take(&mut self.held);
        self.bytes = 0;
        if held.is_empty() {
            return Ok(());
        }
        let fields = held.iter().map(|reject| serde_json::to_string(&reject.fields).unwrap_or_default());
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from_iter_values(held.iter().map(|reject| reject.row))),
            Arc::new(Int64Array::from_iter_values(held.iter().map(|reject| reject.offset))),
            Arc::new(StringViewArray::from_iter_values(held.iter().map(|reject| reject.code))),
            Arc::new(BinaryArray::from_iter_values(held.iter().map(|reject| &reject.bytes))),
            Arc::new(StringViewArray::from_iter_values(fields)),
        ];
        let batch = RecordBatch::try_new(schema(), columns)
            .map_err(|error| Error::query("writing rejects")(error.into()))?;
        let writer = match &mut self.writer {
            Some(writer) => writer,
            empty => empty.insert(LayerWriter::create(&self.path, &schema())?),
        };
        writer.write(&batch)
    }

    pub(super) fn close(mut self) -> Result<(), Error> {
        self.flush()?;
        self.writer.map_or(Ok(()), LayerWriter::close)
    }
}

/// Hands out a table's rejects, file by file.
pub(crate) fn read_rejects(folder: &Path, mut each: impl FnMut(Rejected)) -> Result<(), Error> {
    for some in reject_batches(folder)? {
        some?.into_iter().for_each(&mut each);
    }
    Ok(())
}

/// The same, some thousands at a time.
pub(crate) fn reject_batches(
    folder: &Path,
) -> Result<impl Iterator<Item = Result<Vec<Rejected>, Error>> + use<>, Error> {
    let files = layer::files(folder, "rejects-")?;
    Ok(files.into_iter().flat_map(|path| layer::all_of(&path, None)).map(|batch| Ok(rejects_of(&batch?))))
}

fn rejects_of(batch: &RecordBatch) -> Vec<Rejected> {
    let rows = batch.column(0).as_primitive::<Int64Type>();
    let codes = batch.column(2).as_string_view();
    let bytes = batch.column(3).as_binary::<i32>();
    let fields = batch.column(4).as_string_view();
    (0..batch.num_rows())
        .map(|row| Rejected {
            row: rows.value(row),
            code: codes.value(row).to_owned(),
            bytes: bytes.value(row).to_vec(),
            fields: serde_json::from_str(fields.value(row)).unwrap_or_default(),
        })
        .collect()
}
