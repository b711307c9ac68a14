//! Records with one key and different content, where the pack says how they become one.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int32Array, Int64Array, RecordBatch};
use arrow::compute::{SortOptions, concat_batches, interleave};
use arrow::error::ArrowError;
use arrow::row::{OwnedRow, RowConverter, SortField};
use chartlift_rules::{Keep, Merge};

use super::loadable::row_ids;
use crate::Error;
use crate::layer;
use crate::marks::{RowId, RowSet};

/// What a group came to: the rows that are gone, and the one made of all of them.
pub(super) struct Merged {
    pub(super) gone: Vec<RowId>,
    pub(super) made: Option<RecordBatch>,
}

/// Settles groups of rows that share a key. `part` is the piece number of rows that are made.
pub(super) fn settle(
    folder: &Path,
    merge: &Merge,
    groups: &[Vec<RowId>],
    part: i32,
) -> Result<Vec<Merged>, Error> {
    let mut wanted = RowSet::default();
    groups.iter().flatten().for_each(|id| {
        wanted.insert(*id);
    });
    let broken = |error: ArrowError| Error::query("merging rows with one key")(error.into());
    let mut places: HashMap<RowId, Place> = HashMap::new();
    for path in layer::parts(folder)? {
        for batch in layer::batches(&path)? {
            read(&batch?, merge, &wanted, &mut places).map_err(broken)?;
        }
    }
    groups
        .iter()
        .map(|group| {
            let mut rows: Vec<(RowId, &Place)> =
                group.iter().filter_map(|id| places.get(id).map(|place| (*id, place))).collect();
            rows.sort_by(|(id, place), (other, other_place)| {
                place.order.cmp(&other_place.order).then_with(|| id.cmp(other))
            });
            join(merge.keep, &rows, part).map_err(broken)
        })
        .collect()
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
    // What has no value is never the row that stays, as far as that can be.
    let options = SortOptions { descending: false, nulls_first: merge.keep == Keep::Last };
    let columns: Vec<ArrayRef> =
        merge.order.iter().filter_map(|name| batch.column_by_name(&name.value).cloned()).collect();
    let fields =
        columns.iter().map(|column| SortField::new_with_options(column.data_type().clone(), options));
    let converter = RowConverter::new(fields.collect())?;
    let rows = if columns.is_empty() { None } else { Some(converter.convert_columns(&columns)?) };
    for (at, id) in ids.into_iter().enumerate().filter(|(_, id)| wanted.contains(*id)) {
        let row = concat_batches(&batch.schema(), [&batch.slice(at, 1)])?;
        places.insert(id, Place { row, order: rows.as_ref().map(|rows| rows.row(at).owned()) });
    }
    Ok(())
}

fn join(keep: Keep, rows: &[(RowId, &Place)], part: i32) -> Result<Merged, ArrowError> {
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
            // The piece of the row that leads, under a number that no rule of the file has.
            "_part" => Arc::new(Int32Array::from(vec![part | (kept.part & PIECE_BITS)])),
            _ => interleave(&arrays, &[(first, 0)])?,
        });
    }
    Ok(Merged {
        gone: rows.iter().map(|(id, _)| *id).collect(),
        made: Some(RecordBatch::try_new(schema, columns)?),
    })
}

/// The bits of a piece number below the rule's.
const PIECE_BITS: i32 = (1 << crate::produce::RULE_SHIFT) - 1;
