//! Records with one key and different content, where the pack says how they become one.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, Int64Array, RecordBatch, StringViewArray};
use arrow::compute::{SortOptions, concat_batches, interleave};
use arrow::error::ArrowError;
use arrow::row::{OwnedRow, RowConverter, SortField};
use chartlift_rules::{Keep, Merge};

use super::loadable::row_ids;
use super::transform::Transform;
use crate::Error;
use crate::compile::Level;
use crate::layer;
use crate::marks::{RowId, RowSet};
use crate::produce::{CONVERT_SHIFT, RULE_SHIFT};

/// What a group came to: the rows that are gone, and the one made of all of them.
pub(super) struct Merged {
    pub(super) gone: Vec<RowId>,
    pub(super) made: Option<RecordBatch>,
}

/// Settles groups of rows that share a key.
pub(super) fn settle(
    one: &Transform<'_>,
    merge: &Merge,
    groups: &[Vec<RowId>],
) -> Result<Vec<Merged>, Error> {
    if groups.is_empty() {
        return Ok(Vec::new());
    }
    let mut wanted = RowSet::default();
    groups.iter().flatten().for_each(|id| {
        wanted.insert(*id);
    });
    let broken = |error: ArrowError| Error::query("merging rows with one key")(error.into());
    let mut places: HashMap<RowId, Place> = HashMap::new();
    for path in layer::parts(&one.folder)? {
        for batch in layer::batches(&path)? {
            read(&batch?, merge, &wanted, &mut places).map_err(broken)?;
        }
    }
    let mut ordered: Vec<Vec<(RowId, &Place)>> = groups
        .iter()
        .map(|group| {
            let mut rows: Vec<(RowId, &Place)> =
                group.iter().filter_map(|id| places.get(id).map(|place| (*id, place))).collect();
            rows.sort_by(|(id, place), (other, other_place)| {
                place.order.cmp(&other_place.order).then_with(|| id.cmp(other))
            });
            rows
        })
        .collect();
    // By the rows that lead, so that the numbers of what is made are the same each time.
    ordered.sort_by_key(|rows| rows.first().map(|(id, _)| *id));
    let hold = one.into.extension.hold.as_ref().map(|hold| hold.value.as_str());
    let mut numbers = Numbers::new(one);
    ordered.iter().map(|rows| join(merge.keep, rows, hold, &mut numbers).map_err(broken)).collect()
}

/// Numbers rows that are made: one source row may lead several.
struct Numbers {
    /// The number of a rule that the file does not have.
    first: i32,
    next: HashMap<i64, i32>,
}

impl Numbers {
    fn new(one: &Transform<'_>) -> Self {
        let shift = if one.level == Level::Checked { RULE_SHIFT } else { CONVERT_SHIFT };
        let rules = i32::try_from(one.file.rules.len()).unwrap_or_default();
        Self { first: rules << shift, next: HashMap::new() }
    }

    fn part(&mut self, row: i64) -> i32 {
        let next = self.next.entry(row).or_default();
        *next += 1;
        self.first | (*next - 1)
    }
}

/// One row, and what puts it in order.
struct Place {
    row: RecordBatch,
    order: Option<OwnedRow>,
}

fn read(
    batch: &RecordBatch,
    merge: &Merge,
    wanted: &RowSet,
    places: &mut HashMap<RowId, Place>,
) -> Result<(), ArrowError> {
    let ids = row_ids(batch);
    if !ids.iter().any(|id| wanted.contains(*id)) {
        return Ok(());
    }
    let ranks = ranks(batch, merge)?;
    for (at, id) in ids.into_iter().enumerate().filter(|(_, id)| wanted.contains(*id)) {
        let row = concat_batches(&batch.schema(), [&batch.slice(at, 1)])?;
        places.insert(id, Place { row, order: ranks.get(at).cloned() });
    }
    Ok(())
}

/// What puts the rows of a batch in the order of a merge rule; nothing where it names no field.
pub(super) fn ranks(batch: &RecordBatch, merge: &Merge) -> Result<Vec<OwnedRow>, ArrowError> {
    // What has no value is never the row that stays, as far as that can be.
    let options = SortOptions { descending: false, nulls_first: merge.keep == Keep::Last };
    let columns: Vec<ArrayRef> =
        merge.order.iter().filter_map(|name| batch.column_by_name(&name.value).cloned()).collect();
    if columns.is_empty() {
        return Ok(Vec::new());
    }
    let fields =
        columns.iter().map(|column| SortField::new_with_options(column.data_type().clone(), options));
    let converter = RowConverter::new(fields.collect())?;
    let rows = converter.convert_columns(&columns)?;
    Ok(rows.iter().map(|row| row.owned()).collect())
}

fn join(
    keep: Keep,
    rows: &[(RowId, &Place)],
    hold: Option<&str>,
    numbers: &mut Numbers,
) -> Result<Merged, ArrowError> {
    let kept = if keep == Keep::Last { rows.last() } else { rows.first() };
    let Some((kept, place)) = kept else { return Ok(Merged { gone: Vec::new(), made: None }) };
    if keep != Keep::Fill {
        let gone = rows.iter().map(|(id, _)| *id).filter(|id| id != kept).collect();
        return Ok(Merged { gone, made: None });
    }
    let schema = place.row.schema();
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
    for (at, field) in schema.fields().iter().enumerate() {
        let arrays: Vec<&dyn Array> = rows.iter().map(|(_, place)| place.row.column(at).as_ref()).collect();
        let first = arrays.iter().position(|array| array.is_valid(0)).unwrap_or(0);
        columns.push(match field.name().as_str() {
            "_row" => Arc::new(Int64Array::from(vec![kept.row])),
            "_part" => Arc::new(Int32Array::from(vec![numbers.part(kept.row)])),
            name if name == "_degraded" || Some(name) == hold => lost_by_any(&arrays),
            _ => interleave(&arrays, &[(first, 0)])?,
        });
    }
    Ok(Merged {
        gone: rows.iter().map(|(id, _)| *id).collect(),
        made: Some(RecordBatch::try_new(schema, columns)?),
    })
}

/// What any of the rows has lost goes with the row that is made of them; of one field, what the first lost.
fn lost_by_any(objects: &[&dyn Array]) -> ArrayRef {
    let mut all = serde_json::Map::new();
    for object in objects.iter().filter_map(|array| array.as_string_view_opt()).filter(|one| one.is_valid(0))
    {
        let object: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(object.value(0)).unwrap_or_default();
        for (field, text) in object {
            all.entry(field).or_insert(text);
        }
    }
    let made = (!all.is_empty()).then(|| serde_json::Value::Object(all).to_string());
    Arc::new(StringViewArray::from_iter([made]))
}
