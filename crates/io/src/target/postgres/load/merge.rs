//! Staged rows become rows of their table, by few statements over all of them.
//!
//! Rows that may be there are compared once, by one join, into a second temporary table that has each row's place and
//! what its cells were; the statements after it read that table from front to back and never look for a row again.

use super::super::session::Session;
use super::super::{bookkeeping, catalog, digest, quoted, quoted_part};
use super::{Plan, WRITE, stage};
use crate::Error;
use crate::target::{CatalogTable, KeyKind, Merged, Role, Rulings, TableSpec, TypeClass, WriteMode};

pub(super) const COMPARE: &str = "compare rows with those that are there";
const BEFORE: &str = "keep what rows were";

/// The default would spill the join, and compiling the query costs more than it saves.
const MEMORY: &str = "SET LOCAL work_mem = '128MB'; SET LOCAL jit = off";

/// One table's staged rows, and where they go.
pub(super) struct Merge<'a> {
    pub(super) session: &'a Session,
    pub(super) table: &'a TableSpec,
    pub(super) plan: &'a Plan,
    load: i32,
    pub(super) entry: CatalogTable,
    /// The table that rows wait in, and the one with what comparing them came to.
    stage: &'a str,
    pub(super) compared: String,
    /// In the table and staged.
    key: (String, String),
    class: TypeClass,
}

impl<'a> Merge<'a> {
    pub(super) async fn new(
        session: &'a Session,
        table: &'a TableSpec,
        plan: &'a Plan,
        (stage, load): (&'a str, i32),
    ) -> Result<Self, Error> {
        let entry = catalog::read_table(session, &table.name).await?;
        let (key, _) = table.key()?;
        let class = digest::class_of(&entry, &key.name);
        let key = (quoted_part(&key.name), stage::column(plan.key));
        let compared = format!("{stage}_compared");
        Ok(Self { session, table, plan, load, entry, stage, compared, key, class })
    }

    /// Brings `rows` staged rows into the table.
    pub(super) async fn run(&self, rows: u64, rulings: &Rulings, compared: bool) -> Result<Merged, Error> {
        let merged = if self.table.mode == WriteMode::Late {
            self.prepare().await?;
            self.fill_in().await?;
            Merged::default()
        } else if compared {
            self.apply(rulings).await?
        } else if self.compares() {
            self.look(rows).await?;
            self.apply(rulings).await?
        } else {
            self.prepare().await?;
            let inserted = self.insert(self.stage, "true", rows).await?;
            self.enter(self.stage, "true", "true", "NULL").await?;
            Merged { inserted, ..Merged::default() }
        };
        self.run_sql(WRITE, &format!("DROP TABLE IF EXISTS {}, {}", self.stage, self.compared)).await?;
        Ok(merged)
    }

    fn compares(&self) -> bool {
        self.table.mode.compares() || self.plan.follows
    }

    /// Compares the staged rows with those that are there.
    pub(super) async fn look(&self, rows: u64) -> Result<(), Error> {
        self.prepare().await?;
        self.lock().await?;
        self.compare(rows).await
    }

    async fn prepare(&self) -> Result<(), Error> {
        self.run_sql(COMPARE, MEMORY).await?;
        self.run_sql(COMPARE, &format!("ANALYZE {}", self.stage)).await
    }

    /// What rows were is only kept truly where nobody writes to them meanwhile.
    async fn lock(&self) -> Result<(), Error> {
        let sql = format!("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE", quoted(&self.table.name));
        self.run_sql("lock the table", &sql).await
    }

    /// Finds for every staged row the one that is there, and what it was where its cells differ.
    async fn compare(&self, rows: u64) -> Result<(), Error> {
        let (key, staged_key) = &self.key;
        let anybodys = matches!(self.table.mode, WriteMode::Upsert | WriteMode::Fill);
        let cells = if anybodys || self.plan.follows {
            // Of other modes only rows that an earlier load wrote are written to.
            let own = if anybodys { "true" } else { "coalesce(k.created OR k.updated, false)" };
            let cells = self.old_cells().await?;
            format!("CASE WHEN t.ctid IS NOT NULL AND {own} AND ({}) THEN {cells} END", self.differs())
        } else {
            "NULL::text[]".to_owned()
        };
        let (entry, join) = if self.plan.new_keyspace {
            (
                "NULL::integer AS entry_load, NULL::boolean AS entry_created, NULL::boolean AS entry_updated",
                String::new(),
            )
        } else {
            let keyspace = self.plan.keyspace;
            let join = format!(
                " LEFT JOIN chartlift.crosswalk k ON k.keyspace = {keyspace} AND k.source_key = s.key \
                 AND k.load <> {}",
                self.load
            );
            ("k.load AS entry_load, k.created AS entry_created, k.updated AS entry_updated", join)
        };
        let sql = format!(
            "CREATE TEMP TABLE {} ON COMMIT DROP AS \
             SELECT s.*, t.ctid AS place, t.tableoid AS part, t.xmin AS writer, {cells} AS cells, {entry} \
             FROM {} s LEFT JOIN {} t ON t.{key} = s.{staged_key}{join}",
            self.compared.trim_start_matches("pg_temp."),
            self.stage,
            quoted(&self.table.name)
        );
        let found = self.execute(COMPARE, &sql).await?;
        if found != rows {
            let (key, _) = self.table.key()?;
            let problem = "several rows have one key: rows cannot be found by it";
            return Err(Error::shape(&self.table.name, &key.name, problem));
        }
        self.run_sql(COMPARE, &format!("ANALYZE {}", self.compared)).await
    }

    /// Whether a cell that is written differs from the one that is there.
    fn differs(&self) -> String {
        let mut differs = Vec::new();
        for (at, column) in self.table.columns.iter().enumerate() {
            if matches!(column.role, Role::Key(_)) {
                continue;
            }
            let class = digest::class_of(&self.entry, &column.name);
            if self.table.mode == WriteMode::Fill {
                differs.push(self.fills(at, &column.name));
                continue;
            }
            let there = alike(&format!("t.{}", quoted_part(&column.name)), class);
            let new = alike(&format!("s.{}", stage::column(at)), class);
            differs.push(format!("{there} IS DISTINCT FROM {new}"));
        }
        if differs.is_empty() { "false".to_owned() } else { differs.join(" OR ") }
    }

    /// Whether a cell is empty and the load has something for it.
    fn fills(&self, at: usize, column: &str) -> String {
        let class = digest::class_of(&self.entry, column);
        let (there, new) = (format!("t.{}", quoted_part(column)), format!("s.{}", stage::column(at)));
        if class == TypeClass::Text {
            format!("(coalesce({there}::text, '') = '' AND coalesce({new}::text, '') <> '')")
        } else {
            format!("({there} IS NULL AND {new} IS NOT NULL)")
        }
    }

    /// The text forms of all cells that can be written, as an array.
    async fn old_cells(&self) -> Result<String, Error> {
        let cells = written_columns(self.session, self.table).await?;
        let cells: Vec<String> = cells.iter().map(|name| format!("t.{}::text", quoted_part(name))).collect();
        Ok(format!("ARRAY[{}]", cells.join(", ")))
    }

    /// What is written to rows that were compared, in the bookkeeping and in the table.
    async fn apply(&self, rulings: &Rulings) -> Result<Merged, Error> {
        let kept = self.keep(&rulings.keep).await?;
        let skips = self.table.mode == WriteMode::SkipExisting;
        let follows = self.plan.follows;
        let written = "coalesce(entry_created OR entry_updated, false)";
        // A key that somebody else's row has is told by the table itself.
        let fresh_ones = match (self.table.mode, follows) {
            (WriteMode::Insert, true) => format!("(place IS NULL OR NOT {written})"),
            _ => "place IS NULL".to_owned(),
        };
        let counts = format!(
            "SELECT count(*) FILTER (WHERE {fresh_ones}), count(*) FILTER (WHERE cells IS NOT NULL), count(*), \
             count(entry_load), count(*) FILTER (WHERE place IS NOT NULL AND NOT {written}) FROM {}",
            self.compared
        );
        let row = self.session.client.query_one(&counts, &[]).await.map_err(self.session.refused(COMPARE))?;
        let count = |at: usize| row.get::<_, i64>(at) as u64;
        let (fresh, changed, all, known) = (count(0), count(1), count(2), count(3));
        let there = all - fresh - changed;
        if self.table.mode == WriteMode::Fill {
            return self.fill((all, fresh, changed)).await;
        }
        let taken_over = if skips || follows { "place IS NULL" } else { "true" };
        if changed > 0 || known > 0 {
            self.keep_before(taken_over).await?;
        }
        if changed > 0 {
            self.update(changed).await?;
        }
        let inserted = self.insert(&self.compared, &fresh_ones, fresh).await?;
        // Rows that earlier loads wrote and that stay as they are remain theirs, where the load follows them.
        let which = match (skips, follows) {
            (_, true) => "place IS NULL OR cells IS NOT NULL OR entry_load IS NULL",
            (true, false) => "place IS NULL OR entry_load IS NULL",
            (false, false) => "true",
        };
        let updated = if skips { "cells IS NOT NULL" } else { "place IS NOT NULL" };
        let updated = format!("CASE WHEN {updated} THEN true END");
        self.enter(&self.compared, which, "place IS NULL", &updated).await?;
        let matched = match (skips, follows) {
            (true, true) => count(4),
            (true, false) => there,
            _ => 0,
        };
        Ok(Merged { inserted, updated: changed, unchanged: there - matched, matched, filled: 0, kept })
    }

    /// Fills what is empty in rows that are there, and makes their entries this load's.
    async fn fill(&self, (all, fresh, changed): (u64, u64, u64)) -> Result<Merged, Error> {
        self.all_taken(all, all - fresh)?;
        if changed > 0 {
            self.keep_before("false").await?;
            self.update(changed).await?;
            let sql = format!(
                "UPDATE {} k SET load = {}, created = false, updated = true FROM {} s \
                 WHERE k.keyspace = {} AND k.source_key = s.key AND s.cells IS NOT NULL",
                self.plan.crosswalk, self.load, self.compared, self.plan.keyspace
            );
            self.run_sql(super::LINK, &sql).await?;
        }
        Ok(Merged { filled: changed, ..Merged::default() })
    }

    /// Leaves rows as they are that a ruling keeps.
    async fn keep(&self, keys: &[String]) -> Result<u64, Error> {
        if keys.is_empty() {
            return Ok(0);
        }
        let sql = format!(
            "WITH kept AS (DELETE FROM {} WHERE key = ANY($1) RETURNING key) \
             INSERT INTO chartlift.exempt (load, keyspace, source_key, reason) \
             SELECT {}, {}, key, 'kept' FROM kept",
            self.compared, self.load, self.plan.keyspace
        );
        let kept = self.session.client.execute(&sql, &[&keys]).await;
        kept.map_err(self.session.refused_at(BEFORE, &self.table.name))
    }

    /// Keeps what changed rows were, and what the crosswalk said of rows that become this load's: for those, where
    /// the row itself stays, without columns.
    async fn keep_before(&self, taken_over: &str) -> Result<(), Error> {
        let names = written_columns(self.session, self.table).await?;
        let names: Vec<String> = names.iter().map(|name| literal(name)).collect();
        // In the key's order, which makes its index grow at one end only.
        let sql = format!(
            "INSERT INTO chartlift.before (load, keyspace, source_key, target_key, deleted, edited, entry_load, \
             entry_created, entry_updated, columns, cells) \
             SELECT {}, {}, key, {}, false, \
             NOT coalesce(entry_created OR entry_updated, false) OR coalesce({}, true), \
             entry_load, entry_created, entry_updated, \
             CASE WHEN cells IS NULL THEN '{{}}'::text[] ELSE ARRAY[{}]::text[] END, coalesce(cells, '{{}}') \
             FROM {} WHERE cells IS NOT NULL OR (entry_load IS NOT NULL AND {taken_over}) ORDER BY key",
            self.load,
            self.plan.keyspace,
            self.key_text(),
            bookkeeping::foreign("writer"),
            names.join(", "),
            self.compared
        );
        self.run_sql(BEFORE, &sql).await
    }

    /// Writes columns of rows that are this load's already.
    async fn fill_in(&self) -> Result<(), Error> {
        let mut cells = Vec::new();
        let mut given = Vec::new();
        for (at, column) in self.table.columns.iter().enumerate() {
            if !matches!(column.role, Role::Key(_)) {
                cells.push(format!("{} = s.{}", quoted_part(&column.name), stage::column(at)));
                given.push(format!("s.{} IS NOT NULL", stage::column(at)));
            }
        }
        let given = given.join(" OR ");
        let (key, staged_key) = &self.key;
        let (from, table) = (self.stage, quoted(&self.table.name));
        let counted = format!("SELECT count(*) FROM {from} s WHERE {given}");
        let refused = self.session.refused_at(WRITE, &self.table.name);
        let sent: i64 = self.session.client.query_one(&counted, &[]).await.map_err(refused)?.get(0);
        let sql = format!(
            "UPDATE {table} t SET {} FROM {from} s WHERE t.{key} = s.{staged_key} AND ({given})",
            cells.join(", ")
        );
        let taken = self.execute(WRITE, &sql).await?;
        self.all_taken(sent as u64, taken)
    }

    async fn update(&self, rows: u64) -> Result<(), Error> {
        let mut cells = Vec::new();
        for (at, column) in self.table.columns.iter().enumerate() {
            let (name, new) = (quoted_part(&column.name), stage::column(at));
            match column.role {
                Role::Key(_) => {}
                _ if self.table.mode == WriteMode::Fill => {
                    let fills = self.fills(at, &column.name);
                    cells.push(format!("{name} = CASE WHEN {fills} THEN s.{new} ELSE t.{name} END"));
                }
                _ => cells.push(format!("{name} = s.{new}")),
            }
        }
        // Each row is fetched by its place: no other way is as short.
        self.run_sql(WRITE, "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off").await?;
        let sql = format!(
            "UPDATE {} t SET {} FROM {} s WHERE t.ctid = s.place AND t.tableoid = s.part AND s.cells IS NOT NULL",
            quoted(&self.table.name),
            cells.join(", "),
            self.compared
        );
        let taken = self.execute(WRITE, &sql).await?;
        self.run_sql(WRITE, "SET LOCAL enable_hashjoin = on; SET LOCAL enable_mergejoin = on").await?;
        self.all_taken(rows, taken)
    }

    async fn insert(&self, from: &str, which: &str, rows: u64) -> Result<u64, Error> {
        let names: Vec<String> = self.table.columns.iter().map(|column| quoted_part(&column.name)).collect();
        let cells: Vec<String> = (0..names.len()).map(stage::column).collect();
        let sql = format!(
            "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {from} WHERE {which}",
            quoted(&self.table.name),
            names.join(", "),
            cells.join(", ")
        );
        let taken = if rows == 0 { 0 } else { self.execute(WRITE, &sql).await? };
        self.all_taken(rows, taken)?;
        Ok(taken)
    }

    /// Writes the crosswalk's entries; those that were there become this load's.
    async fn enter(&self, from: &str, which: &str, created: &str, updated: &str) -> Result<(), Error> {
        let Plan { keyspace, crosswalk, .. } = self.plan;
        let (_, kind) = self.table.key()?;
        let key = &self.key.1;
        let (uuid, text) = match kind {
            KeyKind::Uuid if self.class == TypeClass::Uuid => (key.clone(), "NULL".to_owned()),
            KeyKind::Uuid => (format!("{key}::uuid"), "NULL".to_owned()),
            KeyKind::Linked => ("NULL::uuid".to_owned(), self.key_text()),
            KeyKind::Natural => ("NULL::uuid".to_owned(), "NULL".to_owned()),
        };
        let (order, conflict) = if self.plan.new_keyspace {
            ("", "")
        } else if self.compares() {
            (
                " ORDER BY key",
                " ON CONFLICT (keyspace, source_key) DO UPDATE SET load = excluded.load, \
                 created = excluded.created, updated = excluded.updated, target_uuid = excluded.target_uuid, \
                 target_key = excluded.target_key",
            )
        } else {
            (" ORDER BY key", "")
        };
        let sql = format!(
            "INSERT INTO {crosswalk} (keyspace, load, created, target_uuid, source_key, target_key, updated) \
             SELECT {keyspace}, {}, {created}, {uuid}, key, {text}, {updated} FROM {from} WHERE {which}{order}{conflict}",
            self.load
        );
        self.run_sql(super::LINK, &sql).await
    }

    /// The staged key, as the crosswalk would hold it.
    fn key_text(&self) -> String {
        digest::plain(&self.key.1, self.class)
    }

    /// A trigger or a rule may swallow rows without an error.
    fn all_taken(&self, sent: u64, taken: u64) -> Result<(), Error> {
        if sent == taken {
            return Ok(());
        }
        Err(Error::Short { table: self.table.name.clone(), sent, taken })
    }

    pub(super) async fn run_sql(&self, doing: &'static str, sql: &str) -> Result<(), Error> {
        let refused = self.session.refused_at(doing, &self.table.name);
        self.session.client.batch_execute(sql).await.map_err(refused)
    }

    async fn execute(&self, doing: &'static str, sql: &str) -> Result<u64, Error> {
        let refused = self.session.refused_at(doing, &self.table.name);
        self.session.client.execute(sql, &[]).await.map_err(refused)
    }
}

/// A cell as it is compared: equal only where verify finds it equal.
pub(super) fn alike(name: &str, class: TypeClass) -> String {
    match class {
        TypeClass::Text => format!("{name}::text COLLATE \"C\""),
        TypeClass::Real => format!("float4send({name})"),
        TypeClass::Double => format!("float8send({name})"),
        TypeClass::Json | TypeClass::Jsonb | TypeClass::Array(_) | TypeClass::Unsupported => {
            format!("{name}::text COLLATE \"C\"")
        }
        _ => name.to_owned(),
    }
}

/// The names of all columns that the database does not compute.
pub(super) async fn written_columns(session: &Session, table: &TableSpec) -> Result<Vec<String>, Error> {
    let sql = "SELECT attname::text FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 \
               AND NOT attisdropped AND attgenerated = '' ORDER BY attnum";
    let rows = session.client.query(sql, &[&quoted(&table.name)]).await;
    let rows = rows.map_err(session.refused_at(COMPARE, &table.name))?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
