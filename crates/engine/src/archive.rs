//! Residue, patient by patient: what the pack maps nowhere, so that nobody has to open the old system for it.
//!
//! Table by table the rows with residue are joined with their patients, sorted and written to a file of their own; then
//! all files are read side by side. So memory is bounded by what one sort may hold, however many patients there are.
//!
//! A row's patients are those of the records that were made of it; a row that no record of a patient was made of has those
//! of the row that it refers to. What is left belongs to nobody.

mod owners;

use std::cmp::Ordering;
use std::path::Path;

use arrow::array::{Array, AsArray, RecordBatch, StringViewArray};
use arrow::datatypes::Int64Type;
use chartlift_rules::{Project, SourceTable, System};
use datafusion::dataframe::DataFrame;
use futures::StreamExt;

use crate::Error;
use crate::layer::{self, LayerWriter};
use crate::order::Store;
use crate::report::{SourceFile, StageReport};
use crate::run::{self, marked};
use crate::session::{self, Limits};
use crate::stage;
use crate::statement::Stage;
use owners::Owners;

/// Takes the archive in order: a patient, then each of the patient's tables, then its rows.
pub trait Archive {
    /// The patient's source key and, where the pack knows one, name; no key: the rows that belong to nobody, at the end.
    fn patient(&mut self, key: Option<&str>, name: Option<&str>) -> Result<(), Error>;
    fn table(&mut self, table: &str, columns: &[String]) -> Result<(), Error>;
    /// Where the row stands in the input, and its cells as they were written.
    fn row(&mut self, file: &str, record: i64, cells: &[Option<&str>]) -> Result<(), Error>;
}

/// Hands out the residue of an order whose rows were categorized. Files are written to `scratch`, which the caller removes.
///
/// # Errors
///
/// Where stages are missing, files cannot be read or written, or `archive` fails.
pub async fn residue(
    project: &Project,
    store: &Store,
    order: &str,
    threads: usize,
    scratch: &Path,
    archive: &mut dyn Archive,
) -> Result<(), Error> {
    let account = run::account(store, order)?;
    let folder = |stage: Stage| {
        let done = account.reports.contains_key(&stage);
        account.order.folder(stage).filter(|_| done).ok_or_else(|| stage::missing(stage))
    };
    let report = account.reports.get(&Stage::Check).ok_or_else(|| stage::missing(Stage::Check))?;
    let choices = account.reports.get(&Stage::Identify).map(|report| report.systems.as_slice());
    let choice = choices.unwrap_or_default().first();
    if choices.unwrap_or_default().iter().any(|one| Some(&one.system) != choice.map(|first| &first.system)) {
        return Err(stage::several_systems("the archive"));
    }
    let system = choice
        .and_then(|choice| {
            let mut systems = project.systems.iter();
            systems.rfind(|one| one.name == choice.system && one.version == choice.version)
        })
        .ok_or_else(|| stage::missing(Stage::Identify))?;
    let (checked, categorized) =
        (folder(Stage::Check)?.join(&system.name), folder(Stage::Categorize)?.join(&system.name));
    let limits = Limits { threads, memory_bytes: project.settings.limits.memory_bytes };
    let context = session::session(limits).map_err(Error::query("making a session"))?;
    // A join that sorts can use the disk; one that hashes holds a whole side.
    context.state_ref().write().config_mut().options_mut().optimizer.prefer_hash_join = false;
    let owners = Owners { context: &context, project, checked: &checked, categorized, scratch };
    let (owned, names) = owners.write().await?;
    let mut cursors = Vec::new();
    for (number, (table, columns)) in tables(system, report).into_iter().enumerate() {
        let path = scratch.join(format!("table-{number:05}.parquet"));
        let frame = owners.of(table, &columns, &owned).await?;
        write(frame, &path, "finding a table's residue").await?;
        cursors.push(Cursor::open(&table.name.value, columns, &path)?);
    }
    hand_out(cursors, &names, &report.sources, archive)
}

/// The tables with residue, and its columns: what no rule maps, and what the schema does not know.
fn tables<'a>(system: &'a System, report: &StageReport) -> Vec<(&'a SourceTable, Vec<String>)> {
    let residue = stage::residue_of(system);
    let mut found = Vec::new();
    for table in system.tables.iter().filter(|table| !system.ignores(&table.name.value)) {
        let name = &table.name.value;
        let own = residue.iter().filter(|(of, _)| of == name).map(|(_, column)| column.clone());
        let mut columns: Vec<String> = own.collect();
        if table.dialect.header_row > 0 {
            for header in report.headers_of(name).map(crate::land::unique_names) {
                let unknown = |column: &String| table.schema.field(column).is_none();
                let new: Vec<String> = header
                    .into_iter()
                    .filter(|column| unknown(column) && !columns.contains(column))
                    .collect();
                columns.extend(new);
            }
        }
        if !columns.is_empty() {
            found.push((table, columns));
        }
    }
    found
}

/// Writes what a frame gives, in its order.
async fn write(frame: DataFrame, path: &Path, doing: &'static str) -> Result<(), Error> {
    let mut stream = frame.execute_stream().await.map_err(Error::query(doing))?;
    let mut writer = LayerWriter::create(path, &stream.schema())?;
    while let Some(batch) = stream.next().await {
        writer.write(&batch.map_err(Error::query(doing))?)?;
    }
    writer.close()
}

/// A sorted file read row by row: the patient's key first, then `_row`, then cells.
struct Cursor {
    table: String,
    columns: Vec<String>,
    batches: Box<dyn Iterator<Item = Result<RecordBatch, Error>>>,
    batch: Option<RecordBatch>,
    at: usize,
}

impl Cursor {
    fn open(table: &str, columns: Vec<String>, path: &Path) -> Result<Self, Error> {
        let batches = Box::new(layer::batches(path)?);
        let mut cursor = Self { table: table.to_owned(), columns, batches, batch: None, at: 0 };
        cursor.refill()?;
        Ok(cursor)
    }

    fn refill(&mut self) -> Result<(), Error> {
        self.at = 0;
        loop {
            self.batch = self.batches.next().transpose()?;
            if self.batch.as_ref().is_none_or(|batch| batch.num_rows() > 0) {
                return Ok(());
            }
        }
    }

    fn advance(&mut self) -> Result<(), Error> {
        self.at += 1;
        let ended = self.batch.as_ref().is_some_and(|batch| self.at >= batch.num_rows());
        if ended { self.refill() } else { Ok(()) }
    }

    fn text(&self, column: usize) -> Option<&str> {
        let texts: &StringViewArray = self.batch.as_ref()?.column(column).as_string_view_opt()?;
        texts.is_valid(self.at).then(|| texts.value(self.at))
    }

    /// The patient of the row at hand; `None` at the end.
    fn patient(&self) -> Option<Option<&str>> {
        self.batch.is_some().then(|| self.text(0))
    }

    fn row(&self) -> i64 {
        let rows = self.batch.as_ref().and_then(|batch| batch.column(1).as_primitive_opt::<Int64Type>());
        rows.map_or(0, |rows| rows.value(self.at))
    }
}

/// Nobody comes last.
fn order(a: Option<&str>, b: Option<&str>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => a.cmp(b),
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}

fn hand_out(
    mut cursors: Vec<Cursor>,
    names: &Path,
    sources: &[SourceFile],
    archive: &mut dyn Archive,
) -> Result<(), Error> {
    let mut names = Cursor::open("", Vec::new(), names)?;
    loop {
        let heads = cursors.iter().filter_map(Cursor::patient);
        let Some(patient) = heads.min_by(|a, b| order(*a, *b)).map(|key| key.map(str::to_owned)) else {
            return Ok(());
        };
        let key = patient.as_deref();
        while names.patient().is_some_and(|name| order(name, key).is_lt()) {
            names.advance()?;
        }
        let named = names.patient().is_some_and(|name| name.is_some() && name == key);
        archive.patient(key, if named { names.text(1) } else { None })?;
        for cursor in &mut cursors {
            if cursor.patient() != Some(key) {
                continue;
            }
            archive.table(&cursor.table, &cursor.columns)?;
            while cursor.patient() == Some(key) {
                let place = marked::place(cursor.row());
                let file =
                    place.file.and_then(|file| sources.get(file)).map_or("", |file| file.file.as_str());
                let cells: Vec<Option<&str>> =
                    (0..cursor.columns.len()).map(|column| cursor.text(column + 2)).collect();
                archive.row(file, place.record, &cells)?;
                cursor.advance()?;
            }
        }
    }
}
