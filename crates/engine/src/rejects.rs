//! What was held, for people: every mark as CSV, and the held rows with their source columns, ready to be corrected
//! and fed back. The rows hold values, so they go into the order's data area and nowhere else.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray, RecordBatch, StringViewArray};
use arrow::datatypes::Int64Type;
use chartlift_rules::Disposition;

use crate::Error;
use crate::land::{Rejected, read_rejects, unique_names};
use crate::layer;
use crate::marks::Check;
use crate::order::{Order, Store};
use crate::report::{SourceFile, StageReport, SystemChoice};
use crate::run;
use crate::run::marked::{self, By};
use crate::stage::TOLD;
use crate::statement::Stage;

/// Stages whose layers carry marks.
const MARKING: [Stage; 4] = [Stage::Check, Stage::Categorize, Stage::Convert, Stage::Validate];

/// What a check says of a row, as it is told: checks that differ in nothing else are one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Reason {
    stage: Stage,
    code: String,
    column: Option<String>,
    disposition: Disposition,
}

/// Writes every mark as CSV, unparseable rows included: `input,file,row,stage,code,column,disposition`.
/// Answers how many there were.
pub fn write_marks(store: &Store, order: &str, out: &mut dyn Write) -> Result<u64, Error> {
    let findings = Findings::of(&store.open(order)?)?;
    let mut writer = csv::Writer::from_writer(out);
    let failed = |error: csv::Error| Error::file("write", "the list of marks")(std::io::Error::other(error));
    writer
        .write_record(["input", "file", "row", "stage", "code", "column", "disposition"])
        .map_err(failed)?;
    for (row, reason) in findings.told() {
        let (input, file) = findings.file(row).map_or(("", ""), |file| (&file.input, &file.file));
        let Reason { stage, code, column, disposition } = reason;
        let column = column.as_deref().unwrap_or_default();
        let record = marked::place(row).record.to_string();
        writer
            .write_record([input, file, &record, stage.name(), code, column, disposition.name()])
            .map_err(failed)?;
    }
    writer.flush().map_err(Error::file("write", "the list of marks"))?;
    Ok(findings.marks.len() as u64)
}

/// Writes `rejects/<table>.csv` for every source table with held rows and removes what earlier runs wrote.
/// Answers the files, sorted.
pub fn write_rows(store: &Store, order: &str) -> Result<Vec<PathBuf>, Error> {
    let order = store.open(order)?;
    let findings = Findings::of(&order)?;
    let folder = order.subfolder("rejects");
    std::fs::create_dir_all(&folder).map_err(Error::file("create", &folder))?;
    let mut written = BTreeSet::new();
    if let Some(checked) = &findings.checked {
        for (system, table) in findings.tables() {
            let path = findings.folder_of(&folder, system);
            std::fs::create_dir_all(&path).map_err(Error::file("create", &path))?;
            let path = path.join(format!("{table}.csv"));
            if write_table(&findings, (system, table), &checked.join(system).join(table), &path)? {
                written.insert(path);
            }
        }
    }
    if let Some(checked) = &findings.checked {
        for system in findings.system_names() {
            let path = findings.folder_of(&folder, system).join(ATTACHMENTS);
            if write_attachments(&findings, &checked.join(system).join(TOLD), &path)? {
                written.insert(path);
            }
        }
    }
    for folder in std::iter::once(folder.clone()).chain(layer::folders(&folder)?) {
        remove_others(&folder, &written)?;
    }
    Ok(written.into_iter().collect())
}

/// Removes what earlier runs wrote.
fn remove_others(folder: &Path, written: &BTreeSet<PathBuf>) -> Result<(), Error> {
    for entry in std::fs::read_dir(folder).map_err(Error::file("list", folder))? {
        let path = entry.map_err(Error::file("list", folder))?.path();
        let ours = path.extension().is_some_and(|ending| ending == "csv" || ending == "part");
        if ours && !written.contains(&path) {
            std::fs::remove_file(&path).map_err(Error::file("remove", &path))?;
        }
    }
    Ok(())
}

/// Names begin with `_` that are no table's.
const ATTACHMENTS: &str = "_attachments.csv";

/// Lists the files that were not found or are named by nobody: `table,code,file,row,name`. Answers whether there are any.
fn write_attachments(findings: &Findings, told: &Path, path: &Path) -> Result<bool, Error> {
    if !told.exists() {
        return Ok(false);
    }
    let failed = |error: csv::Error| Error::file("write", path)(std::io::Error::other(error));
    let unfinished = path.with_extension("part");
    let mut out =
        csv::Writer::from_writer(private_file(&unfinished).map_err(Error::file("create", &unfinished))?);
    out.write_record(["table", "code", "file", "row", "name"]).map_err(failed)?;
    for batch in layer::batches(told)? {
        let batch = batch?;
        let text = |at: usize| batch.column(at).as_string_view();
        let rows = batch.column(2).as_primitive::<Int64Type>();
        for at in 0..batch.num_rows() {
            let row = rows.is_valid(at).then(|| rows.value(at));
            let file = row.and_then(|row| findings.file(row)).map_or("", |file| file.file.as_str());
            let record = row.map_or_else(String::new, |row| marked::place(row).record.to_string());
            let (table, code, name) = (text(0).value(at), text(1).value(at), text(3).value(at));
            out.write_record([table, code, file, &record, name]).map_err(failed)?;
        }
    }
    out.flush().map_err(Error::file("write", path))?;
    std::fs::rename(&unfinished, path).map_err(Error::file("write", path))?;
    Ok(true)
}

/// What all stages said about source rows.
struct Findings {
    sources: Vec<SourceFile>,
    /// Which system wrote each input.
    systems: Vec<SystemChoice>,
    /// The header each file really had, by [`SourceFile::place`].
    headers: BTreeMap<String, Vec<String>>,
    checked: Option<PathBuf>,
    /// Sorted once all are known.
    reasons: Vec<Reason>,
    /// Row and place in `reasons`, sorted, each once however many rows were made of the source row.
    marks: Vec<(i64, usize)>,
}

impl Findings {
    fn of(order: &Order) -> Result<Self, Error> {
        let mut findings = Self {
            sources: Vec::new(),
            systems: Vec::new(),
            headers: BTreeMap::new(),
            checked: None,
            reasons: Vec::new(),
            marks: Vec::new(),
        };
        for done in order.chain() {
            let report: StageReport = run::read_report(&done)?;
            if !report.sources.is_empty() {
                findings.sources.clone_from(&report.sources);
            }
            findings.systems.extend(report.systems.iter().cloned());
            let folder = done.folder.as_ref().map(|folder| order.root().join(folder));
            let Some(folder) = folder.filter(|_| MARKING.contains(&done.stage)) else { continue };
            findings.read_stage(done.stage, &folder, &report.checks)?;
            if done.stage == Stage::Check {
                findings.headers = report.headers;
                findings.checked = Some(folder);
            }
        }
        findings.sort();
        Ok(findings)
    }

    /// The columns of the first of a table's files.
    fn header_of_table(&self, system: &str, table: &str) -> Vec<String> {
        let own = |file: &&SourceFile| {
            file.table.as_deref() == Some(table) && self.system_of(&file.input) == Some(system)
        };
        let mut files = self.sources.iter().filter(own);
        let header = files.find_map(|source| self.headers.get(&source.place()));
        header.map(|header| unique_names(header)).unwrap_or_default()
    }

    /// The columns of the file that a source row is in.
    fn header(&self, row: i64) -> Vec<String> {
        let header = self.file(row).and_then(|source| self.headers.get(&source.place()));
        header.map(|header| unique_names(header)).unwrap_or_default()
    }

    fn read_stage(&mut self, stage: Stage, folder: &Path, checks: &[Check]) -> Result<(), Error> {
        let known: Vec<usize> = checks.iter().map(|check| self.reason(Reason::of(stage, check))).collect();
        let mut marks = Vec::new();
        marked::each(stage, folder, |mark| {
            let reason = match mark.by {
                By::Check(check) => known.get(check).copied(),
                By::Reject { code, .. } => {
                    let reason = Reason { stage, code, column: None, disposition: Disposition::Quarantine };
                    Some(self.reason(reason))
                }
            };
            marks.extend(reason.map(|reason| (mark.row, reason)));
        })?;
        self.marks.append(&mut marks);
        Ok(())
    }

    /// The place of a reason in the list.
    fn reason(&mut self, reason: Reason) -> usize {
        self.reasons.iter().position(|known| *known == reason).unwrap_or_else(|| {
            self.reasons.push(reason);
            self.reasons.len() - 1
        })
    }

    fn sort(&mut self) {
        let mut order: Vec<(Reason, usize)> = self.reasons.drain(..).zip(0..).collect();
        order.sort_unstable();
        let mut places = vec![0; order.len()];
        for (new, (reason, old)) in order.into_iter().enumerate() {
            if let Some(place) = places.get_mut(old) {
                *place = new;
            }
            self.reasons.push(reason);
        }
        for (_, reason) in &mut self.marks {
            *reason = places.get(*reason).copied().unwrap_or_default();
        }
        self.marks.sort_unstable();
        self.marks.dedup();
    }

    fn told(&self) -> impl Iterator<Item = (i64, &Reason)> {
        self.marks.iter().filter_map(|(row, reason)| Some((*row, self.reasons.get(*reason)?)))
    }

    /// System and name of each source table.
    fn tables(&self) -> BTreeSet<(&str, &str)> {
        let tables = self.sources.iter();
        tables.filter_map(|file| Some((self.system_of(&file.input)?, file.table.as_deref()?))).collect()
    }

    fn system_of(&self, input: &str) -> Option<&str> {
        self.systems.iter().find(|choice| choice.input == input).map(|choice| choice.system.as_str())
    }

    fn system_names(&self) -> BTreeSet<&str> {
        self.systems.iter().map(|choice| choice.system.as_str()).collect()
    }

    /// Where a system's lists go: tables of two systems may have one name.
    fn folder_of(&self, folder: &Path, system: &str) -> PathBuf {
        if self.system_names().len() > 1 { folder.join(system) } else { folder.to_path_buf() }
    }

    fn file(&self, row: i64) -> Option<&SourceFile> {
        self.sources.get(marked::place(row).file?)
    }

    /// Why a row was held, in one text; `None` when it was not.
    fn held_because(&self, row: i64) -> Option<String> {
        let first = self.marks.partition_point(|(other, _)| *other < row);
        let of_row = self.marks.iter().skip(first).take_while(|(other, _)| *other == row);
        let reasons = of_row.filter_map(|(_, reason)| self.reasons.get(*reason));
        let texts: Vec<String> = reasons.filter(|reason| reason.holds()).map(Reason::text).collect();
        (!texts.is_empty()).then(|| texts.join("; "))
    }
}

impl Reason {
    fn of(stage: Stage, check: &Check) -> Self {
        Self { stage, code: check.code.clone(), column: check.column.clone(), disposition: check.disposition }
    }

    /// Excluded rows are left out on purpose and by name: nobody has to correct them.
    fn holds(&self) -> bool {
        matches!(self.disposition, Disposition::Quarantine | Disposition::Block)
    }

    fn text(&self) -> String {
        let (stage, code) = (self.stage.name(), &self.code);
        self.column
            .as_ref()
            .map_or_else(|| format!("{stage}: {code}"), |column| format!("{stage}: {code} {column}"))
    }
}

/// Answers whether the table has held rows. The file appears whole or not at all.
fn write_table(
    findings: &Findings,
    (system, table): (&str, &str),
    layer: &Path,
    path: &Path,
) -> Result<bool, Error> {
    let unfinished = path.with_extension("part");
    let failed = |error: csv::Error| Error::file("write", path)(std::io::Error::other(error));
    let mut lines: BTreeMap<i64, Vec<String>> = BTreeMap::new();
    // In the file's own order, which is also the order of what could be read of damaged records.
    let mut columns = findings.header_of_table(system, table);
    for part in layer::parts(layer)? {
        for batch in layer::batches(&part)? {
            held_rows(findings, &batch?, &mut columns, &mut lines);
        }
    }
    read_rejects(layer, |rejected| {
        let header = findings.header(rejected.row);
        lines.insert(rejected.row, rejected_cells(&rejected, &header, &columns));
    })?;
    if lines.is_empty() {
        return Ok(false);
    }
    // Rejected records may have more cells than there are columns.
    let file = private_file(&unfinished).map_err(Error::file("create", &unfinished))?;
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(file);
    let header = ["_file", "_row", "_reasons"].into_iter().chain(columns.iter().map(String::as_str));
    writer.write_record(header).map_err(failed)?;
    for (row, cells) in &lines {
        let file = findings.file(*row).map_or("", |file| file.file.as_str());
        let record = marked::place(*row).record.to_string();
        let reasons = findings.held_because(*row).unwrap_or_default();
        let before = [file, &record, &reasons].into_iter();
        writer.write_record(before.chain(cells.iter().map(String::as_str))).map_err(failed)?;
    }
    writer.flush().map_err(Error::file("write", path))?;
    drop(writer);
    std::fs::rename(&unfinished, path).map_err(Error::file("write", path))?;
    Ok(true)
}

fn private_file(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

fn held_rows(
    findings: &Findings,
    batch: &RecordBatch,
    columns: &mut Vec<String>,
    lines: &mut BTreeMap<i64, Vec<String>>,
) {
    let Some(rows) = batch.column_by_name("_row").and_then(|column| column.as_primitive_opt::<Int64Type>())
    else {
        return;
    };
    if columns.is_empty() {
        let schema = batch.schema();
        let names = schema.fields().iter().map(|field| field.name().clone());
        columns.extend(names.filter(|name| !matches!(name.as_str(), "_row" | "_offset")));
    }
    let cells: Vec<_> = columns
        .iter()
        .map(|name| batch.column_by_name(name).and_then(|column| column.as_string_view_opt()))
        .collect();
    for (at, row) in rows.values().iter().enumerate() {
        if findings.held_because(*row).is_none() {
            continue;
        }
        let cell = |column: &Option<&StringViewArray>| {
            let column = column.filter(|column| !column.is_null(at));
            column.map_or_else(String::new, |column| column.value(at).to_owned())
        };
        lines.insert(*row, cells.iter().map(cell).collect());
    }
}

/// The cells as far as they could be told apart, under the table's columns, whatever order the record's own file has
/// them in; what its header does not name stands behind. Else the record as it stands in the file.
fn rejected_cells(rejected: &Rejected, header: &[String], columns: &[String]) -> Vec<String> {
    if rejected.fields.is_empty() {
        return vec![String::from_utf8_lossy(&rejected.bytes).into_owned()];
    }
    let cell = |field: Option<&Option<String>>| field.cloned().flatten().unwrap_or_default();
    if header == columns {
        return rejected.fields.iter().map(|field| cell(Some(field))).collect();
    }
    let place = |name: &String| header.iter().position(|own| own == name);
    let named = columns.iter().map(|name| cell(place(name).and_then(|at| rejected.fields.get(at))));
    let known = |at: usize| header.get(at).is_some_and(|name| columns.contains(name));
    let rest = rejected.fields.iter().enumerate().filter(|(at, _)| !known(*at));
    named.chain(rest.map(|(_, field)| cell(Some(field)))).collect()
}
