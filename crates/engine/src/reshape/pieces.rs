//! One row becomes many: numbered columns unpivoted, lists split.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int32Array, RecordBatch, StringViewArray, StringViewBuilder,
    UInt32Array,
};
use arrow::compute::take_record_batch;
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use chartlift_rules::{Rule, Split, Unpivot};
use datafusion::error::DataFusionError;

use super::{PIECE, UNEVEN};
use crate::marks::{RowId, RowSet};

/// The new columns of a rule, in the order of its layer.
pub(super) fn made_names(rule: &Rule) -> impl Iterator<Item = &str> {
    let unpivot = rule.unpivot.iter().flat_map(|unpivot| {
        unpivot.columns.iter().map(|(name, _)| name).chain(&unpivot.number).map(|name| name.value.as_str())
    });
    let split = rule.split.iter().flat_map(|split| &split.columns).map(|(name, _)| name.value.as_str());
    unpivot.chain(split)
}

pub(super) struct Pieces<'a> {
    rule: &'a Rule,
    /// Rows that made no piece.
    pub(super) nothing: RowSet,
}

/// The pieces of a batch's rows: which row each is of, the new columns, and which rows could not be split.
struct Made {
    of: Vec<u32>,
    columns: Vec<(String, ArrayRef)>,
    uneven: Vec<bool>,
}

impl<'a> Pieces<'a> {
    pub(super) fn new(rule: &'a Rule) -> Self {
        Self { rule, nothing: RowSet::default() }
    }

    /// The pieces of a batch's rows, numbered within their row.
    pub(super) fn make(&mut self, batch: &RecordBatch) -> Result<RecordBatch, DataFusionError> {
        let mut shaped = batch.clone();
        let mut uneven = vec![false; batch.num_rows()];
        if let Some(unpivot) = &self.rule.unpivot {
            let made = unpivoted(unpivot, &shaped);
            (shaped, uneven) = apply(&shaped, made)?;
        }
        if let Some(split) = &self.rule.split {
            let made = split_up(split, &shaped);
            (shaped, uneven) = apply(&shaped, made)?;
        }
        self.remember_nothing(batch, &shaped);
        let mut fields: Vec<Field> =
            shaped.schema().fields().iter().map(|field| field.as_ref().clone()).collect();
        let mut columns = shaped.columns().to_vec();
        fields.push(Field::new(PIECE, DataType::Int32, false));
        columns.push(Arc::new(numbers(&shaped)));
        fields.push(Field::new(UNEVEN, DataType::Boolean, false));
        columns.push(Arc::new(BooleanArray::from(uneven)));
        Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
    }

    /// Rows of which no piece is left once all has been done.
    fn remember_nothing(&mut self, batch: &RecordBatch, shaped: &RecordBatch) {
        let (Some(before), Some(after)) = (rows_of(batch), rows_of(shaped)) else { return };
        let mut after = after.iter().peekable();
        // The pieces stand in the order of their rows.
        for row in before {
            let mut any = false;
            while after.next_if_eq(&row).is_some() {
                any = true;
            }
            if !any {
                self.nothing.insert(RowId::source(*row));
            }
        }
    }
}

fn rows_of(batch: &RecordBatch) -> Option<&[i64]> {
    let rows = batch.column_by_name("_row")?.as_primitive_opt::<Int64Type>()?;
    Some(rows.values())
}

fn apply(batch: &RecordBatch, made: Made) -> Result<(RecordBatch, Vec<bool>), DataFusionError> {
    let taken = take_record_batch(batch, &UInt32Array::from(made.of))?;
    let mut fields: Vec<Field> = taken.schema().fields().iter().map(|field| field.as_ref().clone()).collect();
    let mut columns = taken.columns().to_vec();
    for (name, column) in made.columns {
        fields.push(Field::new(name, DataType::Utf8View, true));
        columns.push(column);
    }
    Ok((RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?, made.uneven))
}

/// The place of each piece among those of its row, from 0. The pieces of a row stand together.
fn numbers(batch: &RecordBatch) -> Int32Array {
    let Some(rows) = batch.column_by_name("_row").map(|rows| rows.as_primitive::<Int64Type>()) else {
        return Int32Array::from(vec![0; batch.num_rows()]);
    };
    let (mut before, mut number) = (None, 0);
    Int32Array::from_iter_values(rows.values().iter().map(|row| {
        number = if before == Some(*row) { number + 1 } else { 0 };
        before = Some(*row);
        number
    }))
}

fn text<'b>(batch: &'b RecordBatch, name: &str) -> Option<&'b StringViewArray> {
    batch.column_by_name(name).and_then(|column| column.as_string_view_opt())
}

fn value(column: Option<&StringViewArray>, at: usize) -> Option<&str> {
    column.filter(|column| column.is_valid(at)).map(|column| column.value(at)).filter(|text| !text.is_empty())
}

/// A position where no list has a value makes no row.
fn unpivoted(unpivot: &Unpivot, batch: &RecordBatch) -> Made {
    let lists: Vec<Vec<Option<&StringViewArray>>> = unpivot
        .columns
        .iter()
        .map(|(_, from)| from.iter().map(|name| text(batch, &name.value)).collect())
        .collect();
    let length = lists.first().map_or(0, Vec::len);
    let mut of = Vec::new();
    let mut builders: Vec<StringViewBuilder> = lists.iter().map(|_| StringViewBuilder::new()).collect();
    let mut number = StringViewBuilder::new();
    for (row, at) in (0..batch.num_rows()).zip(0_u32..) {
        for position in 0..length {
            let values: Vec<Option<&str>> =
                lists.iter().map(|list| value(list.get(position).copied().flatten(), row)).collect();
            if values.iter().all(Option::is_none) {
                continue;
            }
            of.push(at);
            builders.iter_mut().zip(values).for_each(|(builder, value)| builder.append_option(value));
            number.append_value((position + 1).to_string());
        }
    }
    let names = unpivot.columns.iter().map(|(name, _)| name.value.clone());
    let mut columns: Vec<(String, ArrayRef)> = names
        .zip(builders)
        .map(|(name, mut builder)| (name, Arc::new(builder.finish()) as ArrayRef))
        .collect();
    columns.extend(
        unpivot.number.iter().map(|name| (name.value.clone(), Arc::new(number.finish()) as ArrayRef)),
    );
    let uneven = vec![false; of.len()];
    Made { of, columns, uneven }
}

/// Blank pieces make no row. Lists of different lengths make one row, which is held: what belongs to what is not known.
fn split_up(split: &Split, batch: &RecordBatch) -> Made {
    let lists: Vec<Option<&StringViewArray>> =
        split.columns.iter().map(|(_, from)| text(batch, &from.value)).collect();
    let (mut of, mut uneven) = (Vec::new(), Vec::new());
    let mut builders: Vec<StringViewBuilder> = lists.iter().map(|_| StringViewBuilder::new()).collect();
    for (row, at) in (0..batch.num_rows()).zip(0_u32..) {
        let cells: Vec<Vec<&str>> = lists
            .iter()
            .map(|list| value(*list, row).map_or_else(Vec::new, |text| pieces(text, &split.separator)))
            .collect();
        let length = cells.iter().map(Vec::len).max().unwrap_or(0);
        if cells.iter().any(|cells| !cells.is_empty() && cells.len() != length) {
            of.push(at);
            uneven.push(true);
            builders.iter_mut().for_each(StringViewBuilder::append_null);
            continue;
        }
        for position in 0..length {
            let values: Vec<&str> =
                cells.iter().map(|cells| cells.get(position).copied().unwrap_or_default()).collect();
            if values.iter().all(|value| value.is_empty()) {
                continue;
            }
            of.push(at);
            uneven.push(false);
            for (builder, value) in builders.iter_mut().zip(values) {
                builder.append_option(Some(value).filter(|value| !value.is_empty()));
            }
        }
    }
    let names = split.columns.iter().map(|(name, _)| name.value.clone());
    let columns = names
        .zip(builders)
        .map(|(name, mut builder)| (name, Arc::new(builder.finish()) as ArrayRef))
        .collect();
    Made { of, columns, uneven }
}

fn pieces<'t>(text: &'t str, separator: &str) -> Vec<&'t str> {
    if separator.is_empty() {
        return vec![text.trim()];
    }
    text.split(separator).map(str::trim).collect()
}
