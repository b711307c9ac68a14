//! categorize: checked rows become canonical records, and every source row gets its overall fate.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use chartlift_rules::{Disposition, System, Unreferenced};

use super::fates::{Fates, TableRows};
use super::patients::of_held_rows;
use super::transform::{Earlier, Patients, Transform, transform};
use super::{Finished, Work};
use crate::Error;
use crate::compile::{Level, Origin, Rows};
use crate::gates::{self, Measured};
use crate::keys::KeySet;
use crate::marks::{Check, Mark, MarkWriter, RowId};
use crate::report::StageReport;
use crate::statement::{Patients as PatientCount, Stage, TableBalance};

pub(super) async fn run(work: &Work<'_>, folder: &Path) -> Result<Finished, Error> {
    let system = work.system()?;
    let checked = work.folder(Stage::Check)?;
    let checked_report = work.report(Stage::Check)?;
    let checked_tables = &checked_report.tables;
    let earlier: BTreeMap<String, Earlier> =
        checked_tables.iter().map(|table| (table.table.clone(), Earlier::of(table))).collect();
    let context = work.session()?;
    let origins: Vec<Origin<'_>> = system
        .tables
        .iter()
        .map(|table| Origin {
            name: &table.name.value,
            schema: &table.schema,
            rows: Rows::not_held(checked.join(&table.name.value)),
            level: Level::Checked,
            digits: checked_report.digits.get(&table.name.value),
        })
        .collect();
    let mut report = StageReport::default();
    let mut counts = Vec::new();
    let mut layers = Vec::new();
    let mut fates = Fates::default();
    let mut known = Patients { incomplete: HashSet::new(), absent: HashSet::new() };
    let mut patients = KeySet::default();
    let total = system.categorize.iter().flat_map(|file| &file.rules);
    let total = total.filter_map(|rule| earlier.get(&rule.from.value)).map(|one| one.rows).sum();
    work.environment.progress.begin(Stage::Categorize, "categorizing", total);
    for file in &system.categorize {
        let Some(into) = work.environment.project.categories.get(&file.into.value) else { continue };
        let one = Transform {
            work,
            context: &context,
            stage: Stage::Categorize,
            level: Level::Checked,
            file,
            into,
            origins: &origins,
            timezone: &system.timezone,
            folder: folder.join(&file.into.value),
        };
        let made = transform(&one, &earlier, &mut report, &mut counts).await?;
        known.incomplete.extend(made.incomplete);
        known.absent.extend(made.absent);
        patients = made.patients.unwrap_or(patients);
        layers.push(format!("{} {}", file.into.value, made.digest.hex()));
        report.categories.push(made.balance);
        for ((from, outcome), joins) in made.rules.into_iter().zip(made.joins) {
            fates.rule(from, outcome.unproduced);
            for (join, reached) in joins.into_iter().zip(outcome.reached) {
                fates.join(join, reached);
            }
        }
    }
    work.environment.progress.end();
    let unattributed = of_held_rows(work, &context, &origins, &checked, &mut known).await?;
    known.write(folder)?;
    report.patients = Some(PatientCount {
        exported: exported(&patients, &known)?,
        unattributed,
        ..PatientCount::default()
    });
    settle_tables(system, checked_tables, &checked, folder, &fates, &mut report, &mut counts)?;
    report.count_findings(Stage::Categorize, &counts);
    let (verdict, trouble) = verdict(work, &report);
    report.trouble = trouble;
    let digest = super::layer_digest(&layers, &report);
    Ok(Finished { report, verdict, digest })
}

/// How many patients the export names: those that got a record, and those whose own row is held.
fn exported(patients: &KeySet, known: &Patients) -> Result<u64, Error> {
    let mut both = HashSet::new();
    patients.contained_in(&known.absent, |entry| {
        both.insert(entry.key);
    })?;
    Ok(patients.distinct()? + (known.absent.len() - both.len()) as u64)
}

/// Each source row once, by its best fate over all rules.
fn settle_tables(
    system: &System,
    checked: &[TableBalance],
    checked_folder: &Path,
    folder: &Path,
    fates: &Fates,
    report: &mut StageReport,
    counts: &mut Vec<u64>,
) -> Result<(), Error> {
    let mut marks = MarkWriter::new(folder.join("marks-tables.parquet"));
    for table in checked {
        let ignored = system
            .ignored_tables
            .iter()
            .any(|ignored| ignored.table.value == table.table && ignored.column.is_none());
        let rows = TableRows { folder: checked_folder.join(&table.table), balance: table.clone(), ignored };
        let settled = fates.settle(&rows)?;
        if !settled.unreferenced.is_empty() {
            let disposition = match settled.unreferenced_means {
                Unreferenced::Quarantine => Disposition::Quarantine,
                Unreferenced::Exclude => Disposition::Exclude,
            };
            let check = i32::try_from(report.checks.len()).unwrap_or(i32::MAX);
            report.checks.push(Check::new("unreferenced", &table.table, disposition));
            counts.push(settled.unreferenced.len());
            for row in settled.unreferenced.iter() {
                marks.push(Mark { id: RowId::source(row.cast_signed()), check })?;
            }
        }
        report.tables.push(settled.balance);
    }
    marks.close()
}

fn verdict(
    work: &Work<'_>,
    report: &StageReport,
) -> (crate::statement::Verdict, Option<crate::statement::Trouble>) {
    if let Some(stop) = super::blocked(report) {
        return stop;
    }
    let mut measured: Vec<Measured<'_>> = Vec::new();
    for category in &report.categories {
        let into: Vec<_> = report.rules.iter().filter(|rule| rule.into == category.category).collect();
        let schema = work.environment.project.categories.get(&category.category);
        let before = |from: &str| {
            work.report(Stage::Check)
                .ok()
                .and_then(|check| {
                    check.tables.iter().find(|table| table.table == from).map(|table| table.quarantined)
                })
                .unwrap_or_default()
        };
        measured.push(Measured {
            name: &category.category,
            safety_critical: schema.map(|schema| schema.extension.safety_critical).unwrap_or_default(),
            read: into.iter().map(|rule| rule.read).sum(),
            excluded: into.iter().flat_map(|rule| rule.excluded.values()).sum(),
            // What check held has been through check's gate.
            held: into
                .iter()
                .map(|rule| rule.quarantined - before(&rule.from).min(rule.quarantined))
                .sum::<u64>()
                + category.quarantined,
        });
    }
    gates::judge(&work.environment.project, Stage::Categorize, &measured)
}
