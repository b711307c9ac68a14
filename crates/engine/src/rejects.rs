//! Quarantined rows, for people: where they are and why, and the rows themselves, ready to correct.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray};
use arrow::datatypes::Int64Type;
use chartlift_rules::Disposition;

use crate::Error;
use crate::land;
use crate::layer;
use crate::marks::{self, Check, Mark};
use crate::order::Order;
use crate::report::{SourceFile, StageReport};
use crate::run::Environment;
use crate::statement::Stage;

/// The stages that mark rows.
const MARKING: [Stage; 4] = [Stage::Check, Stage::Categorize, Stage::Convert, Stage::Validate];

/// A mark that holds a row, as a person looks for it.
struct Held<'a> {
    source: &'a SourceFile,
    record: i64,
    row: i64,
    stage: Stage,
    code: String,
    column: String,
    disposition: Disposition,
}

/// Writes `input,file,row,stage,code,column,disposition` for every mark and every rejected record, no values.
pub fn write_marks(environment: &Environment, order: &str, out: &mut dyn Write) -> Result<u64, Error> {
    let order = environment.store().open(order)?;
    let mut csv = csv::Writer::from_writer(out);
    let broken = |error: csv::Error| Error::file("write", "marks")(std::io::Error::other(error));
    csv.write_record(["input", "file", "row", "stage", "code", "column", "disposition"]).map_err(broken)?;
    let mut rows = 0;
    let mut failed = None;
    each(&order, |held| {
        let record = held.record.to_string();
        let written = csv.write_record([
            held.source.input.as_str(),
            held.source.file.as_str(),
            record.as_str(),
            held.stage.name(),
            held.code.as_str(),
            held.column.as_str(),
            held.disposition.name(),
        ]);
        rows += 1;
        if let Err(error) = written {
            failed.get_or_insert(error);
        }
    })?;
    match failed {
        Some(error) => Err(broken(error)),
        None => csv.flush().map_err(Error::file("write", "marks")).map(|()| rows),
    }
}

/// Writes `rejects/<table>.csv`: the held rows' columns as they were landed, with file, row number and reasons.
pub fn write_rows(environment: &Environment, order: &str) -> Result<Vec<PathBuf>, Error> {
    let order = environment.store().open(order)?;
    let Some(checked) = order.folder(Stage::Check) else { return Ok(Vec::new()) };
    let mut tables: BTreeMap<String, BTreeMap<i64, (String, i64, Vec<String>)>> = BTreeMap::new();
    each(&order, |held| {
        if held.disposition < Disposition::Quarantine {
            return;
        }
        let Some(table) = &held.source.table else { return };
        let entry = tables
            .entry(table.clone())
            .or_default()
            .entry(held.row)
            .or_insert_with(|| (held.source.file.clone(), held.record, Vec::new()));
        let reason =
            if held.column.is_empty() { held.code } else { format!("{} {}", held.code, held.column) };
        if !entry.2.contains(&reason) {
            entry.2.push(reason);
        }
    })?;
    let folder = order.subfolder("rejects");
    std::fs::create_dir_all(&folder).map_err(Error::file("create", &folder))?;
    let mut written = Vec::new();
    for (table, rows) in tables {
        let path = folder.join(format!("{table}.csv"));
        write_table(&path, &checked.join(&table), &rows)?;
        written.push(path);
    }
    Ok(written)
}

fn write_table(
    path: &Path,
    layer_folder: &Path,
    rows: &BTreeMap<i64, (String, i64, Vec<String>)>,
) -> Result<(), Error> {
    let broken = |error: csv::Error| Error::file("write", path)(std::io::Error::other(error));
    let file: File = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .map_err(Error::file("create", path))?;
    let mut csv = csv::WriterBuilder::new().flexible(true).from_writer(file);
    let mut header_written = false;
    for part in layer::parts(layer_folder)? {
        for batch in layer::batches(&part)? {
            let batch = batch?;
            let columns: Vec<usize> = (0..batch.num_columns())
                .filter(|at| !batch.schema_ref().field(*at).name().starts_with('_'))
                .collect();
            if !header_written {
                let names = columns.iter().map(|at| batch.schema_ref().field(*at).name().as_str());
                csv.write_record(names.chain(["_file", "_row", "_reasons"])).map_err(broken)?;
                header_written = true;
            }
            let Some(numbers) = batch.column_by_name("_row").map(|rows| rows.as_primitive::<Int64Type>())
            else {
                continue;
            };
            for at in 0..batch.num_rows() {
                let Some((file, record, reasons)) = rows.get(&numbers.value(at)) else { continue };
                let values = columns.iter().map(|column| {
                    let column = batch.column(*column);
                    let text = column.as_string_view_opt().filter(|texts| texts.is_valid(at));
                    text.map_or_else(String::new, |texts| texts.value(at).to_owned())
                });
                let lineage = [file.clone(), record.to_string(), reasons.join("; ")];
                csv.write_record(values.chain(lineage)).map_err(broken)?;
            }
        }
    }
    land::read_rejects(layer_folder, |reject| {
        if let Some((file, record, reasons)) = rows.get(&reject.row) {
            // As it stood, for who corrects it by hand; the fields could not be told apart.
            let raw = String::from_utf8_lossy(&reject.bytes).into_owned();
            let _ = csv.write_record([raw, file.clone(), record.to_string(), reasons.join("; ")]);
        }
    })?;
    csv.flush().map_err(Error::file("write", path))
}

/// Hands out every mark of every stage that is done, and every rejected record.
fn each<'a>(order: &'a Order, mut found: impl FnMut(Held<'_>)) -> Result<(), Error> {
    let report = |stage: Stage| -> Option<StageReport> {
        serde_json::from_value(order.latest(stage)?.report.clone()).ok()
    };
    let Some(check) = report(Stage::Check) else { return Ok(()) };
    for stage in MARKING {
        let (Some(report), Some(folder)) = (report(stage), order.folder(stage)) else { continue };
        for table in layer::folders(&folder)?.into_iter().chain([folder.clone()]) {
            marks::read_all(&table, |mark| {
                if let Some(held) = held(&check.sources, &report.checks, stage, mark) {
                    found(held);
                }
            })?;
            if stage == Stage::Check {
                land::read_rejects(&table, |reject| {
                    if let Some((source, record)) = place(&check.sources, reject.row) {
                        let disposition = Disposition::Quarantine;
                        let (code, column) = (reject.code, String::new());
                        found(Held { source, record, row: reject.row, stage, code, column, disposition });
                    }
                })?;
            }
        }
    }
    Ok(())
}

fn held<'a>(sources: &'a [SourceFile], checks: &[Check], stage: Stage, mark: Mark) -> Option<Held<'a>> {
    let check = checks.get(usize::try_from(mark.check).ok()?)?;
    let (source, record) = place(sources, mark.id.row)?;
    Some(Held {
        source,
        record,
        row: mark.id.row,
        stage,
        code: check.code.clone(),
        column: check.column.clone().unwrap_or_default(),
        disposition: check.disposition,
    })
}

/// The file of a row and its number there.
fn place(sources: &[SourceFile], row: i64) -> Option<(&SourceFile, i64)> {
    let source = sources.get(usize::try_from(row >> 40).ok()?)?;
    Some((source, row & ((1 << 40) - 1)))
}
