//! PostgreSQL's catalogue: domains are seen through to their base types.

use tokio_postgres::types::Oid;
use tokio_postgres::{Row, Statement};

use super::facts;
use super::session::Session;
use crate::Error;
use crate::target::name::Name;
use crate::target::{Catalog, CatalogColumn, CatalogTable, Element, ForeignKey, TypeClass};

const DOING: &str = "read its catalogue";

const TABLE: &str = "
SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname = $2 AND c.relkind IN ('r', 'p')
  AND CASE WHEN $1::text IS NULL THEN pg_table_is_visible(c.oid) ELSE n.nspname = $1 END";

const COLUMNS: &str = "
WITH RECURSIVE chain (attnum, type, modifier, required, defaulted) AS (
  SELECT attnum, atttypid, atttypmod, attnotnull, false
  FROM pg_attribute WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped
  UNION ALL
  SELECT chain.attnum, t.typbasetype, t.typtypmod, chain.required OR t.typnotnull,
    chain.defaulted OR t.typdefault IS NOT NULL
  FROM chain JOIN pg_type t ON t.oid = chain.type WHERE t.typtype = 'd'
)
SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), coalesce(e.typname, t.typname)::text,
  CASE WHEN t.typtype = 'e' THEN array(SELECT l.enumlabel::text FROM pg_enum l
    WHERE l.enumtypid = t.oid ORDER BY l.enumsortorder) END,
  chain.modifier, chain.required, a.atthasdef OR a.attidentity <> '' OR chain.defaulted,
  a.attgenerated <> '', a.attidentity <> '', e.oid IS NOT NULL,
  array(SELECT p FROM unnest(array['SELECT', 'INSERT', 'UPDATE']) p
    WHERE NOT has_column_privilege($1, a.attnum, p)),
  EXISTS (SELECT FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam
    WHERE i.indrelid = $1 AND m.amname = 'btree' AND a.attnum = ANY (i.indkey::int2[])),
  format_type(chain.type, chain.modifier)
FROM chain
JOIN pg_type t ON t.oid = chain.type AND t.typtype <> 'd'
LEFT JOIN pg_type e ON e.oid = t.typelem AND e.typarray = t.oid
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

const FOREIGN_KEYS: &str = r#"
SELECT (SELECT string_agg(CASE WHEN part ~ '[."]' THEN '"' || replace(part, '"', '""') || '"' ELSE part END, '.')
    FROM unnest(CASE WHEN pg_table_is_visible(r.oid) THEN array[r.relname::text]
      ELSE array[n.nspname::text, r.relname::text] END) part),
  array(SELECT a.attname::text FROM unnest(f.conkey) WITH ORDINALITY key (number, place)
    JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = key.number ORDER BY key.place),
  array(SELECT a.attname::text FROM unnest(f.confkey) WITH ORDINALITY key (number, place)
    JOIN pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = key.number ORDER BY key.place),
  CASE WHEN f.condeferrable THEN f.connamespace::regnamespace::text || '.' || quote_ident(f.conname) END
FROM pg_constraint f JOIN pg_class r ON r.oid = f.confrelid JOIN pg_namespace n ON n.oid = r.relnamespace
WHERE f.conrelid = $1 AND f.contype = 'f' ORDER BY f.conname"#;

/// Everything.
pub(super) async fn read(session: &Session, tables: &[String]) -> Result<Catalog, Error> {
    let (read_only, lacks) = (facts::read_only(session).await?, facts::lacks(session).await?);
    let mut catalog = Catalog { read_only, lacks, ..Catalog::default() };
    let statements = prepare(session).await?;
    for name in tables {
        let (mut table, oid) = read_prepared(session, name, &statements).await?;
        if let Some(oid) = oid {
            table.facts = facts::read(session, oid).await?;
        }
        catalog.tables.push(table);
    }
    Ok(catalog)
}

/// Columns and keys only.
pub(super) async fn read_table(session: &Session, name: &str) -> Result<CatalogTable, Error> {
    Ok(read_prepared(session, name, &prepare(session).await?).await?.0)
}

/// The table's number, if there is such a table.
pub(super) async fn oid(session: &Session, name: &str) -> Result<Option<Oid>, Error> {
    let Name { schema, table } = Name::read(name);
    let found = session.client.query_opt(TABLE, &[&schema, &table]).await.map_err(session.refused(DOING))?;
    Ok(found.map(|row| row.get(0)))
}

async fn prepare(session: &Session) -> Result<Vec<Statement>, Error> {
    let mut statements = Vec::new();
    for sql in [TABLE, COLUMNS, KEYS, FOREIGN_KEYS] {
        statements.push(session.client.prepare(sql).await.map_err(session.refused(DOING))?);
    }
    Ok(statements)
}

async fn read_prepared(
    session: &Session,
    name: &str,
    statements: &[Statement],
) -> Result<(CatalogTable, Option<Oid>), Error> {
    let mut table = CatalogTable { name: name.to_owned(), ..Default::default() };
    let [find, columns, keys, foreign_keys] = statements else { return Ok((table, None)) };
    let Name { schema, table: own } = Name::read(name);
    let found = session.client.query_opt(find, &[&schema, &own]).await.map_err(session.refused(DOING))?;
    let Some(found) = found else { return Ok((table, None)) };
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
            deferrable: row.get(3),
        });
    }
    Ok((table, Some(oid)))
}

fn column(row: &Row) -> CatalogColumn {
    let (base, modifier): (&str, i32) = (row.get(2), row.get(4));
    let labels: Option<Vec<String>> = row.get(3);
    let is_array: bool = row.get(9);
    let max_length = match base {
        "varchar" | "bpchar" => u32::try_from(modifier - 4).ok().filter(|length| *length > 0),
        _ => None,
    };
    let precision = match base {
        "time" | "timestamp" | "timestamptz" => u8::try_from(modifier).ok().filter(|digits| *digits < 6),
        _ => None,
    };
    let lacking: Vec<&str> = row.get(10);
    CatalogColumn {
        name: row.get(0),
        database_type: row.get(1),
        class: match &labels {
            Some(_) => TypeClass::Text,
            None if is_array => element(base, modifier).map_or(TypeClass::Unsupported, TypeClass::Array),
            None => class(base, modifier),
        },
        nullable: !row.get::<_, bool>(5),
        has_default: row.get(6),
        max_length,
        generated: row.get(7),
        identity: row.get(8),
        labels,
        precision,
        padded: base == "bpchar",
        indexed: row.get(11),
        base_type: row.get(12),
        lacks: PRIVILEGES.into_iter().filter(|privilege| lacking.contains(privilege)).collect(),
    }
}

const PRIVILEGES: [&str; 3] = ["SELECT", "INSERT", "UPDATE"];

fn class(base: &str, modifier: i32) -> TypeClass {
    match base {
        "text" | "varchar" | "bpchar" | "citext" => TypeClass::Text,
        "uuid" => TypeClass::Uuid,
        "int2" => TypeClass::SmallInteger,
        "int4" => TypeClass::Integer,
        "int8" => TypeClass::BigInteger,
        "numeric" => numeric(modifier)
            .map_or(TypeClass::Unsupported, |(digits, scale)| TypeClass::Numeric { digits, scale }),
        "float4" => TypeClass::Real,
        "float8" => TypeClass::Double,
        "bool" => TypeClass::Boolean,
        "date" => TypeClass::Date,
        "time" => TypeClass::Time,
        "timestamp" => TypeClass::Timestamp,
        "timestamptz" => TypeClass::TimestampWithZone,
        "json" => TypeClass::Json,
        "jsonb" => TypeClass::Jsonb,
        "bytea" => TypeClass::Bytes,
        _ => TypeClass::Unsupported,
    }
}

fn element(base: &str, modifier: i32) -> Option<Element> {
    Some(match base {
        "text" => Element::Text,
        "varchar" => Element::Varchar,
        "uuid" => Element::Uuid,
        "int2" => Element::SmallInteger,
        "int4" => Element::Integer,
        "int8" => Element::BigInteger,
        "numeric" => numeric(modifier).map(|(digits, scale)| Element::Numeric { digits, scale })?,
        "bool" => Element::Boolean,
        "date" => Element::Date,
        "timestamp" => Element::Timestamp,
        "timestamptz" => Element::TimestampWithZone,
        _ => return None,
    })
}

/// The modifier packs digits and scale as `numeric.c` does; scales below zero round and are left alone.
fn numeric(modifier: i32) -> Option<(Option<u16>, Option<u16>)> {
    if modifier < 4 {
        return Some((None, None));
    }
    let packed = modifier - 4;
    let scale = ((packed & 0x7ff) ^ 1024) - 1024;
    match (u16::try_from(packed >> 16 & 0xffff), u16::try_from(scale)) {
        (Ok(digits), Ok(scale)) => Some((Some(digits), Some(scale))),
        _ => None,
    }
}
