//! Marks: which row failed which check. Sparse, beside the data, never in it.
//!
//! A stage writes `marks-*.parquet` (`_row`, `_part`, `_check`) next to its layer and lists the checks by
//! number in its report. Rows whose strongest mark holds are left out by the next stage.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, Int32Array, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use chartlift_rules::Disposition;
use roaring::RoaringTreemap;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::layer::{self, LayerWriter};
use crate::statement::{Finding, Stage};

/// Marks held in memory before they are written.
const MARKS_PER_WRITE: usize = 64 * 1024;

/// A check as a stage's report lists it; its number is its place in the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    pub code: String,
    /// Whose rows, in an order with inputs of several systems.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The source table, category or target table.
    pub table: String,
    pub column: Option<String>,
    /// What tells two checks of one column apart: the constraint's or the rule's name.
    pub name: Option<String>,
    #[serde(with = "disposition_name")]
    pub disposition: Disposition,
    /// Of a rule's check, the rule's place in its file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<usize>,
}

impl Check {
    pub fn new(code: &str, table: &str, disposition: Disposition) -> Self {
        let (code, table) = (code.into(), table.into());
        Self { code, system: None, table, column: None, name: None, disposition, rule: None }
    }

    pub fn column(mut self, column: &str) -> Self {
        self.column = Some(column.into());
        self
    }

    pub fn named(mut self, name: &str) -> Self {
        self.name = Some(name.into());
        self
    }

    pub(crate) fn of_rule(mut self, number: usize) -> Self {
        self.rule = Some(number);
        self
    }

    pub fn finding(&self, stage: Stage, rows: u64) -> Finding {
        let severity = match self.disposition {
            Disposition::Quarantine | Disposition::Block => "error",
            Disposition::Degrade | Disposition::Repair => "warning",
            Disposition::Note | Disposition::Exclude => "note",
        };
        Finding {
            code: self.code.clone(),
            severity: severity.into(),
            disposition: self.disposition.name().into(),
            stage,
            system: self.system.clone(),
            table: Some(self.table.clone()),
            column: self.column.clone(),
            rows,
            message: self.name.clone(),
        }
    }
}

mod disposition_name {
    use chartlift_rules::Disposition;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(value: &Disposition, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(value.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Disposition, D::Error> {
        let name = String::deserialize(from)?;
        Disposition::ALL
            .into_iter()
            .find(|one| one.name() == name)
            .ok_or_else(|| D::Error::custom("unknown disposition"))
    }
}

/// A row of a layer: where it came from and, after categorize, which piece of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RowId {
    pub row: i64,
    pub part: i32,
}

impl RowId {
    pub(crate) fn source(row: i64) -> Self {
        Self { row, part: 0 }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub id: RowId,
    pub check: i32,
}

/// Rows by id, compressed.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct RowSet {
    parts: BTreeMap<i32, RoaringTreemap>,
}

impl RowSet {
    pub(crate) fn insert(&mut self, id: RowId) -> bool {
        self.parts.entry(id.part).or_default().insert(id.row.cast_unsigned())
    }

    pub(crate) fn contains(&self, id: RowId) -> bool {
        self.parts.get(&id.part).is_some_and(|rows| rows.contains(id.row.cast_unsigned()))
    }

    pub(crate) fn len(&self) -> u64 {
        self.parts.values().map(RoaringTreemap::len).sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.parts.values().all(RoaringTreemap::is_empty)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = RowId> + '_ {
        self.parts
            .iter()
            .flat_map(|(part, rows)| rows.iter().map(|row| RowId { row: row.cast_signed(), part: *part }))
    }

    pub(crate) fn remove(&mut self, other: &Self) {
        for (part, rows) in &mut self.parts {
            if let Some(gone) = other.parts.get(part) {
                *rows -= gone;
            }
        }
    }

    pub(crate) fn union(&mut self, other: Self) {
        for (part, rows) in other.parts {
            *self.parts.entry(part).or_default() |= rows;
        }
    }
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("_row", DataType::Int64, false),
        Field::new("_part", DataType::Int32, false),
        Field::new("_check", DataType::Int32, false),
    ]))
}

/// Writes marks as they come; no file where there are none.
pub(crate) struct MarkWriter {
    path: PathBuf,
    writer: Option<LayerWriter>,
    held: Vec<Mark>,
}

impl MarkWriter {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, writer: None, held: Vec::new() }
    }

    pub(crate) fn push(&mut self, mark: Mark) -> Result<(), Error> {
        self.held.push(mark);
        if self.held.len() >= MARKS_PER_WRITE { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Error> {
        let marks = std::mem::take(&mut self.held);
        if marks.is_empty() {
            return Ok(());
        }
        let batch = RecordBatch::try_new(
            schema(),
            vec![
                Arc::new(Int64Array::from_iter_values(marks.iter().map(|mark| mark.id.row))),
                Arc::new(Int32Array::from_iter_values(marks.iter().map(|mark| mark.id.part))),
                Arc::new(Int32Array::from_iter_values(marks.iter().map(|mark| mark.check))),
            ],
        )
        .map_err(|error| Error::query("writing marks")(error.into()))?;
        let writer = match &mut self.writer {
            Some(writer) => writer,
            empty => empty.insert(LayerWriter::create(&self.path, &schema())?),
        };
        writer.write(&batch)
    }

    pub(crate) fn close(&mut self) -> Result<(), Error> {
        self.flush()?;
        self.writer.take().map_or(Ok(()), LayerWriter::close)
    }
}

/// Reads all marks beside a layer.
pub(crate) fn read_all(folder: &Path, mut each: impl FnMut(Mark)) -> Result<(), Error> {
    for path in layer::files(folder, "marks-")? {
        read(&path, &mut each)?;
    }
    Ok(())
}

fn read(path: &Path, each: &mut impl FnMut(Mark)) -> Result<(), Error> {
    for batch in layer::batches(path)? {
        let batch = batch?;
        let (Some(rows), Some(parts), Some(checks)) = (
            batch.column(0).as_any().downcast_ref::<Int64Array>(),
            batch.column(1).as_any().downcast_ref::<Int32Array>(),
            batch.column(2).as_any().downcast_ref::<Int32Array>(),
        ) else {
            continue;
        };
        for ((row, part), check) in rows.values().iter().zip(parts.values()).zip(checks.values()) {
            each(Mark { id: RowId { row: *row, part: *part }, check: *check });
        }
    }
    Ok(())
}

/// Writes a list of rows as a one-table layer (`_row`, `_part`), for anti joins in plans.
pub(crate) fn write_rows(path: &Path, rows: &RowSet) -> Result<(), Error> {
    let schema = Arc::new(Schema::new(vec![
        Field::new("_row", DataType::Int64, false),
        Field::new("_part", DataType::Int32, false),
    ]));
    let mut writer = LayerWriter::create(path, &schema)?;
    let mut ids = rows.iter().peekable();
    while ids.peek().is_some() {
        let some: Vec<RowId> = ids.by_ref().take(MARKS_PER_WRITE).collect();
        let batch = RecordBatch::try_new(
            Arc::clone(&schema),
            vec![
                Arc::new(Int64Array::from_iter_values(some.iter().map(|id| id.row))),
                Arc::new(Int32Array::from_iter_values(some.iter().map(|id| id.part))),
            ],
        )
        .map_err(|error| Error::query("writing held rows")(error.into()))?;
        writer.write(&batch)?;
    }
    writer.close()
}

/// Reads what [`write_rows`] wrote; no file means no rows.
pub(crate) fn read_rows(path: &Path) -> Result<RowSet, Error> {
    let mut rows = RowSet::default();
    if !path.exists() {
        return Ok(rows);
    }
    for batch in layer::batches(path)? {
        let batch = batch?;
        if let (Some(row), Some(part)) = (
            batch.column(0).as_any().downcast_ref::<Int64Array>(),
            batch.column(1).as_any().downcast_ref::<Int32Array>(),
        ) {
            for (row, part) in row.values().iter().zip(part.values()) {
                rows.insert(RowId { row: *row, part: *part });
            }
        }
    }
    Ok(rows)
}
