//! What linked tables need of SQLite: their rows, and numbers that no row had before. Its write lock is the lock.

use rusqlite::{Connection, OptionalExtension, Row};

use super::refusal::refused_at;
use super::{bookkeeping, quoted, quoted_part};
use crate::Error;
use crate::target::{Existing, ExistingRow, Link, TableSpec};

const READ: &str = "read the rows that are there";
const RESERVE: &str = "reserve keys";

pub(super) fn read(
    connection: &Connection,
    table: &TableSpec,
    columns: &[String],
    series: &str,
) -> Result<Existing, Error> {
    let (key, _) = table.key()?;
    let names = std::iter::once(&key.name).chain(columns);
    let cells: Vec<String> = names.map(|name| format!("CAST({} AS TEXT)", quoted_part(name))).collect();
    let sql = format!("SELECT {} FROM {}", cells.join(", "), quoted(&table.name));
    let rows = || -> rusqlite::Result<Vec<ExistingRow>> {
        let mut statement = connection.prepare(&sql)?;
        let (mut found, mut rows) = (Vec::new(), statement.query([])?);
        while let Some(row) = rows.next()? {
            let cells = (0..columns.len()).map(|index| row.get(index + 1)).collect::<Result<_, _>>()?;
            // Outside STRICT tables a key may be null: no row can be named by it.
            found.extend(row.get::<_, Option<String>>(0)?.map(|key| ExistingRow { key, cells }));
        }
        Ok(found)
    };
    let mut existing = Existing { rows: rows().map_err(refused_at(READ, &table.name))?, links: Vec::new() };
    let keyspace = match bookkeeping::state(connection)? {
        crate::target::Bookkeeping::Missing => None,
        _ => bookkeeping::find_keyspace(connection, series, &table.system, &table.keyspace)?,
    };
    let Some(keyspace) = keyspace else { return Ok(existing) };
    let links = || -> rusqlite::Result<Vec<Link>> {
        let link = |row: &Row<'_>| {
            Ok(Link {
                source_key: row.get(0)?,
                target_key: row.get(1)?,
                load: row.get(2)?,
                created: row.get(3)?,
            })
        };
        let sql = "SELECT source_key, coalesce(target_key, target_uuid, source_key), load, created \
                   FROM chartlift_crosswalk WHERE keyspace = ?";
        connection.prepare(sql)?.query_map([keyspace], link)?.collect()
    };
    existing.links = links().map_err(refused_at(READ, &table.name))?;
    Ok(existing)
}

/// After the highest number that a row has, and with AUTOINCREMENT that a row ever had.
pub(super) fn reserve(connection: &Connection, table: &TableSpec, rows: u64) -> Result<Vec<i64>, Error> {
    let (key, _) = table.key()?;
    let refused = refused_at(RESERVE, &table.name);
    let highest = format!("SELECT coalesce(max({}), 0) FROM {}", quoted_part(&key.name), quoted(&table.name));
    let highest: i64 = connection.query_row(&highest, [], |row| row.get(0)).map_err(&refused)?;
    let counted = "SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence'";
    let counted: Option<i64> =
        connection.query_row(counted, [], |row| row.get(0)).optional().map_err(&refused)?;
    let given: Option<i64> = match counted {
        Some(_) => {
            let sql = "SELECT max(seq) FROM sqlite_sequence WHERE lower(name) = lower(?)";
            connection.query_row(sql, [&table.name], |row| row.get(0)).map_err(&refused)?
        }
        None => None,
    };
    let last = highest.max(given.unwrap_or_default()).max(0);
    let rows = usize::try_from(rows).unwrap_or(usize::MAX);
    Ok((1..).map(|step| last.saturating_add(step)).take(rows).collect())
}
