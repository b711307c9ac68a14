//! What a load that follows others finds of their rows: those edited since, and those that it has no longer.

use rusqlite::{Connection, Row, params};

use super::super::refusal::refused_at;
use super::super::{quoted, row_hash};
use super::merge::{COMPARE, Merge, column};
use crate::Error;
use crate::target::{Absent, Comparison, Exemption, Role, TableSpec, Touched};

impl Merge<'_> {
    /// Compares the staged rows with those that are there, and lists what somebody may have to decide. Merging goes on
    /// from what was compared.
    pub(super) fn against_earlier(&self, rows: u64, orders: &[String]) -> Result<Comparison, Error> {
        self.compare(rows)?;
        let names = row_hash::columns(self.connection, &self.table.name)?;
        let read = || -> rusqlite::Result<Comparison> {
            // As one list: SQLite binds no arrays.
            let orders = serde_json::to_string(orders).unwrap_or_else(|_| "[]".to_owned());
            let known = "SELECT count(*) FROM chartlift_crosswalk k JOIN chartlift_load l ON l.id = k.load \
                         WHERE k.keyspace = ?1 AND (k.created = 1 OR k.updated = 1) \
                         AND l.order_id IN (SELECT value FROM json_each(?2))";
            let known: i64 =
                self.connection.query_row(known, params![self.plan.keyspace, orders], |row| row.get(0))?;
            Ok(Comparison {
                known: known.unsigned_abs(),
                touched: self.touched()?,
                absent: self.absent(&orders, &names)?,
            })
        };
        read().map_err(refused_at(COMPARE, &self.table.name))
    }

    fn touched(&self) -> rusqlite::Result<Vec<Touched>> {
        let mut seen = vec!["hash".to_owned()];
        let mut differs = vec!["''".to_owned()];
        let mut names = Vec::new();
        for (at, spec) in self.table.columns.iter().enumerate() {
            seen.push(column(at));
            if matches!(spec.role, Role::Key(_)) {
                continue;
            }
            differs.push(format!(
                "CASE WHEN {} THEN '{},' ELSE '' END",
                self.cell_differs(at, &spec.name, "c"),
                names.len()
            ));
            names.push(spec.name.clone());
        }
        let (key, staged_key) = &self.key;
        let sql = format!(
            "SELECT c.key, l.order_id, l.input_digest, NOT c.there, {}, \
               CASE WHEN c.there THEN {} ELSE '' END \
             FROM {} c JOIN chartlift_load l ON l.id = c.entry_load LEFT JOIN {} t ON t.{key} = c.{staged_key} \
             WHERE (c.entry_created = 1 OR c.entry_updated = 1) \
               AND (NOT c.there OR (c.cells IS NOT NULL AND c.hash IS NOT c.entry_row_hash)) ORDER BY c.key",
            row_hash::hash_of("c", &seen),
            differs.join(" || "),
            self.compared,
            quoted(&self.table.name)
        );
        let touched = |row: &Row<'_>| {
            let differs: String = row.get(5)?;
            let places = differs.split(',').filter_map(|place| place.parse::<usize>().ok());
            Ok(Touched {
                source_key: row.get(0)?,
                order: row.get(1)?,
                input_digest: row.get(2)?,
                gone: row.get(3)?,
                seen: row.get(4)?,
                differs: places.filter_map(|place| names.get(place).cloned()).collect(),
            })
        };
        self.connection.prepare(&sql)?.query_map([], touched)?.collect()
    }

    fn absent(&self, orders: &str, names: &[String]) -> rusqlite::Result<Vec<Absent>> {
        let hash = row_hash::hash_of("t", names);
        let (key, _) = &self.key;
        let sql = format!(
            "SELECT k.source_key, l.order_id, t.{key} IS NOT NULL AND {hash} IS NOT k.row_hash, t.{key} IS NULL, \
               EXISTS (SELECT 1 FROM chartlift_exempt e JOIN chartlift_load el ON el.id = e.load \
                 WHERE e.keyspace = k.keyspace AND e.source_key = k.source_key AND e.reason = 'absent' \
                 AND el.order_id IN (SELECT value FROM json_each(?2)) AND el.state = 'committed'), \
               CASE WHEN t.{key} IS NULL THEN 0 ELSE {hash} END \
             FROM chartlift_crosswalk k JOIN chartlift_load l ON l.id = k.load \
             LEFT JOIN {} t ON t.{key} = k.{} \
             WHERE k.keyspace = ?1 AND (k.created = 1 OR k.updated = 1) \
               AND k.source_key NOT IN (SELECT key FROM {}) ORDER BY k.source_key",
            quoted(&self.table.name),
            row_hash::link_column(self.kind),
            self.compared
        );
        let absent = |row: &Row<'_>| {
            Ok(Absent {
                source_key: row.get(0)?,
                order: row.get(1)?,
                edited: row.get(2)?,
                gone: row.get(3)?,
                listed: row.get(4)?,
                seen: row.get(5)?,
            })
        };
        self.connection.prepare(&sql)?.query_map(params![self.plan.keyspace, orders], absent)?.collect()
    }
}

/// Notes rows for which the load does not answer; `load` and the keyspace of the rows.
pub(super) fn exempt(
    connection: &Connection,
    table: &TableSpec,
    (load, keyspace): (i64, i64),
    rows: &[(String, Exemption)],
) -> Result<(), Error> {
    let write = || -> rusqlite::Result<()> {
        let sql = "INSERT INTO chartlift_exempt (load, keyspace, source_key, reason) VALUES (?, ?, ?, ?)";
        let mut insert = connection.prepare_cached(sql)?;
        for (key, reason) in rows {
            insert.execute(params![load, keyspace, key, reason.name()])?;
        }
        Ok(())
    };
    write().map_err(refused_at(COMPARE, &table.name))
}
