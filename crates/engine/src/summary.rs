//! Sums an order up from what its stages reported.

use std::collections::BTreeMap;

use crate::order::Order;
use crate::run::State;
use crate::stage::Before;
use crate::statement::{Input, Stage, StageSummary, Statement, Summary, Verdict};

/// The form of the object that `--json` prints.
const SPEC: &str = "chartlift/v1";

/// `last`: stages beyond it were not asked for and do not count.
pub(crate) fn build(
    order: &Order,
    states: &[State],
    reports: &BTreeMap<Stage, Before>,
    last: Stage,
) -> Summary {
    let spec = order.spec();
    let stages: Vec<StageSummary> = Stage::ALL
        .into_iter()
        .filter(|stage| *stage <= last)
        .map(|stage| match states.iter().find(|state| state.stage == stage) {
            Some(state) => StageSummary {
                stage,
                verdict: state.done.verdict,
                skipped: state.skipped,
                seconds: state.done.seconds,
                digest: Some(state.done.digest.clone()).filter(|digest| !digest.is_empty()),
            },
            None => {
                StageSummary { stage, verdict: Verdict::NotRun, skipped: false, seconds: 0.0, digest: None }
            }
        })
        .collect();
    let statement = statement(reports);
    let mut verdict = stages.iter().map(|stage| stage.verdict).max().unwrap_or(Verdict::NotRun);
    // Sums that do not close fail the order, whatever its stages say.
    if last == Stage::Verify && verdict == Verdict::Pass && !statement.balanced {
        verdict = Verdict::Fail;
    }
    let choice = reports.get(&Stage::Identify).and_then(|before| before.report.system.clone());
    Summary {
        spec: SPEC.into(),
        order: spec.id.clone(),
        series: spec.series.clone(),
        verdict,
        inputs: vec![Input {
            name: crate::stage::input_name(order).to_owned(),
            system: choice.as_ref().map(|choice| choice.system.clone()),
            version: choice.map(|choice| choice.version),
        }],
        target: spec.target.clone(),
        stages,
        findings: reports.values().flat_map(|before| before.report.findings.iter().cloned()).collect(),
        statement,
        error: reports.values().find_map(|before| before.report.trouble.clone()),
        mismatches: reports.values().flat_map(|before| before.report.mismatches.iter().cloned()).collect(),
    }
}

fn statement(reports: &BTreeMap<Stage, Before>) -> Statement {
    let report = |stage: Stage| reports.get(&stage).map(|before| &before.report);
    let latest_loads = [Stage::Verify, Stage::Import, Stage::Validate, Stage::Convert];
    let mut statement = Statement {
        balanced: false,
        files: report(Stage::Check).map(|report| report.files.clone()).unwrap_or_default(),
        rules: [Stage::Categorize, Stage::Convert]
            .into_iter()
            .filter_map(report)
            .flat_map(|report| report.rules.iter().cloned())
            .collect(),
        tables: report(Stage::Categorize)
            .or_else(|| report(Stage::Check))
            .map(|report| report.tables.clone())
            .unwrap_or_default(),
        categories: report(Stage::Categorize).map(|report| report.categories.clone()).unwrap_or_default(),
        loads: latest_loads
            .into_iter()
            .find_map(report)
            .map(|report| report.loads.clone())
            .unwrap_or_default(),
        patients: [Stage::Validate, Stage::Categorize]
            .into_iter()
            .filter_map(report)
            .find_map(|report| report.patients.clone())
            .unwrap_or_default(),
    };
    let verified = reports.contains_key(&Stage::Verify);
    statement.balanced = verified && closes(&statement);
    statement
}

/// Every equation of the balance, from the figures as they stand.
fn closes(statement: &Statement) -> bool {
    let files = statement.files.iter().all(|file| file.read == file.landed + file.quarantined);
    let landed = statement.tables.iter().all(|table| {
        let of_files = statement.files.iter().filter(|file| file.table.as_ref() == Some(&table.table));
        table.landed == of_files.map(|file| file.landed).sum::<u64>()
            && table.landed
                == table.produced + table.merged + table.quarantined + table.excluded.values().sum::<u64>()
    });
    let rules = statement.rules.iter().all(|rule| {
        rule.read == rule.produced + rule.merged + rule.excluded.values().sum::<u64>() + rule.quarantined
    });
    let categories = statement.categories.iter().all(|category| {
        let emitted = statement
            .rules
            .iter()
            .filter(|rule| rule.stage == Stage::Categorize && rule.into == category.category);
        category.emitted == emitted.map(|rule| rule.emitted).sum::<u64>()
            && category.rows == category.emitted - category.merged - category.quarantined
    });
    let loads = statement
        .loads
        .iter()
        .all(|load| load.converted == load.loaded + load.matched + load.held && load.verified == load.loaded);
    let patients = &statement.patients;
    files
        && landed
        && rules
        && categories
        && loads
        && patients.exported == patients.whole + patients.incomplete + patients.absent
}
