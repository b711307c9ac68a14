//! Tables whose keys the target decides: which rows are there already, and what keys the others get.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringViewArray};
use arrow::datatypes::{DataType, Field, Schema};
use chartlift_io::target::{Catalog, KeyKind, Load, Reason, Role, TableSpec, TypeClass};
use chartlift_rules::{Target, TargetKey, TargetTable};

use super::Work;
use super::loadable::{Loadable, in_load_order, table_spec};
use crate::Error;
use crate::layer::{self, LayerWriter};
use crate::project_key::IdMaker;

/// Target keys by source key.
pub(super) type Keys = BTreeMap<String, String>;

fn path(folder: &Path) -> PathBuf {
    folder.join("links.parquet")
}

/// Writes which rows of the target stand for rows of a table; no file where there are none.
pub(super) fn write(folder: &Path, links: &Keys) -> Result<(), Error> {
    if links.is_empty() {
        return Ok(());
    }
    let texts = |texts: &mut dyn Iterator<Item = &String>| -> ArrayRef {
        Arc::new(StringViewArray::from_iter_values(texts))
    };
    let fields = ["source_key", "target_key"].map(|name| Field::new(name, DataType::Utf8View, false));
    let schema = Arc::new(Schema::new(fields.to_vec()));
    let columns = vec![texts(&mut links.keys()), texts(&mut links.values())];
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns)
        .map_err(|error| Error::query("writing links")(error.into()))?;
    let mut writer = LayerWriter::create(&path(folder), &schema)?;
    writer.write(&batch)?;
    writer.close()
}

/// Reads what [`write`] wrote; no file means no links.
pub(super) fn read(folder: &Path) -> Result<Keys, Error> {
    let path = path(folder);
    let mut links = Keys::new();
    if !path.exists() {
        return Ok(links);
    }
    for batch in layer::batches(&path)? {
        let batch = batch?;
        let (Some(sources), Some(targets)) =
            (batch.column(0).as_string_view_opt(), batch.column(1).as_string_view_opt())
        else {
            continue;
        };
        for (source, target) in sources.iter().zip(targets) {
            links.insert(source.unwrap_or_default().to_owned(), target.unwrap_or_default().to_owned());
        }
    }
    Ok(links)
}

/// How a linked key is handed to a column of this kind.
pub(crate) fn key_type(class: TypeClass) -> DataType {
    match class {
        TypeClass::SmallInteger | TypeClass::Integer | TypeClass::BigInteger | TypeClass::AnyInteger => {
            DataType::Int64
        }
        _ => DataType::Utf8View,
    }
}

/// The keys of all rows of linked tables, matched or to be made, and how their columns take them.
pub(super) struct Assigned {
    tables: HashMap<String, HashMap<String, String>>,
    live: Catalog,
}

impl Assigned {
    /// Every table before the first row: rows may refer to rows of tables that come later, and of their own.
    pub(super) async fn all(
        work: &Work<'_>,
        target: &Target,
        live: Catalog,
        load: &mut dyn Load,
        links: &BTreeMap<&str, &Keys>,
    ) -> Result<Self, Error> {
        let mut tables = HashMap::new();
        for table in in_load_order(target) {
            let spec = table_spec(target, table, &work.system()?.name);
            if !is_linked(&spec) {
                continue;
            }
            let mut keys: HashMap<String, String> = HashMap::new();
            if let Some(links) = links.get(table.name.value.as_str()) {
                keys.extend(links.iter().map(|(source, target)| (source.clone(), target.clone())));
            }
            let mut fresh = tokio::task::block_in_place(|| source_keys(work, table))?;
            if load.plan(&spec).await?.why.contains(&Reason::Follows) {
                // Rows of earlier loads keep the keys that they have.
                let known = load.existing(&spec, &[]).await?.links;
                keys.extend(known.into_iter().map(|link| (link.source_key, link.target_key)));
                fresh.retain(|key| !keys.contains_key(key));
            }
            let made = made(work, table, &spec, &live, load, &fresh).await?;
            keys.extend(fresh.into_iter().zip(made));
            tables.insert(table.name.value.clone(), keys);
        }
        Ok(Self { tables, live })
    }

    /// A column of source keys as the keys of the rows that they name, if it is one of a linked table.
    pub(super) fn resolve(
        &self,
        spec: &TableSpec,
        column: usize,
        source_keys: &StringViewArray,
    ) -> Result<Option<ArrayRef>, Error> {
        let Some(column) = spec.columns.get(column) else { return Ok(None) };
        let named = match &column.role {
            Role::Key(KeyKind::Linked) => &spec.keyspace,
            Role::Reference { table, kind: KeyKind::Linked } => table,
            _ => return Ok(None),
        };
        let missing = || Error::Broken {
            code: "layer-broken",
            message: format!("`{}` of `{}` names a row that has no key", column.name, spec.name),
            hint: "run validate again".into(),
        };
        let keys = self.tables.get(named).ok_or_else(missing)?;
        let mut resolved: Vec<Option<&str>> = Vec::with_capacity(source_keys.len());
        for source in source_keys {
            resolved.push(match source {
                Some(source) => Some(keys.get(source).ok_or_else(missing)?),
                None => None,
            });
        }
        let class = self.class(spec, &column.name);
        if key_type(class) != DataType::Int64 {
            return Ok(Some(Arc::new(resolved.into_iter().collect::<StringViewArray>())));
        }
        let number =
            |text: Option<&str>| text.map(|text| text.parse::<i64>().map_err(|_| missing())).transpose();
        let numbers = resolved.into_iter().map(number).collect::<Result<Vec<_>, _>>()?;
        Ok(Some(Arc::new(Int64Array::from(numbers))))
    }

    fn class(&self, spec: &TableSpec, column: &str) -> TypeClass {
        class_of(&self.live, spec, column)
    }
}

fn class_of(live: &Catalog, spec: &TableSpec, column: &str) -> TypeClass {
    let known = live.table(&spec.name).and_then(|table| table.column(column));
    known.map_or(TypeClass::Unsupported, |column| column.class)
}

pub(super) fn is_linked(spec: &TableSpec) -> bool {
    spec.columns.iter().any(|column| column.role == Role::Key(KeyKind::Linked))
}

/// The source keys of a table's rows that are to be made, in the order in which they are written.
fn source_keys(work: &Work<'_>, table: &TargetTable) -> Result<Vec<String>, Error> {
    let mut keys = Vec::new();
    for batch in Loadable::open(work, table)?.batches() {
        let batch = batch?;
        if let Some(column) = batch.columns().last().and_then(|column| column.as_string_view_opt()) {
            keys.extend(column.iter().map(|key| key.unwrap_or_default().to_owned()));
        }
    }
    Ok(keys)
}

/// One key for each of these rows.
async fn made(
    work: &Work<'_>,
    table: &TargetTable,
    spec: &TableSpec,
    live: &Catalog,
    load: &mut dyn Load,
    source_keys: &[String],
) -> Result<Vec<String>, Error> {
    let kind = table.schema.extension.key;
    let column = table.schema.primary_key.first().map(|key| key.value.as_str()).unwrap_or_default();
    if kind == TargetKey::Natural {
        return Ok(source_keys.to_vec());
    }
    if kind == TargetKey::Identity && key_type(class_of(live, spec, column)) == DataType::Int64 {
        let numbers = load.reserve(spec, source_keys.len() as u64).await?;
        return Ok(numbers.iter().map(ToString::to_string).collect());
    }
    let (key, series) = (&work.environment.key, &work.order.spec().series);
    let maker = IdMaker::new(key, series, &work.system()?.name, &spec.keyspace);
    Ok(source_keys.iter().map(|key| uuid::Uuid::from_bytes(maker.make(key)).to_string()).collect())
}
