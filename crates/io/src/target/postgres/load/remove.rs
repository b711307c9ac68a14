//! Takes rows of earlier loads out of a table, as somebody decided: never one that others refer to.

use super::super::session::Session;
use super::super::{bookkeeping, catalog, digest, quoted, quoted_part};
use super::merge::{literal, written_columns};
use crate::Error;
use crate::target::{Removed, TableSpec};

const REMOVE: &str = "delete rows that the export no longer has";

/// Every column of another table, or of the same, that refers to the table, whatever would become of it.
const REFERENCES: &str = "
SELECT f.conrelid::regclass::text,
  array_agg(quote_ident(c.attname) ORDER BY k.at), array_agg(quote_ident(p.attname) ORDER BY k.at)
FROM pg_constraint f
CROSS JOIN LATERAL unnest(f.conkey, f.confkey) WITH ORDINALITY AS k(child, parent, at)
JOIN pg_attribute c ON c.attrelid = f.conrelid AND c.attnum = k.child
JOIN pg_attribute p ON p.attrelid = f.confrelid AND p.attnum = k.parent
WHERE f.contype = 'f' AND f.confrelid = to_regclass($1) AND f.conparentid = 0
GROUP BY f.oid, f.conrelid ORDER BY f.oid";

/// `load` and the keyspace of the rows.
pub(super) async fn remove(
    session: &Session,
    table: &TableSpec,
    (load, keyspace): (i32, i32),
    source_keys: &[String],
) -> Result<Removed, Error> {
    let refused = session.refused_at(REMOVE, &table.name);
    let entry = catalog::read_table(session, &table.name).await?;
    let link = digest::link(&entry, table, keyspace)?;
    let name = quoted(&table.name);
    let mut free = String::new();
    for row in session.client.query(REFERENCES, &[&name]).await.map_err(&refused)? {
        let (children, parents): (Vec<String>, Vec<String>) = (row.get(1), row.get(2));
        let same: Vec<String> =
            children.iter().zip(&parents).map(|(child, parent)| format!("o.{child} = t.{parent}")).collect();
        free.push_str(&format!(
            " AND NOT EXISTS (SELECT FROM {} o WHERE {})",
            row.get::<_, String>(0),
            same.join(" AND ")
        ));
    }
    let columns = written_columns(session, table).await?;
    let cells: Vec<String> =
        columns.iter().map(|column| format!("t.{}::text", quoted_part(column))).collect();
    let columns: Vec<String> = columns.iter().map(|column| literal(column)).collect();
    let sql = format!(
        "WITH gone AS MATERIALIZED (SELECT k.source_key, t.ctid AS place, t.tableoid AS part, \
           coalesce(k.target_key, k.target_uuid::text, k.source_key) AS target_key, {} AS edited, \
           k.load, k.created, k.updated, ARRAY[{}]::text[] AS cells \
           FROM chartlift.crosswalk k JOIN {name} t ON {link} \
           WHERE k.keyspace = {keyspace} AND k.source_key = ANY($1){free}), \
         kept AS (INSERT INTO chartlift.before (load, keyspace, source_key, target_key, deleted, edited, \
           entry_load, entry_created, entry_updated, columns, cells) \
           SELECT {load}, {keyspace}, source_key, target_key, true, edited, load, created, updated, \
           ARRAY[{}]::text[], cells FROM gone), \
         left_out AS (DELETE FROM chartlift.crosswalk k USING gone \
           WHERE k.keyspace = {keyspace} AND k.source_key = gone.source_key) \
         DELETE FROM {name} t USING gone WHERE t.ctid = gone.place AND t.tableoid = gone.part",
        bookkeeping::foreign("t.xmin"),
        cells.join(", "),
        columns.join(", ")
    );
    let mut removed = Removed::default();
    // Rows may refer to rows of the same table: those that nobody refers to any more go next.
    loop {
        let rows = session.client.execute(&sql, &[&source_keys]).await.map_err(&refused)?;
        removed.rows += rows;
        if rows == 0 {
            break;
        }
    }
    let sql =
        "SELECT source_key FROM chartlift.crosswalk WHERE keyspace = $1 AND source_key = ANY($2) ORDER BY 1";
    for row in session.client.query(sql, &[&keyspace, &source_keys]).await.map_err(&refused)? {
        removed.referred.push(row.get(0));
    }
    Ok(removed)
}
