//! Merge rules and rows that are held: a record must not stay only because the one that it would lose to is held.

use std::collections::{BTreeMap, HashSet};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::row::OwnedRow;
use chartlift_rules::{Keep, Merge, Rule, TableSchema};
use datafusion::prelude::lit;
use futures::StreamExt;

use super::held_rows::HeldRows;
use super::loadable::row_ids;
use super::merge::ranks;
use super::transform::Transform;
use crate::Error;
use crate::compile::column;
use crate::keys::{KeySet, hash_parts};
use crate::layer;
use crate::marks::{RowId, RowSet};

/// The records that a rule would have made of rows which check held or could not parse, but for those it excludes.
pub(super) async fn of_held(
    held: &HeldRows<'_>,
    rule: &Rule,
    into: &TableSchema,
    fields: &[String],
) -> Result<Vec<RecordBatch>, Error> {
    let doing = "reading what a merge rule must know of held rows";
    let mut all = Vec::new();
    for rows in held.of(rule, into).await? {
        // Its pieces are not numbered: no record comes of a row that check held, so none has to be told from them.
        let ids = [column("_row"), lit(0_i32).alias("_part")];
        let wanted = fields.iter().map(|name| column(name)).chain(ids);
        let frame = rows
            .frame
            .filter(column("_exclude").lt_eq(lit(0)).or(column("_fan")))
            .and_then(|frame| frame.select(wanted.collect::<Vec<_>>()))
            .map_err(Error::query(doing))?;
        let mut stream = frame.execute_stream().await.map_err(Error::query(doing))?;
        while let Some(batch) = stream.next().await {
            all.push(batch.map_err(Error::query(doing))?);
        }
    }
    Ok(all)
}

/// A record and its place in the order of the merge rule.
type Ranked = (Option<OwnedRow>, RowId);

/// The rows of every key of which a held record would have stayed, or would have filled what stays.
pub(super) fn find(
    one: &Transform<'_>,
    merge: &Merge,
    key: &str,
    keys: &KeySet,
    held: &[RecordBatch],
) -> Result<RowSet, Error> {
    let secret = one.work.secret();
    let mut records: BTreeMap<String, Vec<Ranked>> = BTreeMap::new();
    for batch in held {
        ranked(batch, merge, key, |_| true, &mut records)?;
    }
    let hashes: HashSet<u64> =
        records.keys().map(|key| hash_parts(secret, [key.as_bytes()].into_iter())).collect();
    let mut suspects = RowSet::default();
    keys.contained_in(&hashes, |entry| {
        let part = u32::try_from(entry.extra).unwrap_or_default().cast_signed();
        suspects.insert(RowId { row: entry.row, part });
    })?;
    let mut overruled = RowSet::default();
    if suspects.is_empty() {
        return Ok(overruled);
    }
    let mut rows: BTreeMap<String, Vec<Ranked>> = BTreeMap::new();
    for part in layer::parts(&one.folder)? {
        for batch in layer::batches(&part)? {
            ranked(&batch?, merge, key, |id| suspects.contains(id), &mut rows)?;
        }
    }
    for (key, rows) in rows {
        if records.get(&key).is_some_and(|held| loses(merge.keep, &rows, held)) {
            rows.iter().for_each(|(_, id)| {
                overruled.insert(*id);
            });
        }
    }
    Ok(overruled)
}

fn loses(keep: Keep, rows: &[Ranked], held: &[Ranked]) -> bool {
    match keep {
        Keep::First => held.iter().min() < rows.iter().min(),
        Keep::Last => held.iter().max() > rows.iter().max(),
        // Which of its fields would have filled another's is not looked at.
        Keep::Fill => !held.is_empty(),
    }
}

fn ranked(
    batch: &RecordBatch,
    merge: &Merge,
    key: &str,
    wanted: impl Fn(RowId) -> bool,
    into: &mut BTreeMap<String, Vec<Ranked>>,
) -> Result<(), Error> {
    let ranks = ranks(batch, merge).map_err(|error| Error::query("ordering records")(error.into()))?;
    let Some(keys) = batch.column_by_name(key).and_then(|keys| keys.as_string_view_opt()) else {
        return Ok(());
    };
    for (at, id) in row_ids(batch).into_iter().enumerate() {
        if keys.is_valid(at) && wanted(id) {
            into.entry(keys.value(at).to_owned()).or_default().push((ranks.get(at).cloned(), id));
        }
    }
    Ok(())
}
