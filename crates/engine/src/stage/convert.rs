//! convert: canonical records become rows of the target's tables, still naming each other by source key.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use chartlift_rules::{RuleFile, SafetyCritical, Target};

use super::joining::{Joined, refuse_natural_keys};
use super::linked::is_linked;
use super::loadable::table_spec;
use super::transform::{Earlier, Patients, Transform, Transformed, transform};
use super::{Finished, Work};
use crate::Error;
use crate::compile::{Level, Origin, Rows};
use crate::gates::Measured;
use crate::produce::Unproduced;
use crate::report::StageReport;
use crate::statement::{LoadBalance, RuleBalance, Stage};

pub(super) async fn run(work: &Work<'_>, folder: &Path) -> Result<Finished, Error> {
    let systems = work.systems()?;
    let target = work.target()?;
    if systems.len() > 1 {
        refuse_linked(target)?;
    }
    for one in &systems {
        if !Joined::read(one)?.is_empty() {
            refuse_natural_keys(target)?;
        }
    }
    let mut report = StageReport::default();
    let mut counts = Vec::new();
    let mut layers = Vec::new();
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
        made.measured.into_iter().for_each(|one| report.add_measured(one));
    }
    work.environment.progress.end();
    report.count_findings(Stage::Convert, &counts);
    let verdict = work.judge(Stage::Convert, &mut report);
    let digest = super::layer_digest(&layers, &report);
    Ok(Finished { report, verdict, digest })
}

/// What the rows of one system came to.
struct Converted {
    /// Name and digest of each table.
    layers: Vec<String>,
    measured: Vec<Measured>,
}

/// Keys that the target gives, and rows that it has already, are looked for in the key space of one system.
fn refuse_linked(target: &Target) -> Result<(), Error> {
    let linked = target.tables.iter().find(|table| is_linked(&table_spec(target, table, "")));
    linked.map_or(Ok(()), |table| {
        Err(Error::Usage {
            code: "several-systems",
            message: format!(
                "the order has several systems, and `{}` has `mode: match` or `key: identity`",
                table.name.value
            ),
            hint: "migrate each system by an order of its own, with the same --series".into(),
        })
    })
}

/// The records of one system, by category.
fn earlier(work: &Work<'_>) -> BTreeMap<String, Earlier> {
    let made = work.report(Stage::Categorize).map(|report| report.categories.as_slice()).unwrap_or_default();
    let own = made.iter().filter(|one| one.system.as_deref() == work.label());
    let rows = |name: &str| own.clone().find(|one| one.category == name).map_or(0, |one| one.rows);
    let names = work.environment.project.categories.keys();
    names.map(|name| (name.clone(), Earlier { rows: rows(name), ..Earlier::default() })).collect()
}

async fn one_system(
    work: &Work<'_>,
    folder: &Path,
    report: &mut StageReport,
    counts: &mut Vec<u64>,
) -> Result<Converted, Error> {
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
            digits: None,
        })
        .collect();
    let earlier = earlier(work);
    let mut known = Patients { incomplete: HashSet::new(), absent: HashSet::new() };
    let first = report.rules.len();
    let mut converted = Converted { layers: Vec::new(), measured: Vec::new() };
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
            held: None,
        };
        let made = transform(&one, &earlier, report, counts).await?;
        let rules = report.rules.get(first..).unwrap_or_default();
        converted.measured.push(measure(work, file, &made, rules)?);
        known.incomplete.extend(made.incomplete);
        known.absent.extend(made.absent);
        converted.layers.push(one.layer(&made.digest));
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

/// What the rules into a table came to; `conflicts` are rows held because they share a key with another one.
fn measure(
    work: &Work<'_>,
    file: &RuleFile,
    made: &Transformed,
    balances: &[RuleBalance],
) -> Result<Measured, Error> {
    let name = file.into.value.as_str();
    let into: Vec<_> = balances.iter().filter(|rule| rule.into == name).collect();
    let safety = work.critical_table(name);
    let mut future = 0;
    if safety == SafetyCritical::Future {
        let categorized = work.folder(Stage::Categorize)?;
        future += work.future_of_target_rows(file, &categorized, &made.conflicts)?;
        for (from, outcome) in &made.rules {
            let category = work.environment.project.categories.get(from);
            let held = outcome.unproduced.get(&Unproduced::Quarantined);
            if let (Some(category), Some(held)) = (category, held) {
                future += work.future_of_records(category, &categorized.join(from), held)?;
            }
        }
    }
    let measured = Measured {
        name: name.to_owned(),
        read: into.iter().map(|rule| rule.read).sum(),
        excluded: into.iter().flat_map(|rule| rule.excluded.values()).sum(),
        held: into.iter().map(|rule| rule.quarantined).sum::<u64>() + made.balance.quarantined,
        also: into.iter().map(|rule| rule.from.clone()).collect(),
        ..Measured::default()
    };
    Ok(measured.with_critical(safety, future))
}
