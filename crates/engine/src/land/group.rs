//! Lands one group of chunks: parse, check, remember keys, write.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringViewArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use bytes::Bytes;
use chartlift_io::source::csv::{self as source, Chunk, Index};

use super::digits::DigitCounts;
use super::keys::{KeyColumns, KeyWriters};
use super::rejects::RejectWriter;
use super::{FileJob, Options, TableJob, part};
use crate::Error;
use crate::layer::LayerWriter;
use crate::marks::{Mark, MarkWriter, RowId, RowSet};

/// What landing came to, for one group or summed over many.
#[derive(Default)]
pub(crate) struct Landed {
    pub rows: u64,
    pub rejected: u64,
    /// Marks by the table's own check number.
    pub counts: Vec<u64>,
    /// Rejects by code.
    pub reject_codes: Vec<(&'static str, u64)>,
    /// Rows that a check quarantined.
    pub quarantined: RowSet,
    pub keys: Vec<KeyWriters>,
    /// Of the table's columns of fixed digits, in their order.
    pub digits: Vec<DigitCounts>,
}

impl Landed {
    pub(crate) fn merge(&mut self, other: Self) {
        self.rows += other.rows;
        self.rejected += other.rejected;
        if self.counts.len() < other.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        self.counts.iter_mut().zip(other.counts).for_each(|(mine, theirs)| *mine += theirs);
        for (code, rows) in other.reject_codes {
            match self.reject_codes.iter_mut().find(|(known, _)| *known == code) {
                Some((_, sum)) => *sum += rows,
                None => self.reject_codes.push((code, rows)),
            }
        }
        self.quarantined.union(other.quarantined);
        self.keys.extend(other.keys);
        if self.digits.len() < other.digits.len() {
            self.digits.resize(other.digits.len(), DigitCounts::default());
        }
        self.digits.iter_mut().zip(&other.digits).for_each(|(mine, theirs)| mine.merge(theirs));
    }
}

pub(super) fn land(
    table: &TableJob<'_>,
    file: &FileJob,
    index: &Index,
    group: usize,
    chunks: &[Chunk],
    reading: &source::Options,
    options: &Options<'_>,
) -> Result<Landed, Error> {
    let input = File::open(&file.path).map_err(Error::file("open", &file.path))?;
    let shape = Shape::new(table, &index.header);
    let mut landed = Landed {
        counts: vec![0; table.checks.len()],
        digits: vec![DigitCounts::default(); table.digits.len()],
        ..Landed::default()
    };
    let mut keys = KeyWriters::new(&table.keys, options.pool);
    let mut rows: Option<LayerWriter> = None;
    let mut marks = MarkWriter::new(part(&table.folder, "marks", file.number, group));
    let mut rejects = RejectWriter::new(part(&table.folder, "rejects", file.number, group));
    for chunk in chunks {
        let length = usize::try_from(chunk.range.end - chunk.range.start).unwrap_or(usize::MAX);
        let mut bytes = vec![0; length];
        input.read_exact_at(&mut bytes, chunk.range.start).map_err(Error::file("read", &file.path))?;
        let parsed = source::parse(&Bytes::from(bytes), chunk, &shape.file, file.number, reading)?;
        for batch in &parsed.batches {
            let batch = shape.arrange(batch)?;
            landed.rows += batch.num_rows() as u64;
            check(table, &batch, &mut landed, &mut marks)?;
            for (column, counts) in table.digits.iter().zip(&mut landed.digits) {
                counts.merge(&column.count(&batch, &table.checks));
            }
            keys.remember(&table.keys, &batch, options.secret);
            let writer = match &mut rows {
                Some(writer) => writer,
                empty => empty.insert(LayerWriter::create(
                    &part(&table.folder, "part", file.number, group),
                    &shape.layer,
                )?),
            };
            writer.write(&batch)?;
        }
        for reject in &parsed.rejects {
            landed.rejected += 1;
            landed.merge_code(reject.code());
            let fields = reject.fields(reading);
            keys.remember_reject(
                &table.keys,
                &shape.positions,
                &fields,
                source::row_id(file.number, reject.row),
                options.secret,
            );
            rejects.write(file.number, reject, fields, shape.secrets)?;
        }
        options.progress.advance(chunk.range.end - chunk.range.start);
    }
    if let Some(rows) = rows {
        rows.close()?;
    }
    marks.close()?;
    rejects.close()?;
    landed.keys.push(keys);
    Ok(landed)
}

impl Landed {
    fn merge_code(&mut self, code: &'static str) {
        match self.reject_codes.iter_mut().find(|(known, _)| *known == code) {
            Some((_, sum)) => *sum += 1,
            None => self.reject_codes.push((code, 1)),
        }
    }
}

/// Runs the single-row checks over a batch.
fn check(
    table: &TableJob<'_>,
    batch: &RecordBatch,
    landed: &mut Landed,
    marks: &mut MarkWriter,
) -> Result<(), Error> {
    let Some(numbers) = batch.column_by_name("_row").map(|column| column.as_primitive::<Int64Type>()) else {
        return Ok(());
    };
    let mut failures = Vec::new();
    for (at, check) in table.checks.iter().enumerate() {
        let Some(column) = batch.column_by_name(&check.column).and_then(|column| column.as_string_view_opt())
        else {
            continue;
        };
        failures.clear();
        check.failures(column, &mut failures);
        let Some(count) = landed.counts.get_mut(at) else { continue };
        *count += failures.len() as u64;
        let number = i32::try_from(table.first_check + at).unwrap_or(i32::MAX);
        for row in &failures {
            let id = RowId::source(numbers.value(*row as usize));
            marks.push(Mark { id, check: number })?;
            if check.disposition.holds() {
                landed.quarantined.insert(id);
            }
        }
    }
    Ok(())
}

/// How a file's columns become the layer's: the schema's fields in their order, then what the schema does not know.
struct Shape {
    file: SchemaRef,
    layer: SchemaRef,
    /// For each layer column but the last two, its place in the file.
    places: Vec<Option<usize>>,
    /// For each schema field, its place in the file's header.
    positions: KeyColumns,
    /// Whether the schema has columns that are never kept.
    secrets: bool,
}

impl Shape {
    fn new(table: &TableJob<'_>, header: &[String]) -> Self {
        let schema = &table.table.schema;
        let header: Vec<String> = if table.table.dialect.header_row == 0 {
            schema.fields.iter().map(|field| field.name.value.clone()).collect()
        } else {
            unique_names(header)
        };
        let text = |name: &str| Field::new(name, DataType::Utf8View, true);
        let lineage =
            || [Field::new("_row", DataType::Int64, false), Field::new("_offset", DataType::Int64, false)];
        // A credential is not kept anywhere: its column lands empty.
        let secret = |name: &str| schema.field(name).is_some_and(|field| field.extension.keep_never);
        let place = |name: &str| header.iter().position(|known| known == name).filter(|_| !secret(name));
        let mut places: Vec<Option<usize>> =
            schema.fields.iter().map(|field| place(&field.name.value)).collect();
        let mut layer: Vec<Field> = schema.fields.iter().map(|field| text(&field.name.value)).collect();
        let positions =
            schema.fields.iter().map(|field| (field.name.value.clone(), place(&field.name.value))).collect();
        for (at, name) in header.iter().enumerate().filter(|(_, name)| schema.field(name).is_none()) {
            layer.push(text(name));
            places.push(Some(at));
        }
        layer.extend(lineage());
        Self {
            file: Arc::new(Schema::new(header.iter().map(|name| text(name)).collect::<Vec<_>>())),
            layer: Arc::new(Schema::new(layer)),
            places,
            positions,
            secrets: schema.fields.iter().any(|field| field.extension.keep_never),
        }
    }

    fn arrange(&self, batch: &RecordBatch) -> Result<RecordBatch, Error> {
        let width = batch.num_columns();
        let mut columns: Vec<ArrayRef> = self
            .places
            .iter()
            .map(|place| match place {
                Some(place) => Arc::clone(batch.column(*place)),
                None => Arc::new(StringViewArray::new_null(batch.num_rows())),
            })
            .collect();
        columns.extend(
            batch.columns().get(width.saturating_sub(2)..).unwrap_or_default().iter().map(Arc::clone),
        );
        debug_assert!(columns.last().is_some_and(|last| last.as_any().is::<Int64Array>()));
        RecordBatch::try_new(SchemaRef::clone(&self.layer), columns)
            .map_err(|error| Error::query("arranging a file's columns")(error.into()))
    }
}

/// Repeated and empty header names get a number, so that every column keeps its values.
pub(crate) fn unique_names(header: &[String]) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(header.len());
    for (at, name) in header.iter().enumerate() {
        let taken = name.is_empty() || name.starts_with('_') || names.contains(name);
        names.push(if taken { format!("{name}#{}", at + 1) } else { name.clone() });
    }
    names
}
