//! All foreign keys of the database that lead to tables of a load, whoever has them.

use super::{DOING, Session, Space};
use crate::Error;

/// One foreign key. Partitions are seen as what they are parts of; a key that only a partition has is that partition's.
pub(super) struct Reference {
    /// As SQL.
    pub(super) child: String,
    pub(super) child_root: u32,
    pub(super) parent: String,
    pub(super) parent_root: u32,
    pub(super) columns: Vec<String>,
    pub(super) referred: Vec<String>,
    pub(super) indexed: bool,
    /// We may make an index.
    pub(super) owned: bool,
    /// Worth an index.
    pub(super) large: bool,
}

const REFERENCES: &str = "
SELECT c.oid::regclass::text, coalesce(pg_partition_root(c.oid)::oid, c.oid),
  p.oid::regclass::text, coalesce(pg_partition_root(p.oid)::oid, p.oid),
  array(SELECT a.attname::text FROM unnest(f.conkey) WITH ORDINALITY key (number, place)
    JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = key.number ORDER BY key.place),
  array(SELECT a.attname::text FROM unnest(f.confkey) WITH ORDINALITY key (number, place)
    JOIN pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = key.number ORDER BY key.place),
  EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisvalid AND i.indpred IS NULL
    AND i.indkey[0] = ANY (f.conkey)),
  pg_has_role(c.relowner, 'USAGE'), pg_table_size(c.oid) > 1048576 OR c.relkind = 'p'
FROM pg_constraint f JOIN pg_class c ON c.oid = f.conrelid JOIN pg_class p ON p.oid = f.confrelid
WHERE f.contype = 'f' AND f.conparentid = 0 AND coalesce(pg_partition_root(p.oid)::oid, p.oid) = ANY ($1)
ORDER BY 1, f.conname";

pub(super) async fn read(session: &Session, spaces: &[Space]) -> Result<Vec<Reference>, Error> {
    let oids: Vec<u32> = spaces.iter().map(|space| space.oid).collect();
    let rows = session.client.query(REFERENCES, &[&oids]).await.map_err(session.refused(DOING))?;
    let references = rows.iter().map(|row| Reference {
        child: row.get(0),
        child_root: row.get(1),
        parent: row.get(2),
        parent_root: row.get(3),
        columns: row.get(4),
        referred: row.get(5),
        indexed: row.get(6),
        owned: row.get(7),
        large: row.get(8),
    });
    Ok(references.collect())
}
