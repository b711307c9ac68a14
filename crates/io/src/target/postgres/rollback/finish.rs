//! What goes, goes; what was changed or deleted becomes as it was; then it is proved.

use super::{DOING, PostgresRollBack, Space};
use crate::Error;
use crate::failpoint;
use crate::target::name::quoted_part;
use crate::target::postgres::{bookkeeping, digest};
use crate::target::roll_back::deletion_order;
use crate::target::{Elsewhere, KeyKind, SlowReference, TableBack, TakenBack};

/// One table's before-images with the same columns.
struct Images {
    /// Its place among the spaces.
    space: usize,
    columns: Vec<String>,
    /// The columns' types, as SQL.
    types: Vec<String>,
    /// Columns that can be given a value only when a row is made.
    fixed: Vec<bool>,
}

impl PostgresRollBack {
    pub(super) async fn take_back(&self) -> Result<TakenBack, Error> {
        let load = self.load.id;
        let number = i32::try_from(load).unwrap_or_default();
        bookkeeping::insert_transaction(&self.session, number, "rollback").await?;
        let mut done = TakenBack { tables: vec![TableBack::default(); self.tables], ..TakenBack::default() };
        let images = self.images().await?;
        done.slow = self.make_indexes().await?;
        // Rows that the load changed may refer to rows that it created: they let go of them first.
        for images in &images {
            self.restore(images, &mut done).await?;
        }
        self.delete_created(&mut done).await?;
        for images in images.iter().rev() {
            self.return_deleted(images, &mut done).await?;
        }
        self.session.run(DOING, "SET CONSTRAINTS ALL IMMEDIATE").await?;
        self.drop_indexes(&done.slow).await?;
        for images in &images {
            self.prove(images, &mut done).await?;
        }
        for space in &self.spaces {
            self.prove_gone(space).await?;
            let kept = format!(
                "SELECT count(*) FROM chartlift.crosswalk k WHERE k.keyspace = {} AND k.load = {load} \
                 AND (k.created OR k.updated) AND NOT {}",
                space.keyspace,
                self.goes("k")
            );
            let kept = if self.keeps { self.count(&space.spec.name, &kept).await? } else { 0 };
            if let Some(table) = done.tables.get_mut(space.at) {
                table.kept += kept;
            }
        }
        done.elsewhere = self.elsewhere().await?;
        self.settle_bookkeeping(&done).await?;
        Ok(done)
    }

    async fn images(&self) -> Result<Vec<Images>, Error> {
        let sql =
            "SELECT DISTINCT b.columns FROM chartlift.before b WHERE b.load = $1::bigint AND b.keyspace = $2";
        let mut found = Vec::new();
        // Children first, as they are deleted: parents come back before them.
        for at in self.order().into_iter().flatten() {
            let Some(space) = self.spaces.get(at) else { continue };
            let rows = self.session.client.query(sql, &[&self.load.id, &space.keyspace]).await;
            for row in rows.map_err(self.session.refused(DOING))? {
                let columns: Vec<String> = row.get(0);
                let (types, fixed) = self.types(space, &columns).await?;
                found.push(Images { space: at, columns, types, fixed });
            }
        }
        Ok(found)
    }

    async fn types(&self, space: &Space, columns: &[String]) -> Result<(Vec<String>, Vec<bool>), Error> {
        let sql = "SELECT attname::text, format_type(atttypid, atttypmod), attidentity = 'a' FROM pg_attribute \
                   WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped";
        let rows =
            self.session.client.query(sql, &[&space.oid]).await.map_err(self.session.refused(DOING))?;
        let mut types: Vec<(String, bool)> = Vec::new();
        for column in columns {
            let row = rows.iter().find(|row| row.get::<_, &str>(0) == column);
            let row = row.ok_or_else(|| {
                Error::shape(
                    &space.spec.name,
                    column,
                    "the database no longer has the column, which the load changed",
                )
            })?;
            types.push((row.get(1), row.get(2)));
        }
        Ok(types.into_iter().unzip())
    }

    /// The places of the spaces, whoever refers before what it refers to.
    fn order(&self) -> Vec<Vec<usize>> {
        let mut pairs = Vec::new();
        for reference in &self.references {
            for (from, child) in self.spaces.iter().enumerate() {
                for (to, parent) in self.spaces.iter().enumerate() {
                    let both = child.oid == reference.child_root && parent.oid == reference.parent_root;
                    // Two systems' rows of one table go together.
                    if both && child.oid != parent.oid {
                        pairs.push((from, to));
                    }
                }
            }
        }
        deletion_order(self.spaces.len(), &pairs)
    }

    /// For every row that goes the database asks whether others refer to it: without an index it would read the whole
    /// table each time. We are the only ones who may write to these tables now.
    async fn make_indexes(&self) -> Result<Vec<SlowReference>, Error> {
        let mut slow = Vec::new();
        for (number, reference) in self.references.iter().enumerate() {
            if reference.indexed || !reference.large {
                continue;
            }
            if reference.owned {
                let columns: Vec<String> = reference.columns.iter().map(|name| quoted_part(name)).collect();
                let sql = format!(
                    "CREATE INDEX \"{}\" ON {} ({})",
                    index_name(number),
                    reference.child,
                    columns.join(", ")
                );
                self.change(&reference.child, &sql).await?;
            }
            slow.push(SlowReference {
                table: reference.child.clone(),
                columns: reference.columns.clone(),
                indexed_meanwhile: reference.owned,
            });
        }
        Ok(slow)
    }

    async fn drop_indexes(&self, slow: &[SlowReference]) -> Result<(), Error> {
        if slow.iter().all(|one| !one.indexed_meanwhile) {
            return Ok(());
        }
        for (number, reference) in self.references.iter().enumerate() {
            if reference.indexed || !reference.large || !reference.owned {
                continue;
            }
            // An index lies in the schema of its table.
            let schema = "SELECT n.nspname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                          WHERE c.oid = to_regclass($1)";
            let schema = self.session.client.query_one(schema, &[&reference.child]).await;
            let schema: String = schema.map_err(self.session.refused(DOING))?.get(0);
            let sql = format!("DROP INDEX {}.\"{}\"", quoted_part(&schema), index_name(number));
            self.change(&reference.child, &sql).await?;
        }
        Ok(())
    }

    /// The rows that the load created. Tables that refer to one another in a circle go in one statement, at whose end
    /// the database looks at their references.
    async fn delete_created(&self, done: &mut TakenBack) -> Result<(), Error> {
        let load = self.load.id;
        for wave in self.order() {
            let spaces: Vec<&Space> = wave.iter().filter_map(|at| self.spaces.get(*at)).collect();
            let (mut deletes, mut counts) = (Vec::new(), Vec::new());
            for (number, space) in spaces.iter().enumerate() {
                deletes.push(format!(
                    "d{number} AS (DELETE FROM {} t USING chartlift.crosswalk k WHERE k.keyspace = {} \
                     AND k.load = {load} AND k.created AND {} AND {} RETURNING 1)",
                    space.table(),
                    space.keyspace,
                    self.goes("k"),
                    space.link("t", "k")?
                ));
                counts.push(format!("(SELECT count(*) FROM d{number})"));
            }
            let Some(first) = spaces.first() else { continue };
            let sql = format!("WITH {} SELECT {}", deletes.join(", "), counts.join(", "));
            let row = self.session.client.query_one(&sql, &[]).await;
            let row = row.map_err(self.session.refused_at(DOING, &first.spec.name))?;
            for (number, space) in spaces.iter().enumerate() {
                if let Some(table) = done.tables.get_mut(space.at) {
                    table.removed += row.get::<_, i64>(number).cast_unsigned();
                }
            }
            failpoint::hit("rollback-rows");
        }
        Ok(())
    }

    /// The condition that a before-image `b` is one of these and that its row does not stay; `deleted`: its row was
    /// deleted by the load.
    fn of_images(&self, images: &Images, space: &Space, deleted: &str) -> String {
        let names: Vec<String> =
            images.columns.iter().map(|name| format!("'{}'", name.replace('\'', "''"))).collect();
        format!(
            "b.load = {} AND b.keyspace = {} AND {deleted} AND b.columns = ARRAY[{}]::text[] AND {}",
            self.load.id,
            space.keyspace,
            names.join(", "),
            self.goes("b")
        )
    }

    async fn restore(&self, images: &Images, done: &mut TakenBack) -> Result<(), Error> {
        let Some(space) = self.spaces.get(images.space) else { return Ok(()) };
        let cells = images.columns.iter().zip(&images.types).zip(&images.fixed).enumerate();
        let cells = cells
            .filter(|(_, (_, fixed))| !**fixed)
            .map(|(at, ((name, kind), _))| format!("{} = b.cells[{}]::{kind}", quoted_part(name), at + 1));
        let changed = self.of_images(images, space, "NOT b.deleted");
        let sql = format!(
            "UPDATE {} t SET {} FROM chartlift.before b WHERE {changed} AND {}",
            space.table(),
            cells.collect::<Vec<_>>().join(", "),
            same_row(space)?
        );
        let restored = self.change(&space.spec.name, &sql).await?;
        if let Some(table) = done.tables.get_mut(space.at) {
            table.restored += restored;
        }
        Ok(())
    }

    async fn return_deleted(&self, images: &Images, done: &mut TakenBack) -> Result<(), Error> {
        let Some(space) = self.spaces.get(images.space) else { return Ok(()) };
        let names: Vec<String> = images.columns.iter().map(|name| quoted_part(name)).collect();
        let cells = images.types.iter().enumerate().map(|(at, kind)| format!("b.cells[{}]::{kind}", at + 1));
        let sql = format!(
            "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM chartlift.before b WHERE {}",
            space.table(),
            names.join(", "),
            cells.collect::<Vec<_>>().join(", "),
            self.of_images(images, space, "b.deleted")
        );
        let returned = self.change(&space.spec.name, &sql).await?;
        if let Some(table) = done.tables.get_mut(space.at) {
            table.returned += returned;
        }
        Ok(())
    }

    /// The rows as the load had found them and as they are now: the same number, and the same cells.
    async fn prove(&self, images: &Images, done: &mut TakenBack) -> Result<(), Error> {
        let Some(space) = self.spaces.get(images.space) else { return Ok(()) };
        let key = format!("t.{}", quoted_part(&space.spec.key()?.0.name));
        let name = |name: &String| format!("t.{}::text", quoted_part(name));
        let now: Vec<String> = images.columns.iter().map(name).collect();
        let hash = |cells: &str| {
            let own = "hashtextextended(b.source_key, 0)";
            format!("coalesce(sum(hashtextextended({cells} COLLATE \"C\", {own})), 0)::text")
        };
        let differs = now.iter().enumerate().map(|(at, cell)| {
            format!(", bool_or({key} IS NOT NULL AND {cell} IS DISTINCT FROM b.cells[{}])", at + 1)
        });
        let sql = format!(
            "SELECT {}, {}, bool_or({key} IS NULL){} FROM chartlift.before b LEFT JOIN {} t ON {} WHERE {}",
            hash("b.cells::text"),
            hash(&format!("(ARRAY[{}]::text[])::text", now.join(", "))),
            differs.collect::<String>(),
            space.table(),
            same_row(space)?,
            self.of_images(images, space, "true"),
        );
        let row = self.session.client.query_one(&sql, &[]).await;
        let row = row.map_err(self.session.refused_at(DOING, &space.spec.name))?;
        let sum = |at: usize| row.get::<_, &str>(at).parse::<i128>().unwrap_or_default();
        let lost = row.get::<_, Option<bool>>(2).unwrap_or_default();
        if sum(0) != sum(1) || lost {
            let differing = images.columns.iter().enumerate();
            let differing =
                differing.filter(|(at, _)| row.get::<_, Option<bool>>(at + 3).unwrap_or_default());
            let mut columns: Vec<String> = differing.map(|(_, name)| name.clone()).collect();
            if columns.is_empty() {
                columns.push("*".to_owned());
            }
            return Err(Error::Unproved { table: space.spec.name.clone(), columns });
        }
        if let Some(table) = done.tables.get_mut(space.at) {
            table.digest_before = table.digest_before.wrapping_add(sum(0));
            table.digest_after = table.digest_after.wrapping_add(sum(1));
        }
        Ok(())
    }

    /// A trigger may keep rows from being deleted, or make them anew.
    async fn prove_gone(&self, space: &Space) -> Result<(), Error> {
        let sql = format!(
            "SELECT count(*) FROM chartlift.crosswalk k JOIN {} t ON {} \
             WHERE k.keyspace = {} AND k.load = {} AND k.created AND {}",
            space.table(),
            space.link("t", "k")?,
            space.keyspace,
            self.load.id,
            self.goes("k")
        );
        match self.count(&space.spec.name, &sql).await? {
            0 => Ok(()),
            _ => Err(Error::Unproved { table: space.spec.name.clone(), columns: vec!["*".to_owned()] }),
        }
    }

    /// What triggers did in tables that are not the load's.
    async fn elsewhere(&self) -> Result<Vec<Elsewhere>, Error> {
        let own: Vec<u32> = self.spaces.iter().map(|space| space.oid).collect();
        let sql = "SELECT relid::regclass::text, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_xact_user_tables s \
                   JOIN pg_class c ON c.oid = s.relid \
                   WHERE s.schemaname <> 'chartlift' AND c.relpersistence <> 't' \
                   AND coalesce(pg_partition_root(relid)::oid, relid) <> ALL ($1) \
                   AND n_tup_ins + n_tup_upd + n_tup_del > 0 ORDER BY 1";
        let rows = self.session.client.query(sql, &[&own]).await.map_err(self.session.refused(DOING))?;
        let number = |row: &tokio_postgres::Row, at: usize| row.get::<_, i64>(at).cast_unsigned();
        let found = rows.iter().map(|row| Elsewhere {
            table: row.get(0),
            inserted: number(row, 1),
            updated: number(row, 2),
            deleted: number(row, 3),
        });
        Ok(found.collect())
    }

    /// Entries as they were before the load; of what stays, as they are.
    async fn settle_bookkeeping(&self, done: &TakenBack) -> Result<(), Error> {
        let load = self.load.id;
        for space in &self.spaces {
            self.restore_entries(space).await?;
        }
        // What somebody had written to before the load is as they left it, and not as our own transactions did.
        let edited = format!(
            "INSERT INTO chartlift.exempt (load, keyspace, source_key, reason) \
             SELECT b.entry_load, b.keyspace, b.source_key, 'edited' FROM chartlift.before b \
             WHERE b.load = {load} AND b.edited AND b.entry_load IS NOT NULL AND {} \
             ON CONFLICT (load, keyspace, source_key) DO UPDATE SET reason = 'edited'",
            self.goes("b")
        );
        self.session.run(DOING, &edited).await?;
        self.delete_entries().await?;
        for table in ["before", "exempt"] {
            let sql = format!("DELETE FROM chartlift.{table} b WHERE b.load = {load} AND {}", self.goes("b"));
            self.session.run(DOING, &sql).await?;
        }
        failpoint::hit("rollback-entries");
        let partly = done.tables.iter().any(|table| table.kept > 0);
        let state = if partly { "partly-rolled-back" } else { "rolled-back" };
        self.session
            .run(DOING, &format!("UPDATE chartlift.load SET state = '{state}' WHERE id = {load}"))
            .await
    }

    async fn restore_entries(&self, space: &Space) -> Result<(), Error> {
        let (load, keyspace) = (self.load.id, space.keyspace);
        let goes = self.goes("b");
        let key = match space.spec.key()?.1 {
            KeyKind::Uuid => ("target_uuid", "b.target_key::uuid"),
            KeyKind::Linked => ("target_key", "b.target_key"),
            KeyKind::Natural => ("target_key", "NULL"),
        };
        let sql = format!(
            "UPDATE chartlift.crosswalk k SET load = b.entry_load, created = b.entry_created, \
             updated = b.entry_updated FROM chartlift.before b WHERE b.load = {load} AND b.keyspace = {keyspace} \
             AND NOT b.deleted AND b.entry_load IS NOT NULL AND {goes} \
             AND k.keyspace = {keyspace} AND k.source_key = b.source_key; \
             INSERT INTO chartlift.crosswalk (keyspace, source_key, load, created, updated, {}) \
             SELECT b.keyspace, b.source_key, b.entry_load, b.entry_created, b.entry_updated, {} \
             FROM chartlift.before b WHERE b.load = {load} AND b.keyspace = {keyspace} AND b.deleted \
             AND b.entry_load IS NOT NULL AND {goes}",
            key.0, key.1
        );
        self.session.run(DOING, &sql).await
    }

    /// The load's own part of the crosswalk is emptied at once where nothing else is in it.
    async fn delete_entries(&self) -> Result<(), Error> {
        let load = self.load.id;
        let partition = bookkeeping::partition(i32::try_from(load).unwrap_or_default());
        let owned = "SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass($1)";
        let owned = self.session.client.query_opt(owned, &[&partition]).await;
        let owned = owned.map_err(self.session.refused(DOING))?.is_some_and(|row| row.get(0));
        if owned && !self.keeps {
            let others =
                format!("SELECT count(*) FROM (SELECT FROM {partition} WHERE load <> {load} LIMIT 1) o");
            if self.count(&partition, &others).await? == 0 {
                self.session.run(DOING, &format!("TRUNCATE {partition}")).await?;
            }
        }
        for space in &self.spaces {
            let sql = format!(
                "DELETE FROM chartlift.crosswalk k WHERE k.keyspace = {} AND k.load = {load} AND {}",
                space.keyspace,
                self.goes("k")
            );
            self.session.run(DOING, &sql).await?;
        }
        Ok(())
    }
}

fn index_name(number: usize) -> String {
    format!("chartlift_rollback_{number}")
}

/// The condition that before-image `b` is of row `t`.
fn same_row(space: &Space) -> Result<String, Error> {
    let (key, _) = space.spec.key()?;
    let class = digest::class_of(&space.entry, &key.name);
    Ok(format!("{} = b.target_key", digest::plain(&format!("t.{}", quoted_part(&key.name)), class)))
}
