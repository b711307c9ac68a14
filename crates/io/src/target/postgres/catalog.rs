//! PostgreSQL's catalogue: domains are seen through to their base types.

use tokio_postgres::types::Oid;
use tokio_postgres::{Row, Statement};

use super::quoted;
use super::session::Session;
use crate::Error;
use crate::target::{Catalog, CatalogColumn, CatalogTable, ForeignKey, TypeClass};

const DOING: &str = "read its catalogue";

const TABLE: &str = "SELECT c.oid FROM pg_class c WHERE c.oid = to_regclass($1) AND c.relkind IN ('r', 'p')";

const COLUMNS: &str = "
WITH RECURSIVE chain (attnum, type, modifier, required, defaulted) AS (
  SELECT attnum, atttypid, atttypmod, attnotnull, false
  FROM pg_attribute WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped
  UNION ALL
  SELECT chain.attnum, t.typbasetype, t.typtypmod, chain.required OR t.typnotnull,
    chain.defaulted OR t.typdefault IS NOT NULL
  FROM chain JOIN pg_type t ON t.oid = chain.type WHERE t.typtype = 'd'
)
SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), t.typname::text, t.typtype = 'e',
  chain.modifier, chain.required, a.atthasdef OR a.attidentity <> '' OR chain.defaulted,
  a.attgenerated <> '' OR a.attidentity = 'a'
FROM chain
JOIN pg_type t ON t.oid = chain.type AND t.typtype <> 'd'
JOIN pg_attribute a ON a.attrelid = $1 AND a.attnum = chain.attnum
ORDER BY chain.attnum";

const KEYS: &str = "
SELECT i.indisprimary, array(
  SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY key (number, place)
  JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = key.number
  WHERE key.place <= i.indnkeyatts ORDER BY key.place)
FROM pg_index i
WHERE i.indrelid = $1 AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
ORDER BY i.indexrelid";

const FOREIGN_KEYS: &str = "
SELECT CASE WHEN pg_table_is_visible(r.oid) THEN r.relname::text
    ELSE r.relnamespace::regnamespace::text || '.' || r.relname END,
  array(SELECT a.attname::text FROM unnest(f.conkey) WITH ORDINALITY key (number, place)
    JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = key.number ORDER BY key.place),
  array(SELECT a.attname::text FROM unnest(f.confkey) WITH ORDINALITY key (number, place)
    JOIN pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = key.number ORDER BY key.place)
FROM pg_constraint f JOIN pg_class r ON r.oid = f.confrelid
WHERE f.conrelid = $1 AND f.contype = 'f' ORDER BY f.conname";

pub(super) async fn read(session: &Session, tables: &[String]) -> Result<Catalog, Error> {
    let mut statements = Vec::new();
    for sql in [TABLE, COLUMNS, KEYS, FOREIGN_KEYS] {
        statements.push(session.client.prepare(sql).await.map_err(session.refused(DOING))?);
    }
    let mut catalog = Catalog::default();
    for name in tables {
        catalog.tables.push(read_prepared(session, name, &statements).await?);
    }
    Ok(catalog)
}

pub(super) async fn read_table(session: &Session, name: &str) -> Result<CatalogTable, Error> {
    let catalog = read(session, &[name.to_owned()]).await?;
    Ok(catalog.tables.into_iter().next().unwrap_or_default())
}

async fn read_prepared(
    session: &Session,
    name: &str,
    statements: &[Statement],
) -> Result<CatalogTable, Error> {
    let mut table = CatalogTable { name: name.to_owned(), ..Default::default() };
    let [find, columns, keys, foreign_keys] = statements else { return Ok(table) };
    let quoted = quoted(name);
    let found = session.client.query_opt(find, &[&quoted]).await.map_err(session.refused(DOING))?;
    let Some(found) = found else { return Ok(table) };
    let oid: Oid = found.get(0);
    table.exists = true;
    for row in session.client.query(columns, &[&oid]).await.map_err(session.refused(DOING))? {
        table.columns.push(column(&row));
    }
    for row in session.client.query(keys, &[&oid]).await.map_err(session.refused(DOING))? {
        if row.get(0) {
            table.primary_key = row.get(1);
        } else {
            table.unique_keys.push(row.get(1));
        }
    }
    for row in session.client.query(foreign_keys, &[&oid]).await.map_err(session.refused(DOING))? {
        table.foreign_keys.push(ForeignKey {
            table: row.get(0),
            columns: row.get(1),
            referred_columns: row.get(2),
        });
    }
    Ok(table)
}

fn column(row: &Row) -> CatalogColumn {
    let (base, modifier): (&str, i32) = (row.get(2), row.get(4));
    let max_length = match base {
        "varchar" | "bpchar" => u32::try_from(modifier - 4).ok().filter(|length| *length > 0),
        _ => None,
    };
    CatalogColumn {
        name: row.get(0),
        database_type: row.get(1),
        class: if row.get(3) { TypeClass::Text } else { class(base, modifier) },
        nullable: !row.get::<_, bool>(5),
        has_default: row.get(6),
        max_length,
        generated: row.get(7),
    }
}

fn class(base: &str, modifier: i32) -> TypeClass {
    match base {
        "text" | "varchar" | "bpchar" | "citext" => TypeClass::Text,
        "uuid" => TypeClass::Uuid,
        "int2" => TypeClass::SmallInteger,
        "int4" => TypeClass::Integer,
        "int8" => TypeClass::BigInteger,
        "numeric" => numeric(modifier),
        "float4" => TypeClass::Real,
        "float8" => TypeClass::Double,
        "bool" => TypeClass::Boolean,
        "date" => TypeClass::Date,
        // A precision below microseconds would round what is written.
        "time" if rounds(modifier) => TypeClass::Unsupported,
        "time" => TypeClass::Time,
        "timestamp" | "timestamptz" if rounds(modifier) => TypeClass::Unsupported,
        "timestamp" => TypeClass::Timestamp,
        "timestamptz" => TypeClass::TimestampWithZone,
        "json" => TypeClass::Json,
        _ => TypeClass::Unsupported,
    }
}

fn rounds(modifier: i32) -> bool {
    (0..6).contains(&modifier)
}

/// The modifier packs digits and scale as `numeric.c` does; scales below zero round and are left alone.
fn numeric(modifier: i32) -> TypeClass {
    if modifier < 4 {
        return TypeClass::Numeric { digits: None, scale: None };
    }
    let packed = modifier - 4;
    let scale = ((packed & 0x7ff) ^ 1024) - 1024;
    match (u16::try_from(packed >> 16 & 0xffff), u16::try_from(scale)) {
        (Ok(digits), Ok(scale)) => TypeClass::Numeric { digits: Some(digits), scale: Some(scale) },
        _ => TypeClass::Unsupported,
    }
}
