//! What every session is given before it does anything, whatever the server, the database or the role has set: how values
//! are written as text, how transactions behave, how long things may take; and what a session is refused for.

use std::time::Duration;

use tokio_postgres::{Config, SimpleQueryMessage};

use super::session::{Server, Session};
use crate::Error;

/// What lies between us and the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    Direct,
    /// Something answers in its place and hands connections on.
    Pooled,
}

/// Sent as an option of the login: whoever keeps connections of its own to the server does not pass it on.
const MARK: &str = "chartlift.route";

/// Each of these, set otherwise by somebody's `ALTER ROLE` or `ALTER DATABASE`, changes what is read or written, lets a
/// commit be lost after it was answered, or ends a long load. Rows are looked for in the role's own search path, as its
/// owner meant it, but no function of anybody's comes before the server's.
const SETTINGS: &str = "\
SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8'; SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'iso_8601';
SET extra_float_digits = 1; SET bytea_output = hex; SET standard_conforming_strings = on; SET array_nulls = on;
SET transform_null_equals = off; SET quote_all_identifiers = off; SET xmloption = content;
SET default_transaction_isolation = 'read committed'; SET default_transaction_deferrable = off;
SET tcp_keepalives_idle = 60; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 6;
SELECT set_config(name, '0', false) FROM unnest(ARRAY['idle_session_timeout', 'transaction_timeout']) AS later(name)
  WHERE current_setting(name, true) IS NOT NULL;
SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';
SELECT set_config('search_path', coalesce((SELECT string_agg(quote_ident(name), ', ' ORDER BY place)
    FROM unnest(current_schemas(false)) WITH ORDINALITY AS path(name, place) WHERE name <> 'pg_catalog'), ''), false)
  WHERE 'pg_catalog' = ANY (current_schemas(false));
SELECT current_setting('server_encoding'), current_setting('session_replication_role'),
  coalesce(current_setting('chartlift.route', true), '')";

/// From this version on a server can look in the middle of a statement whether its client is still there.
const LOOKS_FOR_ITS_CLIENT: u32 = 14;

/// Marks the login's options, so that [`settle`] can tell whether they came through.
pub(super) fn mark(config: &mut Config) {
    let own = config.get_options().map(|own| format!("{own} ")).unwrap_or_default();
    config.options(format!("{own}-c {MARK}=direct"));
}

/// A pooler's refusal of the login's options: as a protocol violation or as a feature that is not supported.
pub(super) fn knows_no_options(code: &str) -> bool {
    matches!(code, "08P01" | "0A000")
}

/// `15.18 (Debian 15.18-0+deb12u1)`, `18beta1`
pub(super) fn major(version: &str) -> Option<u32> {
    let digits = version.find(|character: char| !character.is_ascii_digit()).unwrap_or(version.len());
    version.get(..digits)?.parse().ok()
}

/// Gives a session its settings, and refuses one in which no load could be relied upon.
pub(super) async fn settle(
    session: &Session,
    doing: &'static str,
    lock_wait: Duration,
) -> Result<Route, Error> {
    // 0 would mean for ever.
    let lock_wait = lock_wait.as_millis().clamp(1, i32::MAX as u128);
    let sql = format!("SET lock_timeout = '{lock_wait}ms'; {SETTINGS}");
    let answers = session.client.simple_query(&sql).await.map_err(session.refused(doing))?;
    let last = answers.iter().rev().find_map(|answer| match answer {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let value = |index| last.and_then(|row| row.try_get(index).ok().flatten()).unwrap_or_default();
    let (encoding, role, mark) = (value(0), value(1), value(2));
    let target = || session.shown.clone();
    if encoding != "UTF8" {
        return Err(Error::Encoding { target: target(), encoding: encoding.to_owned() });
    }
    if role != "origin" {
        return Err(Error::Unchecked { target: target() });
    }
    if session.version.is_some_and(|version| version >= LOOKS_FOR_ITS_CLIENT) {
        // Lets the server notice a killed client in the middle of a statement. Some systems cannot, and only make
        // others wait longer.
        let _ = session.client.batch_execute("SET client_connection_check_interval = '2s'").await;
    }
    Ok(if mark.is_empty() { Route::Pooled } else { Route::Direct })
}

/// Refuses a server that takes no writes.
pub(super) async fn demand_writes(session: &Session, doing: &'static str) -> Result<(), Error> {
    let sql = "SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'on'";
    let row = session.client.query_one(sql, &[]).await.map_err(session.refused(doing))?;
    let problem = match (row.get(0), row.get(1)) {
        (true, _) => "it is a replica, which takes no writes",
        (false, true) => "`default_transaction_read_only` is on there, so that it takes no writes",
        (false, false) => return Ok(()),
    };
    Err(Error::ReadOnly { target: session.shown.clone(), problem })
}

/// Refuses a pooler that gives each transaction another connection to the server: settings, locks and prepared
/// statements would be somebody else's. `session` is one that came through a pooler.
pub(super) async fn demand_own_connection(server: &Server, session: &Session) -> Result<(), Error> {
    let doing = "ask the pooler whose connection this is";
    let shared = || Error::Pooled { target: session.shown.clone() };
    let before = process(session, doing).await?;
    // A pool that has no second connection to give keeps each for one session.
    let Ok(Ok(second)) = tokio::time::timeout(SECOND_WAIT, server.open(doing)).await else { return Ok(()) };
    // While the second one's transaction is open, a pooler of transactions has to give the first one another
    // connection; before that it gave the second one the connection that the first one had.
    if second.client.batch_execute("BEGIN").await.is_err() {
        return Err(shared());
    }
    let other = process(&second, doing).await?;
    // Where there is no other connection to give, the pooler lets it wait.
    let after = tokio::time::timeout(SECOND_WAIT, process(session, doing)).await.map_err(|_| shared())??;
    second.close().await;
    if before == after && before != other { Ok(()) } else { Err(shared()) }
}

const SECOND_WAIT: Duration = Duration::from_secs(5);

/// The server's process that a session talks to, asked without a prepared statement.
async fn process(session: &Session, doing: &'static str) -> Result<String, Error> {
    let answers = session.client.simple_query("SELECT pg_backend_pid()").await;
    let answers = answers.map_err(session.refused(doing))?;
    let row = answers.iter().find_map(|answer| match answer {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    Ok(row.unwrap_or_default().to_owned())
}
