//! Empty cells of matched rows that take what the export knows: written by import, proved by verify cell by cell.

use std::collections::{BTreeMap, HashMap, HashSet};

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use chartlift_io::target::{
    Catalog, Load, LoadRecord, Merged, Role, Rulings, TableSpec, Target as Database, WriteMode,
};
use chartlift_rules::{Fill, TargetTable};

use super::Work;
use super::ids::Ids;
use super::linked::{Assigned, Keys};
use super::loadable::{Loadable, table_spec};
use crate::Error;
use crate::digest::{DigestColumn, row_digests};

/// The columns of a table that are filled in, its key before them; none where nothing is.
fn filling(whole: &TableSpec, table: &TargetTable) -> Option<(TableSpec, Vec<usize>)> {
    let extension = &table.schema.extension;
    let hold = extension.hold.as_ref().map(|hold| hold.value.as_str());
    let wanted = |name: &str| match &extension.fill {
        Fill::Nothing => false,
        Fill::All => Some(name) != hold,
        Fill::Columns(columns) => columns.iter().any(|column| column.value == name),
    };
    let places: Vec<usize> = (0..whole.columns.len())
        .filter(|at| {
            let column = whole.columns.get(*at);
            column.is_some_and(|column| matches!(column.role, Role::Key(_)) || wanted(&column.name))
        })
        .collect();
    let columns: Vec<_> = places.iter().filter_map(|at| whole.columns.get(*at).cloned()).collect();
    let spec = TableSpec { columns, mode: WriteMode::Fill, ..whole.clone() };
    (spec.columns.len() > 1).then_some((spec, places))
}

/// The batch's rows that `keep` names by source key, with the columns at these places and the source key.
fn picked(batch: &RecordBatch, places: &[usize], keep: impl Fn(&str) -> bool) -> Result<RecordBatch, Error> {
    let lost = |error: arrow::error::ArrowError| Error::query("picking rows to fill")(error.into());
    let last = batch.num_columns().saturating_sub(1);
    let keys = batch.column(last).as_string_view_opt();
    let mask: BooleanArray = match keys {
        Some(keys) => keys.iter().map(|key| Some(key.is_some_and(&keep))).collect(),
        None => BooleanArray::from(vec![false; batch.num_rows()]),
    };
    let places: Vec<usize> = places.iter().copied().chain([last]).collect();
    filter_record_batch(&batch.project(&places).map_err(lost)?, &mask).map_err(lost)
}

/// Fills in the matched rows of a table.
pub(super) async fn write(
    work: &Work<'_>,
    table: &TargetTable,
    load: &mut dyn Load,
    assigned: &Assigned,
    links: &Keys,
) -> Result<Merged, Error> {
    let whole = table_spec(work.target()?, table, &work.system()?.name);
    let Some((spec, places)) = filling(&whole, table) else { return Ok(Merged::default()) };
    let ids = Ids::new(work, &whole, assigned)?;
    for batch in Loadable::open(work, table)?.with_matched().batches() {
        // Rows that are new have their keys already too: only matched ones are looked at.
        let every: Vec<usize> = (0..whole.columns.len()).collect();
        let batch = picked(&batch?, &every, |key| links.contains_key(key))?;
        if batch.num_rows() > 0 {
            let batch = picked(&ids.resolve(&whole, &batch)?, &places, |_| true)?;
            load.write(&spec, &batch).await?;
        }
    }
    Ok(load.merge(&spec, &Rulings::default()).await?)
}

/// Compares every cell that was filled in with what was converted; the source keys and columns that differ.
pub(super) async fn differing(
    work: &Work<'_>,
    connection: &dyn Database,
    table: &TargetTable,
    record: &LoadRecord,
    live: &Catalog,
) -> Result<Vec<(String, String)>, Error> {
    let whole = table_spec(work.target()?, table, &work.system()?.name);
    let Some((spec, places)) = filling(&whole, table) else { return Ok(Vec::new()) };
    let later: HashSet<String> = connection.unanswered(&spec, record).await?.superseded.into_iter().collect();
    let filled: HashMap<String, Vec<String>> = connection.filled(&spec, record).await?.into_iter().collect();
    let found: BTreeMap<String, Vec<i64>> = connection
        .row_digests(&spec, record, 1, &[0])
        .await?
        .into_iter()
        .map(|row| (row.key, row.cells))
        .collect();
    let columns = DigestColumn::of(&spec, live.table(&spec.name));
    let mut differing = Vec::new();
    for batch in Loadable::open(work, table)?.with_matched().batches() {
        let batch = picked(&batch?, &places, |key| filled.contains_key(key) && !later.contains(key))?;
        for (row, wanted) in row_digests(&columns, &batch, 1, &[0])?.iter().enumerate() {
            let there = found.get(&wanted.key);
            let empty = filled.get(&wanted.key).map(Vec::as_slice).unwrap_or_default();
            for (at, column) in spec.columns.iter().enumerate() {
                let given = batch.columns().get(at).is_some_and(|cells| has_something(cells, row));
                let was_filled =
                    given && empty.contains(&column.name) && !matches!(column.role, Role::Key(_));
                if was_filled && there.and_then(|cells| cells.get(at)) != wanted.cells.get(at) {
                    differing.push((wanted.key.clone(), column.name.clone()));
                }
            }
        }
    }
    Ok(differing)
}

/// Null and empty text fill nothing.
fn has_something(cells: &arrow::array::ArrayRef, row: usize) -> bool {
    let text = cells.as_string_view_opt();
    arrow::array::Array::is_valid(cells, row) && text.is_none_or(|text| !text.value(row).is_empty())
}
