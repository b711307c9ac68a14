//! Digests as SQL: one scan of the table, joined to the crosswalk for the source keys, hashed by the server.

use std::pin::pin;

use futures::TryStreamExt;

use super::session::{Server, Session};
use super::{bookkeeping, catalog, quoted, quoted_part, scope};
use crate::Error;
use crate::target::{
    BucketDigest, CatalogTable, KeyKind, LoadRecord, Role, RowDigest, TableSpec, TypeClass, bucket_mask,
};

const DOING: &str = "compute digests";

/// From this many rows on, joins are hashed: fresh tables have no statistics, and the planner would guess few rows
/// and look each of them up.
pub(super) const HASHED_JOIN_ROWS: u64 = 20_000;

pub(super) async fn buckets(
    server: &Server,
    table: &TableSpec,
    load: &LoadRecord,
    buckets: u32,
) -> Result<Vec<BucketDigest>, Error> {
    let session = open(server, table, load).await?;
    let query = Query::new(&session, table, load).await?;
    let mask = bucket_mask(buckets);
    let mut columns = String::new();
    for cell in &query.cells {
        match cell {
            None => columns.push_str(", '0'"),
            Some(cell) => columns.push_str(&format!(", sum({cell})::text")),
        }
    }
    let bucket = if mask == 0 { "0::bigint".to_owned() } else { format!("({KEY_HASH} & {mask})") };
    let sql = format!("SELECT {bucket}, count(*){columns} FROM {} GROUP BY 1 ORDER BY 1", query.from);
    let mut digests = Vec::new();
    for row in session.client.query(&sql, &[]).await.map_err(session.refused_at(DOING, &table.name))? {
        let sums = (0..table.columns.len()).map(|index| row.get::<_, Option<&str>>(index + 2));
        digests.push(BucketDigest {
            bucket: row.get::<_, i64>(0) as u32,
            rows: row.get::<_, i64>(1) as u64,
            columns: sums.map(|sum| sum.and_then(|sum| sum.parse().ok()).unwrap_or_default()).collect(),
        });
    }
    session.close().await;
    Ok(digests)
}

pub(super) async fn rows(
    server: &Server,
    table: &TableSpec,
    load: &LoadRecord,
    buckets: u32,
    chosen: &[u32],
) -> Result<Vec<RowDigest>, Error> {
    let session = open(server, table, load).await?;
    let query = Query::new(&session, table, load).await?;
    let mask = bucket_mask(buckets);
    let chosen: Vec<i64> = chosen.iter().map(|bucket| i64::from(*bucket)).collect();
    let cells: String =
        query.cells.iter().map(|cell| format!(", {}", cell.as_deref().unwrap_or("0::bigint"))).collect();
    let sql = format!(
        "SELECT k.source_key{cells} FROM {} AND {KEY_HASH} & {mask} = ANY($1) ORDER BY k.source_key",
        query.from
    );
    let refused = session.refused_at(DOING, &table.name);
    let stream = session.client.query_raw(&sql, [chosen]).await.map_err(&refused)?;
    let mut stream = pin!(stream);
    let mut digests = Vec::new();
    while let Some(row) = stream.try_next().await.map_err(&refused)? {
        let cells = (0..table.columns.len()).map(|index| row.get::<_, i64>(index + 1)).collect();
        digests.push(RowDigest { key: row.get(0), cells });
    }
    session.close().await;
    Ok(digests)
}

/// Decides the bucket; the column's collation is `C`.
const KEY_HASH: &str = "hashtextextended(k.source_key, 0)";

async fn open(server: &Server, table: &TableSpec, load: &LoadRecord) -> Result<Session, Error> {
    let session = server.open(DOING).await?;
    // Compiling the query costs more than it saves, and the default memory would spill the join.
    session.run(DOING, "BEGIN READ ONLY; SET LOCAL work_mem = '128MB'; SET LOCAL jit = off").await?;
    let loaded = load.tables.iter().find(|loaded| loaded.name == table.name);
    if loaded.is_some_and(|loaded| loaded.rows >= HASHED_JOIN_ROWS) {
        session.run(DOING, "SET LOCAL enable_nestloop = off; SET LOCAL enable_mergejoin = off").await?;
    }
    Ok(session)
}

struct Query {
    /// Joins and conditions; more may be added with AND.
    from: String,
    /// The hash of each column's cell; none for keys.
    cells: Vec<Option<String>>,
}

impl Query {
    async fn new(session: &Session, table: &TableSpec, load: &LoadRecord) -> Result<Self, Error> {
        let entry = catalog::read_table(session, &table.name).await?;
        let mut joins = String::new();
        let mut cells = Vec::with_capacity(table.columns.len());
        for (index, column) in table.columns.iter().enumerate() {
            let name = format!("t.{}", quoted_part(&column.name));
            let class = class_of(&entry, &column.name);
            let text = match &column.role {
                Role::Key(_) => {
                    cells.push(None);
                    continue;
                }
                Role::Reference { table: referred, kind: kind @ (KeyKind::Uuid | KeyKind::Linked) } => {
                    let keyspace = keyspace(session, load, table, referred).await?;
                    let same = match kind {
                        KeyKind::Linked => format!("r{index}.target_key = {}", plain(&name, class)),
                        _ => format!("{} = {name}", uuid_as(&format!("r{index}.target_uuid"), class)),
                    };
                    joins.push_str(&format!(
                        " LEFT JOIN chartlift.crosswalk r{index} ON r{index}.keyspace = {keyspace} AND {same}"
                    ));
                    format!("coalesce(r{index}.source_key, '?' || {name}::text)")
                }
                Role::Reference { kind: KeyKind::Natural, .. } => plain(&name, class),
                Role::Data => canonical(&name, class),
            };
            // The sign of the column's number tells null from empty text.
            let number = index + 1;
            cells.push(Some(format!(
                "hashtextextended(coalesce({text}, '') COLLATE \"C\", hashtextextended(k.source_key, \
                 CASE WHEN {name} IS NULL THEN -{number} ELSE {number} END))"
            )));
        }
        let own = keyspace(session, load, table, &table.keyspace).await?;
        let link = link(&entry, table, own)?;
        let answered = scope::answered(table, load, scope::any_superseded(session, table, load).await?);
        let from = format!(
            "chartlift.crosswalk k JOIN {} t ON {link}{joins} WHERE k.keyspace = {own} AND {answered}",
            quoted(&table.name),
        );
        Ok(Self { from, cells })
    }
}

/// The condition that ties a row `t` to its crosswalk entry `k`, which is of this keyspace.
pub(super) fn link(entry: &CatalogTable, table: &TableSpec, keyspace: i32) -> Result<String, Error> {
    link_of("t", "k", entry, table, keyspace)
}

/// The same of a row and an entry that have other names in the query.
pub(super) fn link_of(
    row: &str,
    link: &str,
    entry: &CatalogTable,
    table: &TableSpec,
    keyspace: i32,
) -> Result<String, Error> {
    use TypeClass::{BigInteger, Integer, SmallInteger};
    let (key, kind) = table.key()?;
    let class = class_of(entry, &key.name);
    let name = format!("{row}.{}", quoted_part(&key.name));
    Ok(match kind {
        KeyKind::Natural => format!("{} = {link}.source_key", plain(&name, class)),
        KeyKind::Uuid => format!("{name} = {}", uuid_as(&format!("{link}.target_uuid"), class)),
        // As numbers, for the sake of the table's index; other keyspaces may hold what is no number.
        KeyKind::Linked if matches!(class, SmallInteger | Integer | BigInteger) => {
            format!("{name} = CASE WHEN {link}.keyspace = {keyspace} THEN {link}.target_key::bigint END")
        }
        KeyKind::Linked => format!("{} = {link}.target_key", plain(&name, class)),
    })
}

/// A keyspace that does not exist has no entries: no number is below 1.
pub(super) async fn keyspace(
    session: &Session,
    load: &LoadRecord,
    table: &TableSpec,
    name: &str,
) -> Result<i32, Error> {
    Ok(bookkeeping::find_keyspace(session, &load.series, &table.system, name).await?.unwrap_or(-1))
}

pub(super) fn class_of(entry: &CatalogTable, column: &str) -> TypeClass {
    entry.column(column).map_or(TypeClass::Unsupported, |column| column.class)
}

/// The cell's own text.
pub(super) fn plain(name: &str, class: TypeClass) -> String {
    match class {
        TypeClass::Text => format!("{name}::text COLLATE \"C\""),
        _ => format!("{name}::text"),
    }
}

/// A made key, as the column holds it.
fn uuid_as(uuid: &str, class: TypeClass) -> String {
    match class {
        TypeClass::Uuid => uuid.to_owned(),
        _ => format!("{uuid}::text"),
    }
}

/// The canonical text of a cell, whatever the column's type.
pub(super) fn canonical(name: &str, class: TypeClass) -> String {
    match class {
        TypeClass::Numeric { .. } => format!("trim_scale({name})::text"),
        TypeClass::Real => format!("encode(float4send({name}), 'hex')"),
        TypeClass::Double => format!("encode(float8send({name}), 'hex')"),
        TypeClass::Timestamp => instant(name),
        TypeClass::TimestampWithZone => instant(&format!("({name} AT TIME ZONE 'UTC')")),
        TypeClass::Bytes => format!("encode({name}, 'hex')"),
        // Its bounds, then every element with its length, so that no two arrays have one text.
        TypeClass::Array(element) => format!(
            "coalesce(array_dims({name}), '') || coalesce((SELECT string_agg(coalesce(octet_length(c)::text || ':' \
             || c, '-'), ';' ORDER BY n) FROM (SELECT n, {} FROM unnest({name}) WITH ORDINALITY u (e, n)) s (n, c)), '')",
            canonical("e", element.class())
        ),
        TypeClass::Time => format!("to_char({name}, 'HH24:MI:SS.US')"),
        _ => plain(name, class),
    }
}

/// What lies before the year 1 or is infinite has its own text: `to_char` would not tell the era.
fn instant(name: &str) -> String {
    format!(
        "CASE WHEN {name} >= '0001-01-01' AND isfinite({name}) THEN to_char({name}, \
         'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') ELSE {name}::text END"
    )
}
