//! Which rows of a load are no longer only the load's.

use rusqlite::Params;

use super::{DOING, Open, Reference, Space, same_table};
use crate::Error;
use crate::target::sqlite::refusal::refused_at;
use crate::target::sqlite::{quoted, row_hash};
use crate::target::{Stays, Why};

impl Open {
    /// Rows that are not as the load left them, or that are gone; rows that came back as an earlier rollback found them,
    /// which was not as the load had left them; rows that the load deleted and somebody made anew.
    pub(super) fn touched(&self) -> Result<Vec<Stays>, Error> {
        let mut stays = Vec::new();
        for space in &self.spaces {
            let (table, key, link) = (space.table(), space.key("t")?, space.link("t", "k")?);
            let sql = format!(
                "SELECT k.source_key, {key} IS NULL FROM chartlift_crosswalk k LEFT JOIN {table} t ON {link} \
                 WHERE k.keyspace = ?1 AND k.load = ?2 AND (k.created = 1 OR k.updated = 1) \
                 AND ({key} IS NULL OR k.row_hash IS NOT {hash}) \
                 UNION SELECT source_key, 0 FROM chartlift_exempt \
                 WHERE load = ?2 AND keyspace = ?1 AND reason = 'edited' \
                 UNION SELECT b.source_key, 0 FROM chartlift_before b JOIN {table} t ON {key} = b.target_key \
                 WHERE b.load = ?2 AND b.keyspace = ?1 AND b.deleted = 1",
                hash = row_hash::hash_of("t", &space.columns)
            );
            self.found(&space.spec.name, &sql, [space.keyspace, self.load.id], |key, gone| {
                let why = if gone { Why::Gone } else { Why::Edited };
                stays.push(Stays { table: space.at, source_key: key, why });
            })?;
        }
        Ok(stays)
    }

    /// Rows that the load created and that rows refer to which it did not write.
    pub(super) fn referenced_from_outside(&self) -> Result<Vec<Stays>, Error> {
        let mut stays = Vec::new();
        for reference in &self.references {
            let mut outside = String::new();
            for own in self.of(&reference.child) {
                outside.push_str(&format!(
                    " AND NOT EXISTS (SELECT 1 FROM chartlift_crosswalk o WHERE o.keyspace = {} AND o.load = ?2 \
                     AND (o.created = 1 OR o.updated = 1) AND {})",
                    own.keyspace,
                    own.link("c", "o")?
                ));
            }
            for space in self.of(&reference.parent) {
                let sql = format!(
                    "SELECT DISTINCT k.source_key, 0 FROM {} c JOIN {} t ON {} JOIN chartlift_crosswalk k ON {} \
                     WHERE k.keyspace = ?1 AND k.load = ?2 AND k.created = 1{outside}",
                    quoted(&reference.child),
                    space.table(),
                    reference.joined(),
                    space.link("t", "k")?
                );
                self.found(&reference.child, &sql, [space.keyspace, self.load.id], |key, _| {
                    stays.push(Stays { table: space.at, source_key: key, why: Why::Referenced });
                })?;
            }
        }
        Ok(stays)
    }

    /// Keeps what kept rows refer to, one step further.
    pub(super) fn referred_by_kept(&self) -> Result<Vec<Stays>, Error> {
        let mut stays = Vec::new();
        for reference in &self.references {
            for child in self.of(&reference.child) {
                for space in self.of(&reference.parent) {
                    let sql = referred(reference, child, space)?;
                    let parameters = [child.keyspace, space.keyspace, self.load.id];
                    let before = stays.len();
                    self.found(&child.spec.name, &sql, parameters, |key, _| {
                        stays.push(Stays { table: space.at, source_key: key, why: Why::Referenced });
                    })?;
                    let keys = stays.iter().skip(before).map(|one| one.source_key.clone());
                    self.keep(&space.spec, &keys.collect::<Vec<_>>())?;
                }
            }
        }
        Ok(stays)
    }

    fn of<'a>(&'a self, table: &'a str) -> impl Iterator<Item = &'a Space> {
        self.spaces.iter().filter(move |space| same_table(&space.spec.name, table))
    }

    fn found(
        &self,
        table: &str,
        sql: &str,
        parameters: impl Params,
        mut take: impl FnMut(String, bool),
    ) -> Result<(), Error> {
        let read = || -> rusqlite::Result<()> {
            let mut statement = self.connection.prepare(sql)?;
            let mut rows = statement.query(parameters)?;
            while let Some(row) = rows.next()? {
                take(row.get(0)?, row.get(1)?);
            }
            Ok(())
        };
        read().map_err(refused_at(DOING, table))
    }
}

fn referred(reference: &Reference, child: &Space, space: &Space) -> Result<String, Error> {
    Ok(format!(
        "SELECT DISTINCT k.source_key, 0 FROM temp.chartlift_kept x \
         JOIN chartlift_crosswalk o ON o.keyspace = x.keyspace AND o.source_key = x.source_key \
         JOIN {} c ON {} JOIN {} t ON {} JOIN chartlift_crosswalk k ON {} \
         WHERE x.keyspace = ?1 AND k.keyspace = ?2 AND k.load = ?3 AND k.created = 1 AND {}",
        child.table(),
        child.link("c", "o")?,
        space.table(),
        reference.joined(),
        space.link("t", "k")?,
        super::goes("k")
    ))
}
