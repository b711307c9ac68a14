//! categorize: checked rows become canonical records, and every source row gets its overall fate.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use chartlift_rules::{Disposition, System, Unreferenced};

use super::fates::{Fates, TableRows};
use super::held_rows::{HeldRows, origins};
use super::joining;
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
    let systems = work.systems()?;
    let mut report = StageReport::default();
    let mut counts = Vec::new();
    let mut done = Vec::new();
    let total = systems.iter().map(rows_to_read).sum();
    work.environment.progress.begin(Stage::Categorize, "categorizing", total);
    for one in &systems {
        let before = report.lengths();
        done.push(one_system(one, &one.under(folder)?, &mut report, &mut counts).await?);
        report.of_system(before, one.label());
    }
    work.environment.progress.end();
    let mut known: Vec<&mut Patients> = done.iter_mut().map(|one: &mut Categorized| &mut one.known).collect();
    let joining = joining::join(&systems, folder, &mut known, &mut report, &mut counts).await?;
    let mut patients = PatientCount::default();
    let mut layers = joining.layers;
    let mut future = Vec::new();
    for (one, categorized) in systems.iter().zip(done) {
        categorized.known.write(&one.under(folder)?)?;
        patients.exported += exported(&categorized.patients, &categorized.known)?;
        patients.unattributed += categorized.unattributed;
        layers.extend(categorized.layers);
        future.push(categorized.future);
    }
    // Whoever is in two systems is one person.
    patients.exported -= joining.joined;
    report.patients = Some(patients);
    report.count_findings(Stage::Categorize, &counts);
    for (one, future) in systems.iter().zip(&future) {
        measure(one, &mut report, future)?;
    }
    let verdict = work.judge(Stage::Categorize, &mut report);
    let digest = super::layer_digest(&layers, &report);
    Ok(Finished { report, verdict, digest })
}

/// What the records of one system came to.
struct Categorized {
    known: Patients,
    /// The keys of all patient records.
    patients: KeySet,
    unattributed: u64,
    /// Name and digest of each category.
    layers: Vec<String>,
    /// By category, how many of the rows held here lie in the future.
    future: BTreeMap<String, u64>,
}

/// The rows that the rules of one system read.
fn rows_to_read(work: &Work<'_>) -> u64 {
    let (Ok(system), Ok(checked)) = (work.system(), own_tables(work)) else { return 0 };
    let rules = system.categorize.iter().flat_map(|file| &file.rules);
    let landed = |from: &str| checked.iter().find(|table| table.table == from).map(|table| table.landed);
    rules.filter_map(|rule| landed(&rule.from.value)).sum()
}

/// The tables of one system as check left them.
fn own_tables(work: &Work<'_>) -> Result<Vec<TableBalance>, Error> {
    let inputs = work.inputs()?;
    let own = |table: &&TableBalance| table.input.split('+').any(|input| inputs.contains(&input));
    Ok(work.report(Stage::Check)?.tables.iter().filter(own).cloned().collect())
}

async fn one_system(
    work: &Work<'_>,
    folder: &Path,
    report: &mut StageReport,
    counts: &mut Vec<u64>,
) -> Result<Categorized, Error> {
    let system = work.system()?;
    let checked = work.folder(Stage::Check)?;
    let check = work.report(Stage::Check)?;
    let checked_tables = own_tables(work)?;
    let earlier: BTreeMap<String, Earlier> =
        checked_tables.iter().map(|table| (table.table.clone(), Earlier::of(table))).collect();
    let context = work.session()?;
    let origins = origins(system, &checked, check);
    let held = HeldRows { work, context: &context, origins: &origins, checked: &checked, report: check };
    let mut fates = Fates::default();
    let mut known = Patients { incomplete: HashSet::new(), absent: HashSet::new() };
    let mut patients = KeySet::default();
    let mut layers = Vec::new();
    let mut future = BTreeMap::new();
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
        let made = transform(&one, &earlier, report, counts).await?;
        known.incomplete.extend(made.incomplete);
        known.absent.extend(made.absent);
        patients = made.patients.unwrap_or(patients);
        layers.push(one.layer(&made.digest));
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
    let unattributed = of_held_rows(&held, &mut known).await?;
    settle_tables(system, &checked_tables, &checked, folder, &fates, report, counts)?;
    Ok(Categorized { known, patients, unattributed, layers, future })
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

/// Measures one system's categories; what check held has been through check's gate.
fn measure(work: &Work<'_>, report: &mut StageReport, future: &BTreeMap<String, u64>) -> Result<(), Error> {
    let checked = own_tables(work)?;
    let before = |from: &str| {
        let table = checked.iter().find(|table| table.table == from);
        table.map_or(0, |table| table.quarantined)
    };
    let system = work.label();
    for category in report.categories.iter().filter(|one| one.system.as_deref() == system) {
        let own = |rule: &&RuleBalance| rule.into == category.category && rule.system.as_deref() == system;
        let into: Vec<_> = report.rules.iter().filter(own).collect();
        let held = |rule: &&RuleBalance| rule.quarantined - before(&rule.from).min(rule.quarantined);
        let schema = work.environment.project.categories.get(&category.category);
        let safety = schema.map(|schema| schema.extension.safety_critical).unwrap_or_default();
        let measured = Measured {
            name: category.category.clone(),
            read: into.iter().map(|rule| rule.read).sum(),
            excluded: into.iter().flat_map(|rule| rule.excluded.values()).sum(),
            held: into.iter().map(held).sum::<u64>() + category.quarantined,
            also: into.iter().map(|rule| rule.from.clone()).collect(),
            system: system.map(str::to_owned),
            ..Measured::default()
        };
        let future = future.get(&category.category).copied().unwrap_or_default();
        report.measured.push(measured.with_critical(safety, future));
    }
    Ok(())
}
