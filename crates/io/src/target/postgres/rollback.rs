//! Taking a load back: its rows by their crosswalk entries, then the entries.

use super::session::Server;
use super::{bookkeeping, catalog, digest, quoted};
use crate::Error;
use crate::failpoint;
use crate::target::{LoadRecord, TableSpec, all_gone};

const DOING: &str = "take the load back";

pub(super) async fn roll_back(
    server: &Server,
    load: &LoadRecord,
    tables: &[TableSpec],
    keep: bool,
) -> Result<Vec<u64>, Error> {
    let session = server.open_to_write(DOING).await?;
    session.run(DOING, "BEGIN").await?;
    bookkeeping::take_fence(&session, &load.order, server.lock_wait).await?;
    failpoint::hit("rollback-locked");
    if let Some(later) = bookkeeping::stands_on(&session, load).await? {
        return Err(Error::Stood { load: load.id, later });
    }
    let mut gone = Vec::new();
    for table in tables {
        let entry = catalog::read_table(&session, &table.name).await?;
        let keyspace = digest::keyspace(&session, load, table, &table.keyspace).await?;
        let sql = format!(
            "DELETE FROM {} t USING chartlift.crosswalk k \
             WHERE k.keyspace = {keyspace} AND k.load = {} AND k.created AND {}",
            quoted(&table.name),
            load.id,
            digest::link(&entry, table, keyspace)?
        );
        gone.push(session.client.execute(&sql, &[]).await.map_err(session.refused_at(DOING, &table.name))?);
        failpoint::hit("rollback-rows");
    }
    all_gone(load, tables, &gone)?;
    let id = load.id;
    session.run(DOING, &format!("DELETE FROM chartlift.crosswalk WHERE load = {id}")).await?;
    failpoint::hit("rollback-entries");
    session.run(DOING, &format!("UPDATE chartlift.load SET state = 'rolled-back' WHERE id = {id}")).await?;
    failpoint::hit("rollback-record");
    // Constraints that wait for the end speak now, also where nothing is to stay.
    session.run(DOING, "SET CONSTRAINTS ALL IMMEDIATE").await?;
    failpoint::hit("rollback-committing");
    session.run(DOING, if keep { "ROLLBACK" } else { "COMMIT" }).await?;
    failpoint::hit("rollback-committed");
    session.close().await;
    Ok(gone)
}
