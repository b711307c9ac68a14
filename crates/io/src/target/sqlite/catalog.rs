//! SQLite's catalogue, read through its table-valued pragmas.

use rusqlite::{Connection, OptionalExtension, Params, Row};

use super::refusal::refused;
use super::triggers;
use crate::Error;
use crate::target::name::Name;
use crate::target::{CatalogColumn, CatalogTable, ForeignKey, TableFacts, TypeClass};

pub(super) fn read(connection: &Connection, tables: &[String]) -> Result<Vec<CatalogTable>, Error> {
    let with_facts = |name: &String| {
        let mut table = read_table(connection, name)?;
        if table.exists {
            // A file has no roles: who may open it may do everything.
            table.facts = TableFacts {
                triggers: triggers::read(connection, name)?,
                owned: true,
                may_analyze: true,
                may_lock: true,
                ..TableFacts::default()
            };
        }
        Ok(table)
    };
    tables.iter().map(with_facts).collect()
}

pub(super) fn read_table(connection: &Connection, name: &str) -> Result<CatalogTable, Error> {
    let Name { schema, table } = Name::read(name);
    let (schema, table) = (schema.as_deref().unwrap_or("main"), table.as_str());
    let mut answer = CatalogTable { name: name.to_owned(), ..Default::default() };
    let strict: Option<bool> = connection
        .query_row(
            "SELECT strict FROM pragma_table_list WHERE schema = ? AND lower(name) = lower(?) AND type = 'table'",
            [schema, table],
            |row| row.get(0),
        )
        .optional()
        .map_err(refused("read its catalogue"))?;
    let Some(strict) = strict else { return Ok(answer) };
    answer.exists = true;
    let mut key: Vec<(i64, String)> = Vec::new();
    let columns =
        "SELECT name, type, \"notnull\", dflt_value IS NOT NULL, pk, hidden FROM pragma_table_xinfo(?, ?)";
    each(connection, columns, [table, schema], |row| {
        let (column, position) = read_column(row, strict)?;
        if position > 0 {
            key.push((position, column.name.clone()));
        }
        answer.columns.push(column);
        Ok(())
    })?;
    key.sort();
    answer.primary_key = key.into_iter().map(|(_, name)| name).collect();
    answer.unique_keys = unique_keys(connection, table, schema)?;
    answer.foreign_keys = foreign_keys(connection, table, schema)?;
    for key in &mut answer.foreign_keys {
        if key.referred_columns.iter().any(String::is_empty) {
            // The declaration left the columns out: it means the primary key.
            key.referred_columns = if key.table == table {
                answer.primary_key.clone()
            } else {
                read_table(connection, &key.table)?.primary_key
            };
        }
    }
    Ok(answer)
}

fn read_column(row: &Row<'_>, strict: bool) -> rusqlite::Result<(CatalogColumn, i64)> {
    let (database_type, hidden): (String, i64) = (row.get(1)?, row.get(5)?);
    let position: i64 = row.get(4)?;
    let column = CatalogColumn {
        name: row.get(0)?,
        class: class(&database_type, strict),
        max_length: None,
        nullable: !row.get::<_, bool>(2)? && position == 0,
        has_default: row.get(3)?,
        generated: hidden != 0,
        database_type,
        ..CatalogColumn::default()
    };
    Ok((column, position))
}

/// Outside STRICT tables a column's type is an affinity: those that rewrite decimals cannot be trusted with them.
fn class(database_type: &str, strict: bool) -> TypeClass {
    let name = database_type.to_ascii_uppercase();
    match name.as_str() {
        "TEXT" | "ANY" => TypeClass::AnyText,
        "INT" | "INTEGER" => TypeClass::AnyInteger,
        "REAL" => TypeClass::Double,
        "BLOB" => TypeClass::Bytes,
        _ if strict => TypeClass::Unsupported,
        name if name.contains("INT") || name.contains("BOOL") => TypeClass::AnyInteger,
        name if ["CHAR", "CLOB", "TEXT"].iter().any(|part| name.contains(part)) => TypeClass::AnyText,
        // Canonical writing is no number: it stays the text that it is.
        "DATE" => TypeClass::Date,
        "DATETIME" | "TIMESTAMP" | "TIMESTAMPTZ" => TypeClass::TimestampWithZone,
        name if ["REAL", "FLOA", "DOUB"].iter().any(|part| name.contains(part)) => TypeClass::Double,
        _ => TypeClass::Unsupported,
    }
}

fn unique_keys(connection: &Connection, table: &str, schema: &str) -> Result<Vec<Vec<String>>, Error> {
    let mut indexes: Vec<String> = Vec::new();
    let list = "SELECT name FROM pragma_index_list(?, ?) WHERE \"unique\" AND origin <> 'pk' AND NOT partial ORDER BY seq";
    each(connection, list, [table, schema], |row| {
        indexes.push(row.get(0)?);
        Ok(())
    })?;
    let mut keys = Vec::new();
    for index in indexes {
        let mut key: Vec<Option<String>> = Vec::new();
        let columns = "SELECT name FROM pragma_index_info(?, ?) ORDER BY seqno";
        each(connection, columns, [index.as_str(), schema], |row| {
            key.push(row.get(0)?);
            Ok(())
        })?;
        keys.extend(key.into_iter().collect::<Option<Vec<String>>>());
    }
    Ok(keys)
}

fn foreign_keys(connection: &Connection, table: &str, schema: &str) -> Result<Vec<ForeignKey>, Error> {
    let mut keys: Vec<(i64, ForeignKey)> = Vec::new();
    let list = "SELECT id, \"table\", \"from\", coalesce(\"to\", '') FROM pragma_foreign_key_list(?, ?) ORDER BY id, seq";
    each(connection, list, [table, schema], |row| {
        let id: i64 = row.get(0)?;
        let (column, referred): (String, String) = (row.get(2)?, row.get(3)?);
        match keys.last_mut() {
            Some((last, key)) if *last == id => {
                key.columns.push(column);
                key.referred_columns.push(referred);
            }
            _ => {
                let key = ForeignKey {
                    columns: vec![column],
                    table: row.get(1)?,
                    referred_columns: vec![referred],
                    // A load has all of them looked at when it ends.
                    deferrable: Some(String::new()),
                };
                keys.push((id, key));
            }
        }
        Ok(())
    })?;
    Ok(keys.into_iter().map(|(_, key)| key).collect())
}

pub(super) fn each(
    connection: &Connection,
    sql: &str,
    parameters: impl Params,
    mut take: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
) -> Result<(), Error> {
    let read = || {
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query(parameters)?;
        while let Some(row) = rows.next()? {
            take(row)?;
        }
        Ok(())
    };
    read().map_err(refused("read its catalogue"))
}
