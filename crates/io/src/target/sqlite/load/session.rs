//! The load's thread at work: rows and crosswalk entries by prepared inserts, then the commit.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::Duration;

use arrow::array::Array;
use arrow::record_batch::RecordBatch;
use rusqlite::{CachedStatement, Connection, OptionalExtension, params};

use super::super::refusal::{refused, refused_at};
use super::super::triggers::Disabled;
use super::super::{READ_ONLY, bookkeeping, catalog, quoted, quoted_part, row_hash};
use super::merge::{self, Merge};
use super::{earlier, ended, remove};
use crate::copy::parse_bytes;
use crate::failpoint;
use crate::target::values::{Values, number_as_float, write_date, write_instant, write_number, write_uuid};
use crate::target::{
    CatalogColumn, ColumnSpec, Comparison, Exemption, LoadHeader, LoadOutcome, LoadRecord, LoadedTable,
    Merged, Path as Way, Removed, Rulings, TableSpec, TypeClass, WriteMode,
};
use crate::{Error, Refusal};

#[expect(clippy::large_enum_variant, reason = "one value a load, moved once")]
pub(super) enum Opened {
    Already(LoadRecord),
    Session(Box<Session>),
}

pub(super) struct Session {
    pub(super) connection: Connection,
    pub(super) header: LoadHeader,
    pub(super) load: i64,
    tables: Vec<LoadedTable>,
    plans: HashMap<Own, Plan>,
    pub(super) disabled: Disabled,
    /// Rows of earlier loads are compared before they are written to.
    pub(super) follows: bool,
    /// Tables whose rows are compared already, by table and system.
    compared: HashSet<Own>,
    /// Rows written of each and not merged yet.
    waiting: HashMap<Own, u64>,
    /// How many tables rows waited in so far.
    stages: usize,
    /// The tables that have plans.
    planned: Vec<TableSpec>,
}

/// What rows are kept apart by: table, system, and how they are written.
type Own = (String, String, WriteMode);

fn own(table: &TableSpec) -> Own {
    (table.name.clone(), table.system.clone(), table.mode)
}

/// What is looked up once a table.
#[derive(Clone)]
pub(super) struct Plan {
    insert: String,
    pub(super) classes: Vec<TypeClass>,
    pub(super) keyspace: i64,
    linked: bool,
    /// The table that rows wait in, where they are staged.
    stage: Option<String>,
    /// Earlier loads may have rows in the table that are to be compared.
    pub(super) follows: bool,
}

pub(super) fn open(path: &Path, lock_wait: Duration, header: LoadHeader) -> Result<Opened, Error> {
    let connection = super::super::open(path, lock_wait)?;
    if connection.is_readonly("main").map_err(refused("begin the load"))? {
        return Err(Error::ReadOnly { target: format!("sqlite:{}", path.display()), problem: READ_ONLY });
    }
    bookkeeping::state(&connection)?.demand("sqlite")?;
    connection
        .execute_batch("BEGIN IMMEDIATE; PRAGMA defer_foreign_keys = ON;")
        .map_err(refused("begin the load"))?;
    failpoint::hit("load-locked");
    if let Some(record) = bookkeeping::find_load(&connection, &header.order)? {
        return Ok(Opened::Already(record));
    }
    let load = bookkeeping::insert_load(&connection, &header)?;
    failpoint::hit("load-begun");
    Ok(Opened::Session(Box::new(Session {
        connection,
        header,
        load,
        tables: Vec::new(),
        plans: HashMap::new(),
        follows: false,
        compared: HashSet::new(),
        waiting: HashMap::new(),
        stages: 0,
        planned: Vec::new(),
        disabled: Disabled::default(),
    })))
}

const CROSSWALK: &str = "INSERT INTO chartlift_crosswalk (keyspace, source_key, target_uuid, load, created, target_key) \
                         VALUES (?, ?, ?, ?, ?, ?)";

impl Session {
    pub(super) fn write(&mut self, table: &TableSpec, batch: &RecordBatch) -> Result<u64, Error> {
        let source_keys = table.source_keys(batch)?;
        let plan = self.plan(table)?;
        let mut columns = Vec::with_capacity(table.columns.len());
        for ((column, class), array) in table.columns.iter().zip(&plan.classes).zip(batch.columns()) {
            if !class.accepts(array.data_type()) {
                let problem = format!("its type in the database cannot take {}", array.data_type());
                return Err(Error::shape(&table.name, &column.name, problem));
            }
            columns.push((column, *class, Values::of(&table.name, &column.name, array.as_ref())?));
        }
        self.note_rows(table, &plan, &columns, batch.num_rows() as u64);
        let key = columns.get(table.key_position()?).map(|(_, _, values)| *values);
        let doing = "insert rows";
        let mut insert =
            self.connection.prepare_cached(&plan.insert).map_err(refused_at(doing, &table.name))?;
        let mut link = self.connection.prepare_cached(CROSSWALK).map_err(refused("write the crosswalk"))?;
        let mut text = String::new();
        for (row, source_key) in source_keys.iter().enumerate() {
            for (index, (column, class, values)) in columns.iter().enumerate() {
                text.clear();
                bind(&mut insert, index + 1, *values, *class, row, &mut text).map_err(
                    |trouble| match trouble {
                        Trouble::Value(problem) => {
                            Error::Value { table: table.name.clone(), column: column.name.clone(), problem }
                        }
                        Trouble::Database(error) => refused_at(doing, &table.name)(error),
                    },
                )?;
            }
            if plan.stage.is_some() {
                let at = columns.len() + 1;
                insert
                    .raw_bind_parameter(at, source_key.unwrap_or_default())
                    .map_err(refused_at(doing, &table.name))?;
            }
            // A trigger may swallow a row without an error.
            if insert.raw_execute().map_err(refused_at(doing, &table.name))? != 1 {
                let sent = row as u64 + 1;
                return Err(Error::Short { table: table.name.clone(), sent, taken: row as u64 });
            }
            failpoint::hit("insert-row");
            if plan.stage.is_none() {
                write_link(&mut link, &plan, source_key.unwrap_or_default(), key, row, self.load, &mut text)
                    .map_err(refused_at("write the crosswalk", &table.name))?;
                failpoint::hit("crosswalk-row");
            }
        }
        Ok(batch.num_rows() as u64)
    }

    fn plan(&mut self, table: &TableSpec) -> Result<Plan, Error> {
        let own = own(table);
        if let Some(plan) = self.plans.get(&own) {
            return Ok(plan.clone());
        }
        let entry = catalog::read_table(&self.connection, &table.name)?;
        let mut classes = Vec::new();
        for column in &table.columns {
            let known = entry
                .column(&column.name)
                .ok_or_else(|| Error::shape(&table.name, &column.name, "the database has no such column"))?;
            classes.push(known.class);
        }
        let follows = self.compares_with_earlier(table)?;
        let stage = match merge::plan(table, follows).path {
            Way::Direct => None,
            Way::Staged => {
                self.stages += 1;
                Some(merge::stage(&self.connection, table, self.stages)?)
            }
        };
        let names: Vec<String> = table.columns.iter().map(|column| quoted_part(&column.name)).collect();
        let mut places = vec!["?"; names.len()];
        let insert = match &stage {
            None => format!(
                "INSERT INTO {} ({}) VALUES ({})",
                quoted(&table.name),
                names.join(", "),
                places.join(", ")
            ),
            Some(stage) => {
                places.push("?");
                format!("INSERT INTO {stage} VALUES ({})", places.join(", "))
            }
        };
        let keyspace = bookkeeping::keyspace(&self.connection, &self.header.series, table)?;
        let plan = Plan { insert, classes, keyspace, linked: table.is_linked(), stage, follows };
        self.plans.insert(own, plan.clone());
        self.planned.push(table.clone());
        Ok(plan)
    }

    fn note_rows(
        &mut self,
        table: &TableSpec,
        plan: &Plan,
        columns: &[(&ColumnSpec, TypeClass, Values<'_>)],
        rows: u64,
    ) {
        let own = own(table);
        *self.waiting.entry(own).or_default() += rows;
        let loaded = LoadedTable::of(&mut self.tables, &table.name);
        // Staged rows count once it is known what became of them.
        if plan.stage.is_none() {
            loaded.rows += rows;
        }
        let types = columns.iter().map(|(_, _, values)| values.value_type().name().to_owned());
        loaded.note_types(table.mode, types.collect());
    }

    pub(super) fn merge(&mut self, table: &TableSpec, rulings: &Rulings) -> Result<Merged, Error> {
        let own = own(table);
        let Some(rows) = self.waiting.remove(&own) else { return Ok(Merged::default()) };
        let plan = self.plan(table)?;
        let Some(stage) = &plan.stage else { return Ok(Merged { inserted: rows, ..Merged::default() }) };
        let compared = self.compared.remove(&own);
        let merged =
            Merge::new(&self.connection, table, &plan, (stage, self.load))?.run(rows, rulings, compared)?;
        if merged != Merged::default() {
            LoadedTable::of(&mut self.tables, &table.name).add(&merged);
        }
        // What it waited in is gone.
        self.plans.remove(&own);
        Ok(merged)
    }

    /// Matched rows are found before they are written, and never written to.
    pub(super) fn compares_with_earlier(&self, table: &TableSpec) -> Result<bool, Error> {
        if !self.follows || matches!(table.mode, WriteMode::Match | WriteMode::Fill | WriteMode::Late) {
            return Ok(false);
        }
        let known = bookkeeping::find_keyspace(
            &self.connection,
            &self.header.series,
            &table.system,
            &table.keyspace,
        )?;
        Ok(known.is_some())
    }

    pub(super) fn compare_with_earlier(
        &mut self,
        table: &TableSpec,
        orders: &[String],
    ) -> Result<Comparison, Error> {
        let plan = self.plan(table)?;
        let Some(stage) = plan.stage.as_ref().filter(|_| plan.follows) else {
            return Ok(Comparison::default());
        };
        let own = own(table);
        LoadedTable::of(&mut self.tables, &table.name).follows = true;
        let rows = *self.waiting.entry(own.clone()).or_default();
        let merge = Merge::new(&self.connection, table, &plan, (stage, self.load))?;
        let found = merge.against_earlier(rows, orders)?;
        self.compared.insert(own);
        Ok(found)
    }

    pub(super) fn exempt(&mut self, table: &TableSpec, rows: &[(String, Exemption)]) -> Result<(), Error> {
        let keyspace = bookkeeping::keyspace(&self.connection, &self.header.series, table)?;
        earlier::exempt(&self.connection, table, (self.load, keyspace), rows)?;
        let absent = rows.iter().filter(|(_, reason)| *reason == Exemption::Absent).count();
        LoadedTable::of(&mut self.tables, &table.name).absent += absent as u64;
        Ok(())
    }

    pub(super) fn remove(&mut self, table: &TableSpec, source_keys: &[String]) -> Result<Removed, Error> {
        let keyspace = bookkeeping::keyspace(&self.connection, &self.header.series, table)?;
        let removed = remove::remove(&self.connection, table, (self.load, keyspace), source_keys)?;
        LoadedTable::of(&mut self.tables, &table.name).deleted += removed.rows;
        Ok(removed)
    }

    pub(super) fn link(
        &mut self,
        table: &TableSpec,
        links: &[(String, String)],
        known: u64,
    ) -> Result<(), Error> {
        let plan = self.plan(table)?;
        if plan.linked {
            LoadedTable::of(&mut self.tables, &table.name).matched += links.len() as u64 + known;
        }
        let write = || -> rusqlite::Result<()> {
            if plan.linked {
                // Entries from before the table's rows were matched name their rows in another column.
                let earlier = "UPDATE chartlift_crosswalk SET target_key = coalesce(target_uuid, source_key) \
                               WHERE keyspace = ? AND target_key IS NULL";
                self.connection.execute(earlier, [plan.keyspace])?;
            }
            let mut insert = self.connection.prepare_cached(CROSSWALK)?;
            for (source_key, target_key) in links {
                let key = Some(target_key);
                let (uuid, linked) = (key.filter(|_| !plan.linked), key.filter(|_| plan.linked));
                insert.execute(params![plan.keyspace, source_key, uuid, self.load, false, linked])?;
                failpoint::hit("crosswalk-row");
            }
            Ok(())
        };
        write().map_err(refused_at("write the crosswalk", &table.name))
    }

    pub(super) fn commit(&mut self, outcome: &LoadOutcome) -> Result<LoadRecord, Error> {
        let tables = LoadedTable::reconcile(&self.tables, outcome)?;
        row_hash::fill_hashes(&self.connection, self.load, &self.header.series, &self.planned)?;
        self.disabled.enable_again(&self.connection)?;
        bookkeeping::finish_load(&self.connection, self.load, outcome, &tables)?;
        failpoint::hit("load-finished");
        failpoint::hit("load-committing");
        if let Err(error) = self.connection.execute_batch("COMMIT") {
            let mut error = refused("commit the load")(error);
            if let Error::Refused { refusal, .. } = &mut error
                && refusal.code == "SQLITE_CONSTRAINT_FOREIGNKEY"
            {
                refusal.table = self.first_loose_table();
            }
            return Err(error);
        }
        failpoint::hit("load-committed");
        let committed = bookkeeping::find_load(&self.connection, &self.header.order)?;
        committed.ok_or_else(|| ended("the load record is gone"))
    }

    /// Looks at what would stop the commit.
    pub(super) fn check(&self) -> Result<(), Error> {
        let Some(table) = self.first_loose_table() else { return Ok(()) };
        let code = "SQLITE_CONSTRAINT_FOREIGNKEY".to_owned();
        let refusal = Refusal { code, table: Some(table), ..Refusal::default() };
        Err(Error::Refused { doing: "check what waits for the end", refusal: Box::new(refusal) })
    }

    /// The table whose references lead nowhere: at the commit SQLite itself does not say.
    fn first_loose_table(&self) -> Option<String> {
        self.connection
            .query_row("SELECT \"table\" FROM pragma_foreign_key_check LIMIT 1", [], |row| row.get(0))
            .optional()
            .ok()
            .flatten()
    }
}

enum Trouble {
    Value(&'static str),
    Database(rusqlite::Error),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

impl From<&'static str> for Trouble {
    fn from(problem: &'static str) -> Self {
        Self::Value(problem)
    }
}

/// A double holds every integer up to here.
const MOST_IN_A_DOUBLE: u64 = 1 << 53;
const NO_BYTES: &str = "is neither base64 nor \\x and hexadecimal digits";

/// The rows whose value [`bind`] would refuse.
pub(in crate::target::sqlite) fn unfit(
    table: &str,
    column: &CatalogColumn,
    array: &dyn Array,
) -> Result<Vec<u32>, Error> {
    let values = Values::of(table, &column.name, array)?;
    let mut text = String::new();
    let mut fits = |row: usize| match values {
        Values::Text(array) => column.class != TypeClass::Bytes || parse_bytes(array.value(row)).is_some(),
        Values::Integer(array) => {
            column.class != TypeClass::Double || array.value(row).unsigned_abs() <= MOST_IN_A_DOUBLE
        }
        Values::Date(array) => write_date(&mut text, array.value(row)).is_ok(),
        Values::Instant(array) => write_instant(&mut text, array.value(row)).is_ok(),
        Values::Number(_) | Values::Uuid(_) | Values::Boolean(_) => true,
    };
    Ok((0..array.len() as u32).filter(|row| array.is_valid(*row as usize) && !fits(*row as usize)).collect())
}

fn bind(
    statement: &mut CachedStatement<'_>,
    index: usize,
    values: Values<'_>,
    class: TypeClass,
    row: usize,
    text: &mut String,
) -> Result<(), Trouble> {
    if values.array().is_null(row) {
        return Ok(statement.raw_bind_parameter(index, None::<i64>)?);
    }
    match values {
        Values::Text(array) if class == TypeClass::Bytes => {
            let bytes = parse_bytes(array.value(row)).ok_or(NO_BYTES)?;
            return Ok(statement.raw_bind_parameter(index, bytes)?);
        }
        Values::Text(array) => return Ok(statement.raw_bind_parameter(index, array.value(row))?),
        Values::Integer(array) if class == TypeClass::Double => {
            if array.value(row).unsigned_abs() > MOST_IN_A_DOUBLE {
                return Err("has more digits than the column keeps".into());
            }
            return Ok(statement.raw_bind_parameter(index, array.value(row) as f64)?);
        }
        Values::Integer(array) => return Ok(statement.raw_bind_parameter(index, array.value(row))?),
        Values::Boolean(array) => {
            return Ok(statement.raw_bind_parameter(index, i64::from(array.value(row)))?);
        }
        Values::Number(array) if class == TypeClass::Double => {
            let double: Option<f64> = number_as_float(array.value(row), text);
            return Ok(statement.raw_bind_parameter(index, double)?);
        }
        Values::Number(array) => write_number(text, array.value(row)),
        Values::Uuid(array) => write_uuid(text, array.value(row)),
        Values::Date(array) => write_date(text, array.value(row))?,
        Values::Instant(array) => write_instant(text, array.value(row))?,
    }
    Ok(statement.raw_bind_parameter(index, text.as_str())?)
}

fn write_link(
    link: &mut CachedStatement<'_>,
    plan: &Plan,
    source_key: &str,
    key: Option<Values<'_>>,
    row: usize,
    load: i64,
    text: &mut String,
) -> rusqlite::Result<()> {
    link.raw_bind_parameter(1, plan.keyspace)?;
    link.raw_bind_parameter(2, source_key)?;
    text.clear();
    match key {
        Some(values) if plan.linked || matches!(values, Values::Uuid(_)) => values.write_key(row, text),
        _ => {}
    }
    let written = Some(text.as_str()).filter(|text| !text.is_empty());
    link.raw_bind_parameter(3, written.filter(|_| !plan.linked))?;
    link.raw_bind_parameter(4, load)?;
    link.raw_bind_parameter(5, 1)?;
    link.raw_bind_parameter(6, written.filter(|_| plan.linked))?;
    link.raw_execute()?;
    Ok(())
}
