//! Takes rows of earlier loads out of a table, as somebody decided: never one that others refer to.

use rusqlite::{Connection, Row, params};

use super::super::refusal::refused_at;
use super::super::{quoted, quoted_part, row_hash};
use crate::Error;
use crate::target::{Removed, TableSpec};

const REMOVE: &str = "delete rows that the export no longer has";

/// Every table's references to another, or to itself, column by column.
const REFERENCES: &str = "
SELECT m.name, f.id, f.\"from\", f.\"to\" FROM sqlite_schema m, pragma_foreign_key_list(m.name) f
WHERE m.type = 'table' AND lower(f.\"table\") = lower(?) ORDER BY m.name, f.id, f.seq";

/// One column of a reference: the table and number of the reference, the column and the one that it names.
type Referring = (String, i64, String, Option<String>);

/// `load` and the keyspace of the rows.
pub(super) fn remove(
    connection: &Connection,
    table: &TableSpec,
    (load, keyspace): (i64, i64),
    source_keys: &[String],
) -> Result<Removed, Error> {
    let names = row_hash::columns(connection, &table.name)?;
    let (key, kind) = table.key()?;
    let columns = serde_json::to_string(&names).unwrap_or_else(|_| "[]".to_owned());
    let take = || -> rusqlite::Result<Removed> {
        let free = unreferred(connection, table, &key.name)?;
        let (name, key) = (quoted(&table.name), quoted_part(&key.name));
        let linked = row_hash::link_column(kind);
        let before = format!(
            "INSERT INTO chartlift_before (load, keyspace, source_key, target_key, deleted, edited, entry_load, \
             entry_created, entry_updated, entry_row_hash, columns, cells) \
             SELECT ?1, ?2, k.source_key, coalesce(k.target_key, k.target_uuid, k.source_key), 1, \
             {} IS NOT k.row_hash, k.load, k.created, k.updated, k.row_hash, ?4, {} \
             FROM chartlift_crosswalk k JOIN {name} t ON t.{key} = k.{linked} \
             WHERE k.keyspace = ?2 AND k.source_key = ?3{free}",
            row_hash::hash_of("t", &names),
            row_hash::cells_of("t", &names)
        );
        let row = format!(
            "DELETE FROM {name} WHERE {key} = (SELECT {linked} FROM chartlift_crosswalk \
             WHERE keyspace = ?1 AND source_key = ?2)"
        );
        let entry = "DELETE FROM chartlift_crosswalk WHERE keyspace = ?1 AND source_key = ?2";
        let mut removed = Removed { rows: 0, referred: source_keys.to_vec() };
        // Rows may refer to rows of the same table: those that nobody refers to any more go next.
        loop {
            let mut left = Vec::new();
            for source_key in &removed.referred {
                let kept = connection
                    .prepare_cached(&before)?
                    .execute(params![load, keyspace, source_key, columns])?;
                if kept == 0 {
                    left.push(source_key.clone());
                    continue;
                }
                connection.prepare_cached(&row)?.execute(params![keyspace, source_key])?;
                connection.prepare_cached(entry)?.execute(params![keyspace, source_key])?;
                removed.rows += 1;
            }
            let all = left.len() == removed.referred.len();
            removed.referred = left;
            if all {
                return Ok(removed);
            }
        }
    };
    take().map_err(refused_at(REMOVE, &table.name))
}

/// The condition that no row refers to the row `t`.
fn unreferred(connection: &Connection, table: &TableSpec, key: &str) -> rusqlite::Result<String> {
    let referring = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
    let all: Vec<Referring> = connection
        .prepare(REFERENCES)?
        .query_map([&table.name], referring)?
        .collect::<rusqlite::Result<_>>()?;
    let mut free = String::new();
    for reference in all.chunk_by(|one, other| (&one.0, one.1) == (&other.0, other.1)) {
        let Some((child, ..)) = reference.first() else { continue };
        let same: Vec<String> = reference
            .iter()
            .map(|(_, _, from, to)| {
                // A reference that names no column means the key.
                let to = to.as_deref().unwrap_or(key);
                format!("o.{} = t.{}", quoted_part(from), quoted_part(to))
            })
            .collect();
        free.push_str(&format!(
            " AND NOT EXISTS (SELECT 1 FROM {} o WHERE {})",
            quoted_part(child),
            same.join(" AND ")
        ));
    }
    Ok(free)
}
