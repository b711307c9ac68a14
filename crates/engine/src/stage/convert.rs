//! convert: canonical records become rows of the target's tables, still naming each other by source key.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use super::joining::{Joined, refuse_natural_keys};
use super::transform::{Earlier, Patients, Transform, transform};
use super::{Finished, Work};
use crate::Error;
use crate::compile::{Level, Origin, Rows};
use crate::gates::{self, Measured};
use crate::report::StageReport;
use crate::statement::{LoadBalance, Stage, Trouble, Verdict};

pub(super) async fn run(work: &Work<'_>, folder: &Path) -> Result<Finished, Error> {
    let systems = work.systems()?;
    let target = work.target()?;
    for one in &systems {
        if !Joined::read(one)?.is_empty() {
            refuse_natural_keys(target)?;
        }
    }
    let mut report = StageReport::default();
    let mut counts = Vec::new();
    let mut layers = Vec::new();
    let mut conflicts: Vec<(&str, u64)> = Vec::new();
    let rules = || target.convert.iter().flat_map(|file| &file.rules);
    let rows = |one: &Work<'_>| -> u64 {
        let earlier = earlier(one);
        rules().filter_map(|rule| earlier.get(&rule.from.value)).map(|one| one.rows).sum()
    };
    work.environment.progress.begin(Stage::Convert, "converting", systems.iter().map(rows).sum());
    for one in &systems {
        let before = report.lengths();
        let made = one_system(one, &one.under(folder)?, &mut report, &mut counts).await?;
        report.of_system(before, one.label());
        layers.extend(made.layers);
        for (table, rows) in made.conflicts {
            match conflicts.iter_mut().find(|(known, _)| *known == table) {
                Some((_, sum)) => *sum += rows,
                None => conflicts.push((table, rows)),
            }
        }
    }
    work.environment.progress.end();
    report.count_findings(Stage::Convert, &counts);
    let (verdict, trouble) = verdict(work, &report, &conflicts);
    report.trouble = trouble;
    let digest = super::layer_digest(&layers, &report);
    Ok(Finished { report, verdict, digest })
}

/// What the rows of one system came to.
struct Converted<'a> {
    /// Name and digest of each table.
    layers: Vec<String>,
    /// Rows held because they share a key with another one.
    conflicts: Vec<(&'a str, u64)>,
}

/// The records of one system, by category.
fn earlier(work: &Work<'_>) -> BTreeMap<String, Earlier> {
    let made = work.report(Stage::Categorize).map(|report| report.categories.as_slice()).unwrap_or_default();
    let own = made.iter().filter(|one| one.system.as_deref() == work.label());
    let rows = |name: &str| own.clone().find(|one| one.category == name).map_or(0, |one| one.rows);
    let names = work.environment.project.categories.keys();
    names.map(|name| (name.clone(), Earlier { rows: rows(name), ..Earlier::default() })).collect()
}

async fn one_system<'a>(
    work: &Work<'a>,
    folder: &Path,
    report: &mut StageReport,
    counts: &mut Vec<u64>,
) -> Result<Converted<'a>, Error> {
    let target = work.target()?;
    let categorized = work.folder(Stage::Categorize)?;
    let context = work.session()?;
    let origins: Vec<Origin<'_>> = work
        .environment
        .project
        .categories
        .iter()
        .map(|(name, schema)| Origin {
            name,
            schema,
            rows: Rows::not_held(categorized.join(name)),
            level: Level::Categorized,
        })
        .collect();
    let earlier = earlier(work);
    let mut known = Patients { incomplete: HashSet::new(), absent: HashSet::new() };
    let mut converted = Converted { layers: Vec::new(), conflicts: Vec::new() };
    for file in &target.convert {
        let Some(table) = target.tables.iter().find(|table| table.name.value == file.into.value) else {
            continue;
        };
        let one = Transform {
            work,
            context: &context,
            stage: Stage::Convert,
            level: Level::Categorized,
            file,
            into: &table.schema,
            origins: &origins,
            timezone: "UTC",
            folder: folder.join(&file.into.value),
        };
        let made = transform(&one, &earlier, report, counts).await?;
        known.incomplete.extend(made.incomplete);
        known.absent.extend(made.absent);
        converted.layers.push(one.layer(&made.digest));
        converted.conflicts.push((file.into.value.as_str(), made.balance.quarantined));
        report.add_load(LoadBalance {
            table: file.into.value.clone(),
            converted: made.balance.rows + made.balance.quarantined,
            held: made.balance.quarantined,
            ..LoadBalance::default()
        });
    }
    known.write(folder)?;
    Ok(converted)
}

/// `conflicts`: for each table, the rows held because they share a key with another one.
fn verdict(work: &Work<'_>, report: &StageReport, conflicts: &[(&str, u64)]) -> (Verdict, Option<Trouble>) {
    let measured = conflicts.iter().map(|(name, conflicts)| {
        let into = || report.rules.iter().filter(move |rule| rule.into == *name);
        Measured {
            name,
            safety_critical: work.critical_table(name),
            read: into().map(|rule| rule.read).sum(),
            excluded: into().flat_map(|rule| rule.excluded.values()).sum(),
            held: into().map(|rule| rule.quarantined).sum::<u64>() + conflicts,
        }
    });
    let measured: Vec<Measured<'_>> = measured.collect();
    let judged = || gates::judge(&work.environment.project, Stage::Convert, &measured);
    super::blocked(report).unwrap_or_else(judged)
}
