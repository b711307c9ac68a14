//! Digests of what SQLite holds: rows are read back one by one, written canonically and hashed here.

use std::collections::BTreeMap;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, params_from_iter};

use super::refusal::refused_at;
use super::{bookkeeping, catalog, quoted, quoted_part, row_hash, scope};
use crate::Error;
use crate::hash::hash_text_extended;
use crate::target::{
    BucketDigest, CatalogTable, KeyKind, LoadRecord, Role, RowDigest, TableSpec, TypeClass, bucket_mask,
};

const DOING: &str = "read rows back";

pub(super) fn buckets(
    connection: &mut Connection,
    table: &TableSpec,
    load: &LoadRecord,
    buckets: u32,
) -> Result<Vec<BucketDigest>, Error> {
    let mask = bucket_mask(buckets);
    let width = table.columns.len();
    let mut sums: BTreeMap<u32, (u64, Vec<i128>)> = BTreeMap::new();
    each_row(connection, table, load, |key, cells| {
        let bucket = (hash_text_extended(key, 0) & mask) as u32;
        let (rows, columns) = sums.entry(bucket).or_insert_with(|| (0, vec![0; width]));
        *rows += 1;
        for (sum, cell) in columns.iter_mut().zip(cells) {
            *sum += i128::from(*cell);
        }
    })?;
    let digests = sums.into_iter().map(|(bucket, (rows, columns))| BucketDigest { bucket, rows, columns });
    Ok(digests.collect())
}

pub(super) fn rows(
    connection: &mut Connection,
    table: &TableSpec,
    load: &LoadRecord,
    buckets: u32,
    chosen: &[u32],
) -> Result<Vec<RowDigest>, Error> {
    let mask = bucket_mask(buckets);
    let mut rows = Vec::new();
    each_row(connection, table, load, |key, cells| {
        if chosen.contains(&((hash_text_extended(key, 0) & mask) as u32)) {
            rows.push(RowDigest { key: String::from_utf8_lossy(key).into_owned(), cells: cells.to_vec() });
        }
    })?;
    rows.sort_by(|one, other| one.key.cmp(&other.key));
    Ok(rows)
}

/// Calls with source key and cell hashes of every row that the load put into the table and that is still there.
fn each_row(
    connection: &Connection,
    table: &TableSpec,
    load: &LoadRecord,
    mut take: impl FnMut(&[u8], &[i64]),
) -> Result<(), Error> {
    let (sql, parameters) = query(connection, table, load)?;
    let reader = CellReader::new(&catalog::read_table(connection, &table.name)?, table, load);
    let mut statement = connection.prepare(&sql).map_err(refused_at(DOING, &table.name))?;
    let mut rows = statement.query(params_from_iter(parameters)).map_err(refused_at(DOING, &table.name))?;
    let mut cells = vec![0_i64; table.columns.len()];
    let mut text = String::new();
    while let Some(row) = rows.next().map_err(refused_at(DOING, &table.name))? {
        reader.read(row, &mut cells, &mut text, &mut take).map_err(refused_at(DOING, &table.name))?;
    }
    Ok(())
}

/// `?1` is the table's keyspace, `?2` the load, the rest are the keyspaces referred to. Result column 0 is the
/// source key, then one for each column of the table.
fn query(connection: &Connection, table: &TableSpec, load: &LoadRecord) -> Result<(String, Vec<i64>), Error> {
    // A keyspace that does not exist has no entries: no number is below 1.
    let keyspace = |name: &str| -> Result<i64, Error> {
        Ok(bookkeeping::find_keyspace(connection, &load.series, &table.system, name)?.unwrap_or(-1))
    };
    let mut parameters = vec![keyspace(&table.keyspace)?, load.id];
    let (mut columns, mut joins) = (String::new(), String::new());
    for (index, column) in table.columns.iter().enumerate() {
        let name = format!("t.{}", quoted_part(&column.name));
        match &column.role {
            Role::Key(_) => columns.push_str(", NULL"),
            Role::Reference { table: referred, kind: kind @ (KeyKind::Uuid | KeyKind::Linked) } => {
                parameters.push(keyspace(referred)?);
                let number = parameters.len();
                let linked = match kind {
                    KeyKind::Linked => format!("target_key = CAST({name} AS TEXT)"),
                    _ => format!("target_uuid = {name}"),
                };
                joins.push_str(&format!(
                    " LEFT JOIN chartlift_crosswalk r{index} ON r{index}.keyspace = ?{number} AND r{index}.{linked}"
                ));
                columns.push_str(&format!(
                    ", CASE WHEN {name} IS NULL THEN NULL ELSE coalesce(r{index}.source_key, '?' || {name}) END"
                ));
            }
            Role::Reference { kind: KeyKind::Natural, .. } | Role::Data => {
                columns.push_str(&format!(", {name}"));
            }
        }
    }
    let (key, kind) = table.key()?;
    let link = row_hash::link_column(kind);
    let sql = format!(
        "SELECT k.source_key{columns} FROM chartlift_crosswalk k JOIN {} t ON t.{} = k.{link}{joins} \
         WHERE k.keyspace = ?1 AND {}",
        quoted(&table.name),
        quoted_part(&key.name),
        scope::answered(table, load, scope::any_superseded(connection, table, load)?)
    );
    Ok((sql, parameters))
}

/// How the cells of one table are read.
struct CellReader {
    columns: Vec<Cell>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Cell {
    Key,
    Boolean,
    Bytes,
    Other,
}

impl CellReader {
    fn new(entry: &CatalogTable, table: &TableSpec, load: &LoadRecord) -> Self {
        let loaded = load.tables.iter().find(|loaded| loaded.name == table.name);
        let types = loaded.map(|loaded| loaded.types_of(table.mode)).unwrap_or_default();
        let type_of = |index: usize| types.get(index).map(String::as_str);
        let columns = table.columns.iter().enumerate().map(|(index, column)| match column.role {
            Role::Key(_) => Cell::Key,
            _ if type_of(index) == Some("boolean") => Cell::Boolean,
            _ if entry.column(&column.name).is_some_and(|known| known.class == TypeClass::Bytes) => {
                Cell::Bytes
            }
            _ => Cell::Other,
        });
        Self { columns: columns.collect() }
    }

    fn read(
        &self,
        row: &Row<'_>,
        cells: &mut [i64],
        text: &mut String,
        take: &mut impl FnMut(&[u8], &[i64]),
    ) -> rusqlite::Result<()> {
        let ValueRef::Text(key) = row.get_ref(0)? else { return Ok(()) };
        for ((index, column), cell) in self.columns.iter().enumerate().zip(cells.iter_mut()) {
            if *column == Cell::Key {
                continue;
            }
            let value = row.get_ref(index + 1)?;
            // Columns count from 1; the sign of the number tells null from empty text.
            let number = index as i64 + 1;
            *cell = match canonical(value, *column, text) {
                None => hash_text_extended(b"", hash_text_extended(key, -number)),
                Some(bytes) => hash_text_extended(bytes, hash_text_extended(key, number)),
            };
        }
        take(key, cells);
        Ok(())
    }
}

fn canonical<'a>(value: ValueRef<'a>, cell: Cell, text: &'a mut String) -> Option<&'a [u8]> {
    use std::fmt::Write;
    text.clear();
    // Writing into a String cannot fail.
    match value {
        ValueRef::Null => return None,
        // What should be bytes and is a text equals no bytes.
        ValueRef::Text(bytes) if cell == Cell::Bytes => {
            let _ = write!(text, "?{}", String::from_utf8_lossy(bytes));
        }
        ValueRef::Text(bytes) => return Some(bytes),
        ValueRef::Integer(0) if cell == Cell::Boolean => return Some(b"false"),
        ValueRef::Integer(1) if cell == Cell::Boolean => return Some(b"true"),
        ValueRef::Integer(number) => {
            let _ = write!(text, "{number}");
        }
        ValueRef::Real(number) => {
            let _ = write!(text, "{:016x}", number.to_bits());
        }
        ValueRef::Blob(bytes) => {
            // Elsewhere nothing writes bytes: marked, so that they equal no text.
            if cell != Cell::Bytes {
                text.push('?');
            }
            for byte in bytes {
                let _ = write!(text, "{byte:02x}");
            }
        }
    }
    Some(text.as_bytes())
}
