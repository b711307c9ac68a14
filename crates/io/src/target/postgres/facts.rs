//! What PostgreSQL's catalogue says of a table besides its columns and keys.

use tokio_postgres::Row;
use tokio_postgres::types::Oid;

use super::session::Session;
use super::setup;
use crate::Error;
use crate::target::{Deferred, RowCheck, Sequence, TableFacts, Trigger};

const DOING: &str = "read its catalogue";

/// Of the table and of its partitions; those of foreign keys and the copies that partitions have are not people's.
const TRIGGERS: &str = "
SELECT t.tgname::text, CASE WHEN t.tgrelid = $1 THEN '' ELSE t.tgrelid::regclass::text END, t.tgtype::int,
  t.tgfoid::regproc::text, t.tgenabled = 'A',
  CASE current_setting('session_replication_role') WHEN 'replica' THEN t.tgenabled IN ('R', 'A')
    ELSE t.tgenabled IN ('O', 'A') END
FROM pg_trigger t
WHERE t.tgrelid IN (SELECT $1 UNION SELECT relid FROM pg_partition_tree($1))
  AND NOT t.tgisinternal AND t.tgparentid = 0 AND t.tgtype & 20 <> 0
ORDER BY 2, 1";

const DEFERRED: &str = "
SELECT conname::text, condeferred FROM pg_constraint
WHERE conrelid = $1 AND condeferrable AND contype IN ('f', 'u', 'p', 'x') ORDER BY conname";

/// Of serial and identity columns, and those that defaults take numbers from.
pub(super) const SEQUENCES: &str = "
SELECT s.oid::regclass::text, a.attname::text,
  has_sequence_privilege(s.oid, 'UPDATE') OR has_sequence_privilege(s.oid, 'USAGE')
FROM pg_attribute a
JOIN pg_class s ON s.relkind = 'S' AND s.oid IN (
  SELECT d.objid FROM pg_depend d
  WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid
    AND d.refobjsubid = a.attnum AND d.deptype IN ('a', 'i')
  UNION
  SELECT p.refobjid FROM pg_attrdef f
  JOIN pg_depend p ON p.classid = 'pg_attrdef'::regclass AND p.objid = f.oid AND p.refclassid = 'pg_class'::regclass
  WHERE f.adrelid = a.attrelid AND f.adnum = a.attnum)
WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum, 1";

const CHECKS: &str = "
WITH RECURSIVE chain (attnum, attname, type) AS (
  SELECT attnum, attname::text, atttypid FROM pg_attribute WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped
  UNION ALL
  SELECT chain.attnum, chain.attname, t.typbasetype
  FROM chain JOIN pg_type t ON t.oid = chain.type WHERE t.typtype = 'd'
)
SELECT c.conname::text, array[chain.attname], pg_get_expr(c.conbin, 0), true
FROM chain JOIN pg_constraint c ON c.contypid = chain.type AND c.contype = 'c'
UNION ALL
SELECT c.conname::text, array(SELECT a.attname::text FROM pg_attribute a
  WHERE a.attrelid = $1 AND a.attnum = ANY (c.conkey) ORDER BY a.attnum), pg_get_expr(c.conbin, c.conrelid), false
FROM pg_constraint c WHERE c.conrelid = $1 AND c.contype = 'c'
ORDER BY 4, 2, 1";

const RIGHTS: &str = "
SELECT c.relkind = 'p', pg_has_role(c.relowner, 'USAGE'), row_security_active(c.oid),
  has_schema_privilege(n.oid, 'USAGE'), n.nspname::text,
  has_table_privilege(c.oid, 'UPDATE') OR has_table_privilege(c.oid, 'DELETE')
    OR has_table_privilege(c.oid, 'TRUNCATE'),
  pg_has_role(c.relowner, 'USAGE') OR pg_has_role((SELECT datdba FROM pg_database WHERE datname = current_database()),
    'USAGE') OR CASE WHEN current_setting('server_version_num')::int >= 170000
    THEN has_table_privilege(c.oid, 'MAINTAIN') ELSE false END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1";

/// What the role may not do with the bookkeeping.
const BOOKKEEPING: &str = "
SELECT array(
    SELECT p.privilege || ' on schema chartlift' FROM pg_namespace n, unnest(array['USAGE', 'CREATE']) p (privilege)
    WHERE n.nspname = 'chartlift' AND NOT has_schema_privilege(n.oid, p.privilege)
    UNION ALL
    SELECT p.privilege || ' on table chartlift.' || c.relname
    FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid AND c.relkind IN ('r', 'p') AND NOT c.relispartition,
      unnest(array['SELECT', 'INSERT']) p (privilege)
    WHERE n.nspname = 'chartlift' AND c.relname <> 'version' AND NOT has_table_privilege(c.oid, p.privilege)
    UNION ALL
    SELECT 'UPDATE on table chartlift.load'
    FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = 'load'
    WHERE n.nspname = 'chartlift' AND NOT has_table_privilege(c.oid, 'UPDATE')
    UNION ALL
    SELECT 'ownership of table chartlift.crosswalk'
    FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = 'crosswalk'
    WHERE n.nspname = 'chartlift' AND NOT pg_has_role(c.relowner, 'USAGE')
  )";

pub(super) async fn lacks(session: &Session) -> Result<Vec<String>, Error> {
    let row = session.client.query_one(BOOKKEEPING, &[]).await.map_err(session.refused(DOING))?;
    Ok(row.get(0))
}

/// Why the server takes no writes, where it does not.
pub(super) async fn read_only(session: &Session) -> Result<Option<&'static str>, Error> {
    match setup::demand_writes(session, DOING).await {
        Ok(()) => Ok(None),
        Err(Error::ReadOnly { problem, .. }) => Ok(Some(problem)),
        Err(error) => Err(error),
    }
}

pub(super) async fn read(session: &Session, oid: Oid) -> Result<TableFacts, Error> {
    let ask = async |sql: &str| session.client.query(sql, &[&oid]).await.map_err(session.refused(DOING));
    let rights = session.client.query_one(RIGHTS, &[&oid]).await.map_err(session.refused(DOING))?;
    let mut facts = TableFacts {
        partitioned: rights.get(0),
        owned: rights.get(1),
        row_security: rights.get(2),
        may_lock: rights.get(5),
        may_analyze: rights.get(6),
        ..TableFacts::default()
    };
    if !rights.get::<_, bool>(3) {
        facts.lacks.push(format!("USAGE on schema {}", rights.get::<_, &str>(4)));
    }
    facts.triggers = ask(TRIGGERS).await?.iter().map(trigger).collect();
    for row in ask(DEFERRED).await? {
        facts.deferred.push(Deferred { constraint: row.get(0), initially: row.get(1) });
    }
    for row in ask(SEQUENCES).await? {
        facts.sequences.push(Sequence { name: row.get(0), column: row.get(1), usable: row.get(2) });
    }
    for row in ask(CHECKS).await? {
        facts.checks.push(RowCheck {
            constraint: row.get(0),
            columns: row.get(1),
            expression: row.get(2),
            of_domain: row.get(3),
        });
    }
    Ok(facts)
}

/// `tgtype` as PostgreSQL's `pg_trigger.h` has it.
fn trigger(row: &Row) -> Trigger {
    let bits: i32 = row.get(2);
    let (on_insert, on_update) = (bits & 4 != 0, bits & 16 != 0);
    let when = match bits & 66 {
        0 => "AFTER",
        2 => "BEFORE",
        _ => "INSTEAD OF",
    };
    let events: Vec<&str> = [(on_insert, "INSERT"), (on_update, "UPDATE"), (bits & 8 != 0, "DELETE")]
        .iter()
        .filter(|(fires, _)| *fires)
        .map(|(_, event)| *event)
        .collect();
    Trigger {
        name: row.get(0),
        partition: row.get(1),
        fires: format!("{when} {}", events.join(" OR ")),
        function: row.get(3),
        always: row.get(4),
        enabled: row.get(5),
        on_insert,
        on_update,
    }
}
