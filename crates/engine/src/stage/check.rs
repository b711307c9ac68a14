//! check: lands every file, checks every row, settles keys across files, and says whether the move is feasible.

use std::collections::BTreeMap;
use std::path::Path;

use chartlift_rules::{SafetyCritical, SourceTable, System};

use super::{Finished, Work};
use crate::Error;
use crate::constraints;
use crate::gates::Measured;
use crate::land::{self, DigitCounts, FileJob, FileResult, Settled, TableJob};
use crate::marks::{Check, RowSet, write_rows};
use crate::report::{SourceFile, StageReport, table_of};
use crate::statement::{FileBalance, Finding, Stage, TableBalance, Trouble, Verdict};
use chartlift_rules::Disposition;

pub(super) async fn run(work: &Work<'_>, folder: &Path) -> Result<Finished, Error> {
    // Landing is its own pool of threads; the runtime only waits for it.
    let (mut report, tables) = tokio::task::block_in_place(|| land(work, folder))?;
    let verdict = verdict(work, folder, &mut report, &tables).await?;
    let digest = digest(&report);
    Ok(Finished { report, verdict, digest })
}

/// The tables of each system.
fn land(work: &Work<'_>, folder: &Path) -> Result<(StageReport, Vec<Vec<Table>>), Error> {
    let claimed = &work.report(Stage::Identify)?.sources;
    let mut report = StageReport { sources: claimed.clone(), ..StageReport::default() };
    let mut counts = Vec::new();
    let mut tables = Vec::new();
    let systems = work.systems()?;
    for one in &systems {
        let before = report.lengths();
        tables.push(one_system(one, &one.under(folder)?, &mut report, &mut counts)?);
        report.of_system(before, one.label());
    }
    report.count_findings(Stage::Check, &counts);
    for one in &systems {
        let before = report.lengths();
        super::attachments::settle(one, &one.under(folder)?, &mut report)?;
        residue(one.system()?, &mut report);
        report.of_system(before, one.label());
    }
    Ok((report, tables))
}

/// Lands the files of one system and settles the keys between them.
fn one_system(
    work: &Work<'_>,
    folder: &Path,
    report: &mut StageReport,
    counts: &mut Vec<u64>,
) -> Result<Vec<Table>, Error> {
    let system = work.system()?;
    let (jobs, merged_checks) = table_jobs(system, folder, report);
    let files = file_jobs(work, &jobs, &report.sources)?;
    let total = files.iter().filter_map(|(_, file)| file.path.metadata().ok()).map(|one| one.len()).sum();
    work.environment.progress.begin(Stage::Check, "landing and checking files", total);
    let options = land::Options {
        threads: work.environment.threads,
        field_bytes: work.environment.project.settings.limits.field_bytes,
        secret: work.secret(),
        pool: &work.pool,
        progress: &work.environment.progress,
    };
    let (sources, file_jobs): (Vec<usize>, Vec<FileJob>) = files.into_iter().unzip();
    let results = land::land(&jobs, &file_jobs, &options)?;
    work.environment.progress.end();
    let mut tables: Vec<Table> = jobs.iter().map(|_| Table::default()).collect();
    let mut remembered: Vec<Vec<_>> = jobs.iter().map(|_| Vec::new()).collect();
    for ((source, file), result) in sources.into_iter().zip(&file_jobs).zip(results) {
        account_file(report, source, &jobs, file, &result);
        if let (Some(table), Some(keys)) = (tables.get_mut(file.table), remembered.get_mut(file.table)) {
            table.add(&result, jobs.get(file.table));
            keys.extend(result.landed.keys);
        }
    }
    let settled = land::settle(&jobs, remembered, &report.checks, &merged_checks)?;
    counts.resize(report.checks.len(), 0);
    for ((table, job), settled) in tables.iter_mut().zip(&jobs).zip(settled) {
        table.settle(settled);
        let input = holding(work, report, &job.table.name.value)?;
        table.publish(job, (&system.name, input), counts, report)?;
    }
    Ok(tables)
}

/// The inputs of the system that hold files of a table, as one name.
fn holding(work: &Work<'_>, report: &StageReport, table: &str) -> Result<String, Error> {
    let inputs = work.inputs()?;
    let holds = |input: &str| {
        let mut files = report.sources.iter();
        files.any(|file| file.input == input && file.table.as_deref() == Some(table))
    };
    let holding: Vec<&str> = inputs.iter().copied().filter(|input| holds(input)).collect();
    Ok(if holding.is_empty() {
        inputs.first().copied().unwrap_or_default().into()
    } else {
        holding.join("+")
    })
}

/// What landing one table came to.
#[derive(Default)]
struct Table {
    landed: u64,
    rejected: u64,
    counts: Vec<(usize, u64)>,
    digits: Vec<DigitCounts>,
    quarantined: RowSet,
    merged: RowSet,
}

impl Table {
    fn add(&mut self, result: &FileResult, job: Option<&TableJob<'_>>) {
        self.landed += result.landed.rows;
        self.rejected += result.landed.rejected;
        self.quarantined.union(result.landed.quarantined.clone());
        self.digits.resize(result.landed.digits.len(), DigitCounts::default());
        self.digits.iter_mut().zip(&result.landed.digits).for_each(|(mine, theirs)| mine.merge(theirs));
        let first = job.map_or(0, |job| job.first_check);
        self.counts.extend(result.landed.counts.iter().enumerate().map(|(at, rows)| (first + at, *rows)));
    }

    fn settle(&mut self, settled: Settled) {
        self.counts.extend(settled.counts);
        self.quarantined.union(settled.quarantined);
        self.merged = settled.merged;
    }

    /// Writes the lists of rows that later stages do not read, and the table's line of the balance.
    fn publish(
        &mut self,
        job: &TableJob<'_>,
        (system, input): (&str, String),
        counts: &mut [u64],
        report: &mut StageReport,
    ) -> Result<(), Error> {
        for (check, rows) in &self.counts {
            if let Some(count) = counts.get_mut(*check) {
                *count += rows;
            }
        }
        let mut quarantined = RowSet::default();
        self.quarantined.iter().filter(|id| !self.merged.contains(*id)).for_each(|id| {
            quarantined.insert(id);
        });
        self.quarantined = quarantined;
        if !self.quarantined.is_empty() {
            write_rows(&job.folder.join("quarantined.parquet"), &self.quarantined)?;
        }
        let mut held = self.quarantined.clone();
        held.union(self.merged.clone());
        if !held.is_empty() {
            write_rows(&job.folder.join("held.parquet"), &held)?;
        }
        let short = job.digits.iter().zip(&self.digits).filter(|(_, counts)| counts.short > 0);
        let short: BTreeMap<_, _> = short.map(|(one, counts)| (one.column.clone(), *counts)).collect();
        if !short.is_empty() {
            report.digits.insert(table_of(system, &job.table.name.value), short);
        }
        report.tables.push(TableBalance {
            input,
            table: job.table.name.value.clone(),
            landed: self.landed,
            merged: self.merged.len(),
            quarantined: self.quarantined.len(),
            ..TableBalance::default()
        });
        Ok(())
    }
}

/// One job a table of the system, each with its checks numbered in the stage's list.
fn table_jobs<'a>(
    system: &'a System,
    folder: &Path,
    report: &mut StageReport,
) -> (Vec<TableJob<'a>>, Vec<usize>) {
    let tables: Vec<&SourceTable> = system.tables.iter().collect();
    let mut jobs = Vec::new();
    for table in &tables {
        let schema = table.schema.with_required_keys();
        // Lint has shown the problems of the schema; here only its checks matter.
        let (checks, _) = constraints::text_checks(&schema, &system.timezone);
        let first_check = report.checks.len();
        for check in &checks {
            report.checks.push(
                Check::new(check.code, &table.name.value, check.disposition)
                    .column(&check.column)
                    .named(check.constraint),
            );
        }
        let folder = folder.join(&table.name.value);
        jobs.push(TableJob {
            table,
            checks,
            first_check,
            keys: land::TableKeys::default(),
            digits: land::digit_columns(&table.schema),
            folder,
        });
    }
    let keys = land::table_keys(&tables, &mut report.checks);
    jobs.iter_mut().zip(keys).for_each(|(job, keys)| job.keys = keys);
    let merged = tables
        .iter()
        .map(|table| {
            report.checks.push(Check::new("duplicate-row", &table.name.value, Disposition::Note));
            report.checks.len() - 1
        })
        .collect();
    (jobs, merged)
}

/// The files of known tables; their number in the order is their place in the list of sources.
fn file_jobs(
    work: &Work<'_>,
    jobs: &[TableJob<'_>],
    sources: &[SourceFile],
) -> Result<Vec<(usize, FileJob)>, Error> {
    let mut files = Vec::new();
    let inputs = work.inputs()?;
    let own = |source: &SourceFile| inputs.contains(&source.input.as_str());
    for (number, source) in sources.iter().enumerate().filter(|(_, source)| own(source)) {
        let Some(table) = jobs.iter().position(|job| Some(&job.table.name.value) == source.table.as_ref())
        else {
            continue;
        };
        let path = work.input_file(&source.input, &source.file);
        let number32 = u32::try_from(number).unwrap_or(u32::MAX);
        files.push((number, FileJob { table, path, number: number32 }));
    }
    Ok(files)
}

fn account_file(
    report: &mut StageReport,
    source: usize,
    jobs: &[TableJob<'_>],
    file: &FileJob,
    result: &FileResult,
) {
    let Some(job) = jobs.get(file.table) else { return };
    if let Some(source) = report.sources.get_mut(source) {
        source.sha256.clone_from(&result.index.sha256);
        report.files.push(FileBalance {
            input: source.input.clone(),
            file: source.file.clone(),
            table: source.table.clone(),
            read: result.index.rows,
            landed: result.landed.rows,
            quarantined: result.landed.rejected,
        });
    }
    for (code, rows) in &result.landed.reject_codes {
        let check = Check::new(code, &job.table.name.value, Disposition::Quarantine);
        report.findings.push(check.finding(Stage::Check, *rows));
    }
    if let Some(source) = report.sources.get(source) {
        let declared = || job.table.schema.fields.iter().map(|field| field.name.value.clone()).collect();
        let header = if job.table.dialect.header_row == 0 { declared() } else { result.index.header.clone() };
        report.headers.insert(source.place(), header);
    }
    labels(report, job.table, &result.index.header);
}

/// Columns that the schema names and the file lacks, and the other way round.
fn labels(report: &mut StageReport, table: &SourceTable, header: &[String]) {
    if table.dialect.header_row == 0 {
        return;
    }
    let mut finding = |code: &str, severity: &str, column: &str| {
        report.findings.push(Finding {
            code: code.into(),
            severity: severity.into(),
            disposition: Disposition::Note.name().into(),
            stage: Stage::Check,
            system: None,
            table: Some(table.name.value.clone()),
            column: Some(column.into()),
            rows: 0,
            message: None,
        });
    };
    for field in &table.schema.fields {
        if !header.contains(&field.name.value) {
            finding("missing-label", "error", &field.name.value);
        }
    }
    for (at, name) in header.iter().enumerate() {
        if name.is_empty() {
            finding("blank-label", "warning", &format!("#{}", at + 1));
        } else if header.iter().take(at).any(|earlier| earlier == name) {
            finding("duplicate-label", "error", name);
        } else if table.schema.field(name).is_none() {
            finding("extra-label", "warning", name);
        }
    }
}

/// Columns that no rule maps and nobody ignored: kept in the landed files, and said.
fn residue(system: &System, report: &mut StageReport) {
    for (table, column) in super::residue::of_system(system) {
        report.findings.push(Finding {
            code: "residue".into(),
            severity: "note".into(),
            disposition: Disposition::Note.name().into(),
            stage: Stage::Check,
            system: None,
            table: Some(table),
            column: Some(column),
            rows: 0,
            message: None,
        });
    }
}

async fn verdict(
    work: &Work<'_>,
    folder: &Path,
    report: &mut StageReport,
    tables: &[Vec<Table>],
) -> Result<Verdict, Error> {
    if report.files.iter().all(|file| file.read == 0) {
        report.trouble = Some(Trouble {
            code: "no-rows".into(),
            message: "the input files hold no rows".into(),
            hint: "check that the export ran to its end".into(),
        });
        return Ok(Verdict::NotRun);
    }
    for (one, tables) in work.systems()?.iter().zip(tables) {
        let (system, folder) = (one.system()?, one.under(folder)?);
        let before = report.lengths();
        for (source, table) in system.tables.iter().zip(tables) {
            let name = source.name.value.as_str();
            let safety = critical_table(one, system, name);
            let future = match safety {
                SafetyCritical::Future => one.future_of_table(name, &folder, report).await?,
                SafetyCritical::Yes | SafetyCritical::No => 0,
            };
            let measured = Measured {
                name: name.to_owned(),
                read: table.landed + table.rejected,
                held: table.quarantined.len() + table.rejected,
                ..Measured::default()
            };
            report.measured.push(measured.with_critical(safety, future));
        }
        report.of_system(before, one.label());
    }
    Ok(work.judge(Stage::Check, report))
}

/// Whether a source table feeds a safety-critical category.
fn critical_table(work: &Work<'_>, system: &System, table: &str) -> SafetyCritical {
    let files =
        system.categorize.iter().filter(|file| file.rules.iter().any(|rule| rule.from.value == table));
    let categories = files.filter_map(|file| work.environment.project.categories.get(&file.into.value));
    super::worst(categories.map(|category| category.extension.safety_critical))
}

/// Equal files, schema and marks give equal rows: their hashes stand for them.
fn digest(report: &StageReport) -> String {
    let sources = serde_json::to_vec(&report.sources).unwrap_or_default();
    let tables = serde_json::to_vec(&report.tables).unwrap_or_default();
    let findings = serde_json::to_vec(&report.findings).unwrap_or_default();
    let attachments = serde_json::to_vec(&report.attachments).unwrap_or_default();
    crate::project_key::sha256_of([sources.as_slice(), &tables, &findings, &attachments])
}
