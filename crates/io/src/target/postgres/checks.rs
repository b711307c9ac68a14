//! Checks of tables and domains, asked of the server before anything is written: it computes their expressions over
//! values that no table holds.

use std::collections::HashSet;

use arrow::array::RecordBatch;

use super::quoted_part;
use super::session::{Server, Session};
use crate::Error;
use crate::target::values::{Values, write_date, write_instant, write_number, write_uuid};
use crate::target::{CatalogColumn, CatalogTable, RowCheck, TypeClass};

const DOING: &str = "compute the table's checks";

/// The connection that the questions go over, opened with the first.
pub(super) type Asked = tokio::sync::Mutex<Option<Session>>;

/// The rows of a batch that fail a check; none of those in `skipped`, whose values the server could not read.
pub(super) async fn failing(
    (server, asked): (&Server, &Asked),
    table: &CatalogTable,
    check: &RowCheck,
    batch: &RecordBatch,
    skipped: &HashSet<usize>,
) -> Result<Vec<u32>, Error> {
    let mut values = Vec::new();
    let mut given = String::new();
    for (index, name) in check.columns.iter().enumerate() {
        let (Some(column), Some(array)) = (table.column(name), batch.column_by_name(name)) else {
            return Ok(Vec::new());
        };
        values.push(texts(&table.name, column, Values::of(&table.name, name, array.as_ref())?, skipped));
        let name = if check.of_domain { "value".to_owned() } else { quoted_part(name) };
        let comma = if index == 0 { "" } else { ", " };
        given.push_str(&format!("{comma}c{index}::{} AS {name}", column.base_type));
    }
    let places: Vec<String> = (1..=values.len()).map(|place| format!("${place}::text[]")).collect();
    let names: Vec<String> = (0..values.len()).map(|index| format!("c{index}")).collect();
    let sql = format!(
        "SELECT u.n FROM unnest({}) WITH ORDINALITY u ({}, n), LATERAL (SELECT {given}) r WHERE ({}) IS FALSE \
         ORDER BY u.n",
        places.join(", "),
        names.join(", "),
        check.expression
    );
    let mut held = asked.lock().await;
    let session = match held.take() {
        Some(session) => session,
        None => server.open(DOING).await?,
    };
    let parameters: Vec<&(dyn tokio_postgres::types::ToSql + Sync)> =
        values.iter().map(|values| values as &(dyn tokio_postgres::types::ToSql + Sync)).collect();
    let found = session.client.query(&sql, &parameters).await.map_err(session.refused_at(DOING, &table.name));
    let rows = match found {
        Ok(rows) => rows.iter().filter_map(|row| u32::try_from(row.get::<_, i64>(0) - 1).ok()).collect(),
        // An expression that cannot be computed here is one for the load itself, which names it.
        Err(Error::Refused { .. }) => Vec::new(),
        Err(error) => return Err(error),
    };
    *held = Some(session);
    Ok(rows)
}

/// Whether a column's values can be shown to the server as text.
pub(super) fn can_be_asked(column: &CatalogColumn) -> bool {
    !matches!(column.class, TypeClass::Array(_) | TypeClass::Bytes | TypeClass::Unsupported)
}

fn texts(
    table: &str,
    column: &CatalogColumn,
    values: Values<'_>,
    skipped: &HashSet<usize>,
) -> Vec<Option<String>> {
    debug_assert!(can_be_asked(column), "{table} was asked of what has no text");
    let text = |row: usize| {
        if values.array().is_null(row) || skipped.contains(&row) {
            return None;
        }
        let mut text = String::new();
        match values {
            Values::Text(array) => text.push_str(array.value(row)),
            Values::Integer(array) => text = array.value(row).to_string(),
            Values::Boolean(array) => text = array.value(row).to_string(),
            Values::Number(array) => write_number(&mut text, array.value(row)),
            Values::Uuid(array) => write_uuid(&mut text, array.value(row)),
            Values::Date(array) => write_date(&mut text, array.value(row)).ok()?,
            Values::Instant(array) => write_instant(&mut text, array.value(row)).ok()?,
        }
        Some(text)
    };
    (0..values.array().len()).map(text).collect()
}
