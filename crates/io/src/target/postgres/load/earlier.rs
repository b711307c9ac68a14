//! What a load that follows others finds of their rows: those edited since, and those that it has no longer.

use super::super::session::Session;
use super::super::{bookkeeping, digest, quoted, quoted_part};
use super::merge::{COMPARE, Merge, alike, literal};
use super::stage;
use crate::Error;
use crate::target::{Absent, Comparison, Exemption, Role, TableSpec, Touched};

impl Merge<'_> {
    /// Compares the staged rows with those that are there, and lists what somebody may have to decide. Merging goes on
    /// from what was compared.
    pub(super) async fn against_earlier(&self, rows: u64, orders: &[String]) -> Result<Comparison, Error> {
        self.look(rows).await?;
        Ok(Comparison {
            known: self.known(orders).await?,
            touched: self.touched().await?,
            absent: self.absent(orders).await?,
        })
    }

    /// How many rows earlier loads of these orders left.
    async fn known(&self, orders: &[String]) -> Result<u64, Error> {
        let sql = format!(
            "SELECT count(*) FROM chartlift.crosswalk k JOIN chartlift.load l ON l.id = k.load \
             WHERE k.keyspace = {} AND (k.created OR k.updated) AND l.order_id = ANY($1)",
            self.plan.keyspace
        );
        let row = self.session.client.query_one(&sql, &[&orders]).await;
        Ok(row.map_err(self.session.refused_at(COMPARE, &self.table.name))?.get::<_, i64>(0) as u64)
    }

    async fn touched(&self) -> Result<Vec<Touched>, Error> {
        let mut differs = Vec::new();
        let mut staged = Vec::new();
        for (at, column) in self.table.columns.iter().enumerate() {
            staged.push(format!("m.{}", stage::column(at)));
            if matches!(column.role, Role::Key(_)) {
                continue;
            }
            let class = digest::class_of(&self.entry, &column.name);
            let there = alike(&format!("t.{}", quoted_part(&column.name)), class);
            let new = alike(&format!("m.{}", stage::column(at)), class);
            let name = literal(&column.name);
            differs.push(format!("CASE WHEN {there} IS DISTINCT FROM {new} THEN {name} END"));
        }
        let sql = format!(
            "WITH m AS MATERIALIZED (SELECT * FROM {} WHERE (entry_created OR entry_updated) \
               AND (place IS NULL OR cells IS NOT NULL AND {})) \
             SELECT m.key, l.order_id, l.input_digest, m.place IS NULL, \
               hashtextextended(coalesce(t::text, '') || chr(31) || ROW({})::text, 0), \
               CASE WHEN m.place IS NULL THEN '{{}}'::text[] ELSE array_remove(ARRAY[{}]::text[], NULL) END \
             FROM m JOIN chartlift.load l ON l.id = m.entry_load \
             LEFT JOIN {} t ON t.ctid = m.place AND t.tableoid = m.part ORDER BY m.key",
            self.compared,
            bookkeeping::foreign("writer"),
            staged.join(", "),
            differs.join(", "),
            quoted(&self.table.name)
        );
        // Each row is fetched by its place: no other way is as short.
        self.run_sql(COMPARE, "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off").await?;
        let rows = self.session.client.query(&sql, &[]).await;
        let rows = rows.map_err(self.session.refused_at(COMPARE, &self.table.name))?;
        self.run_sql(COMPARE, "SET LOCAL enable_hashjoin = on; SET LOCAL enable_mergejoin = on").await?;
        let touched = rows.iter().map(|row| Touched {
            source_key: row.get(0),
            order: row.get(1),
            input_digest: row.get(2),
            gone: row.get(3),
            seen: row.get(4),
            differs: row.get(5),
        });
        Ok(touched.collect())
    }

    async fn absent(&self, orders: &[String]) -> Result<Vec<Absent>, Error> {
        let keyspace = self.plan.keyspace;
        let sql = format!(
            "SELECT k.source_key, l.order_id, coalesce({}, false), t.ctid IS NULL, \
               EXISTS (SELECT FROM chartlift.exempt e JOIN chartlift.load el ON el.id = e.load \
                 WHERE e.keyspace = k.keyspace AND e.source_key = k.source_key AND e.reason = 'absent' \
                 AND el.order_id = ANY($1) AND el.state = 'committed'), \
               hashtextextended(coalesce(t::text, ''), 0) \
             FROM chartlift.crosswalk k JOIN chartlift.load l ON l.id = k.load LEFT JOIN {} t ON {} \
             WHERE k.keyspace = {keyspace} AND (k.created OR k.updated) \
               AND NOT EXISTS (SELECT FROM {} c WHERE c.key = k.source_key) ORDER BY k.source_key",
            bookkeeping::foreign("t.xmin"),
            quoted(&self.table.name),
            digest::link(&self.entry, self.table, keyspace)?,
            self.compared
        );
        let rows = self.session.client.query(&sql, &[&orders]).await;
        let rows = rows.map_err(self.session.refused_at(COMPARE, &self.table.name))?;
        let absent = rows.iter().map(|row| Absent {
            source_key: row.get(0),
            order: row.get(1),
            edited: row.get(2),
            gone: row.get(3),
            listed: row.get(4),
            seen: row.get(5),
        });
        Ok(absent.collect())
    }
}

/// Notes rows for which the load does not answer; `load` and the keyspace of the rows.
pub(super) async fn exempt(
    session: &Session,
    table: &TableSpec,
    (load, keyspace): (i32, i32),
    rows: &[(String, Exemption)],
) -> Result<(), Error> {
    let sql = "INSERT INTO chartlift.exempt (load, keyspace, source_key, reason) \
               SELECT $1, $2, r.source_key, r.reason FROM unnest($3::text[], $4::text[]) AS r (source_key, reason) \
               ORDER BY r.source_key";
    let keys: Vec<&str> = rows.iter().map(|(key, _)| key.as_str()).collect();
    let reasons: Vec<&str> = rows.iter().map(|(_, reason)| reason.name()).collect();
    let written = session.client.execute(sql, &[&load, &keyspace, &keys, &reasons]).await;
    written.map(|_| ()).map_err(session.refused_at(COMPARE, &table.name))
}
