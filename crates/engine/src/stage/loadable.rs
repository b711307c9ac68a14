//! The rows that are to be in the target: converted, not held, optional references to held parents emptied.
//! Import writes them and verify compares with them; both read them here.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StringViewArray, StringViewBuilder};
use arrow::datatypes::{Int32Type, Int64Type, Schema, SchemaRef};
use chartlift_io::target::{ColumnSpec, KEY_COLUMN, KeyKind, Role, TableSpec, WriteMode};
use chartlift_rules::{LoadMode, Target, TargetKey, TargetTable};

use super::{Work, linked};
use crate::Error;
use crate::layer;
use crate::marks::{RowId, RowSet, read_rows};
use crate::statement::Stage;

/// What the target is told of a table and of the system whose rows go into it.
pub(crate) fn table_spec(target: &Target, table: &TargetTable, system: &str) -> TableSpec {
    let schema = &table.schema;
    let key = schema.primary_key.first().map(|key| key.value.as_str());
    let columns = schema
        .fields
        .iter()
        .map(|field| {
            let name = field.name.value.clone();
            let parent = parent_of(table, &name);
            let role = match parent {
                _ if Some(name.as_str()) == key => Role::Key(key_kind(table)),
                Some(parent) => {
                    let kind = target
                        .tables
                        .iter()
                        .find(|other| other.name.value == parent)
                        .map_or(KeyKind::Uuid, key_kind);
                    Role::Reference { table: parent.to_owned(), kind }
                }
                None => Role::Data,
            };
            ColumnSpec { name, role }
        })
        .collect();
    let name = schema.extension.table.clone().unwrap_or_else(|| table.name.value.clone());
    let mode = match schema.extension.mode {
        LoadMode::Insert => WriteMode::Insert,
        LoadMode::Upsert => WriteMode::Upsert,
        LoadMode::SkipExisting => WriteMode::SkipExisting,
        LoadMode::Match => WriteMode::Match,
    };
    TableSpec { name, columns, system: system.to_owned(), keyspace: table.name.value.clone(), mode }
}

/// The table that a column refers to.
pub(super) fn parent_of<'a>(table: &'a TargetTable, column: &str) -> Option<&'a str> {
    table
        .schema
        .foreign_keys
        .iter()
        .find(|foreign| foreign.fields.first().is_some_and(|field| field.value == column))
        .map(|foreign| foreign.resource.value.as_str())
}

fn key_kind(table: &TargetTable) -> KeyKind {
    if table.schema.extension.mode == LoadMode::Match {
        return KeyKind::Linked;
    }
    match table.schema.extension.key {
        TargetKey::Identity => KeyKind::Linked,
        TargetKey::Uuid => KeyKind::Uuid,
        TargetKey::Natural => KeyKind::Natural,
    }
}

/// The target's tables, every one after those it refers to. Self references and cycles keep the pack's order.
pub(crate) fn in_load_order(target: &Target) -> Vec<&TargetTable> {
    let mut waiting: Vec<&TargetTable> = target.tables.iter().collect();
    let mut ordered: Vec<&TargetTable> = Vec::new();
    while !waiting.is_empty() {
        let ready = waiting
            .iter()
            .position(|table| {
                table.schema.foreign_keys.iter().all(|foreign| {
                    let parent = &foreign.resource.value;
                    *parent == table.name.value || !waiting.iter().any(|other| other.name.value == *parent)
                })
            })
            .unwrap_or(0);
        ordered.push(waiting.remove(ready));
    }
    ordered
}

/// The rows of one converted table that are to be loaded.
pub(super) struct Loadable {
    parts: Vec<PathBuf>,
    held: RowSet,
    /// Source keys of rows that are in the target already.
    matched: HashSet<String>,
    /// Columns to empty, with the rows where.
    emptied: Vec<(String, RowSet)>,
    columns: Vec<String>,
    key: usize,
    /// The column that shows what a row has lost.
    hold: Option<usize>,
    /// The columns to read of the files; `None`: all.
    read: Option<Vec<String>>,
}

impl Loadable {
    pub(super) fn open(work: &Work<'_>, table: &TargetTable) -> Result<Self, Error> {
        let converted = work.folder(Stage::Convert)?.join(&table.name.value);
        let validated = work.folder(Stage::Validate)?.join(&table.name.value);
        let mut held = read_rows(&converted.join("held.parquet"))?;
        held.union(read_rows(&validated.join("held.parquet"))?);
        let matched = linked::read(&validated)?.into_keys().collect();
        let mut emptied = Vec::new();
        for foreign in &table.schema.foreign_keys {
            let Some(column) = foreign.fields.first() else { continue };
            let rows = read_rows(&emptied_path(&validated, &column.value))?;
            if !rows.is_empty() {
                emptied.push((column.value.clone(), rows));
            }
        }
        let columns: Vec<String> = table.schema.fields.iter().map(|field| field.name.value.clone()).collect();
        let primary = table.schema.primary_key.first().map(|key| key.value.clone()).unwrap_or_default();
        let key = columns.iter().position(|column| *column == primary).unwrap_or_default();
        let hold = table.schema.extension.hold.as_ref();
        let hold = hold.and_then(|hold| columns.iter().position(|column| *column == hold.value));
        Ok(Self { parts: layer::parts(&converted)?, held, matched, emptied, columns, key, hold, read: None })
    }

    /// Without the rows of these source keys.
    pub(super) fn without(mut self, keys: impl IntoIterator<Item = String>) -> Self {
        self.matched.extend(keys);
        self
    }

    /// The rows too that are in the target already.
    pub(super) fn with_matched(mut self) -> Self {
        self.matched.clear();
        self
    }

    /// The source keys of the rows that are held.
    pub(super) fn held_keys(&self) -> Result<HashSet<String>, Error> {
        let mut keys = HashSet::new();
        let Some(key) = self.columns.get(self.key).filter(|_| !self.held.is_empty()) else { return Ok(keys) };
        for part in &self.parts {
            for batch in layer::all_of(part, Some(&["_row", "_part", key])) {
                let batch = batch?;
                let Some(own) = batch.column_by_name(key).and_then(|own| own.as_string_view_opt()) else {
                    continue;
                };
                let named = row_ids(&batch).into_iter().zip(own.iter());
                let held = named.filter(|(id, _)| self.held.contains(*id));
                keys.extend(held.filter_map(|(_, key)| key.map(str::to_owned)));
            }
        }
        Ok(keys)
    }

    /// Only some of the columns, the key and the hold among them whether they are named or not.
    pub(super) fn only(mut self, wanted: &[&str]) -> Self {
        let name = |at: usize| self.columns.get(at).cloned().unwrap_or_default();
        let (key, hold) = (name(self.key), self.hold.map(name));
        let kept = |column: &String| {
            wanted.contains(&column.as_str()) || *column == key || Some(column) == hold.as_ref()
        };
        self.columns.retain(kept);
        self.key = self.columns.iter().position(|column| *column == key).unwrap_or_default();
        self.hold = hold.and_then(|hold| self.columns.iter().position(|column| *column == hold));
        let lost = self.emptied.iter().map(|(column, _)| column);
        let names = ["_row", "_part"].map(str::to_owned);
        self.read = Some(self.columns.iter().chain(lost).cloned().chain(names).collect());
        self
    }

    /// Batches with the table's columns, keys and references as source keys, and `_key` last.
    pub(super) fn batches(&self) -> impl Iterator<Item = Result<RecordBatch, Error>> + '_ {
        self.parts.iter().flat_map(move |part| self.part(part))
    }

    pub(super) fn parts(&self) -> &[PathBuf] {
        &self.parts
    }

    /// The same, of one part file.
    pub(super) fn part(&self, part: &Path) -> impl Iterator<Item = Result<RecordBatch, Error>> + use<'_> {
        self.named_part(part).map(|batch| batch.map(|(batch, _)| batch))
    }

    /// The same, with what names each row.
    pub(super) fn named_part(
        &self,
        part: &Path,
    ) -> impl Iterator<Item = Result<(RecordBatch, Vec<RowId>), Error>> + use<'_> {
        let columns: Option<Vec<&str>> =
            self.read.as_ref().map(|columns| columns.iter().map(String::as_str).collect());
        layer::all_of(part, columns.as_deref()).map(move |batch| self.arrange(&batch?))
    }

    fn arrange(&self, batch: &RecordBatch) -> Result<(RecordBatch, Vec<RowId>), Error> {
        let ids = row_ids(batch);
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.columns.len() + 1);
        for name in &self.columns {
            let Some(column) = batch.column_by_name(name) else {
                return Err(Error::Broken {
                    code: "layer-broken",
                    message: format!("a converted file lacks the column `{name}`"),
                    hint: "run convert again".into(),
                });
            };
            let rows = self.emptied.iter().find(|(emptied, _)| emptied == name).map(|(_, rows)| rows);
            columns.push(match rows {
                Some(rows) => empty(column, &ids, rows),
                None => Arc::clone(column),
            });
        }
        if let Some(hold) = self.hold.and_then(|at| columns.get_mut(at)) {
            for (name, rows) in &self.emptied {
                if let Some(lost) = batch.column_by_name(name) {
                    *hold = shown(hold, name, lost, &ids, rows);
                }
            }
        }
        if let Some(key) = columns.get(self.key).cloned() {
            columns.push(key);
        }
        let fields: Vec<_> = self
            .columns
            .iter()
            .map(String::as_str)
            .chain([KEY_COLUMN])
            .zip(&columns)
            .map(|(name, column)| arrow::datatypes::Field::new(name, column.data_type().clone(), true))
            .collect();
        let schema: SchemaRef = Arc::new(Schema::new(fields));
        let arranged = RecordBatch::try_new(schema, columns).map_err(unarranged)?;
        if self.held.is_empty() && self.matched.is_empty() {
            return Ok((arranged, ids));
        }
        let keys = arranged.columns().last().and_then(|keys| keys.as_string_view_opt());
        let matched = |row: usize| {
            let key = keys.filter(|_| !self.matched.is_empty()).filter(|keys| keys.is_valid(row));
            key.is_some_and(|keys| self.matched.contains(keys.value(row)))
        };
        let keep: Vec<bool> =
            ids.iter().enumerate().map(|(row, id)| !self.held.contains(*id) && !matched(row)).collect();
        let kept = arrow::compute::filter_record_batch(&arranged, &BooleanArray::from(keep.clone()));
        let ids = ids.into_iter().zip(keep).filter(|(_, keep)| *keep).map(|(id, _)| id).collect();
        Ok((kept.map_err(unarranged)?, ids))
    }
}

fn unarranged(error: arrow::error::ArrowError) -> Error {
    Error::query("reading converted rows")(error.into())
}

pub(crate) fn emptied_path(folder: &Path, column: &str) -> PathBuf {
    folder.join(format!("emptied-{column}.parquet"))
}

pub(crate) fn row_ids(batch: &RecordBatch) -> Vec<RowId> {
    let (Some(rows), Some(parts)) = (batch.column_by_name("_row"), batch.column_by_name("_part")) else {
        return Vec::new();
    };
    let rows = rows.as_primitive::<Int64Type>().values();
    let parts = parts.as_primitive::<Int32Type>().values();
    rows.iter().zip(parts).map(|(row, part)| RowId { row: *row, part: *part }).collect()
}

fn empty(column: &ArrayRef, ids: &[RowId], rows: &RowSet) -> ArrayRef {
    let Some(texts) = column.as_string_view_opt() else { return Arc::clone(column) };
    let kept = ids.iter().enumerate().map(|(at, id)| {
        let keep = texts.is_valid(at) && !rows.contains(*id);
        keep.then(|| texts.value(at))
    });
    Arc::new(kept.collect::<StringViewArray>())
}

/// The hold column with the references that were emptied: a member more in the object of each such row.
fn shown(hold: &ArrayRef, name: &str, lost: &ArrayRef, ids: &[RowId], rows: &RowSet) -> ArrayRef {
    let (Some(holds), Some(lost)) = (hold.as_string_view_opt(), lost.as_string_view_opt()) else {
        return Arc::clone(hold);
    };
    let mut made = StringViewBuilder::with_capacity(holds.len());
    for (at, id) in ids.iter().enumerate() {
        let before = holds.is_valid(at).then(|| holds.value(at));
        if !rows.contains(*id) || lost.is_null(at) {
            made.append_option(before);
            continue;
        }
        let mut object: serde_json::Map<String, serde_json::Value> =
            before.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        object.insert(name.to_owned(), lost.value(at).into());
        made.append_value(serde_json::Value::Object(object).to_string());
    }
    Arc::new(made.finish())
}
