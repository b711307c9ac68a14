//! Staged rows become rows of their table, by few statements over all of them.

use rusqlite::{Connection, ToSql, params_from_iter};

use super::super::refusal::refused_at;
use super::super::{quoted, quoted_part, row_hash};
use super::session::Plan;
use crate::Error;
use crate::target::{
    KeyKind, Merged, Path, Reason, Role, Rulings, TablePlan, TableSpec, TypeClass, WriteMode,
};

pub(super) const COMPARE: &str = "compare rows with those that are there";
const BEFORE: &str = "keep what rows were";
const WRITE: &str = "insert rows";

/// References are checked at the commit, so only comparing needs a stage.
/// `follows`: earlier loads may have rows in the table that are to be compared.
pub(super) fn plan(table: &TableSpec, follows: bool) -> TablePlan {
    let reasons = [(table.mode.compares(), Reason::Mode), (follows, Reason::Follows)];
    let why: Vec<Reason> =
        reasons.into_iter().filter(|(holds, _)| *holds).map(|(_, reason)| reason).collect();
    TablePlan { path: if why.is_empty() { Path::Direct } else { Path::Staged }, why }
}

pub(super) fn column(at: usize) -> String {
    format!("c{}", at + 1)
}

/// Makes the table that rows wait in; its name. `number` tells stages of one load apart.
pub(super) fn stage(connection: &Connection, table: &TableSpec, number: usize) -> Result<String, Error> {
    let name = format!("temp.chartlift_stage_{number}");
    let columns: Vec<String> = table
        .columns
        .iter()
        .enumerate()
        .map(|(at, spec)| format!("t.{} AS {}", quoted_part(&spec.name), column(at)))
        .collect();
    // Affinities come with it, so that values are kept as the table would.
    let sql = format!(
        "CREATE TABLE {name} AS SELECT {}, CAST('' AS TEXT) AS key FROM {} t WHERE 0",
        columns.join(", "),
        quoted(&table.name)
    );
    connection.execute_batch(&sql).map_err(refused_at(WRITE, &table.name))?;
    Ok(name)
}

/// One table's staged rows, and where they go.
pub(super) struct Merge<'a> {
    pub(super) connection: &'a Connection,
    pub(super) table: &'a TableSpec,
    pub(super) plan: &'a Plan,
    load: i64,
    stage: &'a str,
    pub(super) compared: String,
    /// In the table and staged.
    pub(super) key: (String, String),
    pub(super) kind: KeyKind,
}

impl<'a> Merge<'a> {
    pub(super) fn new(
        connection: &'a Connection,
        table: &'a TableSpec,
        plan: &'a Plan,
        (stage, load): (&'a str, i64),
    ) -> Result<Self, Error> {
        let (key, kind) = table.key()?;
        let key = (quoted_part(&key.name), column(table.key_position()?));
        let compared = format!("{stage}_compared");
        Ok(Self { connection, table, plan, load, stage, compared, key, kind })
    }

    /// Brings `rows` staged rows into the table; `compared`: they are compared already.
    pub(super) fn run(&self, rows: u64, rulings: &Rulings, compared: bool) -> Result<Merged, Error> {
        let merged = if self.table.mode == WriteMode::Late {
            self.update(self.stage, "1", rows)?;
            Merged::default()
        } else {
            if !compared {
                self.compare(rows)?;
            }
            self.apply(rulings)?
        };
        for name in [self.stage, &self.compared] {
            self.execute(WRITE, &format!("DROP TABLE IF EXISTS {name}"), &[])?;
        }
        Ok(merged)
    }

    /// Finds for every staged row the one that is there, and what it was where its cells differ.
    pub(super) fn compare(&self, rows: u64) -> Result<(), Error> {
        let names = row_hash::columns(self.connection, &self.table.name)?;
        let (key, staged_key) = &self.key;
        let anybodys = matches!(self.table.mode, WriteMode::Upsert | WriteMode::Fill);
        let cells = if anybodys || self.plan.follows {
            // Of other modes only rows that an earlier load wrote are written to.
            let own = if anybodys { "1" } else { "coalesce(k.created = 1 OR k.updated = 1, 0)" };
            let cells = row_hash::cells_of("t", &names);
            format!("CASE WHEN t.{key} IS NOT NULL AND {own} AND ({}) THEN {cells} END", self.differs())
        } else {
            "NULL".to_owned()
        };
        let sql = format!(
            "CREATE TABLE {} AS SELECT s.*, t.{key} IS NOT NULL AS there, {cells} AS cells, \
             CASE WHEN t.{key} IS NOT NULL THEN {} END AS hash, k.load AS entry_load, k.created AS entry_created, \
             k.updated AS entry_updated, k.row_hash AS entry_row_hash \
             FROM {} s LEFT JOIN {} t ON t.{key} = s.{staged_key} \
             LEFT JOIN chartlift_crosswalk k ON k.keyspace = {} AND k.source_key = s.key AND k.load <> {}",
            self.compared,
            row_hash::hash_of("t", &names),
            self.stage,
            quoted(&self.table.name),
            self.plan.keyspace,
            self.load
        );
        self.execute(COMPARE, &sql, &[])?;
        if self.count("1")? != rows {
            let (key, _) = self.table.key()?;
            let problem = "several rows have one key: rows cannot be found by it";
            return Err(Error::shape(&self.table.name, &key.name, problem));
        }
        Ok(())
    }

    /// Whether a cell that is written differs from the one that is there.
    fn differs(&self) -> String {
        let mut differs = Vec::new();
        for (at, spec) in self.table.columns.iter().enumerate() {
            if matches!(spec.role, Role::Key(_)) {
                continue;
            }
            differs.push(match self.table.mode {
                WriteMode::Fill => fills(at, &spec.name),
                _ => self.cell_differs(at, &spec.name, "s"),
            });
        }
        if differs.is_empty() { "0".to_owned() } else { differs.join(" OR ") }
    }

    /// Whether one column's cell differs; `of` has the rows to write.
    pub(super) fn cell_differs(&self, at: usize, name: &str, of: &str) -> String {
        let (there, new) = (format!("t.{}", quoted_part(name)), format!("{of}.{}", column(at)));
        let differs = format!("{there} IS NOT {new} COLLATE BINARY");
        if self.plan.classes.get(at) == Some(&TypeClass::Double) {
            // Zeros are equal whatever their sign; verify looks at their bits.
            return format!("({differs} OR CAST({there} AS TEXT) IS NOT CAST({new} AS TEXT))");
        }
        differs
    }

    /// What is written to rows that were compared, in the bookkeeping and in the table.
    fn apply(&self, rulings: &Rulings) -> Result<Merged, Error> {
        let kept = self.keep(&rulings.keep)?;
        if self.table.mode == WriteMode::Fill {
            return self.fill();
        }
        let skips = self.table.mode == WriteMode::SkipExisting;
        let follows = self.plan.follows;
        let written = "coalesce(entry_created = 1 OR entry_updated = 1, 0)";
        // A key that somebody else's row has is told by the table itself.
        let fresh_ones = match (self.table.mode, follows) {
            (WriteMode::Insert, true) => format!("(NOT there OR NOT {written})"),
            _ => "NOT there".to_owned(),
        };
        let fresh = self.count(&fresh_ones)?;
        let changed = self.count("cells IS NOT NULL")?;
        let there = self.count("1")? - fresh - changed;
        self.keep_before(if skips || follows { "NOT there" } else { "1" })?;
        if changed > 0 {
            self.update(&self.compared, "s.cells IS NOT NULL", changed)?;
        }
        let names: Vec<String> = self.table.columns.iter().map(|spec| quoted_part(&spec.name)).collect();
        let cells: Vec<String> = (0..names.len()).map(column).collect();
        let sql = format!(
            "INSERT INTO {} ({}) SELECT {} FROM {} WHERE {fresh_ones}",
            quoted(&self.table.name),
            names.join(", "),
            cells.join(", "),
            self.compared
        );
        let inserted = self.execute(WRITE, &sql, &[])?;
        self.all_taken(fresh, inserted)?;
        let matched = match (skips, follows) {
            (true, true) => self.count(&format!("there AND NOT {written}"))?,
            (true, false) => there,
            _ => 0,
        };
        self.enter(skips)?;
        Ok(Merged { inserted, updated: changed, unchanged: there - matched, matched, filled: 0, kept })
    }

    /// Fills what is empty in rows that are there, and makes their entries this load's.
    fn fill(&self) -> Result<Merged, Error> {
        let (all, there) = (self.count("1")?, self.count("there")?);
        self.all_taken(all, there)?;
        let changed = self.count("cells IS NOT NULL")?;
        self.keep_before("0")?;
        self.update(&self.compared, "s.cells IS NOT NULL", changed)?;
        let sql = format!(
            "UPDATE chartlift_crosswalk AS k SET load = ?1, created = 0, updated = 1 FROM {} s \
             WHERE k.keyspace = ?2 AND k.source_key = s.key AND s.cells IS NOT NULL",
            self.compared
        );
        self.execute("write the crosswalk", &sql, &[&self.load, &self.plan.keyspace])?;
        Ok(Merged { filled: changed, ..Merged::default() })
    }

    /// Leaves rows as they are that a ruling keeps.
    fn keep(&self, keys: &[String]) -> Result<u64, Error> {
        let mut kept = 0;
        for key in keys {
            let sql = format!("DELETE FROM {} WHERE key = ?1", self.compared);
            let gone = self.execute(BEFORE, &sql, &[key])?;
            if gone > 0 {
                let sql = "INSERT INTO chartlift_exempt (load, keyspace, source_key, reason) VALUES (?, ?, ?, 'kept')";
                self.execute(BEFORE, sql, &[&self.load, &self.plan.keyspace, key])?;
            }
            kept += gone;
        }
        Ok(kept)
    }

    /// Keeps what changed rows were, and what the crosswalk said of rows that become this load's: for those, where
    /// the row itself stays, without columns.
    fn keep_before(&self, taken_over: &str) -> Result<(), Error> {
        let names = row_hash::columns(self.connection, &self.table.name)?;
        let columns = serde_json::to_string(&names).unwrap_or_else(|_| "[]".to_owned());
        let sql = format!(
            "INSERT INTO chartlift_before (load, keyspace, source_key, target_key, deleted, edited, entry_load, \
             entry_created, entry_updated, entry_row_hash, columns, cells) \
             SELECT ?1, ?2, key, CAST({} AS TEXT), 0, \
             NOT coalesce((entry_created = 1 OR entry_updated = 1) AND hash = entry_row_hash, 0), \
             entry_load, entry_created, entry_updated, entry_row_hash, \
             CASE WHEN cells IS NULL THEN '[]' ELSE ?3 END, coalesce(cells, '[]') \
             FROM {} WHERE cells IS NOT NULL OR (entry_load IS NOT NULL AND {taken_over})",
            self.key.1, self.compared
        );
        self.execute(BEFORE, &sql, &[&self.load, &self.plan.keyspace, &columns])?;
        Ok(())
    }

    fn update(&self, from: &str, which: &str, rows: u64) -> Result<(), Error> {
        let mut cells = Vec::new();
        for (at, spec) in self.table.columns.iter().enumerate() {
            let (name, new) = (quoted_part(&spec.name), column(at));
            match spec.role {
                Role::Key(_) => {}
                _ if self.table.mode == WriteMode::Fill => {
                    let fills = fills(at, &spec.name);
                    cells.push(format!("{name} = CASE WHEN {fills} THEN s.{new} ELSE t.{name} END"));
                }
                _ => cells.push(format!("{name} = s.{new}")),
            }
        }
        let (key, staged_key) = &self.key;
        let sql = format!(
            "UPDATE {} AS t SET {} FROM {from} s WHERE t.{key} = s.{staged_key} AND {which}",
            quoted(&self.table.name),
            cells.join(", ")
        );
        let taken = self.execute(WRITE, &sql, &[])?;
        self.all_taken(rows, taken)
    }

    /// Writes the crosswalk's entries; those that were there become this load's.
    fn enter(&self, skips: bool) -> Result<(), Error> {
        let key = format!("CAST({} AS TEXT)", self.key.1);
        let (uuid, text) = match self.kind {
            KeyKind::Uuid => (key.as_str(), "NULL"),
            KeyKind::Linked => ("NULL", key.as_str()),
            KeyKind::Natural => ("NULL", "NULL"),
        };
        // Rows that earlier loads wrote and that stay as they are remain theirs, where the load follows them.
        let which = match (skips, self.plan.follows) {
            (_, true) => "NOT there OR cells IS NOT NULL OR entry_load IS NULL",
            (true, false) => "NOT there OR entry_load IS NULL",
            (false, false) => "1",
        };
        let updated = if skips { "cells IS NOT NULL" } else { "there" };
        let sql = format!(
            "INSERT INTO chartlift_crosswalk (keyspace, source_key, target_uuid, load, created, target_key, updated) \
             SELECT ?1, key, {uuid}, ?2, NOT there, {text}, CASE WHEN {updated} THEN 1 END FROM {} WHERE {which} \
             ON CONFLICT (keyspace, source_key) DO UPDATE SET load = excluded.load, created = excluded.created, \
             updated = excluded.updated, target_uuid = excluded.target_uuid, target_key = excluded.target_key",
            self.compared
        );
        self.execute("write the crosswalk", &sql, &[&self.plan.keyspace, &self.load])?;
        Ok(())
    }

    /// A trigger may swallow rows without an error.
    fn all_taken(&self, sent: u64, taken: u64) -> Result<(), Error> {
        if sent == taken {
            return Ok(());
        }
        Err(Error::Short { table: self.table.name.clone(), sent, taken })
    }

    fn count(&self, which: &str) -> Result<u64, Error> {
        let sql = format!("SELECT count(*) FROM {} WHERE {which}", self.compared);
        let rows: i64 = self
            .connection
            .query_row(&sql, [], |row| row.get(0))
            .map_err(refused_at(COMPARE, &self.table.name))?;
        Ok(rows.unsigned_abs())
    }

    fn execute(&self, doing: &'static str, sql: &str, parameters: &[&dyn ToSql]) -> Result<u64, Error> {
        let done = self.connection.execute(sql, params_from_iter(parameters));
        done.map(|rows| rows as u64).map_err(refused_at(doing, &self.table.name))
    }
}

/// Whether a cell is empty and the load has something for it.
fn fills(at: usize, name: &str) -> String {
    format!("(coalesce(t.{}, '') = '' AND coalesce(s.{}, '') <> '')", quoted_part(name), column(at))
}
