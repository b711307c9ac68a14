//! What converted rows are, as sums of cell hashes: the engine's half of the comparison with the target.
//!
//! Only the hash function is shared with the targets. How a value is written as text is written anew here, so that
//! an error in one writing shows as a difference instead of agreeing with itself.
//!
//! A cell's hash is that of its text under a seed made of the row's key and the column's number; sums over rows do
//! not depend on their order, so partial digests of several threads merge.

mod artefact;
mod json;
mod words;
mod writing;

use arrow::array::{Array, StringViewArray};
use arrow::record_batch::RecordBatch;
use chartlift_io::hash::hash_text_extended;
use chartlift_io::target::{BucketDigest, CatalogTable, Role, RowDigest, TableSpec};
use sha2::{Digest, Sha256};

use crate::Error;

pub use artefact::ArtefactDigest;
pub(crate) use json::{canonical as canonical_json, is_json};
pub use writing::Writing;

/// One column of a table, as it is digested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestColumn {
    pub name: String,
    /// `None` for the table's key: the row's source key stands for it.
    pub writing: Option<Writing>,
}

impl DigestColumn {
    /// The columns of a target table; the catalogue tells which of them the database writes back in a way of its
    /// own.
    pub fn of(table: &TableSpec, catalog: Option<&CatalogTable>) -> Vec<Self> {
        let columns = table.columns.iter().map(|column| {
            let known = catalog.and_then(|catalog| catalog.column(&column.name));
            let writing = match column.role {
                Role::Key(_) => None,
                Role::Reference { .. } => Some(Writing::Plain),
                Role::Data => Some(known.map_or(Writing::Plain, |known| Writing::of(known.class))),
            };
            Self { name: column.name.clone(), writing }
        });
        columns.collect()
    }
}

/// Sums of cell hashes over a table's rows, by bucket of the row's source key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableDigest {
    columns: Vec<DigestColumn>,
    buckets: Vec<Bucket>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Bucket {
    rows: u64,
    sums: Vec<i128>,
}

impl TableDigest {
    /// `buckets` is a power of two, at least 1.
    pub fn new(columns: Vec<DigestColumn>, buckets: u32) -> Self {
        assert!(buckets.is_power_of_two(), "bucket counts are powers of two");
        let empty = Bucket { rows: 0, sums: vec![0; columns.len()] };
        Self { buckets: vec![empty; buckets as usize], columns }
    }

    /// Adds rows. The batch has one array for each column, in order, with source keys in key and reference columns,
    /// and then `_key`, the row's source key.
    pub fn add(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let keys = source_keys(&self.columns, batch)?;
        let places = bucket_places(keys, self.buckets.len());
        for place in &places {
            if let Some(bucket) = self.buckets.get_mut(*place) {
                bucket.rows += 1;
            }
        }
        for (index, (column, array)) in self.columns.iter().zip(batch.columns()).enumerate() {
            let Some(writing) = column.writing else { continue };
            let buckets = &mut self.buckets;
            each_cell(index, &column.name, writing, array.as_ref(), keys, |row, hash| {
                let bucket = places.get(row).and_then(|place| buckets.get_mut(*place));
                if let Some(sum) = bucket.and_then(|bucket| bucket.sums.get_mut(index)) {
                    *sum += i128::from(hash);
                }
            })?;
        }
        Ok(())
    }

    /// Adds the rows of another digest of the same table, made with as many buckets.
    pub fn merge(&mut self, other: &Self) {
        assert!(
            self.columns == other.columns && self.buckets.len() == other.buckets.len(),
            "only digests of the same table merge"
        );
        for (bucket, more) in self.buckets.iter_mut().zip(&other.buckets) {
            bucket.rows += more.rows;
            for (sum, more) in bucket.sums.iter_mut().zip(&more.sums) {
                *sum += more;
            }
        }
    }

    pub fn columns(&self) -> &[DigestColumn] {
        &self.columns
    }

    pub fn rows(&self) -> u64 {
        self.buckets.iter().map(|bucket| bucket.rows).sum()
    }

    /// One sum a column, over all buckets; key columns 0.
    pub fn sums(&self) -> Vec<i128> {
        let mut total = vec![0; self.columns.len()];
        for bucket in &self.buckets {
            for (sum, more) in total.iter_mut().zip(&bucket.sums) {
                *sum += more;
            }
        }
        total
    }

    /// As a target answers: buckets without rows are left out.
    pub fn buckets(&self) -> Vec<BucketDigest> {
        let filled = self.buckets.iter().enumerate().filter(|(_, bucket)| bucket.rows > 0);
        filled
            .map(|(number, bucket)| BucketDigest {
                bucket: number as u32,
                rows: bucket.rows,
                columns: bucket.sums.clone(),
            })
            .collect()
    }

    /// SHA-256 over the number of rows, the columns' names and the sums.
    pub fn hex(&self) -> String {
        let names = self.columns.iter().map(|column| column.name.as_str());
        hex_of(self.rows(), names.zip(self.sums()))
    }
}

/// The same figure for what a target answered; equal exactly when rows, names and sums are.
pub fn hex_of_buckets(columns: &[DigestColumn], buckets: &[BucketDigest]) -> String {
    let mut total = vec![0_i128; columns.len()];
    for bucket in buckets {
        for (sum, more) in total.iter_mut().zip(&bucket.columns) {
            *sum += more;
        }
    }
    let rows = buckets.iter().map(|bucket| bucket.rows).sum();
    hex_of(rows, columns.iter().map(|column| column.name.as_str()).zip(total))
}

/// The cell hashes of those rows that fall into the chosen buckets (in ascending order), in the batch's order; the batch
/// is as for [`TableDigest::add`].
pub fn row_digests(
    columns: &[DigestColumn],
    batch: &RecordBatch,
    buckets: u32,
    chosen: &[u32],
) -> Result<Vec<RowDigest>, Error> {
    let keys = source_keys(columns, batch)?;
    let places = bucket_places(keys, buckets as usize);
    let mut rows: Vec<RowDigest> = Vec::new();
    // Where each row of the batch stands in the answer.
    let positions: Vec<Option<usize>> = places
        .iter()
        .enumerate()
        .map(|(row, place)| {
            chosen.binary_search(&(*place as u32)).is_ok().then(|| {
                rows.push(RowDigest { key: keys.value(row).to_owned(), cells: vec![0; columns.len()] });
                rows.len() - 1
            })
        })
        .collect();
    if rows.is_empty() {
        return Ok(rows);
    }
    for (index, (column, array)) in columns.iter().zip(batch.columns()).enumerate() {
        let Some(writing) = column.writing else { continue };
        each_cell(index, &column.name, writing, array.as_ref(), keys, |row, hash| {
            let position = positions.get(row).copied().flatten();
            let cells = position.and_then(|position| rows.get_mut(position));
            if let Some(cell) = cells.and_then(|cells| cells.cells.get_mut(index)) {
                *cell = hash;
            }
        })?;
    }
    Ok(rows)
}

/// Which bucket a source key falls into; `buckets` is a power of two.
pub fn bucket_of(source_key: &str, buckets: u32) -> u32 {
    (hash_text_extended(source_key.as_bytes(), 0) & (i64::from(buckets) - 1)) as u32
}

fn bucket_places(keys: &StringViewArray, buckets: usize) -> Vec<usize> {
    if buckets <= 1 {
        return vec![0; keys.len()];
    }
    let mask = buckets as i64 - 1;
    (0..keys.len()).map(|row| (hash_text_extended(keys.value(row).as_bytes(), 0) & mask) as usize).collect()
}

fn source_keys<'a>(columns: &[DigestColumn], batch: &'a RecordBatch) -> Result<&'a StringViewArray, Error> {
    let keys = batch.columns().last().and_then(|array| array.as_any().downcast_ref::<StringViewArray>());
    match keys {
        Some(keys) if batch.num_columns() == columns.len() + 1 && keys.null_count() == 0 => Ok(keys),
        _ => Err(misfit("_key", "a batch to digest needs its table's columns and then the source key")),
    }
}

/// Calls with the hash of every cell of one column.
fn each_cell(
    index: usize,
    name: &str,
    writing: Writing,
    array: &dyn Array,
    keys: &StringViewArray,
    take: impl FnMut(usize, i64),
) -> Result<(), Error> {
    // Columns count from 1; the sign of the number tells null from empty text.
    let number = index as i64 + 1;
    let seed = |row: usize, is_null: bool| {
        let number = if is_null { -number } else { number };
        hash_text_extended(keys.value(row).as_bytes(), number)
    };
    writing::hash_cells(name, writing, array, seed, take)
}

fn hex_of<'a>(rows: u64, columns: impl Iterator<Item = (&'a str, i128)>) -> String {
    let mut hash = Sha256::new();
    hash.update(rows.to_be_bytes());
    for (name, sum) in columns {
        hash.update((name.len() as u64).to_be_bytes());
        hash.update(name.as_bytes());
        hash.update(sum.to_be_bytes());
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn misfit(column: &str, problem: &str) -> Error {
    Error::Broken {
        code: "digest-misfit",
        message: format!("column `{column}` cannot be digested: {problem}"),
        hint: "this is an error of the program: please report it".to_owned(),
    }
}
