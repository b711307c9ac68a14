//! Which rows of a table a load answers for: those it created or wrote to, as long as no later load did.

use super::session::{Server, Session};
use super::{catalog, digest, quoted};
use crate::Error;
use crate::target::{LoadRecord, TableSpec, Unanswered, WriteMode};

const DOING: &str = "look which rows the load answers for";

/// The condition on a crosswalk entry `k` of this keyspace. `superseded` tells whether any row may be a later load's.
pub(super) fn answered(table: &TableSpec, load: &LoadRecord, superseded: bool) -> String {
    let id = load.id;
    let written = match table.mode {
        // What was filled of a matched row is proved apart, cell by cell.
        WriteMode::Match => format!("k.load = {id} AND k.created"),
        WriteMode::Fill => format!("k.load = {id} AND k.updated AND NOT k.created"),
        // Rows of earlier loads too, as far as this one did not leave them to themselves.
        _ if load.follows(table) => format!(
            "k.load <= {id} AND (k.created OR k.updated) AND NOT EXISTS (SELECT FROM chartlift.exempt e \
             WHERE e.load = {id} AND e.keyspace = k.keyspace AND e.source_key = k.source_key)"
        ),
        _ => format!("k.load = {id} AND (k.created OR k.updated)"),
    };
    if superseded {
        // Another series may have written to the same row: entries of the table are one set, whoever made them.
        format!("{written} AND NOT EXISTS ({})", later(load))
    } else {
        written
    }
}

/// What later loads kept of the row that the entry `k` names.
fn later(load: &LoadRecord) -> String {
    format!(
        "SELECT FROM chartlift.before b JOIN chartlift.keyspace bs ON bs.id = b.keyspace \
         JOIN chartlift.keyspace ks ON ks.id = k.keyspace AND ks.target_table = bs.target_table \
         WHERE b.load > {} AND b.target_key = coalesce(k.target_key, k.target_uuid::text, k.source_key)",
        load.id
    )
}

/// Whether a later load kept anything of a table's rows.
pub(super) async fn any_superseded(
    session: &Session,
    table: &TableSpec,
    load: &LoadRecord,
) -> Result<bool, Error> {
    let sql = "SELECT EXISTS (SELECT FROM chartlift.before b JOIN chartlift.keyspace s ON s.id = b.keyspace \
               WHERE s.target_table = $1 AND b.load > $2)";
    let id = i32::try_from(load.id).unwrap_or(i32::MAX);
    let row = session.client.query_one(sql, &[&table.keyspace, &id]).await.map_err(session.refused(DOING))?;
    Ok(row.get(0))
}

pub(super) async fn filled(
    server: &Server,
    table: &TableSpec,
    load: &LoadRecord,
) -> Result<Vec<(String, Vec<String>)>, Error> {
    let session = server.open(DOING).await?;
    let keyspace = digest::keyspace(&session, load, table, &table.keyspace).await?;
    let sql = format!(
        "SELECT b.source_key, array(SELECT u.name FROM unnest(b.columns, b.cells) AS u (name, cell) \
         WHERE u.cell IS NULL OR u.cell = '') FROM chartlift.before b \
         WHERE b.load = {} AND b.keyspace = {keyspace} AND NOT b.deleted AND cardinality(b.columns) > 0",
        load.id
    );
    let rows = session.client.query(&sql, &[]).await.map_err(session.refused_at(DOING, &table.name))?;
    session.close().await;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

pub(super) async fn unanswered(
    server: &Server,
    table: &TableSpec,
    load: &LoadRecord,
) -> Result<Unanswered, Error> {
    let session = server.open(DOING).await?;
    let refused = session.refused_at(DOING, &table.name);
    let mut unanswered = Unanswered::default();
    let keyspace = digest::keyspace(&session, load, table, &table.keyspace).await?;
    if any_superseded(&session, table, load).await? {
        // Taken over or taken out by the same series, or written to by another.
        let sql = format!(
            "SELECT k.source_key FROM chartlift.crosswalk k WHERE k.keyspace = {keyspace} AND EXISTS ({}) \
             UNION SELECT b.source_key FROM chartlift.before b WHERE b.keyspace = {keyspace} AND b.load > {}",
            later(load),
            load.id
        );
        for row in session.client.query(&sql, &[]).await.map_err(&refused)? {
            unanswered.superseded.push(row.get(0));
        }
    }
    if table.mode == WriteMode::SkipExisting {
        let entry = catalog::read_table(&session, &table.name).await?;
        let own = if load.follows(table) { "true".to_owned() } else { format!("k.load = {}", load.id) };
        let sql = format!(
            "SELECT k.source_key FROM chartlift.crosswalk k JOIN {} t ON {} \
             WHERE k.keyspace = {keyspace} AND NOT coalesce({own} AND (k.created OR k.updated), false)",
            quoted(&table.name),
            digest::link(&entry, table, keyspace)?,
        );
        for row in session.client.query(&sql, &[]).await.map_err(&refused)? {
            unanswered.skipped.push(row.get(0));
        }
    }
    if load.follows(table) {
        let sql = format!(
            "SELECT source_key FROM chartlift.exempt WHERE load = {} AND keyspace = {keyspace} AND reason = 'kept'",
            load.id
        );
        for row in session.client.query(&sql, &[]).await.map_err(&refused)? {
            unanswered.kept.push(row.get(0));
        }
    }
    session.close().await;
    Ok(unanswered)
}
