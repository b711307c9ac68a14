//! Finds the rows of the target that converted rows are meant by: in validate to hold what cannot be told, and once
//! more in import, under its lock, where the outcome must be the same.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use chartlift_io::target::{Existing, Load, TableSpec, Target as Database};
use chartlift_rules::{LoadMode, MatchTo, Target, TargetTable};

use super::loadable::{in_load_order, parent_of, row_ids, table_spec};
use super::{Work, linked};
use crate::Error;
use crate::layer;
use crate::marks::{RowSet, read_rows, write_rows};
use crate::matching::{Candidates, Decision, Decisions, Kind, Matches, Settling, Value, comparable};
use crate::statement::Stage;

/// The code of the error that makes validate look again.
pub(crate) const TARGET_CHANGED: &str = "target-changed";

/// Where the target's rows are read.
pub(super) enum Place<'a> {
    Target(&'a dyn Database),
    Load(&'a mut dyn Load),
}

impl Place<'_> {
    async fn existing(
        &mut self,
        work: &Work<'_>,
        spec: &TableSpec,
        parts: &[String],
    ) -> Result<Existing, Error> {
        Ok(match self {
            Self::Target(database) => database.existing(spec, parts, &work.order.spec().series).await?,
            Self::Load(load) => load.existing(spec, parts).await?,
        })
    }
}

/// The tables whose rows are matched, every one after those it refers to.
pub(super) fn matched_tables(target: &Target) -> impl Iterator<Item = &TargetTable> {
    in_load_order(target).into_iter().filter(|table| table.schema.extension.mode == LoadMode::Match)
}

/// What was decided of a table's rows that cannot be told.
fn decided(work: &Work<'_>, table: &TargetTable) -> Decisions {
    let decided = work.environment.decisions.matches_of(&table.name.value);
    let decision = |to: &MatchTo| match to {
        MatchTo::Row(key) => Decision::Row(key.clone()),
        MatchTo::New => Decision::New,
    };
    decided.into_iter().map(|(key, to)| (key.to_owned(), decision(to))).collect()
}

/// Matches the converted rows of all tables but `without`.
pub(super) async fn find(
    work: &Work<'_>,
    target: &Target,
    mut place: Place<'_>,
    without: &[String],
) -> Result<BTreeMap<String, Matches>, Error> {
    let system = &work.system()?.name;
    let mut found: BTreeMap<String, Matches> = BTreeMap::new();
    for table in matched_tables(target).filter(|table| !without.contains(&table.name.value)) {
        let parts = Parts::of(target, table);
        let existing = place.existing(work, &table_spec(target, table, system), &parts.names).await?;
        let matches = tokio::task::block_in_place(|| parts.settle(work, table, existing, &found))?;
        found.insert(table.name.value.clone(), matches);
    }
    Ok(found)
}

/// The columns by which a table's rows are told apart, each once.
struct Parts {
    names: Vec<String>,
    kinds: Vec<Kind>,
    alternatives: Vec<Vec<usize>>,
}

impl Parts {
    fn of(target: &Target, table: &TargetTable) -> Self {
        let mut parts = Self { names: Vec::new(), kinds: Vec::new(), alternatives: Vec::new() };
        for alternative in &table.schema.extension.alternatives {
            let places = alternative.iter().map(|part| {
                let known = parts.names.iter().position(|name| *name == part.value);
                known.unwrap_or_else(|| {
                    parts.names.push(part.value.clone());
                    parts.kinds.push(kind_of(target, table, &part.value));
                    parts.names.len() - 1
                })
            });
            let places = places.collect();
            parts.alternatives.push(places);
        }
        parts
    }

    fn settle(
        &self,
        work: &Work<'_>,
        table: &TargetTable,
        existing: Existing,
        parents: &BTreeMap<String, Matches>,
    ) -> Result<Matches, Error> {
        let mut candidates = Candidates::new(self.alternatives.clone());
        for row in existing.rows {
            let cells = row.cells.iter().zip(&self.kinds);
            let parts = cells.map(|(cell, kind)| comparable(kind, cell.as_deref()?)).collect();
            candidates.add(row.key, parts);
        }
        let known: HashMap<String, String> =
            existing.links.into_iter().map(|link| (link.source_key, link.target_key)).collect();
        let decisions = decided(work, table);
        let mut settling = Settling::new(&candidates, &known, &decisions);
        let folder = work.folder(Stage::Convert)?.join(&table.name.value);
        let held = read_rows(&folder.join("held.parquet"))?;
        let key = table.schema.primary_key.first().map(|key| key.value.clone()).unwrap_or_default();
        let mut columns: Vec<&str> = vec!["_row", "_part", &key];
        columns.extend(self.names.iter().map(String::as_str));
        for part in layer::parts(&folder)? {
            for batch in layer::batches_of(&part, Some(&columns))? {
                let batch = batch?;
                let cells: Vec<StringArray> = self
                    .names
                    .iter()
                    .map(|name| batch.column_by_name(name).map_or_else(|| Err(lacking(name)), texts))
                    .collect::<Result<_, _>>()?;
                let keys = texts(batch.column_by_name(&key).ok_or_else(|| lacking(&key))?)?;
                for (row, id) in row_ids(&batch).into_iter().enumerate() {
                    if held.contains(id) || keys.is_null(row) {
                        continue;
                    }
                    let cells = cells.iter().map(|texts| texts.is_valid(row).then(|| texts.value(row)));
                    let values: Vec<Option<Value>> =
                        cells.zip(&self.kinds).map(|(cell, kind)| value(kind, cell?, parents)).collect();
                    settling.row(id, keys.value(row), &values);
                }
            }
        }
        Ok(settling.finish())
    }
}

fn kind_of(target: &Target, table: &TargetTable, part: &str) -> Kind {
    let parent = parent_of(table, part).filter(|parent| target.table(parent).is_some());
    match (parent, table.schema.field(part)) {
        (Some(parent), _) => Kind::Reference(parent.to_owned()),
        (None, Some(field)) => Kind::of(field.kind),
        (None, None) => Kind::Text,
    }
}

/// A part of a row to be loaded; a reference is the key of the row that its source key stands for.
fn value(kind: &Kind, text: &str, parents: &BTreeMap<String, Matches>) -> Option<Value> {
    match kind {
        Kind::Reference(parent) => {
            let link = parents.get(parent).and_then(|matches| matches.links.get(text));
            Some(link.map_or(Value::OfNewRow, |link| Value::Is(link.target_key.clone())))
        }
        _ => comparable(kind, text).map(Value::Is),
    }
}

/// A column as texts, the way the target's columns come.
fn texts(column: &ArrayRef) -> Result<StringArray, Error> {
    let cast = cast(column, &DataType::Utf8).map_err(|error| Error::query("matching rows")(error.into()))?;
    Ok(cast.as_string::<i32>().clone())
}

fn lacking(column: &str) -> Error {
    Error::Broken {
        code: "layer-broken",
        message: format!("a converted file lacks the column `{column}`"),
        hint: "run convert again".into(),
    }
}

/// What import must find again: links of rows that are not held, and which rows could not be told.
pub(super) fn publish(folder: &Path, matches: &Matches, held: &RowSet) -> Result<linked::Keys, Error> {
    let links = links_of(matches, held);
    linked::write(folder, &links)?;
    if !matches.ambiguous.is_empty() {
        write_rows(&ambiguous_path(folder), &matches.ambiguous)?;
    }
    Ok(links)
}

fn links_of(matches: &Matches, held: &RowSet) -> linked::Keys {
    let links = matches.links.iter().filter(|(_, link)| !held.contains(link.id));
    links.map(|(source, link)| (source.clone(), link.target_key.clone())).collect()
}

fn ambiguous_path(folder: &Path) -> std::path::PathBuf {
    folder.join("ambiguous.parquet")
}

/// Matches once more within the load, and stops where the outcome is another than validate's. Answers with each
/// table's links, and with those that the crosswalk does not have yet.
pub(super) async fn find_again(
    work: &Work<'_>,
    target: &Target,
    load: &mut dyn Load,
) -> Result<BTreeMap<String, Again>, Error> {
    let system = &work.system()?.name;
    let specs: Vec<TableSpec> =
        in_load_order(target).into_iter().map(|table| table_spec(target, table, system)).collect();
    let specs: Vec<TableSpec> = specs.into_iter().filter(linked::is_linked).collect();
    load.lock(&specs).await?;
    let found = find(work, target, Place::Load(load), &[]).await?;
    let mut all = BTreeMap::new();
    for (table, matches) in found {
        let folder = work.folder(Stage::Validate)?.join(&table);
        let held = read_rows(&folder.join("held.parquet"))?;
        let links = links_of(&matches, &held);
        if links != linked::read(&folder)? || matches.ambiguous != read_rows(&ambiguous_path(&folder))? {
            return Err(Error::Changed {
                code: TARGET_CHANGED,
                message: format!(
                    "rows of `{table}` changed in the target since they were matched: nothing was loaded"
                ),
                hint: "run the same command again: it matches anew".into(),
            });
        }
        let known = |source: &String| matches.links.get(source).is_some_and(|link| link.known);
        let fresh: Vec<(String, String)> = links
            .iter()
            .filter(|(source, _)| !known(source))
            .map(|(source, target)| (source.clone(), target.clone()))
            .collect();
        let known = (links.len() - fresh.len()) as u64;
        all.insert(table, Again { links, fresh, known });
    }
    Ok(all)
}

/// A table's rows that are in the target already.
pub(super) struct Again {
    pub(super) links: linked::Keys,
    /// Those that the crosswalk does not have yet.
    pub(super) fresh: Vec<(String, String)>,
    /// How many it has.
    pub(super) known: u64,
}
