//! Facts that somebody changes between conversion and load: every way of losing or inventing one fails the order.
//!
//! Two layers must each stop it alone. The seals over what convert and validate wrote are tested by changing the files;
//! the second reading by changing them and sealing them anew, log and all, as nobody could by accident.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, ensure};
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StringViewArray};
use arrow::compute::{cast, concat_batches, filter_record_batch};
use arrow::datatypes::DataType;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::Test;
use crate::database::Database;
use crate::workspace::{Workspace, copy_folder, files_under};

pub(crate) const TESTS: &[Test] = &[
    ("allergies_after_convert", || planted(ALLERGIES, "convert", false)),
    ("allergies_after_validate", || planted(ALLERGIES, "validate", false)),
    ("allergies_sealed_anew", || planted(ALLERGIES, "validate", true)),
    ("medications_after_convert", || planted(MEDICATIONS, "convert", false)),
    ("medications_after_validate", || planted(MEDICATIONS, "validate", false)),
    ("medications_sealed_anew", || planted(MEDICATIONS, "validate", true)),
    ("the_same_rows_sealed_anew_pass", the_same_rows_sealed_anew_pass),
    ("rows_that_come_back_are_seen", rows_that_come_back_are_seen),
];

struct Table {
    name: &'static str,
    text: &'static str,
    status: &'static str,
}

const ALLERGIES: Table = Table { name: "allergies", text: "source_text", status: "clinical_status" };
const MEDICATIONS: Table = Table { name: "medications", text: "source_text", status: "status" };

type Mutation = fn(&Table, &RecordBatch) -> anyhow::Result<RecordBatch>;

const MUTATIONS: &[(&str, Mutation)] = &[
    ("lost", |_, rows| without(rows, 0)),
    ("altered", |table, rows| set(rows, table.text, 0, Some("Water"))),
    ("revived", |table, rows| {
        let row = row_where(rows, table.status, |text| text != "active")?;
        set(rows, table.status, row, Some("active"))
    }),
    ("merged into one", |table, rows| {
        let both = format!("{}; {}", text(rows, table.text, 0)?, text(rows, table.text, 1)?);
        without(&set(rows, table.text, 0, Some(&both))?, 1)
    }),
    ("emptied", |table, rows| {
        let row = row_where(rows, table.status, |text| text == "active")?;
        set(rows, table.status, row, None)
    }),
    ("moved to another patient", |_, rows| {
        let own = text(rows, "patient_id", 0)?;
        let other = row_where(rows, "patient_id", |patient| patient != own)?;
        set(rows, "patient_id", 0, Some(&text(rows, "patient_id", other)?))
    }),
];

fn planted(table: Table, until: &str, seal: bool) -> anyhow::Result<()> {
    let prepared = prepared(until)?;
    for (name, mutation) in MUTATIONS {
        let case = Case::of(&prepared, name)?;
        let rows = case.rows(table.name)?;
        let changed = mutation(&table, &rows)?;
        ensure!(changed != rows, "{name}: nothing was changed");
        case.write(table.name, &changed)?;
        if seal {
            seal_anew(&case.order)?;
        }
        let code = if seal { "second-reading" } else { "artefact-changed" };
        case.fails(&prepared, code).with_context(|| format!("{name} in {}", table.name))?;
    }
    Ok(())
}

/// The tests above would also pass if writing a file and sealing it anew failed the order by itself.
fn the_same_rows_sealed_anew_pass() -> anyhow::Result<()> {
    let prepared = prepared("validate")?;
    let case = Case::of(&prepared, "same")?;
    case.write("allergies", &case.rows("allergies")?)?;
    seal_anew(&case.order)?;
    let summary = case.run(&prepared, 0)?;
    ensure!(summary["verdict"] == "pass", "{summary}");
    Ok(())
}

/// A row that a stage held, back among the rows to load.
fn rows_that_come_back_are_seen() -> anyhow::Result<()> {
    let prepared = prepared("validate")?;
    let case = Case::of(&prepared, "held")?;
    let held = files_under(&case.order.join("validated_files"))?;
    let held = held.iter().find(|path| path.ends_with("held.parquet")).context("nothing is held")?;
    std::fs::remove_file(held)?;
    case.fails(&prepared, "artefact-changed")
}

/// The demo's export, in an order that has come this far.
fn prepared(until: &str) -> anyhow::Result<Workspace> {
    let workspace = Workspace::new()?;
    let target = target(&workspace);
    let clinic = ["--project", "clinic", "--target", &target];
    let finished = workspace.run(&["demo", "clinic"])?;
    ensure!(finished.exit == Some(0), "{finished}");
    make_one_inactive(&workspace.path().join("clinic/export/alergias.csv"))?;
    for words in [
        [["target", "init", "--with-tables"].as_slice(), &clinic].concat(),
        [["order", "create", "--id", "1", "--input", "clinic/export"].as_slice(), &clinic].concat(),
        [["run", "--order", "1", "--until", until].as_slice(), &clinic].concat(),
    ] {
        let finished = workspace.run(&words)?;
        ensure!(finished.exit == Some(0), "{finished}");
    }
    Ok(workspace)
}

/// The demo's allergies are all active; here one was, so that there is one to revive.
fn make_one_inactive(path: &Path) -> anyhow::Result<()> {
    let mut bytes = std::fs::read(path)?;
    let end = bytes
        .windows(3)
        .position(|end| matches!(end, [b';', b'A', b'\r' | b'\n']))
        .context("no active allergy")?;
    bytes[end + 1] = b'I';
    Ok(std::fs::write(path, bytes)?)
}

/// All cases load into one database: nothing must arrive there.
fn target(workspace: &Workspace) -> String {
    format!("clinic=sqlite:{}", workspace.path().join("fresh.db").display())
}

/// A copy of the prepared project, to be spoilt.
struct Case {
    folder: String,
    order: PathBuf,
}

impl Case {
    fn of(prepared: &Workspace, name: &str) -> anyhow::Result<Self> {
        let folder = format!("case-{}", name.replace(' ', "-"));
        let path = prepared.path().join(&folder);
        copy_folder(&prepared.path().join("clinic"), &path)?;
        Ok(Self { folder, order: path.join("migrations/migration_1") })
    }

    fn parts(&self, table: &str) -> anyhow::Result<Vec<PathBuf>> {
        let files = files_under(&self.order.join("converted_files"))?;
        let named = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            path.parent().is_some_and(|folder| folder.ends_with(table)) && name.starts_with("part-")
        };
        Ok(files.into_iter().filter(named).collect())
    }

    fn rows(&self, table: &str) -> anyhow::Result<RecordBatch> {
        let mut batches = Vec::new();
        for part in self.parts(table)? {
            let reader = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(part)?)?.build()?;
            batches.extend(reader.collect::<Result<Vec<_>, _>>()?);
        }
        let first = batches.first().context("no rows")?;
        Ok(concat_batches(&first.schema(), &batches)?)
    }

    /// All rows into the first part; the others go.
    fn write(&self, table: &str, rows: &RecordBatch) -> anyhow::Result<()> {
        let parts = self.parts(table)?;
        for part in &parts {
            std::fs::remove_file(part)?;
        }
        let file = std::fs::File::create(parts.first().context("no part")?)?;
        let mut writer = ArrowWriter::try_new(file, rows.schema(), None)?;
        writer.write(rows)?;
        writer.close()?;
        Ok(())
    }

    fn run(&self, workspace: &Workspace, exit: i32) -> anyhow::Result<Value> {
        let target = target(workspace);
        let words = ["run", "--order", "1", "--json", "--project", &self.folder, "--target", &target];
        workspace.json(&words, exit)
    }

    /// The order fails, says why, and has loaded nothing.
    fn fails(&self, workspace: &Workspace, code: &str) -> anyhow::Result<()> {
        let summary = self.run(workspace, 1)?;
        ensure!(summary["verdict"] == "fail", "{}", summary["verdict"]);
        ensure!(summary["error"]["code"] == code, "{}", summary["error"]);
        ensure!(summary["findings"].as_array().is_some_and(|all| all.iter().any(|one| one["code"] == code)));
        if code == "second-reading" {
            let read = summary["statement"]["second_reading"].as_array().context("no second reading")?;
            let differing = read.iter().filter(|one| one["verdict"] == "fail");
            let patients: u64 = differing.filter_map(|one| one["differing"].as_u64()).sum();
            ensure!((1..=2).contains(&patients), "{patients} patients differ");
        }
        let database = Database::Sqlite(workspace.path().join("fresh.db"));
        for table in database.tables()? {
            let rows = database.query(&format!("select count(*) from \"{table}\""))?;
            ensure!(rows == [["0"]], "{table} has {rows:?} rows");
        }
        Ok(())
    }
}

fn without(rows: &RecordBatch, row: usize) -> anyhow::Result<RecordBatch> {
    let keep: BooleanArray = (0..rows.num_rows()).map(|at| Some(at != row)).collect();
    Ok(filter_record_batch(rows, &keep)?)
}

fn column(rows: &RecordBatch, name: &str) -> anyhow::Result<StringViewArray> {
    let column = rows.column_by_name(name).with_context(|| format!("no column {name}"))?;
    Ok(cast(column, &DataType::Utf8View)?.as_string_view().clone())
}

fn text(rows: &RecordBatch, name: &str, row: usize) -> anyhow::Result<String> {
    Ok(column(rows, name)?.value(row).to_owned())
}

fn row_where(rows: &RecordBatch, name: &str, is: impl Fn(&str) -> bool) -> anyhow::Result<usize> {
    let column = column(rows, name)?;
    let found = (0..column.len()).find(|row| column.is_valid(*row) && is(column.value(*row)));
    found.with_context(|| format!("no row for {name}"))
}

fn set(rows: &RecordBatch, name: &str, row: usize, value: Option<&str>) -> anyhow::Result<RecordBatch> {
    let column = column(rows, name)?;
    let made: StringViewArray = (0..column.len())
        .map(|at| if at == row { value } else { column.is_valid(at).then(|| column.value(at)) })
        .collect();
    let place = rows.schema().index_of(name)?;
    let mut columns: Vec<ArrayRef> = rows.columns().to_vec();
    columns[place] = cast(&(Arc::new(made) as ArrayRef), rows.column(place).data_type())?;
    Ok(RecordBatch::try_new(rows.schema(), columns)?)
}

/// Writes the seals of the files as they are now into the log, and chains it anew.
fn seal_anew(order: &Path) -> anyhow::Result<()> {
    let mut previous: Option<String> = None;
    for path in files_under(&order.join("log"))? {
        let mut record: Value = serde_json::from_str(&std::fs::read_to_string(&path)?)?;
        if let Some(previous) = &previous {
            record["previous"] = previous.as_str().into();
        }
        let folder = record["folder"].as_str().map(|folder| order.join(folder));
        let sealed = record["report"]["seals"].as_object().cloned().unwrap_or_default();
        for table in sealed.keys() {
            let folder = folder.clone().context("a seal without a folder")?;
            record["report"]["seals"][table] = seal(&folder, table)?.into();
        }
        let text = format!("{record}\n");
        std::fs::write(&path, &text)?;
        previous = Some(hex(&Sha256::digest(text.as_bytes())));
    }
    Ok(())
}

fn seal(folder: &Path, table: &str) -> anyhow::Result<String> {
    let mut hasher = Sha256::new();
    for path in files_under(&folder.join(table))? {
        let within = path.strip_prefix(folder)?.to_string_lossy().into_owned();
        let direct = path.parent() == Some(&folder.join(table)) || path.parent() == Some(folder);
        if !direct || table.is_empty() && path.parent() != Some(folder) {
            continue;
        }
        for part in [within, hex(&Sha256::digest(std::fs::read(&path)?))] {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
    }
    Ok(hex(&hasher.finalize()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
