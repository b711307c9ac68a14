//! Rows that may share a key (their hashes agree): reads them again and tells which truly do, and which of
//! those are the same in every value.

use std::collections::BTreeMap;
use std::path::Path;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type};
use sha2::{Digest, Sha256};

use crate::Error;
use crate::layer;
use crate::marks::{RowId, RowSet};

/// Rows of one key.
pub(crate) enum Equal {
    /// All alike: the first stays, `rows`, the others, merge into it.
    Same { rows: Vec<RowId> },
    /// At least two differ: all are listed.
    Different { rows: Vec<RowId> },
}

type Fingerprint = [u8; 16];

/// Reads the candidates of a layer and groups them by the exact values of `key`.
pub(crate) fn settle(folder: &Path, key: &[String], candidates: &RowSet) -> Result<Vec<Equal>, Error> {
    if candidates.is_empty() {
        return Ok(Vec::new());
    }
    let mut by_key: BTreeMap<Fingerprint, Vec<(RowId, Fingerprint)>> = BTreeMap::new();
    for path in layer::parts(folder)? {
        for batch in layer::batches(&path)? {
            let batch = batch?;
            for (at, id) in ids(&batch).into_iter().enumerate().filter(|(_, id)| candidates.contains(*id)) {
                let of = fingerprint(&batch, at, |name| key.iter().any(|key| key == name));
                let content = fingerprint(&batch, at, |name| !name.starts_with('_') || name == "_degraded");
                by_key.entry(of).or_default().push((id, content));
            }
        }
    }
    Ok(by_key.into_values().filter_map(judge).collect())
}

fn judge(mut rows: Vec<(RowId, Fingerprint)>) -> Option<Equal> {
    rows.sort_unstable();
    let (_, content) = *rows.first()?;
    if rows.len() < 2 {
        return None;
    }
    let same = rows.iter().all(|(_, other)| *other == content);
    let ids = rows.into_iter().map(|(id, _)| id);
    Some(if same {
        Equal::Same { rows: ids.skip(1).collect() }
    } else {
        Equal::Different { rows: ids.collect() }
    })
}

fn ids(batch: &RecordBatch) -> Vec<RowId> {
    let Some(rows) = batch.column_by_name("_row").map(|rows| rows.as_primitive::<Int64Type>()) else {
        return Vec::new();
    };
    let parts = batch.column_by_name("_part").map(|parts| parts.as_primitive::<Int32Type>());
    (0..batch.num_rows())
        .map(|at| RowId { row: rows.value(at), part: parts.map_or(0, |parts| parts.value(at)) })
        .collect()
}

/// SHA-256 over the named columns' values in text form, cut to 128 bits; none and empty differ.
fn fingerprint(batch: &RecordBatch, at: usize, wanted: impl Fn(&str) -> bool) -> Fingerprint {
    let mut hasher = Sha256::new();
    for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        if !wanted(field.name()) {
            continue;
        }
        if column.is_null(at) {
            hasher.update([0]);
            continue;
        }
        hasher.update([1]);
        let text = match column.as_string_view_opt() {
            Some(texts) => texts.value(at).to_owned(),
            None => arrow::util::display::array_value_to_string(column, at).unwrap_or_default(),
        };
        hasher.update((text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }
    hasher.finalize().first_chunk().copied().unwrap_or_default()
}
