//! The way a table's rows take: straight into it, or through a temporary table with columns of the same types.

use super::super::session::Session;
use super::super::{quoted, quoted_part};
use crate::Error;
use crate::target::{Path, Reason, TablePlan, TableSpec};

const PLAN: &str = "plan the load";

/// Whether the role is subject to policies, inserts are rewritten, and references to the same table are checked at
/// each statement's end; and whether such references can wait.
const WAYS: &str = "
SELECT row_security_active(c.oid),
  EXISTS (SELECT FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.ev_type = '3'),
  EXISTS (SELECT FROM pg_constraint f WHERE f.conrelid = c.oid AND f.confrelid = c.oid AND f.contype = 'f'
    AND NOT f.condeferred)
FROM pg_class c WHERE c.oid = to_regclass($1)";

/// `follows`: earlier loads may have rows in the table that are to be compared.
pub(super) async fn plan(session: &Session, table: &TableSpec, follows: bool) -> Result<TablePlan, Error> {
    let refused = session.refused_at(PLAN, &table.name);
    let found = session.client.query_opt(WAYS, &[&quoted(&table.name)]).await.map_err(refused)?;
    let says = |at: usize| found.as_ref().is_some_and(|row| row.get(at));
    let reasons = [
        (table.mode.compares(), Reason::Mode),
        (follows, Reason::Follows),
        (says(0), Reason::RowSecurity),
        (says(1), Reason::Rule),
        (says(2), Reason::SelfReference),
    ];
    let why: Vec<Reason> =
        reasons.into_iter().filter(|(holds, _)| *holds).map(|(_, reason)| reason).collect();
    let path = if why.is_empty() { Path::Direct } else { Path::Staged };
    Ok(TablePlan { path, why })
}

/// The name of a column in stages: the table's own might be those of ours.
pub(super) fn column(at: usize) -> String {
    format!("c{}", at + 1)
}

/// The statement that copies rows into the table, or with their source keys into its stage.
pub(super) fn copy(table: &TableSpec, stage: Option<&str>) -> String {
    let names: Vec<String> = table.columns.iter().map(|column| quoted_part(&column.name)).collect();
    match stage {
        Some(stage) => format!("COPY {stage} FROM STDIN (FORMAT binary)"),
        None => format!("COPY {} ({}) FROM STDIN (FORMAT binary)", quoted(&table.name), names.join(", ")),
    }
}

/// Makes the table that rows wait in; its name. `number` tells stages of one load apart.
pub(super) async fn create(session: &Session, table: &TableSpec, number: usize) -> Result<String, Error> {
    let name = format!("pg_temp.chartlift_stage_{number}");
    let columns: Vec<String> = table
        .columns
        .iter()
        .enumerate()
        .map(|(at, spec)| format!("t.{} AS {}", quoted_part(&spec.name), column(at)))
        .collect();
    // Types come with it, constraints do not: those are the table's to check.
    let sql = format!(
        "CREATE TEMP TABLE chartlift_stage_{number} ON COMMIT DROP AS \
         SELECT {}, NULL::text COLLATE \"C\" AS key FROM {} t WITH NO DATA",
        columns.join(", "),
        quoted(&table.name)
    );
    session.client.batch_execute(&sql).await.map_err(session.refused_at(PLAN, &table.name))?;
    Ok(name)
}
