//! What goes, goes; what was changed or deleted becomes as it was; then it is proved.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

use super::{DOING, Open, Reference, Space, goes, same_table};
use crate::Error;
use crate::failpoint;
use crate::hash::hash_text_extended;
use crate::target::roll_back::deletion_order;
use crate::target::sqlite::refusal::{refused, refused_at};
use crate::target::sqlite::row_hash::{self, Cell, read_cells};
use crate::target::sqlite::{quoted, quoted_part};
use crate::target::{Elsewhere, KeyKind, SlowReference, TableBack, TakenBack};

/// Tables with fewer rows are looked through for each row that goes; others get an index meanwhile.
const SMALL_TABLE_ROWS: i64 = 1000;

/// A row as it was before the load.
struct Image {
    source_key: String,
    target_key: String,
    columns: Vec<String>,
    /// As the load kept them.
    text: String,
    cells: Vec<Cell>,
}

impl Open {
    pub(super) fn take_back(&self) -> Result<TakenBack, Error> {
        let mut done = TakenBack { tables: vec![TableBack::default(); self.tables], ..TakenBack::default() };
        let slow = self.make_indexes()?;
        let changed_before = self.connection.total_changes();
        let order = self.order();
        // Rows that the load changed may refer to rows that it created: they let go of them first.
        for space in &self.spaces {
            at(&mut done, space).restored +=
                self.each_image(space, "b.deleted = 0", |image| self.restore(space, &image))?;
        }
        for space in order.iter().flatten().filter_map(|at| self.spaces.get(*at)) {
            at(&mut done, space).removed += self.delete_created(space)?;
            failpoint::hit("rollback-rows");
        }
        for space in order.iter().rev().flatten().filter_map(|at| self.spaces.get(*at)) {
            at(&mut done, space).returned +=
                self.each_image(space, "b.deleted = 1", |image| self.make_again(space, &image))?;
        }
        let own: u64 = done.tables.iter().map(|table| table.removed + table.restored + table.returned).sum();
        let further = (self.connection.total_changes() - changed_before).saturating_sub(own);
        if further > 0 {
            // SQLite counts what triggers changed, and does not say where.
            let table = "*".to_owned();
            done.elsewhere.push(Elsewhere { table, inserted: 0, updated: further, deleted: 0 });
        }
        for space in &self.spaces {
            self.prove(space, &mut done)?;
            at(&mut done, space).kept += self.count_kept(space)?;
        }
        for slow in &slow {
            let sql = format!("DROP INDEX {}", index_name(slow.0));
            self.connection.execute_batch(&sql).map_err(refused(DOING))?;
        }
        done.slow = slow.into_iter().map(|(_, slow)| slow).collect();
        self.settle_bookkeeping(&done)?;
        Ok(done)
    }

    /// The places of the spaces, whoever refers before what it refers to.
    fn order(&self) -> Vec<Vec<usize>> {
        let mut pairs = Vec::new();
        for reference in &self.references {
            for (from, child) in self.spaces.iter().enumerate() {
                for (to, parent) in self.spaces.iter().enumerate() {
                    let both = same_table(&child.spec.name, &reference.child)
                        && same_table(&parent.spec.name, &reference.parent);
                    if both && !same_table(&child.spec.name, &parent.spec.name) {
                        pairs.push((from, to));
                    }
                }
            }
        }
        deletion_order(self.spaces.len(), &pairs)
    }

    /// For every row that goes the database asks whether others refer to it: without an index it would read the whole
    /// table each time.
    fn make_indexes(&self) -> Result<Vec<(usize, SlowReference)>, Error> {
        let mut slow = Vec::new();
        for (number, reference) in self.references.iter().enumerate() {
            if !lacks_index(&self.connection, reference).map_err(refused_at(DOING, &reference.child))? {
                continue;
            }
            let columns: Vec<String> = reference.columns.iter().map(|name| quoted_part(name)).collect();
            let sql = format!(
                "CREATE INDEX {} ON {} ({})",
                index_name(number),
                quoted(&reference.child),
                columns.join(", ")
            );
            self.connection.execute_batch(&sql).map_err(refused_at(DOING, &reference.child))?;
            let (table, columns) = (reference.child.clone(), reference.columns.clone());
            slow.push((number, SlowReference { table, columns, indexed_meanwhile: true }));
        }
        Ok(slow)
    }

    fn delete_created(&self, space: &Space) -> Result<u64, Error> {
        let sql = format!(
            "DELETE FROM {} WHERE {} IN (SELECT k.{} FROM chartlift_crosswalk k \
             WHERE k.keyspace = ?1 AND k.load = ?2 AND k.created = 1 AND {})",
            space.table(),
            quoted_part(&space.spec.key()?.0.name),
            row_hash::link_column(space.spec.key()?.1),
            goes("k")
        );
        let gone = self.connection.execute(&sql, [space.keyspace, self.load.id]);
        gone.map(|rows| rows as u64).map_err(refused_at(DOING, &space.spec.name))
    }

    /// Calls with the before-images of rows that do not stay, one after the other; answers how many there were.
    fn each_image(
        &self,
        space: &Space,
        which: &str,
        mut take: impl FnMut(Image) -> Result<(), Error>,
    ) -> Result<u64, Error> {
        let sql = format!(
            "SELECT b.source_key, b.target_key, b.columns, b.cells FROM chartlift_before b \
             WHERE b.load = ?1 AND b.keyspace = ?2 AND {which} AND {} ORDER BY b.source_key",
            goes("b")
        );
        let refused = refused_at(DOING, &space.spec.name);
        let broken = || Error::shape(&space.spec.name, "*", "what a row was before the load cannot be read");
        let mut statement = self.connection.prepare(&sql).map_err(&refused)?;
        let mut rows = statement.query([self.load.id, space.keyspace]).map_err(&refused)?;
        let mut count = 0;
        while let Some(row) = rows.next().map_err(&refused)? {
            let get = |at: usize| row.get::<_, String>(at).map_err(&refused);
            let (columns, text) = (get(2)?, get(3)?);
            let columns: Vec<String> = serde_json::from_str(&columns).map_err(|_| broken())?;
            let cells = read_cells(&text).filter(|cells| cells.len() == columns.len()).ok_or_else(broken)?;
            take(Image { source_key: get(0)?, target_key: get(1)?, columns, text, cells })?;
            count += 1;
        }
        Ok(count)
    }

    fn restore(&self, space: &Space, image: &Image) -> Result<(), Error> {
        let bound = image.columns.iter().zip(&image.cells);
        let cells = bound.map(|(name, cell)| format!("{} = {}", quoted_part(name), place_of(cell)));
        let sql = format!(
            "UPDATE {} SET {} WHERE {} = ?",
            space.table(),
            cells.collect::<Vec<_>>().join(", "),
            quoted_part(&space.spec.key()?.0.name)
        );
        let key = Value::Text(image.target_key.clone());
        self.write(space, &sql, image.cells.iter().map(value_of).chain([key]))
    }

    fn make_again(&self, space: &Space, image: &Image) -> Result<(), Error> {
        let names: Vec<String> = image.columns.iter().map(|name| quoted_part(name)).collect();
        let places: Vec<&str> = image.cells.iter().map(place_of).collect();
        let sql =
            format!("INSERT INTO {} ({}) VALUES ({})", space.table(), names.join(", "), places.join(", "));
        self.write(space, &sql, image.cells.iter().map(value_of))
    }

    fn write(&self, space: &Space, sql: &str, values: impl Iterator<Item = Value>) -> Result<(), Error> {
        let write = || self.connection.prepare_cached(sql)?.execute(params_from_iter(values));
        match write().map_err(refused_at(DOING, &space.spec.name))? {
            1 => Ok(()),
            _ => Err(unproved(space, vec!["*".to_owned()])),
        }
    }

    /// The rows as the load had found them and as they are now have the same cells; what was created is gone.
    fn prove(&self, space: &Space, done: &mut TakenBack) -> Result<(), Error> {
        let mut sums = (0_i128, 0_i128);
        self.each_image(space, "true", |image| {
            let now = self.cells_now(space, &image)?.ok_or_else(|| unproved(space, vec!["*".to_owned()]))?;
            if now != image.text {
                return Err(unproved(space, differing(&image, &now)));
            }
            let seed = hash_text_extended(image.source_key.as_bytes(), 0);
            sums.0 += i128::from(hash_text_extended(image.text.as_bytes(), seed));
            sums.1 += i128::from(hash_text_extended(now.as_bytes(), seed));
            Ok(())
        })?;
        let table = at(done, space);
        table.digest_before = table.digest_before.wrapping_add(sums.0);
        table.digest_after = table.digest_after.wrapping_add(sums.1);
        let sql = format!(
            "SELECT EXISTS (SELECT 1 FROM chartlift_crosswalk k JOIN {} t ON {} \
             WHERE k.keyspace = ?1 AND k.load = ?2 AND k.created = 1 AND {})",
            space.table(),
            space.link("t", "k")?,
            goes("k")
        );
        let left = self.connection.query_row(&sql, [space.keyspace, self.load.id], |row| row.get(0));
        if left.map_err(refused_at(DOING, &space.spec.name))? {
            return Err(unproved(space, vec!["*".to_owned()]));
        }
        Ok(())
    }

    fn cells_now(&self, space: &Space, image: &Image) -> Result<Option<String>, Error> {
        let sql = format!(
            "SELECT {} FROM {} t WHERE {} = ?",
            row_hash::cells_of("t", &image.columns),
            space.table(),
            space.key("t")?
        );
        let read = || -> rusqlite::Result<Option<String>> {
            self.connection.prepare_cached(&sql)?.query_row([&image.target_key], |row| row.get(0)).optional()
        };
        read().map_err(refused_at(DOING, &space.spec.name))
    }

    fn count_kept(&self, space: &Space) -> Result<u64, Error> {
        let sql = format!(
            "SELECT count(*) FROM chartlift_crosswalk k WHERE k.keyspace = ?1 AND k.load = ?2 \
             AND (k.created = 1 OR k.updated = 1) AND NOT {}",
            goes("k")
        );
        let kept =
            self.connection.query_row(&sql, [space.keyspace, self.load.id], |row| row.get::<_, i64>(0));
        kept.map(i64::cast_unsigned).map_err(refused(DOING))
    }

    /// Entries as they were before the load; of what stays, as they are.
    fn settle_bookkeeping(&self, done: &TakenBack) -> Result<(), Error> {
        let load = self.load.id;
        let run = |sql: &str| self.connection.execute(sql, params![load]).map_err(refused(DOING));
        let goes = goes("b");
        run(&format!(
            "UPDATE chartlift_crosswalk AS k SET load = b.entry_load, created = b.entry_created, \
             updated = b.entry_updated, row_hash = b.entry_row_hash FROM chartlift_before b WHERE b.load = ?1 \
             AND b.deleted = 0 AND b.entry_load IS NOT NULL AND {goes} \
             AND k.keyspace = b.keyspace AND k.source_key = b.source_key"
        ))?;
        for space in &self.spaces {
            let (uuid, key) = match space.spec.key()?.1 {
                KeyKind::Uuid => ("b.target_key", "NULL"),
                KeyKind::Linked => ("NULL", "b.target_key"),
                KeyKind::Natural => ("NULL", "NULL"),
            };
            let sql = format!(
                "INSERT INTO chartlift_crosswalk \
                 (keyspace, source_key, target_uuid, target_key, load, created, updated, row_hash) \
                 SELECT b.keyspace, b.source_key, {uuid}, {key}, b.entry_load, b.entry_created, b.entry_updated, \
                 b.entry_row_hash FROM chartlift_before b WHERE b.load = ?1 AND b.keyspace = ?2 AND b.deleted = 1 \
                 AND b.entry_load IS NOT NULL AND {goes}"
            );
            self.connection.execute(&sql, params![load, space.keyspace]).map_err(refused(DOING))?;
        }
        run(&format!(
            "INSERT INTO chartlift_exempt (load, keyspace, source_key, reason) \
             SELECT b.entry_load, b.keyspace, b.source_key, 'edited' FROM chartlift_before b \
             WHERE b.load = ?1 AND b.edited = 1 AND b.entry_load IS NOT NULL AND {goes} \
             ON CONFLICT (load, keyspace, source_key) DO UPDATE SET reason = 'edited'"
        ))?;
        for table in ["crosswalk", "before", "exempt"] {
            run(&format!("DELETE FROM chartlift_{table} AS b WHERE b.load = ?1 AND {goes}"))?;
        }
        failpoint::hit("rollback-entries");
        let partly = done.tables.iter().any(|table| table.kept > 0);
        let state = if partly { "partly-rolled-back" } else { "rolled-back" };
        run(&format!("UPDATE chartlift_load SET state = '{state}' WHERE id = ?1"))?;
        Ok(())
    }
}

fn at<'a>(done: &'a mut TakenBack, space: &Space) -> &'a mut TableBack {
    #[expect(clippy::indexing_slicing, reason = "a space's place is one among the tables")]
    &mut done.tables[space.at]
}

fn unproved(space: &Space, columns: Vec<String>) -> Error {
    Error::Unproved { table: space.spec.name.clone(), columns }
}

/// The columns whose cells are other ones.
fn differing(image: &Image, now: &str) -> Vec<String> {
    let read = |text: &str| serde_json::from_str::<Vec<Option<String>>>(text).unwrap_or_default();
    let (was, is) = (read(&image.text), read(now));
    let pairs = image.columns.iter().zip(was.iter().zip(&is));
    pairs.filter(|(_, (was, is))| was != is).map(|(name, _)| name.clone()).collect()
}

fn place_of(cell: &Cell) -> &'static str {
    match cell {
        Cell::Value(_) => "?",
        Cell::Bytes(_) => "CAST(? AS TEXT)",
    }
}

fn value_of(cell: &Cell) -> Value {
    match cell {
        Cell::Value(value) => value.clone(),
        Cell::Bytes(bytes) => Value::Blob(bytes.clone()),
    }
}

fn index_name(number: usize) -> String {
    format!("chartlift_rollback_{number}")
}

/// A key or index whose first column is one of those that refer would do.
fn lacks_index(connection: &Connection, reference: &Reference) -> rusqlite::Result<bool> {
    let sql = "SELECT i.name FROM pragma_index_list(?) l JOIN pragma_index_info(l.name) i ON i.seqno = 0 \
               WHERE l.partial = 0 UNION ALL SELECT name FROM pragma_table_info(?1) WHERE pk = 1";
    let mut statement = connection.prepare(sql)?;
    let first = statement.query_map([&reference.child], |row| row.get::<_, Option<String>>(0))?;
    for name in first {
        if name?.is_some_and(|name| reference.columns.iter().any(|column| column.eq_ignore_ascii_case(&name)))
        {
            return Ok(false);
        }
    }
    let rows = format!("SELECT count(*) FROM (SELECT 1 FROM {} LIMIT ?)", quoted(&reference.child));
    connection
        .query_row(&rows, [SMALL_TABLE_ROWS], |row| row.get::<_, i64>(0))
        .map(|rows| rows >= SMALL_TABLE_ROWS)
}
