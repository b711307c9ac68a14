//! convert: canonical records become rows of the target's tables, still naming each other by source key.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use chartlift_rules::{RuleFile, SafetyCritical};

use super::transform::{Earlier, Patients, Transform, Transformed, transform};
use super::{Finished, Work};
use crate::Error;
use crate::compile::{Level, Origin, Rows};
use crate::gates::Measured;
use crate::produce::Unproduced;
use crate::report::StageReport;
use crate::statement::{LoadBalance, RuleBalance, Stage};

pub(super) async fn run(work: &Work<'_>, folder: &Path) -> Result<Finished, Error> {
    let target = work.target()?;
    let categorized = work.folder(Stage::Categorize)?;
    let categories = &work.report(Stage::Categorize)?.categories;
    let context = work.session()?;
    let project = &work.environment.project;
    let origins: Vec<Origin<'_>> = project
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
    let rows = |name: &String| categories.iter().find(|one| one.category == *name).map_or(0, |one| one.rows);
    let earlier: BTreeMap<String, Earlier> = project
        .categories
        .keys()
        .map(|name| (name.clone(), Earlier { rows: rows(name), ..Earlier::default() }))
        .collect();
    let mut report = StageReport::default();
    let mut counts = Vec::new();
    let mut layers = Vec::new();
    let mut known = Patients { incomplete: HashSet::new(), absent: HashSet::new() };
    let total = target.convert.iter().flat_map(|file| &file.rules);
    let total = total.filter_map(|rule| earlier.get(&rule.from.value)).map(|one| one.rows).sum();
    work.environment.progress.begin(Stage::Convert, "converting", total);
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
        let made = transform(&one, &earlier, &mut report, &mut counts).await?;
        report.measured.push(measure(work, file, &made, &report.rules)?);
        known.incomplete.extend(made.incomplete);
        known.absent.extend(made.absent);
        layers.push(format!("{} {}", file.into.value, made.digest.hex()));
        report.loads.push(LoadBalance {
            table: file.into.value.clone(),
            converted: made.balance.rows + made.balance.quarantined,
            held: made.balance.quarantined,
            ..LoadBalance::default()
        });
    }
    work.environment.progress.end();
    known.write(folder)?;
    report.count_findings(Stage::Convert, &counts);
    let verdict = work.judge(Stage::Convert, &mut report);
    let digest = super::layer_digest(&layers, &report);
    Ok(Finished { report, verdict, digest })
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
