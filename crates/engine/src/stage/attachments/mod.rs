//! Attachments: the files that rows name, in both directions. Each is looked for, read once and hashed; what is missing,
//! changed or named by nobody is said. Names may hold patients' names, so they stay in the order's data area.

mod content;
mod names;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringViewArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use chartlift_rules::{Attachments, Disposition, SourceTable};

use super::Work;
use super::identify::{self, InputFile};
use crate::Error;
use crate::compile::{FILES, files_schema};
use crate::constraints::Missing;
use crate::layer::{self, LayerWriter};
use crate::marks::{Check, Mark, MarkWriter, RowId};
use crate::report::{SourceFile, StageReport};
use crate::statement::{Attachments as Balance, Stage};
use content::Content;
use names::{Named, Names};

/// In the folder of check's data: what is not as it should be, with names. Columns `table`, `code`, `_row` (null for a
/// file that no row names) and `name`.
pub(crate) const TOLD: &str = "attachments.parquet";

/// The codes of rows, in the order of their checks, and what they mean.
const CODES: [(&str, Disposition); 5] = [
    ("attachment-missing", Disposition::Degrade),
    ("attachment-path", Disposition::Degrade),
    ("attachment-changed", Disposition::Degrade),
    ("attachment-case", Disposition::Note),
    ("attachment-shared", Disposition::Note),
];

/// The folder of attachments as it stands in the input, with its final `/`: beside the table's file, or as near above
/// it as there is one. `None`: the export has no such folder.
pub(super) fn folder(files: &[InputFile], beside: Option<&str>, folder: &str) -> Option<String> {
    let beside = beside.unwrap_or_default();
    let bases = beside.rmatch_indices('/').filter_map(|(at, _)| beside.get(..=at)).chain([""]);
    let wanted = folder.to_lowercase() + "/";
    for base in bases {
        let in_base = files.iter().filter_map(|file| file.name.strip_prefix(base));
        let mut found = in_base.filter_map(|name| {
            let own = name.get(..wanted.len())?;
            (own.to_lowercase() == wanted).then(|| format!("{base}{own}"))
        });
        if let Some(found) = found.next() {
            return Some(found);
        }
    }
    None
}

/// Looks for every file that a landed row of a system names, and for every row that names a file.
pub(super) fn settle(work: &Work<'_>, checked: &Path, report: &mut StageReport) -> Result<(), Error> {
    let system = work.system()?;
    if system.attachments.is_empty() {
        return Ok(());
    }
    let inputs = work.inputs()?;
    let [input] = inputs.as_slice() else {
        return Err(Error::Usage {
            code: "several-systems",
            message: format!(
                "files of `{}` are named by rows, and the order has it in several inputs",
                system.name
            ),
            hint: "put the parts of the export into one folder, as one input".into(),
        });
    };
    let sources: Vec<SourceFile> =
        report.sources.iter().filter(|file| file.input == *input).cloned().collect();
    let input = work.input_path(input);
    let mut told = Told::new(checked.join(TOLD));
    let mut balance = Balance::default();
    let files = identify::files(&input)?;
    let tables: BTreeSet<&str> =
        sources.iter().filter(|file| file.table.is_some()).map(|file| file.file.as_str()).collect();
    let mut jobs = Vec::new();
    for one in &system.attachments {
        let Some(table) = system.table(&one.table.value) else { continue };
        let beside = sources.iter().find(|file| file.table.as_ref() == Some(&one.table.value));
        let prefix = folder(&files, beside.map(|file| file.file.as_str()), &one.folder.value);
        let names = Names::new(&files, prefix.as_deref(), &tables, one.strip.as_deref());
        jobs.push(Job { one, table, folder: checked.join(&one.table.value), names });
    }
    let mut uses: BTreeMap<usize, u64> = BTreeMap::new();
    for job in &jobs {
        job.each(|row| {
            if let Named::Found { file, .. } = row.named {
                *uses.entry(file).or_default() += 1;
            }
            Ok(())
        })?;
    }
    let all: BTreeSet<usize> = jobs.iter().flat_map(|job| job.names.files()).collect();
    let contents = content::read(work, &input, &files, &all)?;
    for job in &jobs {
        job.write(&contents, &uses, &mut balance, &mut told, report)?;
    }
    orphans(&jobs, &files, &uses, &mut balance, &mut told, report)?;
    let named = |file: &&usize| uses.contains_key(*file);
    balance.bytes = all.iter().filter(named).filter_map(|file| files.get(*file)).map(|file| file.bytes).sum();
    let digests = contents.values().flat_map(|content| [content.sha256.as_bytes()]);
    balance.digest = crate::project_key::sha256_of(digests);
    match &mut report.attachments {
        Some(others) => others.add(&balance),
        none => *none = Some(balance),
    }
    told.close()
}

/// One declaration and the files it may speak of.
struct Job<'a> {
    one: &'a Attachments,
    table: &'a SourceTable,
    /// Of the table's landed rows.
    folder: std::path::PathBuf,
    names: Names,
}

/// A row that names a file.
struct Row<'a> {
    row: i64,
    /// As it stands in the column.
    text: &'a str,
    named: Named,
    /// What the export says that its SHA-256 is.
    sha256: Option<&'a str>,
}

impl Job<'_> {
    fn each(&self, mut each: impl FnMut(Row<'_>) -> Result<(), Error>) -> Result<(), Error> {
        let missing = Missing::new(&self.table.schema.missing_values);
        let mut columns = vec!["_row", self.one.column.value.as_str()];
        columns.extend(self.one.sha256.as_ref().map(|column| column.value.as_str()));
        for part in layer::parts(&self.folder)? {
            for batch in layer::batches_of(&part, Some(&columns))? {
                let batch = batch?;
                let text = |name: &str| {
                    batch.column_by_name(name).and_then(|column| column.as_string_view_opt()).cloned()
                };
                let (Some(rows), Some(names)) = (
                    batch.column_by_name("_row").and_then(|column| column.as_primitive_opt::<Int64Type>()),
                    text(&self.one.column.value),
                ) else {
                    continue;
                };
                let hashes = self.one.sha256.as_ref().and_then(|column| text(&column.value));
                for at in (0..names.len()).filter(|at| names.is_valid(*at)) {
                    let name = names.value(at);
                    if missing.is_missing(name) || name.trim().is_empty() {
                        continue;
                    }
                    let hash = hashes.as_ref().filter(|hashes| hashes.is_valid(at));
                    let sha256 =
                        hash.map(|hashes| hashes.value(at).trim()).filter(|hash| !missing.is_missing(hash));
                    each(Row { row: rows.value(at), text: name, named: self.names.find(name), sha256 })?;
                }
            }
        }
        Ok(())
    }

    /// Writes what rules may read of each row's file, and marks.
    fn write(
        &self,
        contents: &BTreeMap<usize, Content>,
        uses: &BTreeMap<usize, u64>,
        balance: &mut Balance,
        told: &mut Told,
        report: &mut StageReport,
    ) -> Result<(), Error> {
        let first = report.checks.len();
        let table = &self.one.table.value;
        let column = &self.one.column.value;
        report.checks.extend(CODES.map(|(code, means)| Check::new(code, table, means).column(column)));
        let mut counts = [0; CODES.len()];
        let mut marks = MarkWriter::new(self.folder.join("marks-attachments.parquet"));
        let mut rows = FileRows::new(self)?;
        self.each(|row| {
            let file = match row.named {
                Named::Found { file, .. } => Some(file),
                Named::Missing | Named::Refused => None,
            };
            let content = file.and_then(|file| contents.get(&file));
            balance.named += 1;
            if content.is_some_and(|content| !content.outside) {
                balance.found += 1;
            } else {
                balance.missing += 1;
            }
            let shared = file.and_then(|file| uses.get(&file)).is_some_and(|uses| *uses > 1);
            for (at, (code, means)) in CODES.iter().enumerate() {
                if !applies(code, &row, content, shared) {
                    continue;
                }
                if let Some(count) = counts.get_mut(at) {
                    *count += 1;
                }
                marks.push(Mark {
                    id: RowId::source(row.row),
                    check: i32::try_from(first + at).unwrap_or(i32::MAX),
                })?;
                if *means == Disposition::Degrade {
                    told.push(table, code, Some(row.row), row.text)?;
                }
            }
            rows.push(row.row, content.filter(|content| !content.outside))
        })?;
        marks.close()?;
        rows.close()?;
        let checks = report.checks.iter().skip(first).zip(counts).filter(|(_, rows)| *rows > 0);
        let findings: Vec<_> = checks.map(|(check, rows)| check.finding(Stage::Check, rows)).collect();
        report.findings.extend(findings);
        Ok(())
    }
}

fn applies(code: &str, row: &Row<'_>, content: Option<&Content>, shared: bool) -> bool {
    let outside = content.is_some_and(|content| content.outside);
    match code {
        "attachment-missing" => matches!(row.named, Named::Missing),
        "attachment-path" => matches!(row.named, Named::Refused) || outside,
        "attachment-changed" => match (row.sha256, content) {
            (Some(stated), Some(content)) => !outside && !stated.eq_ignore_ascii_case(&content.sha256),
            _ => false,
        },
        "attachment-case" => matches!(row.named, Named::Found { exact: false, .. }),
        _ => shared,
    }
}

/// Files that no row of any declaration names, folder by folder.
fn orphans(
    jobs: &[Job<'_>],
    files: &[InputFile],
    uses: &BTreeMap<usize, u64>,
    balance: &mut Balance,
    told: &mut Told,
    report: &mut StageReport,
) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    for job in jobs {
        let mut count = 0;
        for file in job.names.files().filter(|file| !uses.contains_key(file)) {
            if let Some(file) = files.get(file).filter(|file| seen.insert(file.name.as_str())) {
                count += 1;
                told.push(&job.one.table.value, "attachment-orphan", None, &file.name)?;
            }
        }
        balance.orphaned += count;
        if count > 0 {
            let check = Check::new("attachment-orphan", &job.one.table.value, Disposition::Note);
            report.findings.push(check.column(&job.one.column.value).finding(Stage::Check, count));
        }
    }
    Ok(())
}

/// Rows held before they are written.
const ROWS_PER_WRITE: usize = 8192;

/// `files.parquet` of a table.
struct FileRows {
    writer: LayerWriter,
    schema: arrow::datatypes::SchemaRef,
    rows: Vec<i64>,
    cells: [Vec<Option<String>>; Attachments::COLUMNS.len()],
}

impl FileRows {
    fn new(job: &Job<'_>) -> Result<Self, Error> {
        let schema = files_schema(&job.table.schema);
        let writer = LayerWriter::create(&job.folder.join(FILES), &schema)?;
        Ok(Self { writer, schema, rows: Vec::new(), cells: Default::default() })
    }

    /// In the order of [`Attachments::COLUMNS`].
    fn push(&mut self, row: i64, content: Option<&Content>) -> Result<(), Error> {
        self.rows.push(row);
        let values = [
            content.map(|content| content.name.clone()),
            content.map(|content| content.sha256.clone()),
            content.map(|content| content.bytes.to_string()),
            content.and_then(|content| content.media_type).map(str::to_owned),
            Some(content.is_none().to_string()),
        ];
        self.cells.iter_mut().zip(values).for_each(|(cells, value)| cells.push(value));
        if self.rows.len() >= ROWS_PER_WRITE { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Error> {
        let mut columns: Vec<ArrayRef> = vec![Arc::new(Int64Array::from(std::mem::take(&mut self.rows)))];
        for cells in &mut self.cells {
            columns.push(Arc::new(std::mem::take(cells).into_iter().collect::<StringViewArray>()));
        }
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns)
            .map_err(|error| Error::query("writing what files are")(error.into()))?;
        self.writer.write(&batch)
    }

    fn close(mut self) -> Result<(), Error> {
        self.flush()?;
        self.writer.close()
    }
}

/// What is told with names, in the data area.
struct Told {
    path: std::path::PathBuf,
    writer: Option<LayerWriter>,
    lines: Vec<(String, &'static str, Option<i64>, String)>,
}

impl Told {
    fn new(path: std::path::PathBuf) -> Self {
        Self { path, writer: None, lines: Vec::new() }
    }

    fn push(&mut self, table: &str, code: &'static str, row: Option<i64>, name: &str) -> Result<(), Error> {
        self.lines.push((table.to_owned(), code, row, name.to_owned()));
        if self.lines.len() >= ROWS_PER_WRITE { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Error> {
        let lines = std::mem::take(&mut self.lines);
        if lines.is_empty() {
            return Ok(());
        }
        let text = |name: &str| Field::new(name, DataType::Utf8View, false);
        let row = Field::new("_row", DataType::Int64, true);
        let schema = Arc::new(Schema::new(vec![text("table"), text("code"), row, text("name")]));
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringViewArray::from_iter_values(lines.iter().map(|line| &line.0))),
            Arc::new(StringViewArray::from_iter_values(lines.iter().map(|line| line.1))),
            Arc::new(lines.iter().map(|line| line.2).collect::<Int64Array>()),
            Arc::new(StringViewArray::from_iter_values(lines.iter().map(|line| &line.3))),
        ];
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns)
            .map_err(|error| Error::query("writing what is told of files")(error.into()))?;
        let writer = match &mut self.writer {
            Some(writer) => writer,
            empty => empty.insert(LayerWriter::create(&self.path, &schema)?),
        };
        writer.write(&batch)
    }

    fn close(mut self) -> Result<(), Error> {
        self.flush()?;
        self.writer.map_or(Ok(()), LayerWriter::close)
    }
}
