//! Chosen rows of the layers as texts.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use chartlift_rules::{FieldType, TableSchema};
use chrono::DateTime;
use chrono_tz::Tz;

use super::Cell;
use crate::Error;
use crate::land::read_rejects;
use crate::layer;
use crate::marks::RowId;
use crate::run::marked::place;
use crate::stage::{Work, row_ids};
use crate::statement::Stage;

/// The source rows of these numbers, rejects included, with their columns that have a value.
pub(super) fn source_rows(work: &Work<'_>, wanted: &BTreeSet<i64>) -> Result<HashMap<i64, Vec<Cell>>, Error> {
    let mut found = HashMap::new();
    let (checked, check) = (work.folder(Stage::Check)?, work.report(Stage::Check)?);
    for (table, rows) in by_table(work, wanted)? {
        let folder = checked.join(table);
        for part in layer::parts(&folder)? {
            for batch in layer::batches(&part)? {
                chosen(&batch?, &rows, &mut found);
            }
        }
        read_rejects(&folder, |reject| {
            if rows.contains(&reject.row) {
                found.insert(reject.row, rejected_cells(check.header(reject.row), &reject));
            }
        })?;
    }
    Ok(found)
}

/// The rows by the table that their files hold.
fn by_table<'a>(work: &'a Work<'_>, rows: &BTreeSet<i64>) -> Result<BTreeMap<&'a str, BTreeSet<i64>>, Error> {
    let sources = &work.report(Stage::Check)?.sources;
    let mut tables: BTreeMap<&str, BTreeSet<i64>> = BTreeMap::new();
    for row in rows {
        let file = place(*row).file.and_then(|file| sources.get(file));
        if let Some(table) = file.and_then(|file| file.table.as_deref()) {
            tables.entry(table).or_default().insert(*row);
        }
    }
    Ok(tables)
}

fn chosen(batch: &RecordBatch, wanted: &BTreeSet<i64>, found: &mut HashMap<i64, Vec<Cell>>) {
    let Some(rows) = batch.column_by_name("_row").and_then(|column| column.as_primitive_opt::<Int64Type>())
    else {
        return;
    };
    for (at, row) in rows.values().iter().enumerate().filter(|(_, row)| wanted.contains(row)) {
        let schema = batch.schema();
        let names = schema.fields().iter().zip(batch.columns());
        let cells = names.filter(|(field, _)| !matches!(field.name().as_str(), "_row" | "_offset"));
        let cells = cells.filter_map(|(field, column)| {
            let text = text_of(column, at).filter(|text| !text.is_empty())?;
            Some(Cell { name: field.name().clone(), text, kind: FieldType::String })
        });
        found.insert(*row, cells.collect());
    }
}

/// A record that could not be parsed: its fields as far as they could be told apart, else its bytes.
fn rejected_cells(header: &[String], reject: &crate::land::Rejected) -> Vec<Cell> {
    let cell = |name: &str, text: String| Cell { name: name.to_owned(), text, kind: FieldType::String };
    if reject.fields.is_empty() {
        return vec![cell("", String::from_utf8_lossy(&reject.bytes).into_owned())];
    }
    let fields = reject.fields.iter().enumerate();
    fields
        .filter_map(|(at, field)| {
            let text = field.clone().filter(|text| !text.is_empty())?;
            Some(cell(header.get(at).map_or("", String::as_str), text))
        })
        .collect()
}

/// A value as text: dates and instants in ISO 8601, numbers without zeros that say nothing; `None` for null.
pub(super) fn text_of(column: &ArrayRef, row: usize) -> Option<String> {
    if column.is_null(row) {
        return None;
    }
    if let Some(texts) = column.as_string_view_opt() {
        return Some(texts.value(row).to_owned());
    }
    let options = FormatOptions::default();
    let text = ArrayFormatter::try_new(column.as_ref(), &options).ok()?.value(row).to_string();
    Some(match column.data_type() {
        DataType::Decimal128(..) if text.contains('.') => {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        _ => text,
    })
}

/// A made row's columns that have a value.
pub(super) fn cells_of(batch: &RecordBatch, row: usize, schema: &TableSchema, zone: Tz) -> Vec<Cell> {
    let cells = schema.fields.iter().filter_map(|field| {
        let text = text_of(batch.column_by_name(&field.name.value)?, row).filter(|text| !text.is_empty())?;
        let text = if field.kind == FieldType::Datetime { local(&text, zone) } else { text };
        Some(Cell { name: field.name.value.clone(), text, kind: field.kind })
    });
    cells.collect()
}

/// An instant as the clocks of a zone show it.
pub(super) fn local(instant: &str, zone: Tz) -> String {
    DateTime::parse_from_rfc3339(instant).map_or_else(
        |_| instant.to_owned(),
        |instant| instant.with_timezone(&zone).format("%Y-%m-%dT%H:%M:%S").to_string(),
    )
}

/// The zone of the old system's clocks.
pub(super) fn zone(work: &Work<'_>) -> Tz {
    work.system().ok().and_then(|system| system.timezone.parse().ok()).unwrap_or(Tz::UTC)
}

/// Hands out the rows of a layer that `wanted` chooses: batch, place in it, id.
pub(super) fn each_row(
    folder: &Path,
    columns: Option<&[&str]>,
    mut wanted: impl FnMut(&RecordBatch, usize, RowId) -> Result<(), Error>,
) -> Result<(), Error> {
    for part in layer::parts(folder)? {
        for batch in layer::batches_of(&part, columns)? {
            let batch = batch?;
            for (row, id) in row_ids(&batch).into_iter().enumerate() {
                wanted(&batch, row, id)?;
            }
        }
    }
    Ok(())
}

/// A text column's value.
pub(super) fn text_at<'a>(batch: &'a RecordBatch, column: &str, row: usize) -> Option<&'a str> {
    let texts = batch.column_by_name(column)?.as_string_view_opt()?;
    texts.is_valid(row).then(|| texts.value(row))
}
