//! Real exports that nobody here wrote. They lie beside the repository and are skipped where they are not.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::Test;
use crate::database::{Database, Kind};
use crate::matched_data;
use crate::workspace::{Workspace, repository, variable};

pub(crate) const TESTS: &[Test] = &[
    ("synthea_to_sqlite", || synthea(Kind::Sqlite, 1)),
    ("synthea_to_postgres", || synthea(Kind::Postgres, 1)),
    ("synthea_tenfold_to_postgres", || when_long(|| synthea(Kind::Postgres, 10))),
    ("synthea_tenfold_to_sqlite", || when_long(|| synthea(Kind::Sqlite, 10))),
    ("other_synthea_versions_to_sqlite", || other_versions(Kind::Sqlite)),
    ("other_synthea_versions_to_postgres", || other_versions(Kind::Postgres)),
    ("injected_defects_are_found", injected_defects_are_found),
    ("ampli_into_a_system_in_use_sqlite", || matched_data::ampli(Kind::Sqlite)),
    ("ampli_into_a_system_in_use_postgres", || matched_data::ampli(Kind::Postgres)),
];

/// Folders beside the one that the other tests use, and the version each is of.
const OTHER_VERSIONS: &[(&str, &str)] = &[
    ("v2.7.0_ma", "2.7.0"),
    ("v3.0.0_ma", "3.0.0"),
    ("v3.2.0_ma", "3.2.0"),
    ("ext_v300_OHDSI-dbt-synthea", "3.0.0"),
    ("ext_v320_jijones12", "3.2.0"),
];

/// Takes minutes in a development build.
fn when_long(test: fn() -> anyhow::Result<()>) -> anyhow::Result<()> {
    if variable("CHARTLIFT_LONG").is_some() {
        return test();
    }
    eprintln!("skipped: takes minutes; set CHARTLIFT_LONG=1");
    Ok(())
}

fn synthea(kind: Kind, factor: u32) -> anyhow::Result<()> {
    let Some(shared) = shared() else { return Ok(()) };
    let workspace = Workspace::new()?;
    let input = if factor == 1 { export(&shared) } else { scaled(&shared, &workspace, factor, &[])? };
    arrives(kind, &workspace, &input, "3.3.0")
}

fn other_versions(kind: Kind) -> anyhow::Result<()> {
    let Some(shared) = shared() else { return Ok(()) };
    for (folder, version) in OTHER_VERSIONS {
        let workspace = Workspace::new()?;
        arrives(kind, &workspace, &shared.join("data/synthea").join(folder), version).context(*folder)?;
    }
    Ok(())
}

/// The export is known for what it is, and all of it arrives.
fn arrives(kind: Kind, workspace: &Workspace, input: &Path, version: &str) -> anyhow::Result<()> {
    let Some(database) = Database::create(kind, workspace)? else { return Ok(()) };
    let summary = migrate(workspace, &database, input, 0)?;
    ensure!(summary["verdict"] == "pass", "the verdict is {}", summary["verdict"]);
    ensure!(summary["statement"]["balanced"] == true, "not balanced");
    ensure!(summary["inputs"][0]["system"] == "synthea", "taken for {}", summary["inputs"][0]);
    ensure!(summary["inputs"][0]["version"] == version, "taken for {}", summary["inputs"][0]);
    let (ours, theirs) = (records_read(&summary)?, records_by_python(input)?);
    ensure!(ours == theirs, "records read differ from Python's csv module:\n{ours:?}\n{theirs:?}");
    Ok(())
}

/// Every defect that the schema can see is found at its row. Nothing else is held back but what refers to a damaged row.
fn injected_defects_are_found() -> anyhow::Result<()> {
    let Some(shared) = shared() else { return Ok(()) };
    let workspace = Workspace::new()?;
    let input = scaled(&shared, &workspace, 1, &["--dirty", "0.01"])?;
    let Some(database) = Database::create(Kind::Sqlite, &workspace)? else { return Ok(()) };
    let summary = migrate(&workspace, &database, &input, 0)?;
    ensure!(summary["statement"]["balanced"] == true, "not balanced");

    let marks = marks(&workspace)?;
    let key = AnswerKey::read(&input)?;
    let mut missed: BTreeMap<(String, String), Vec<u64>> = BTreeMap::new();
    for Defect { file, row, kind } in &key.defects {
        let found = key.rows_of(*row, kind).iter().any(|row| marks.contains_key(&(file.clone(), *row)));
        if !found && visible(file, kind) {
            missed.entry((file.clone(), kind.clone())).or_default().push(*row);
        }
    }
    ensure!(missed.is_empty(), "defects that were not found: {missed:?}");

    let originals = Originals::read(&export(&shared), &key)?;
    let unexplained: BTreeMap<&(String, u64), &Vec<Mark>> = marks
        .iter()
        .filter(|((file, row), marks)| {
            let held = marks.iter().any(Mark::holds);
            held && !key.names(file, *row)
                && !(marks.iter().all(Mark::is_reference) && originals.refers(file, *row))
        })
        .collect();
    ensure!(unexplained.is_empty(), "held without an injected defect: {unexplained:?}");
    Ok(())
}

struct Defect {
    file: String,
    /// 1-based record in the damaged file.
    row: u64,
    kind: String,
}

/// What was injected, as the damaged copy's own list says.
struct AnswerKey {
    defects: Vec<Defect>,
}

impl AnswerKey {
    fn read(input: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(input.join("_defects.jsonl"))?;
        let defects = text.lines().map(|line| {
            let entry: Value = serde_json::from_str(line)?;
            let text = |name: &str| {
                entry[name].as_str().map(str::to_owned).context("the answer key reads differently")
            };
            let row = entry["data_row"].as_u64().context("no row in the answer key")?;
            Ok(Defect { file: text("file")?, row, kind: text("kind")? })
        });
        Ok(Self { defects: defects.collect::<anyhow::Result<_>>()? })
    }

    /// A row that stands twice may be found at either place.
    fn rows_of(&self, row: u64, kind: &str) -> Vec<u64> {
        if kind == DUPLICATE { vec![row, row + 1] } else { vec![row] }
    }

    fn names(&self, file: &str, row: u64) -> bool {
        let mut here = self.defects.iter().filter(|defect| defect.file == file);
        here.any(|defect| self.rows_of(defect.row, &defect.kind).contains(&row))
    }

    /// The record in the undamaged file that stands at `row` of the damaged one.
    fn original_row(&self, file: &str, row: u64) -> u64 {
        let doubled = |defect: &&Defect| defect.file == file && defect.kind == DUPLICATE && defect.row < row;
        row - self.defects.iter().filter(doubled).count() as u64
    }
}

const DUPLICATE: &str = "duplicate_row";

/// The undamaged export, for telling which rows refer to a damaged one.
struct Originals<'a> {
    key: &'a AnswerKey,
    records: BTreeMap<String, Vec<csv::StringRecord>>,
    /// First cells of the damaged records: in this export the key stands first.
    damaged: BTreeSet<String>,
}

impl<'a> Originals<'a> {
    fn read(folder: &Path, key: &'a AnswerKey) -> anyhow::Result<Self> {
        let mut records = BTreeMap::new();
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let mut reader = csv::Reader::from_path(&path)?;
            records.insert(name, reader.records().collect::<Result<Vec<_>, _>>()?);
        }
        let mut originals = Self { key, records, damaged: BTreeSet::new() };
        let damaged =
            key.defects.iter().filter_map(|defect| originals.record(&defect.file, defect.row)?.get(0));
        originals.damaged = damaged.map(str::to_owned).collect();
        Ok(originals)
    }

    fn record(&self, file: &str, row: u64) -> Option<&csv::StringRecord> {
        self.records.get(file)?.get(usize::try_from(self.key.original_row(file, row)).ok()?.checked_sub(1)?)
    }

    /// One of the row's cells is the key of a damaged row.
    fn refers(&self, file: &str, row: u64) -> bool {
        self.record(file, row).is_some_and(|record| record.iter().any(|cell| self.damaged.contains(cell)))
    }
}

/// In a table whose schema declares no key, a row that stands twice is no defect that the schema can see.
fn visible(file: &str, kind: &str) -> bool {
    let table = file.trim_end_matches(".csv");
    let schema = repository().join("systems/synthea/3.3.0/schemas").join(format!("{table}.yaml"));
    let keyed = std::fs::read_to_string(schema).is_ok_and(|text| text.contains("primaryKey:"));
    kind != DUPLICATE || keyed
}

#[derive(Debug)]
struct Mark {
    code: String,
    disposition: String,
}

impl Mark {
    fn holds(&self) -> bool {
        matches!(self.disposition.as_str(), "quarantine" | "block")
    }

    fn is_reference(&self) -> bool {
        !self.holds() || matches!(self.code.as_str(), "foreign-key" | "parent-held")
    }
}

/// What `rejects --marks` says, by file and row.
fn marks(workspace: &Workspace) -> anyhow::Result<BTreeMap<(String, u64), Vec<Mark>>> {
    let finished = workspace.run(&["rejects", "--order", "1", "--marks"])?;
    ensure!(finished.exit == Some(0), "{finished}");
    let mut marks: BTreeMap<(String, u64), Vec<Mark>> = BTreeMap::new();
    let mut reader = csv::Reader::from_reader(finished.stdout.as_bytes());
    for record in reader.deserialize() {
        let record: BTreeMap<String, String> = record?;
        let cell = |name: &str| record.get(name).cloned().with_context(|| format!("no column `{name}`"));
        let place = (cell("file")?, cell("row")?.parse()?);
        marks.entry(place).or_default().push(Mark { code: cell("code")?, disposition: cell("disposition")? });
    }
    Ok(marks)
}

fn migrate(workspace: &Workspace, database: &Database, input: &Path, exit: i32) -> anyhow::Result<Value> {
    let target = format!("clinic={}", database.url());
    let gates: String = tables(input)?.iter().map(|table| gate(table)).collect();
    let settings = "spec: chartlift/v1\nname: real\nkey: env:CHARTLIFT_TEST_KEY\ngates:\n".to_owned();
    std::fs::write(workspace.path().join("chartlift.yaml"), settings + &gates)?;
    let input = input.to_string_lossy().into_owned();
    for words in [
        ["target", "init", "--with-tables", "--target", &target].as_slice(),
        &["order", "create", "--id", "1", "--input", &input, "--target", &target],
    ] {
        let finished = workspace.run(words)?;
        ensure!(finished.exit == Some(0), "{finished}");
    }
    workspace.json(&["run", "--order", "1", "--json"], exit)
}

fn gate(applies_to: &str) -> String {
    format!(
        "  - {{ applies_to: {applies_to}, quarantined: 100 %, author: Test Author, date: 2026-11-22, \
         reason: counted instead of judged }}\n"
    )
}

/// Whatever a gate can stand on: source tables, categories.
fn tables(input: &Path) -> anyhow::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(input)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        names.extend(name.strip_suffix(".csv").map(str::to_owned));
    }
    let canonical = repository().join("canonical");
    for entry in std::fs::read_dir(canonical)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        names.extend(name.strip_suffix(".yaml").map(str::to_owned));
    }
    Ok(names)
}

fn records_read(summary: &Value) -> anyhow::Result<BTreeMap<String, u64>> {
    let files = summary["statement"]["files"].as_array().context("no files in the statement")?;
    let read = files.iter().map(|file| {
        Ok((file["file"].as_str().context("no name")?.to_owned(), file["read"].as_u64().context("no count")?))
    });
    read.collect()
}

fn records_by_python(input: &Path) -> anyhow::Result<BTreeMap<String, u64>> {
    let program = "import csv, glob, json, os, sys; csv.field_size_limit(1 << 30); \
        print(json.dumps({os.path.basename(p): sum(1 for _ in csv.reader(open(p, encoding='utf-8-sig', newline='', \
        errors='surrogateescape'))) - 1 for p in glob.glob(sys.argv[1] + '/*.csv')}))";
    let output =
        Command::new("python3").args(["-c", program]).arg(input).output().context("starting python3")?;
    serde_json::from_slice(&output.stdout).context("reading what Python counted")
}

/// `../shared` beside the repository.
fn shared() -> Option<PathBuf> {
    let candidates = [repository().join("../shared"), repository().join("../../shared")];
    let found = candidates.into_iter().find(|path| export(path).is_dir());
    if found.is_none() {
        eprintln!("skipped: no ../shared/data beside the repository");
    }
    found
}

fn export(shared: &Path) -> PathBuf {
    shared.join("data/synthea/v3.3.0_ma")
}

fn scaled(shared: &Path, workspace: &Workspace, factor: u32, options: &[&str]) -> anyhow::Result<PathBuf> {
    let folder = workspace.path().join("export");
    let mut command = Command::new("python3");
    command.arg(shared.join("tools/scale.py")).arg(export(shared)).arg(&folder).arg(factor.to_string());
    let output = command.args(options).args(["--jobs", "2"]).output().context("starting python3")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(folder)
}
