//! Digests of an order's own layers: never of Parquet bytes, which depend on how a file was cut and compressed, but
//! of the multiset of (row key, column, text).

use arrow::array::{Array, Int32Array, Int64Array};
use arrow::record_batch::RecordBatch;
use chartlift_io::hash::hash_text_extended;

use super::{Writing, hex_of, misfit, writing};
use crate::Error;

/// Sums of cell hashes over the rows of one layer's table. Rows are named by `_row` and, where the layer has it,
/// `_part`; both are digested too.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ArtefactDigest {
    rows: u64,
    /// Column names and sums, in the order of the first batch.
    columns: Vec<(String, i128)>,
}

impl ArtefactDigest {
    pub fn add(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        self.take_columns(batch)?;
        let keys = row_hashes(batch)?;
        self.rows += batch.num_rows() as u64;
        for (index, (array, (name, sum))) in batch.columns().iter().zip(&mut self.columns).enumerate() {
            let number = index as i64 + 1;
            let seed = |row: usize, is_null: bool| {
                let number = if is_null { -number } else { number };
                let key = keys.get(row).copied().unwrap_or_default();
                // An odd constant (2^64 divided by the golden ratio) keeps the seeds of a row's columns apart.
                key.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64 as i64))
            };
            writing::hash_cells(name, Writing::Plain, array.as_ref(), seed, |_, hash| {
                *sum += i128::from(hash);
            })?;
        }
        Ok(())
    }

    /// Adds the rows of another part of the same table.
    pub fn merge(&mut self, other: &Self) -> Result<(), Error> {
        if self.columns.is_empty() {
            self.columns.clone_from(&other.columns);
            self.rows += other.rows;
            return Ok(());
        }
        if other.columns.is_empty() {
            return Ok(());
        }
        let same = self.columns.iter().map(|(name, _)| name).eq(other.columns.iter().map(|(name, _)| name));
        if !same {
            return Err(misfit("*", "the parts of a table have different columns"));
        }
        self.rows += other.rows;
        for ((_, sum), (_, more)) in self.columns.iter_mut().zip(&other.columns) {
            *sum += more;
        }
        Ok(())
    }

    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// SHA-256 over the number of rows, the columns' names and the sums.
    pub fn hex(&self) -> String {
        hex_of(self.rows, self.columns.iter().map(|(name, sum)| (name.as_str(), *sum)))
    }

    fn take_columns(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let schema = batch.schema_ref();
        if self.columns.is_empty() {
            self.columns = schema.fields().iter().map(|field| (field.name().clone(), 0)).collect();
        }
        let same =
            self.columns.iter().map(|(name, _)| name).eq(schema.fields().iter().map(|field| field.name()));
        if same { Ok(()) } else { Err(misfit("*", "the batches of a table have different columns")) }
    }
}

/// One hash a row of what names it.
fn row_hashes(batch: &RecordBatch) -> Result<Vec<i64>, Error> {
    let column = |name: &str| batch.column_by_name(name).map(|array| array.as_any());
    let rows = column("_row").and_then(|array| array.downcast_ref::<Int64Array>());
    let rows = rows.ok_or_else(|| misfit("_row", "a layer names its rows by a column of 64-bit integers"))?;
    let parts = column("_part").and_then(|array| array.downcast_ref::<Int32Array>());
    let hashes = (0..batch.num_rows()).map(|row| {
        let part = parts.filter(|parts| parts.is_valid(row)).map_or(0, |parts| parts.value(row));
        hash_text_extended(&rows.value(row).to_le_bytes(), i64::from(part))
    });
    Ok(hashes.collect())
}
