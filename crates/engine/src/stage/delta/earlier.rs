//! What the orders before said of chosen rows: where it is what this one says, the export has not changed.

use std::collections::{BTreeSet, HashMap, HashSet};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::row::{OwnedRow, RowConverter, SortField};
use chartlift_rules::TargetTable;

use super::super::Work;
use super::super::loadable::Loadable;
use crate::Error;
use crate::order::Order;
use crate::run::in_force;
use crate::statement::Stage;

/// Errors of files that are gone, or have other columns or types than this order's.
const UNTOLD: [&str; 5] = ["layer-broken", "stage-missing", "file-error", "query-error", "parquet-error"];

/// This order, and those it follows, the nearest first. One that is gone ends the chain with its id.
pub(super) fn chain(work: &Work<'_>) -> Result<Vec<String>, Error> {
    let store = work.environment.store();
    let mut ids = vec![work.order.spec().id.clone()];
    let mut next = work.order.spec().follows.clone();
    while let Some(id) = next.take().filter(|id| !ids.contains(id)) {
        next = opened(store.open(&id))?.and_then(|order| order.spec().follows.clone());
        ids.push(id);
    }
    Ok(ids)
}

/// An order that is gone since has nothing to be compared with.
fn opened(order: Result<Order, Error>) -> Result<Option<Order>, Error> {
    match order {
        Ok(order) => Ok(Some(order)),
        Err(error) if error.code() == "order-not-found" => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether one of the orders before had rows of several systems.
pub(super) fn had_several_systems(work: &Work<'_>, orders: &[String]) -> Result<bool, Error> {
    let store = work.environment.store();
    for id in orders.iter().skip(1) {
        let Some(order) = opened(store.open(id))? else { continue };
        let (_, reports) = in_force(&order)?;
        let Some(identified) = reports.get(&Stage::Identify) else { continue };
        let systems: HashSet<&str> =
            identified.report.systems.iter().map(|choice| choice.system.as_str()).collect();
        if systems.len() > 1 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Of these rows, those that the last order before which had them made exactly as this one makes them. An order whose
/// files are gone, or whose rows have other columns or types, does not say the same.
pub(super) fn said_the_same(
    work: &Work<'_>,
    table: &TargetTable,
    keys: &BTreeSet<&str>,
    orders: &[String],
) -> Result<HashSet<String>, Error> {
    let mut same = HashSet::new();
    if keys.is_empty() {
        return Ok(same);
    }
    tokio::task::block_in_place(|| {
        let mut rows = Rows::default();
        let mut now = rows.of(work, table, keys)?;
        let store = work.environment.store();
        for id in orders.iter().skip(1) {
            let Some(order) = opened(store.open(id))? else { continue };
            let Some(before) = rows_before(work, &order, table, &now, &mut rows)? else { continue };
            for (key, row) in before {
                if now.remove(&key).is_some_and(|said| said == row) {
                    same.insert(key);
                }
            }
        }
        Ok(same)
    })
}

/// What an order that is loaded made of these rows; `None` where its files cannot tell.
fn rows_before(
    work: &Work<'_>,
    order: &Order,
    table: &TargetTable,
    keys: &HashMap<String, OwnedRow>,
    rows: &mut Rows,
) -> Result<Option<HashMap<String, OwnedRow>>, Error> {
    let (states, earlier) = in_force(order)?;
    if !states.iter().any(|state| state.stage == Stage::Import) {
        return Ok(None);
    }
    let before = Work { order, earlier: &earlier, nth: 0, ..work.clone() };
    let wanted: BTreeSet<&str> = keys.keys().map(String::as_str).collect();
    match rows.of(&before, table, &wanted) {
        Ok(found) => Ok(Some(found)),
        Err(error) if UNTOLD.contains(&error.code()) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Makes rows comparable: all with one converter.
#[derive(Default)]
struct Rows(Option<RowConverter>);

impl Rows {
    fn of(
        &mut self,
        work: &Work<'_>,
        table: &TargetTable,
        keys: &BTreeSet<&str>,
    ) -> Result<HashMap<String, OwnedRow>, Error> {
        let mut found = HashMap::new();
        for batch in Loadable::open(work, table)?.batches() {
            let batch = batch?;
            let Some(source) = batch.columns().last().and_then(|keys| keys.as_string_view_opt()) else {
                continue;
            };
            let wanted: BooleanArray =
                source.iter().map(|key| Some(key.is_some_and(|key| keys.contains(key)))).collect();
            if wanted.true_count() == 0 {
                continue;
            }
            let chosen = arrow::compute::filter_record_batch(&batch, &wanted).map_err(incomparable)?;
            self.add(&chosen, &mut found)?;
        }
        Ok(found)
    }

    fn add(&mut self, batch: &RecordBatch, found: &mut HashMap<String, OwnedRow>) -> Result<(), Error> {
        let fields =
            || batch.columns().iter().map(|column: &ArrayRef| SortField::new(column.data_type().clone()));
        let converter = match &mut self.0 {
            Some(converter) => converter,
            none => none.insert(RowConverter::new(fields().collect()).map_err(incomparable)?),
        };
        let rows = converter.convert_columns(batch.columns()).map_err(incomparable)?;
        let Some(keys) = batch.columns().last().and_then(|keys| keys.as_string_view_opt()) else {
            return Ok(());
        };
        for (key, row) in keys.iter().zip(&rows) {
            found.insert(key.unwrap_or_default().to_owned(), row.owned());
        }
        Ok(())
    }
}

fn incomparable(error: arrow::error::ArrowError) -> Error {
    Error::query("comparing rows with those of the order before")(error.into())
}
