//! Many rows become one. The rows come in the order of their groups.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringViewArray, StringViewBuilder};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use chartlift_rules::Group;
use datafusion::error::DataFusionError;

use super::{leads_last, lines_column};
use crate::marks::{RowId, RowSet};

/// Groups handed out at once.
const GROUPS_AT_ONCE: usize = 4096;
/// Batches that the groups not yet handed out may refer to.
const BATCHES_AT_ONCE: usize = 8;

/// The group whose rows are passing.
struct Open {
    /// `None`: a key without a value groups with nothing.
    key: Option<Vec<String>>,
    /// The row that stands for the group: batch and place.
    leader: (usize, usize),
    leader_row: i64,
    lines: Vec<Option<String>>,
}

/// Groups that are whole, and the rows they took.
pub(super) struct Groups<'a> {
    group: &'a Group,
    lines: &'a [(&'a str, &'a str)],
    batches: Vec<RecordBatch>,
    open: Option<Open>,
    leaders: Vec<(usize, usize)>,
    texts: Vec<StringViewBuilder>,
    pub(super) merged: RowSet,
}

impl<'a> Groups<'a> {
    pub(super) fn new(group: &'a Group, lines: &'a [(&'a str, &'a str)]) -> Self {
        Self {
            group,
            lines,
            batches: Vec::new(),
            open: None,
            leaders: Vec::new(),
            texts: lines.iter().map(|_| StringViewBuilder::new()).collect(),
            merged: RowSet::default(),
        }
    }

    /// Takes rows, and hands out the groups that are whole once they are enough.
    pub(super) fn push(&mut self, batch: &RecordBatch) -> Result<Option<RecordBatch>, DataFusionError> {
        let number = self.batches.len();
        self.batches.push(batch.clone());
        let text = |name: &str| batch.column_by_name(name).and_then(|column| column.as_string_view_opt());
        let keys: Vec<Option<&StringViewArray>> =
            self.group.by.iter().map(|name| text(&name.value)).collect();
        let lines: Vec<Option<&StringViewArray>> = self.lines.iter().map(|(name, _)| text(name)).collect();
        let Some(rows) = batch.column_by_name("_row").map(|column| column.as_primitive::<Int64Type>()) else {
            return Ok(None);
        };
        for at in 0..batch.num_rows() {
            let row = rows.value(at);
            let line = |column: &Option<&StringViewArray>| {
                column.filter(|column| column.is_valid(at)).map(|column| column.value(at).to_owned())
            };
            if self.open.as_ref().is_some_and(|open| same(open, &keys, at)) {
                self.join(number, at, row, lines.iter().map(line));
                continue;
            }
            self.close();
            let key = keys.iter().map(line).collect();
            let lines = lines.iter().map(line).collect();
            self.open = Some(Open { key, leader: (number, at), leader_row: row, lines });
        }
        if self.leaders.len() >= GROUPS_AT_ONCE || self.batches.len() >= BATCHES_AT_ONCE {
            self.hand_out()
        } else {
            Ok(None)
        }
    }

    pub(super) fn finish(&mut self) -> Result<Option<RecordBatch>, DataFusionError> {
        self.close();
        self.hand_out()
    }

    /// One more row of the open group.
    fn join(&mut self, batch: usize, at: usize, row: i64, lines: impl Iterator<Item = Option<String>>) {
        let Some(open) = &mut self.open else { return };
        let mut merged = row;
        if leads_last(self.group.take) {
            merged = open.leader_row;
            (open.leader, open.leader_row) = ((batch, at), row);
        }
        self.merged.insert(RowId::source(merged));
        for ((all, line), (_, separator)) in open.lines.iter_mut().zip(lines).zip(self.lines) {
            match (all.as_mut(), line) {
                (Some(all), Some(line)) => {
                    all.push_str(separator);
                    all.push_str(&line);
                }
                (None, Some(line)) => *all = Some(line),
                (_, None) => {}
            }
        }
    }

    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        self.leaders.push(open.leader);
        for (text, line) in self.texts.iter_mut().zip(open.lines) {
            text.append_option(line);
        }
    }

    /// The whole groups as a batch; the open one keeps the batch of its leader.
    fn hand_out(&mut self) -> Result<Option<RecordBatch>, DataFusionError> {
        let made = if self.leaders.is_empty() {
            None
        } else {
            let batches: Vec<&RecordBatch> = self.batches.iter().collect();
            let leaders = interleave_record_batch(&batches, &self.leaders)?;
            let mut fields: Vec<Field> =
                leaders.schema().fields().iter().map(|field| field.as_ref().clone()).collect();
            let mut columns: Vec<ArrayRef> = leaders.columns().to_vec();
            for (number, text) in self.texts.iter_mut().enumerate() {
                fields.push(Field::new(lines_column(number), DataType::Utf8View, true));
                columns.push(Arc::new(text.finish()));
            }
            Some(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
        };
        self.leaders.clear();
        let kept = self.open.as_ref().and_then(|open| self.batches.get(open.leader.0).cloned());
        self.batches = kept.into_iter().collect();
        if let Some(open) = &mut self.open {
            open.leader.0 = 0;
        }
        Ok(made)
    }
}

/// Whether a row belongs to the open group.
fn same(open: &Open, keys: &[Option<&StringViewArray>], at: usize) -> bool {
    let Some(key) = &open.key else { return false };
    key.iter().zip(keys).all(|(known, column)| {
        column.is_some_and(|column| column.is_valid(at) && column.value(at) == known.as_str())
    })
}
