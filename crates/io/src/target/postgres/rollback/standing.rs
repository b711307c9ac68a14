//! Which rows of a load are no longer only the load's.

use super::references::Reference;
use super::{DOING, PostgresRollBack, Space};
use crate::Error;
use crate::target::name::quoted_part;
use crate::target::postgres::bookkeeping;
use crate::target::{Stays, Why};

impl PostgresRollBack {
    /// Rows that a transaction of somebody else wrote last, or that are gone; rows that came back as an earlier rollback
    /// found them, which was not as the load had left them; rows that the load deleted and somebody made anew.
    pub(super) async fn touched(&self) -> Result<Vec<Stays>, Error> {
        let foreign = bookkeeping::foreign("t.xmin");
        let load = self.load.id;
        let mut stays = Vec::new();
        for space in &self.spaces {
            let key = format!("t.{}", quoted_part(&space.spec.key()?.0.name));
            let (keyspace, table, link) = (space.keyspace, space.table(), space.link("t", "k")?);
            let sql = format!(
                "SELECT k.source_key, {key} IS NULL FROM chartlift.crosswalk k LEFT JOIN {table} t ON {link} \
                 WHERE k.keyspace = {keyspace} AND k.load = {load} AND (k.created OR k.updated) \
                 AND ({key} IS NULL OR {foreign}) \
                 UNION SELECT source_key, false FROM chartlift.exempt \
                 WHERE load = {load} AND keyspace = {keyspace} AND reason = 'edited' \
                 UNION SELECT b.source_key, false FROM chartlift.before b JOIN {table} t \
                 ON {key}::text COLLATE \"C\" = b.target_key \
                 WHERE b.load = {load} AND b.keyspace = {keyspace} AND b.deleted"
            );
            let refused = self.session.refused_at(DOING, &space.spec.name);
            for row in self.session.client.query(&sql, &[]).await.map_err(refused)? {
                let why = if row.get(1) { Why::Gone } else { Why::Edited };
                stays.push(Stays { table: space.at, source_key: row.get(0), why });
            }
        }
        Ok(stays)
    }

    /// Rows that the load created and that rows refer to which it did not write.
    pub(super) async fn referenced_from_outside(&self) -> Result<Vec<Stays>, Error> {
        // A row that row level security hides would be taken along by the foreign key: rather an error than that.
        self.session.run(DOING, "SET LOCAL row_security = off").await?;
        let load = self.load.id;
        let mut stays = Vec::new();
        for reference in &self.references {
            let mut outside = String::new();
            for own in self.spaces.iter().filter(|space| space.oid == reference.child_root) {
                outside.push_str(&format!(
                    " AND NOT EXISTS (SELECT FROM chartlift.crosswalk o WHERE o.keyspace = {} AND o.load = {load} \
                     AND (o.created OR o.updated) AND {})",
                    own.keyspace,
                    own.link("c", "o")?
                ));
            }
            for space in self.parents(reference) {
                let sql = format!(
                    "SELECT DISTINCT k.source_key FROM {} c JOIN {} t ON {} JOIN chartlift.crosswalk k ON {} \
                     WHERE k.keyspace = {} AND k.load = {load} AND k.created{outside}",
                    reference.child,
                    reference.parent,
                    joined(reference),
                    space.link("t", "k")?,
                    space.keyspace
                );
                let refused =
                    self.session.refused_at("look for rows that refer to the load's", &reference.child);
                for row in self.session.client.query(&sql, &[]).await.map_err(refused)? {
                    stays.push(Stays { table: space.at, source_key: row.get(0), why: Why::Referenced });
                }
            }
        }
        self.session.run(DOING, "SET LOCAL row_security = on").await?;
        Ok(stays)
    }

    /// Keeps what kept rows refer to, one step further.
    pub(super) async fn referred_by_kept(&mut self) -> Result<Vec<Stays>, Error> {
        self.begin_keeping().await?;
        let load = self.load.id;
        let mut stays = Vec::new();
        for reference in &self.references {
            for child in self.spaces.iter().filter(|space| space.oid == reference.child_root) {
                for space in self.parents(reference) {
                    let sql = format!(
                        "INSERT INTO pg_temp.chartlift_kept \
                         SELECT DISTINCT k.keyspace, k.source_key FROM pg_temp.chartlift_kept x \
                         JOIN chartlift.crosswalk o ON o.keyspace = x.keyspace AND o.source_key = x.source_key \
                         JOIN {} c ON {} JOIN {} t ON {} JOIN chartlift.crosswalk k ON {} \
                         WHERE x.keyspace = {} AND k.keyspace = {} AND k.load = {load} AND k.created \
                         ON CONFLICT DO NOTHING RETURNING source_key",
                        reference.child,
                        child.link("c", "o")?,
                        reference.parent,
                        joined(reference),
                        space.link("t", "k")?,
                        child.keyspace,
                        space.keyspace
                    );
                    let refused = self.session.refused_at(DOING, &child.spec.name);
                    for row in self.session.client.query(&sql, &[]).await.map_err(refused)? {
                        stays.push(Stays { table: space.at, source_key: row.get(0), why: Why::Referenced });
                    }
                }
            }
        }
        Ok(stays)
    }

    fn parents<'a>(&'a self, reference: &'a Reference) -> impl Iterator<Item = &'a Space> {
        self.spaces.iter().filter(|space| space.oid == reference.parent_root)
    }
}

/// The condition that row `c` refers to row `t`.
fn joined(reference: &Reference) -> String {
    let pairs = reference.columns.iter().zip(&reference.referred);
    let pairs = pairs.map(|(own, other)| format!("c.{} = t.{}", quoted_part(own), quoted_part(other)));
    pairs.collect::<Vec<_>>().join(" AND ")
}
