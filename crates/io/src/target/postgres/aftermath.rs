//! What a table needs once it has its rows: sequences that know of the keys written, and statistics.

use std::collections::BTreeMap;

use super::session::{Server, Session};
use super::{catalog, facts, quoted, quoted_part};
use crate::Error;

const ADVANCE: &str = "advance sequences";
const ANALYZE: &str = "gather statistics";

/// Up to so many numbers are drawn one by one: nobody who draws one at the same time can get it twice, or set the
/// sequence back. Beyond, the sequence is set: nobody draws so many meanwhile.
const DRAWN: i64 = 10_000;

/// The same for who may only draw numbers.
const MOST_DRAWN: i64 = 10_000_000;

/// Takes each sequence behind the columns that were written past the highest number that its column holds; never back.
pub(super) async fn advance_sequences(
    session: &Session,
    written: &BTreeMap<String, Vec<String>>,
) -> Result<(), Error> {
    for (table, columns) in written {
        let Some(oid) = catalog::oid(session, table).await? else { continue };
        let refused = session.refused_at(ADVANCE, table);
        for row in session.client.query(facts::SEQUENCES, &[&oid]).await.map_err(&refused)? {
            let (sequence, column): (&str, &str) = (row.get(0), row.get(1));
            if !columns.iter().any(|written| written == column) {
                continue;
            }
            let sql = format!(
                "SELECT CASE WHEN steps > CASE WHEN has_sequence_privilege(s.oid, 'UPDATE') THEN {DRAWN}
                   ELSE {MOST_DRAWN} END THEN setval(s.oid::regclass, top)
                   ELSE (SELECT max(v) FROM (SELECT nextval(s.oid::regclass) FROM generate_series(1, steps)) d (v)) END
                 FROM pg_sequence q JOIN pg_class s ON s.oid = q.seqrelid,
                   (SELECT max({column})::bigint FROM {table}) t (top),
                   LATERAL (SELECT coalesce(pg_sequence_last_value(s.oid), q.seqstart - q.seqincrement)) l (last),
                   LATERAL (SELECT (top - last + q.seqincrement - 1) / q.seqincrement) n (steps)
                 WHERE q.seqrelid = $1::text::regclass AND q.seqincrement > 0 AND top > last AND top <= q.seqmax",
                column = quoted_part(column),
                table = quoted(table),
            );
            session.client.query(&sql, &[&sequence]).await.map_err(&refused)?;
        }
    }
    Ok(())
}

/// The tables that the role may not gather statistics of, or whose statistics could not be gathered.
pub(super) async fn analyze(server: &Server, tables: &[String]) -> Result<Vec<String>, Error> {
    let session = server.open(ANALYZE).await?;
    let mut left = Vec::new();
    for table in tables {
        let may = match catalog::oid(&session, table).await? {
            Some(oid) => facts::read(&session, oid).await?.may_analyze,
            None => false,
        };
        // The server only warns of what a role may not do.
        if !may || session.client.batch_execute(&format!("ANALYZE {}", quoted(table))).await.is_err() {
            left.push(table.clone());
        }
    }
    session.close().await;
    Ok(left)
}
