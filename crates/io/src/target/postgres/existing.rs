//! What linked tables need of PostgreSQL: their rows, a lock, and numbers of their own sequences.

use super::session::Session;
use super::{bookkeeping, catalog, digest, quoted, quoted_part};
use crate::Error;
use crate::target::{Existing, ExistingRow, Link, TableSpec, TypeClass};

const READ: &str = "read the rows that are there";
const RESERVE: &str = "reserve keys";

/// The sequence of a column: its own, or the one that its default takes numbers from.
const SEQUENCE: &str = "
SELECT coalesce(pg_get_serial_sequence($1, $2), (
  SELECT s.oid::regclass::text FROM pg_attribute a
  JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  JOIN pg_depend p ON p.classid = 'pg_attrdef'::regclass AND p.objid = d.oid AND p.refclassid = 'pg_class'::regclass
  JOIN pg_class s ON s.oid = p.refobjid AND s.relkind = 'S'
  WHERE a.attrelid = to_regclass($1) AND a.attname = $2 LIMIT 1))";

/// Numbers asked of a sequence at a time, at the least: it may lag behind rows that were given numbers by hand.
const NUMBERS_AT_ONCE: i64 = 1000;

pub(super) async fn read(
    session: &Session,
    table: &TableSpec,
    columns: &[String],
    series: &str,
) -> Result<Existing, Error> {
    let entry = catalog::read_table(session, &table.name).await?;
    let (key, _) = table.key()?;
    let mut sql = format!("SELECT {}", digest::plain(&named(&key.name), digest::class_of(&entry, &key.name)));
    for column in columns {
        sql.push_str(", ");
        sql.push_str(&match digest::class_of(&entry, column) {
            // Digests have their bits; here their value is asked for.
            TypeClass::Real | TypeClass::Double => format!("{}::text", named(column)),
            class => digest::canonical(&named(column), class),
        });
    }
    sql.push_str(&format!(" FROM {} t", quoted(&table.name)));
    let refused = session.refused_at(READ, &table.name);
    let mut existing = Existing::default();
    for row in session.client.query(&sql, &[]).await.map_err(refused)? {
        let cells = (0..columns.len()).map(|index| row.get(index + 1)).collect();
        // A key that is null is no row of a table with a primary key.
        let Some(key) = row.get::<_, Option<String>>(0) else { continue };
        existing.rows.push(ExistingRow { key, cells });
    }
    let Some(keyspace) = bookkeeping::find_keyspace(session, series, &table.system, &table.keyspace).await?
    else {
        return Ok(existing);
    };
    let sql = "SELECT source_key, coalesce(target_key, target_uuid::text, source_key), load::bigint, created \
               FROM chartlift.crosswalk WHERE keyspace = $1";
    for row in session.client.query(sql, &[&keyspace]).await.map_err(session.refused(READ))? {
        existing.links.push(Link {
            source_key: row.get(0),
            target_key: row.get(1),
            load: row.get(2),
            created: row.get(3),
        });
    }
    Ok(existing)
}

/// Writers wait until the transaction ends; readers do not.
pub(super) async fn lock(session: &Session, tables: &[TableSpec]) -> Result<(), Error> {
    for table in tables {
        let doing = "lock the tables whose rows are matched";
        let sql = format!("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE", quoted(&table.name));
        session.client.batch_execute(&sql).await.map_err(session.refused_at(doing, &table.name))?;
    }
    Ok(())
}

pub(super) async fn reserve(session: &Session, table: &TableSpec, rows: u64) -> Result<Vec<i64>, Error> {
    let rows = usize::try_from(rows).unwrap_or(usize::MAX);
    let (key, _) = table.key()?;
    let (name, column) = (quoted(&table.name), quoted_part(&key.name));
    let refused = session.refused_at(RESERVE, &table.name);
    let sequence: Option<String> =
        session.client.query_one(SEQUENCE, &[&name, &key.name]).await.map_err(&refused)?.get(0);
    let Some(sequence) = sequence else {
        let sql = format!("SELECT coalesce(max({column}), 0)::bigint FROM {name}");
        let last: i64 = session.client.query_one(&sql, &[]).await.map_err(&refused)?.get(0);
        return Ok((1..).map(|step| last.max(0).saturating_add(step)).take(rows).collect());
    };
    let sql = format!(
        "SELECT v FROM (SELECT nextval($1::text::regclass) AS v FROM generate_series(1, $2::bigint)) n \
         WHERE NOT EXISTS (SELECT FROM {name} t WHERE t.{column} = v)"
    );
    let mut numbers: Vec<i64> = Vec::new();
    while numbers.len() < rows {
        let lacking = i64::try_from(rows - numbers.len()).unwrap_or(i64::MAX);
        // The first call asks for what is needed and leaves no gap; later ones know that the sequence lags.
        let asked = if numbers.is_empty() && lacking > 0 { lacking } else { lacking.max(NUMBERS_AT_ONCE) };
        let free = session.client.query(&sql, &[&sequence, &asked]).await.map_err(&refused)?;
        numbers.extend(free.iter().map(|row| row.get::<_, i64>(0)));
    }
    // Newer servers join from the other side and answer in the order of a hash.
    numbers.sort_unstable();
    numbers.truncate(rows);
    Ok(numbers)
}

fn named(column: &str) -> String {
    format!("t.{}", quoted_part(column))
}
