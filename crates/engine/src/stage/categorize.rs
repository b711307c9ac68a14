//! categorize: checked rows become canonical records, and every source row gets its overall fate.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use chartlift_rules::{Disposition, System, Unreferenced};

use super::fates::{Fates, TableRows};
use super::held_rows::{HeldRows, origins};
use super::patients::of_held_rows;
use super::transform::{Earlier, Patients, Transform, transform};
use super::{Finished, Work};
use crate::Error;
use crate::compile::Level;
use crate::gates::Measured;
use crate::keys::KeySet;
use crate::marks::{Check, Mark, MarkWriter, RowId};
use crate::report::StageReport;
use crate::statement::{Patients as PatientCount, RuleBalance, Stage, TableBalance};

pub(super) async fn run(work: &Work<'_>, folder: &Path) -> Result<Finished, Error> {
    let system = work.system()?;
    let checked = work.folder(Stage::Check)?;
    let check = work.report(Stage::Check)?;
    let checked_tables = &check.tables;
    let earlier: BTreeMap<String, Earlier> =
        checked_tables.iter().map(|table| (table.table.clone(), Earlier::of(table))).collect();
    let context = work.session()?;
    let origins = origins(system, &checked, check);
    let held = HeldRows { work, context: &context, origins: &origins, checked: &checked, report: check };
    let mut report = StageReport::default();
    let mut counts = Vec::new();
    let mut layers = Vec::new();
    let mut fates = Fates::default();
    let mut known = Patients { incomplete: HashSet::new(), absent: HashSet::new() };
    let mut patients = KeySet::default();
    let mut future = BTreeMap::new();
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
            held: Some(&held),
        };
        let made = transform(&one, &earlier, &mut report, &mut counts).await?;
        known.incomplete.extend(made.incomplete);
        known.absent.extend(made.absent);
        patients = made.patients.unwrap_or(patients);
        layers.push(format!("{} {}", file.into.value, made.digest.hex()));
        report.categories.push(made.balance);
        let mut held = work.future_of_records(into, &one.folder, &made.conflicts)?;
        held += made.rules.iter().map(|(_, outcome)| outcome.future_held()).sum::<u64>();
        future.insert(file.into.value.clone(), held);
        for ((from, outcome), joins) in made.rules.into_iter().zip(made.joins) {
            fates.rule(from, outcome.unproduced);
            for (join, reached) in joins.into_iter().zip(outcome.reached) {
                fates.join(join, reached);
            }
        }
    }
    work.environment.progress.end();
    let unattributed = of_held_rows(&held, &mut known).await?;
    known.write(folder)?;
    report.patients = Some(PatientCount {
        exported: exported(&patients, &known)?,
        unattributed,
        ..PatientCount::default()
    });
    settle_tables(system, checked_tables, &checked, folder, &fates, &mut report, &mut counts)?;
    report.count_findings(Stage::Categorize, &counts);
    measure(work, &mut report, &future);
    let verdict = work.judge(Stage::Categorize, &mut report);
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

/// Measures the categories; what check held has been through check's gate.
fn measure(work: &Work<'_>, report: &mut StageReport, future: &BTreeMap<String, u64>) {
    let before = |from: &str| {
        let check = work.report(Stage::Check).ok()?;
        check.tables.iter().find(|table| table.table == from).map(|table| table.quarantined)
    };
    for category in &report.categories {
        let into: Vec<_> = report.rules.iter().filter(|rule| rule.into == category.category).collect();
        let own = |rule: &&RuleBalance| {
            rule.quarantined - before(&rule.from).unwrap_or_default().min(rule.quarantined)
        };
        let schema = work.environment.project.categories.get(&category.category);
        let safety = schema.map(|schema| schema.extension.safety_critical).unwrap_or_default();
        let measured = Measured {
            name: category.category.clone(),
            read: into.iter().map(|rule| rule.read).sum(),
            excluded: into.iter().flat_map(|rule| rule.excluded.values()).sum(),
            held: into.iter().map(own).sum::<u64>() + category.quarantined,
            also: into.iter().map(|rule| rule.from.clone()).collect(),
            ..Measured::default()
        };
        let future = future.get(&category.category).copied().unwrap_or_default();
        report.measured.push(measured.with_critical(safety, future));
    }
}
