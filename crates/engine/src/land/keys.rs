//! The keys that landing remembers: for uniqueness, for references, for naming rows that have no key.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, StringViewArray};
use arrow::datatypes::Int64Type;
use chartlift_rules::{Disposition, Located, SourceTable};

use crate::keys::{Entry, KeyWriter, Pool, Secret, hash_parts};
use crate::marks::Check;

/// An entry that came from a rejected record: it can be referred to, but is not a row of the table.
pub(super) const REJECTED: u64 = 1;

/// Where a schema's columns stand in a file, by name.
pub(super) type KeyColumns = BTreeMap<String, Option<usize>>;

/// All keys of one table.
#[derive(Default)]
pub(crate) struct TableKeys {
    pub keys: Vec<Key>,
    pub references: Vec<Reference>,
    missing_values: Vec<String>,
}

/// Columns whose values name rows.
pub(crate) struct Key {
    pub columns: Vec<String>,
    /// The check that equal values fail, by its place in the stage's list.
    pub unique: Option<usize>,
    /// Equal values are numbered, not wrong.
    pub numbered: bool,
}

/// Columns whose values must be among another table's.
pub(crate) struct Reference {
    pub columns: Vec<String>,
    pub check: usize,
    /// The table and the place of its key.
    pub parent: (usize, usize),
}

/// Finds every key of every table, and adds their checks to the stage's list.
pub(crate) fn table_keys(tables: &[&SourceTable], checks: &mut Vec<Check>) -> Vec<TableKeys> {
    let mut all: Vec<TableKeys> = tables.iter().map(|table| own_keys(table, checks)).collect();
    for (child, table) in tables.iter().enumerate() {
        for foreign in &table.schema.foreign_keys {
            let Some(parent) = tables.iter().position(|other| other.name.value == foreign.resource.value)
            else {
                continue;
            };
            let wanted = names(&foreign.reference_fields);
            let Some(keys) = all.get_mut(parent).map(|parent| &mut parent.keys) else { continue };
            let key = keys.iter().position(|key| key.columns == wanted).unwrap_or_else(|| {
                keys.push(Key { columns: wanted, unique: None, numbered: false });
                keys.len() - 1
            });
            let columns = names(&foreign.fields);
            let disposition = disposition(table, columns.first(), "foreignKey");
            let check = add(checks, table, "foreign-key", &columns, disposition);
            if let Some(child) = all.get_mut(child) {
                child.references.push(Reference { columns, check, parent: (parent, key) });
            }
        }
    }
    all
}

fn own_keys(table: &SourceTable, checks: &mut Vec<Check>) -> TableKeys {
    let schema = &table.schema;
    let mut keys = Vec::new();
    let primary = names(&schema.primary_key);
    if !primary.is_empty() {
        let check = add(checks, table, "primary-key", &primary, disposition(table, None, "primaryKey"));
        keys.push(Key { columns: primary.clone(), unique: Some(check), numbered: false });
    }
    for field in schema.fields.iter().filter(|field| field.constraints.unique) {
        let columns = vec![field.name.value.clone()];
        if columns != primary {
            let disposition = disposition(table, columns.first(), "unique");
            let check = add(checks, table, "unique-error", &columns, disposition);
            keys.push(Key { columns, unique: Some(check), numbered: false });
        }
    }
    if !schema.extension.row_key.is_empty() {
        keys.push(Key { columns: names(&schema.extension.row_key), unique: None, numbered: true });
    }
    TableKeys { keys, references: Vec::new(), missing_values: schema.missing_values.clone() }
}

fn add(
    checks: &mut Vec<Check>,
    table: &SourceTable,
    code: &str,
    columns: &[String],
    disposition: Disposition,
) -> usize {
    checks.push(Check::new(code, &table.name.value, disposition).column(&columns.join(", ")));
    checks.len() - 1
}

fn disposition(table: &SourceTable, column: Option<&String>, constraint: &str) -> Disposition {
    let of = |list: &[(String, Disposition)]| {
        list.iter().find(|(name, _)| name == constraint).map(|(_, disposition)| *disposition)
    };
    column
        .and_then(|column| table.schema.field(column))
        .and_then(|field| of(&field.extension.failed))
        .or_else(|| of(&table.schema.extension.failed))
        .unwrap_or(Disposition::Quarantine)
}

fn names(columns: &[Located<String>]) -> Vec<String> {
    columns.iter().map(|column| column.value.clone()).collect()
}

/// What one group of chunks remembered, in the order of the table's keys and references.
pub(crate) struct KeyWriters {
    pub(super) keys: Vec<KeyWriter>,
    pub(super) references: Vec<KeyWriter>,
}

impl KeyWriters {
    pub(super) fn new(table: &TableKeys, pool: &Arc<Pool>) -> Self {
        Self {
            keys: table.keys.iter().map(|_| KeyWriter::new(pool)).collect(),
            references: table.references.iter().map(|_| KeyWriter::new(pool)).collect(),
        }
    }

    pub(super) fn remember(&mut self, table: &TableKeys, batch: &RecordBatch, secret: Secret) {
        let Some(rows) = batch.column_by_name("_row").map(|column| column.as_primitive::<Int64Type>()) else {
            return;
        };
        for (key, writer) in table.keys.iter().zip(&mut self.keys) {
            let columns = columns(batch, &key.columns);
            for row in 0..batch.num_rows() {
                let hash = if key.numbered {
                    Some(hash_parts(
                        secret,
                        columns.iter().flat_map(|column| tagged(column.as_ref(), row, table)),
                    ))
                } else {
                    hash(&columns, row, table, secret)
                };
                if let Some(key) = hash {
                    writer.push(Entry { key, row: rows.value(row), extra: 0 });
                }
            }
        }
        for (reference, writer) in table.references.iter().zip(&mut self.references) {
            let columns = columns(batch, &reference.columns);
            for row in 0..batch.num_rows() {
                if let Some(key) = hash(&columns, row, table, secret) {
                    writer.push(Entry { key, row: rows.value(row), extra: 0 });
                }
            }
        }
    }

    /// A damaged parent's key that can still be read resolves its children: they are not at fault.
    pub(super) fn remember_reject(
        &mut self,
        table: &TableKeys,
        positions: &KeyColumns,
        fields: &[Option<String>],
        row: i64,
        secret: Secret,
    ) {
        for (key, writer) in table.keys.iter().zip(&mut self.keys).filter(|(key, _)| !key.numbered) {
            let parts: Option<Vec<&str>> = key
                .columns
                .iter()
                .map(|column| {
                    let at = (*positions.get(column)?)?;
                    let text = fields.get(at)?.as_deref()?;
                    (!table.missing_values.iter().any(|missing| missing == text)).then_some(text)
                })
                .collect();
            if let Some(parts) = parts {
                let key = hash_parts(secret, parts.iter().map(|part| part.as_bytes()));
                writer.push(Entry { key, row, extra: REJECTED });
            }
        }
    }
}

fn columns(batch: &RecordBatch, names: &[String]) -> Vec<Option<StringViewArray>> {
    names
        .iter()
        .map(|name| batch.column_by_name(name).and_then(|column| column.as_string_view_opt()).cloned())
        .collect()
}

/// The hash of a row's key, or none where a part has no value.
fn hash(columns: &[Option<StringViewArray>], row: usize, table: &TableKeys, secret: Secret) -> Option<u64> {
    for column in columns {
        let column = column.as_ref()?;
        if column.is_null(row) || table.missing_values.iter().any(|missing| missing == column.value(row)) {
            return None;
        }
    }
    Some(hash_parts(secret, columns.iter().flatten().map(|column| column.value(row).as_bytes())))
}

/// A part of a numbered key: a value and a tag that tells an empty one from none.
fn tagged<'a>(
    column: Option<&'a StringViewArray>,
    row: usize,
    table: &TableKeys,
) -> impl Iterator<Item = &'a [u8]> {
    let text = column
        .filter(|column| column.is_valid(row))
        .map(|column| column.value(row))
        .filter(|text| !table.missing_values.iter().any(|missing| missing == text));
    [if text.is_some() { b"1".as_slice() } else { b"0".as_slice() }, text.unwrap_or_default().as_bytes()]
        .into_iter()
}
