//! Taking a load back: its rows by their crosswalk entries, then the entries.

use rusqlite::{Connection, TransactionBehavior};

use super::refusal::{refused, refused_at};
use super::{bookkeeping, quoted, quoted_part};
use crate::Error;
use crate::failpoint;
use crate::target::{KeyKind, LoadRecord, TableSpec, all_gone};

const DOING: &str = "take the load back";

pub(super) fn roll_back(
    connection: &mut Connection,
    load: &LoadRecord,
    tables: &[TableSpec],
    keep: bool,
) -> Result<Vec<u64>, Error> {
    // References are asked for at the end: rows of one table may refer to one another.
    connection.execute_batch("PRAGMA defer_foreign_keys = ON").map_err(refused(DOING))?;
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(refused(DOING))?;
    failpoint::hit("rollback-locked");
    if let Some(later) = bookkeeping::stands_on(&transaction, load)? {
        return Err(Error::Stood { load: load.id, later });
    }
    let mut gone = Vec::new();
    for table in tables {
        let keyspace =
            bookkeeping::find_keyspace(&transaction, &load.series, &table.system, &table.keyspace)?
                .unwrap_or(-1);
        let (key, kind) = table.key()?;
        let link = match kind {
            KeyKind::Uuid => "target_uuid",
            KeyKind::Natural => "source_key",
            // The column's own affinity makes a number of it again where it holds numbers.
            KeyKind::Linked => "target_key",
        };
        let sql = format!(
            "DELETE FROM {} WHERE {} IN \
             (SELECT {link} FROM chartlift_crosswalk WHERE keyspace = ?1 AND load = ?2 AND created = 1)",
            quoted(&table.name),
            quoted_part(&key.name)
        );
        let rows = transaction.execute(&sql, [keyspace, load.id]).map_err(refused_at(DOING, &table.name))?;
        gone.push(rows as u64);
        failpoint::hit("rollback-rows");
    }
    all_gone(load, tables, &gone)?;
    for (sql, done) in [
        ("DELETE FROM chartlift_crosswalk WHERE load = ?1", "rollback-entries"),
        ("UPDATE chartlift_load SET state = 'rolled-back' WHERE id = ?1", "rollback-record"),
    ] {
        transaction.execute(sql, [load.id]).map_err(refused(DOING))?;
        failpoint::hit(done);
    }
    failpoint::hit("rollback-committing");
    let ended = if keep { transaction.rollback() } else { transaction.commit() };
    ended.map_err(refused(DOING))?;
    failpoint::hit("rollback-committed");
    Ok(gone)
}
