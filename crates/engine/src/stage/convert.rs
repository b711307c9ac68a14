//! convert: canonical records become rows of the target's tables, still naming each other by source key.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use super::transform::{Earlier, Patients, Transform, transform};
use super::{Finished, Work};
use crate::Error;
use crate::compile::{Level, Origin, Rows};
use crate::gates::{self, Measured};
use crate::report::StageReport;
use crate::statement::{LoadBalance, Stage, Trouble, Verdict};

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
    let mut conflicts = Vec::new();
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
        let made = transform(&one, &earlier, &mut report, &mut counts).await?;
        known.incomplete.extend(made.incomplete);
        known.absent.extend(made.absent);
        layers.push(format!("{} {}", file.into.value, made.digest.hex()));
        conflicts.push((file.into.value.as_str(), made.balance.quarantined));
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
    let (verdict, trouble) = verdict(work, &report, &conflicts);
    report.trouble = trouble;
    let digest = super::layer_digest(&layers, &report);
    Ok(Finished { report, verdict, digest })
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
