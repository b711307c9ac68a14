//! Whole rows in SQLite, whatever their columns: hashed, to see whether somebody wrote to one since a load; and kept as
//! text, to write one as it was.
//!
//! PostgreSQL says itself which transaction wrote a row last. Here a load remembers the hash of each row that it wrote.

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, params};

use super::refusal::{refused, refused_at};
use super::{bookkeeping, quoted, quoted_part};
use crate::Error;
use crate::hash::hash_text_extended;
use crate::target::{KeyKind, TableSpec};

/// SQL functions take 127 arguments at the most: wide tables need several calls, each given what the last made.
const ARGUMENTS: usize = 100;

/// Makes the two functions known to a connection.
pub(super) fn register(connection: &Connection) -> Result<(), Error> {
    let flags =
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_DIRECTONLY;
    let hash = connection.create_scalar_function("chartlift_row_hash", -1, flags, hash);
    let both = hash.and_then(|()| connection.create_scalar_function("chartlift_row_cells", -1, flags, cells));
    both.map_err(refused("open the database"))
}

/// The names of a table's columns that can be written, in the table's order.
pub(super) fn columns(connection: &Connection, table: &str) -> Result<Vec<String>, Error> {
    let (schema, name) = table.split_once('.').unwrap_or(("main", table));
    let read = || -> rusqlite::Result<Vec<String>> {
        let sql = "SELECT name FROM pragma_table_xinfo(?, ?) WHERE hidden = 0 ORDER BY cid";
        connection.prepare(sql)?.query_map([name, schema], |row| row.get(0))?.collect()
    };
    read().map_err(refused_at("read its catalogue", table))
}

/// An expression over all `columns` of the row `alias`: its hash, an integer that is never null.
pub(super) fn hash_of(alias: &str, columns: &[String]) -> String {
    nested("chartlift_row_hash", "0", alias, columns)
}

/// The same: its cells as `chartlift_before.cells` has them, which [`read_cells`] reads again.
pub(super) fn cells_of(alias: &str, columns: &[String]) -> String {
    nested("chartlift_row_cells", "'[]'", alias, columns)
}

fn nested(function: &str, start: &str, alias: &str, columns: &[String]) -> String {
    columns.chunks(ARGUMENTS).fold(start.to_owned(), |inner, columns| {
        let names: Vec<String> =
            columns.iter().map(|column| format!("{alias}.{}", quoted_part(column))).collect();
        format!("{function}({inner}, {})", names.join(", "))
    })
}

/// The crosswalk's column that names a row of a table whose keys are made like this. The table's own affinity makes a
/// number of it again where it holds numbers.
pub(super) fn link_column(kind: KeyKind) -> &'static str {
    match kind {
        KeyKind::Uuid => "target_uuid",
        KeyKind::Natural => "source_key",
        KeyKind::Linked => "target_key",
    }
}

/// Remembers how each row that the load created or updated stands now; called last before its commit.
pub(super) fn fill_hashes(
    connection: &Connection,
    load: i64,
    series: &str,
    tables: &[TableSpec],
) -> Result<(), Error> {
    for table in tables {
        let Some(keyspace) = bookkeeping::find_keyspace(connection, series, &table.system, &table.keyspace)?
        else {
            continue;
        };
        let (key, kind) = table.key()?;
        let sql = format!(
            "UPDATE chartlift_crosswalk AS k SET row_hash = \
             (SELECT {} FROM {} t WHERE t.{} = k.{}) \
             WHERE k.keyspace = ?1 AND k.load = ?2 AND (k.created = 1 OR k.updated = 1)",
            hash_of("t", &columns(connection, &table.name)?),
            quoted(&table.name),
            quoted_part(&key.name),
            link_column(kind),
        );
        let doing = "remember the rows that were loaded";
        connection.execute(&sql, params![keyspace, load]).map_err(refused_at(doing, &table.name))?;
    }
    Ok(())
}

/// The first argument is the hash of the columns before these.
fn hash(context: &Context<'_>) -> rusqlite::Result<i64> {
    let mut hash: i64 = context.get(0)?;
    for index in 1..context.len() {
        // The seed tells the types apart: the text `1` is not the number.
        hash = match context.get_raw(index) {
            ValueRef::Null => hash_text_extended(&[], hash ^ 1),
            ValueRef::Integer(number) => hash_text_extended(&number.to_le_bytes(), hash ^ 2),
            ValueRef::Real(number) => hash_text_extended(&number.to_bits().to_le_bytes(), hash ^ 3),
            ValueRef::Text(bytes) => hash_text_extended(bytes, hash ^ 4),
            ValueRef::Blob(bytes) => hash_text_extended(bytes, hash ^ 5),
        };
    }
    Ok(hash)
}

/// The first argument is the cells before these. A cell is null, or a text that begins with its type's letter: `i` and
/// an integer, `r` and a float's bits in hex, `t` and a text, `x` and a text that is not UTF-8 in hex, `b` and a blob in
/// hex.
fn cells(context: &Context<'_>) -> rusqlite::Result<String> {
    let wrong = |error| rusqlite::Error::UserFunctionError(Box::new(error));
    let before: String = context.get(0)?;
    let mut cells: Vec<Option<String>> = serde_json::from_str(&before).map_err(wrong)?;
    for index in 1..context.len() {
        cells.push(match context.get_raw(index) {
            ValueRef::Null => None,
            ValueRef::Integer(number) => Some(format!("i{number}")),
            ValueRef::Real(number) => Some(format!("r{:016x}", number.to_bits())),
            ValueRef::Text(bytes) => Some(match str::from_utf8(bytes) {
                Ok(text) => format!("t{text}"),
                Err(_) => hex("x", bytes),
            }),
            ValueRef::Blob(bytes) => Some(hex("b", bytes)),
        });
    }
    serde_json::to_string(&cells).map_err(wrong)
}

fn hex(letter: &str, bytes: &[u8]) -> String {
    use std::fmt::Write;
    let mut text = letter.to_owned();
    for byte in bytes {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn unhex(digits: &str) -> Option<Vec<u8>> {
    let (pairs, odd) = digits.as_bytes().as_chunks::<2>();
    let byte = |pair: &[u8; 2]| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
    odd.is_empty().then(|| pairs.iter().map(byte).collect())?
}

/// A cell of `chartlift_before.cells`, ready to be bound. A text that is not UTF-8 cannot be bound as one: it comes as a
/// blob, and is to be cast.
pub(super) enum Cell {
    Value(Value),
    Bytes(Vec<u8>),
}

/// `None`: somebody else wrote this.
pub(super) fn read_cells(cells: &str) -> Option<Vec<Cell>> {
    let cells: Vec<Option<String>> = serde_json::from_str(cells).ok()?;
    cells
        .into_iter()
        .map(|cell| cell.map_or(Some(Cell::Value(Value::Null)), |cell| read_cell(&cell)))
        .collect()
}

/// Of `chartlift_before`, the columns that held null or empty text.
pub(super) fn empty_columns(columns: &str, cells: &str) -> Vec<String> {
    let columns: Vec<String> = serde_json::from_str(columns).unwrap_or_default();
    let cells: Vec<Option<String>> = serde_json::from_str(cells).unwrap_or_default();
    let empty = |cell: &Option<String>| cell.as_ref().is_none_or(|cell| cell == "t");
    columns.into_iter().zip(cells).filter(|(_, cell)| empty(cell)).map(|(name, _)| name).collect()
}

fn read_cell(cell: &str) -> Option<Cell> {
    let (letter, rest) = (cell.chars().next()?, cell.get(1..)?);
    Some(match letter {
        'i' => Cell::Value(Value::Integer(rest.parse().ok()?)),
        'r' => Cell::Value(Value::Real(f64::from_bits(u64::from_str_radix(rest, 16).ok()?))),
        't' => Cell::Value(Value::Text(rest.to_owned())),
        'b' => Cell::Value(Value::Blob(unhex(rest)?)),
        'x' => Cell::Bytes(unhex(rest)?),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: &str = "CREATE TABLE t (a, b, c AS (1)); INSERT INTO t (a, b) VALUES \
        (NULL, ''), ('', NULL), (1, '1'), ('1', 1), (1.0, 'x'), (x'31', 'x'), ('x', char(0, 34, 10) || 'é'), \
        (-9223372036854775808, 9e999), (0.1, CAST(x'ff00' AS TEXT));";

    fn rows() -> (Connection, Vec<String>) {
        let connection = Connection::open_in_memory().unwrap();
        register(&connection).unwrap();
        connection.execute_batch(ROWS).unwrap();
        let columns = columns(&connection, "t").unwrap();
        (connection, columns)
    }

    #[test]
    fn generated_columns_are_left_out() {
        assert_eq!(rows().1, ["a", "b"]);
    }

    #[test]
    fn rows_that_differ_have_other_hashes() {
        let (connection, columns) = rows();
        let sql = format!("SELECT count(DISTINCT {}) = count(*) FROM t", hash_of("t", &columns));
        assert!(connection.query_row(&sql, [], |row| row.get::<_, bool>(0)).unwrap());
    }

    #[test]
    fn cells_come_back_as_they_were() {
        let (connection, columns) = rows();
        let sql = format!("SELECT {}, {} FROM t", cells_of("t", &columns), hash_of("t", &columns));
        let mut statement = connection.prepare(&sql).unwrap();
        let mut found = statement.query([]).unwrap();
        let mut count = 0;
        while let Some(row) = found.next().unwrap() {
            let cells = read_cells(&row.get::<_, String>(0).unwrap()).unwrap();
            let [a, b] = cells.as_slice() else { panic!("two cells") };
            let bound = |cell: &Cell, place| match cell {
                Cell::Value(value) => (format!("?{place}"), value.clone()),
                Cell::Bytes(bytes) => (format!("CAST(?{place} AS TEXT)"), Value::Blob(bytes.clone())),
            };
            let ((a_sql, a), (b_sql, b)) = (bound(a, 1), bound(b, 2));
            let again =
                format!("SELECT {} FROM (SELECT {a_sql} AS a, {b_sql} AS b) t", hash_of("t", &columns));
            let hash: i64 = connection.query_row(&again, params![a, b], |row| row.get(0)).unwrap();
            assert_eq!(hash, row.get::<_, i64>(1).unwrap());
            count += 1;
        }
        assert_eq!(count, 9);
    }

    #[test]
    fn a_table_may_have_more_columns_than_a_function_has_arguments() {
        let connection = Connection::open_in_memory().unwrap();
        register(&connection).unwrap();
        let names: Vec<String> = (0..450).map(|number| format!("c{number}")).collect();
        connection
            .execute_batch(&format!("CREATE TABLE t ({}); INSERT INTO t (c449) VALUES (7)", names.join(", ")))
            .unwrap();
        let columns = columns(&connection, "t").unwrap();
        let sql = format!("SELECT {}, {} FROM t", cells_of("t", &columns), hash_of("t", &columns));
        let (cells, one): (String, i64) =
            connection.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        assert_eq!(read_cells(&cells).unwrap().len(), 450);
        connection.execute_batch("UPDATE t SET c449 = 8").unwrap();
        let two: i64 = connection.query_row(&sql, [], |row| row.get(1)).unwrap();
        assert_ne!(one, two);
    }

    #[test]
    fn what_somebody_else_wrote_is_refused() {
        for cells in ["", "{}", "[1]", "[\"\"]", "[\"q1\"]", "[\"i\"]", "[\"b0\"]", "[\"bzz\"]", "[\"é\"]"] {
            assert!(read_cells(cells).is_none(), "{cells}");
        }
    }
}
