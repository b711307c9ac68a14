//! Sums an order up from what its stages reported.

use std::collections::BTreeMap;

use crate::order::Order;
use crate::report::StageReport;
use crate::run::State;
use crate::stage::Before;
use crate::statement::{CategoryBalance, Equation, Input, Stage, StageSummary, Statement, Summary, Verdict};

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
    let statement = statement(|stage| reports.get(&stage).map(|before| &before.report));
    let mut verdict = stages.iter().map(|stage| stage.verdict).max().unwrap_or(Verdict::NotRun);
    // Sums that do not close fail the order, whatever its stages say.
    if last == Stage::Verify && verdict == Verdict::Pass && !statement.balanced {
        verdict = Verdict::Fail;
    }
    let choices = reports.get(&Stage::Identify).map(|before| before.report.systems.as_slice());
    let choice = |input: &str| choices.unwrap_or_default().iter().find(|choice| choice.input == input);
    Summary {
        spec: SPEC.into(),
        order: spec.id.clone(),
        series: spec.series.clone(),
        verdict,
        inputs: spec
            .inputs
            .iter()
            .map(|input| Input {
                name: input.name.clone(),
                system: choice(&input.name).map(|choice| choice.system.clone()),
                version: choice(&input.name).map(|choice| choice.version.clone()),
            })
            .collect(),
        target: spec.target.clone(),
        stages,
        findings: reports.values().flat_map(|before| before.report.findings.iter().cloned()).collect(),
        statement,
        error: reports.values().find_map(|before| before.report.trouble.clone()),
        decisions: reports.values().flat_map(|before| before.report.open.iter().cloned()).collect(),
        mismatches: reports.values().flat_map(|before| before.report.mismatches.iter().cloned()).collect(),
    }
}

/// One line a category, whoever fills it.
fn categories(report: &StageReport) -> Vec<CategoryBalance> {
    let mut sums: Vec<CategoryBalance> = Vec::new();
    for one in &report.categories {
        match sums.iter_mut().find(|known| known.category == one.category) {
            Some(known) => {
                known.emitted += one.emitted;
                known.merged += one.merged;
                known.quarantined += one.quarantined;
                known.rows += one.rows;
            }
            None => sums.push(CategoryBalance { system: None, ..one.clone() }),
        }
    }
    sums
}

/// The balance as far as the stages go that `report` knows.
pub(crate) fn statement<'a>(report: impl Fn(Stage) -> Option<&'a StageReport>) -> Statement {
    let latest_loads = [Stage::Verify, Stage::Import, Stage::Validate, Stage::Convert];
    let mut statement = Statement {
        balanced: false,
        files: report(Stage::Check).map(|report| report.files.clone()).unwrap_or_default(),
        rules: [Stage::Categorize, Stage::Convert]
            .into_iter()
            .filter_map(&report)
            .flat_map(|report| report.rules.iter().cloned())
            .collect(),
        tables: report(Stage::Categorize)
            .or_else(|| report(Stage::Check))
            .map(|report| report.tables.clone())
            .unwrap_or_default(),
        categories: report(Stage::Categorize).map(categories).unwrap_or_default(),
        loads: latest_loads
            .into_iter()
            .find_map(&report)
            .map(|report| report.loads.clone())
            .unwrap_or_default(),
        patients: [Stage::Validate, Stage::Categorize]
            .into_iter()
            .filter_map(&report)
            .find_map(|report| report.patients.clone())
            .unwrap_or_default(),
        waived: Stage::ALL.into_iter().filter_map(&report).flat_map(|report| report.waived.clone()).collect(),
        attachments: report(Stage::Check).and_then(|report| report.attachments.clone()),
        second_reading: report(Stage::Import).map(|report| report.second_reading.clone()).unwrap_or_default(),
    };
    statement.balanced =
        report(Stage::Verify).is_some() && statement.equations().iter().all(Equation::closes);
    statement
}
