//! Which rows of a table a load answers for: those it created or wrote to, as long as no later load did.

use rusqlite::{Connection, params};

use super::refusal::{refused, refused_at};
use super::{bookkeeping, quoted, quoted_part, row_hash};
use crate::Error;
use crate::target::{LoadRecord, TableSpec, Unanswered, WriteMode};

const DOING: &str = "look which rows the load answers for";

/// What later loads than `?2` kept of the row that the entry `k` names. Another series may have written to it: entries
/// of the table are one set, whoever made them.
const LATER: &str = "SELECT 1 FROM chartlift_before b JOIN chartlift_keyspace bs ON bs.id = b.keyspace \
    JOIN chartlift_keyspace ks ON ks.id = k.keyspace AND ks.target_table = bs.target_table \
    WHERE b.load > ?2 AND b.target_key = coalesce(k.target_key, k.target_uuid, k.source_key)";

/// The condition on a crosswalk entry `k` of the load `?2`. `superseded` tells whether any row may be a later load's.
pub(super) fn answered(table: &TableSpec, load: &LoadRecord, superseded: bool) -> String {
    let written = match table.mode {
        // What was filled of a matched row is proved apart, cell by cell.
        WriteMode::Match => "k.load = ?2 AND k.created = 1",
        WriteMode::Fill => "k.load = ?2 AND k.updated = 1 AND k.created = 0",
        // Rows of earlier loads too, as far as this one did not leave them to themselves.
        _ if load.follows(table) => {
            "k.load <= ?2 AND (k.created = 1 OR k.updated = 1) AND NOT EXISTS (SELECT 1 FROM chartlift_exempt e \
             WHERE e.load = ?2 AND e.keyspace = k.keyspace AND e.source_key = k.source_key)"
        }
        _ => "k.load = ?2 AND (k.created = 1 OR k.updated = 1)",
    };
    if superseded { format!("{written} AND NOT EXISTS ({LATER})") } else { written.to_owned() }
}

/// Whether a later load kept anything of a table's rows.
pub(super) fn any_superseded(
    connection: &Connection,
    table: &TableSpec,
    load: &LoadRecord,
) -> Result<bool, Error> {
    let sql = "SELECT EXISTS (SELECT 1 FROM chartlift_before b JOIN chartlift_keyspace s ON s.id = b.keyspace \
               WHERE s.target_table = ?1 AND b.load > ?2)";
    connection.query_row(sql, params![table.keyspace, load.id], |row| row.get(0)).map_err(refused(DOING))
}

pub(super) fn filled(
    connection: &Connection,
    table: &TableSpec,
    load: &LoadRecord,
) -> Result<Vec<(String, Vec<String>)>, Error> {
    let keyspace = bookkeeping::find_keyspace(connection, &load.series, &table.system, &table.keyspace)?;
    let sql = "SELECT source_key, columns, cells FROM chartlift_before \
               WHERE load = ?1 AND keyspace = ?2 AND deleted = 0 AND columns <> '[]'";
    let read = || -> rusqlite::Result<Vec<(String, String, String)>> {
        let mut statement = connection.prepare(sql)?;
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        statement.query_map(params![load.id, keyspace.unwrap_or(-1)], row)?.collect()
    };
    let rows = read().map_err(refused_at(DOING, &table.name))?;
    Ok(rows
        .into_iter()
        .map(|(key, columns, cells)| (key, row_hash::empty_columns(&columns, &cells)))
        .collect())
}

pub(super) fn unanswered(
    connection: &Connection,
    table: &TableSpec,
    load: &LoadRecord,
) -> Result<Unanswered, Error> {
    let found = bookkeeping::find_keyspace(connection, &load.series, &table.system, &table.keyspace)?;
    let mut unanswered = Unanswered::default();
    let Some(keyspace) = found else { return Ok(unanswered) };
    let keys = |sql: &str| -> Result<Vec<String>, Error> {
        let read = || -> rusqlite::Result<Vec<String>> {
            connection.prepare(sql)?.query_map([keyspace, load.id], |row| row.get(0))?.collect()
        };
        read().map_err(refused_at(DOING, &table.name))
    };
    if any_superseded(connection, table, load)? {
        unanswered.superseded = keys(&format!(
            "SELECT k.source_key FROM chartlift_crosswalk k WHERE k.keyspace = ?1 AND EXISTS ({LATER}) \
             UNION SELECT b.source_key FROM chartlift_before b WHERE b.keyspace = ?1 AND b.load > ?2"
        ))?;
    }
    if table.mode == WriteMode::SkipExisting {
        let (key, kind) = table.key()?;
        // Both parameters are bound whichever it is.
        let own = if load.follows(table) { "?2 > 0" } else { "k.load = ?2" };
        unanswered.skipped = keys(&format!(
            "SELECT k.source_key FROM chartlift_crosswalk k JOIN {} t ON t.{} = k.{} WHERE k.keyspace = ?1 \
             AND NOT coalesce({own} AND (k.created = 1 OR k.updated = 1), 0)",
            quoted(&table.name),
            quoted_part(&key.name),
            row_hash::link_column(kind)
        ))?;
    }
    if load.follows(table) {
        unanswered.kept = keys(
            "SELECT source_key FROM chartlift_exempt WHERE keyspace = ?1 AND load = ?2 AND reason = 'kept'",
        )?;
    }
    Ok(unanswered)
}
