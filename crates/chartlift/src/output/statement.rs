//! The summary of an order in words and aligned tables: verdict first, then what it rests on, then what to do.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chartlift_engine::statement::{Finding, LoadBalance, Patients, Stage, Statement, Summary, Verdict};
use chartlift_rules::Disposition;

use super::table::{Align::Left, Align::Right, Table};

/// What to do next: one sentence, one command.
#[derive(Debug, Default)]
pub(crate) struct NextStep {
    pub(crate) sentence: String,
    pub(crate) command: String,
}

impl NextStep {
    pub(crate) fn new(sentence: impl Into<String>, command: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), command: command.into() }
    }

    /// The usual advice for an order in this state. `options` are the global options the caller used,
    /// ready to be put in a command.
    pub(crate) fn of(summary: &Summary, options: &str) -> Self {
        let order = &summary.order;
        let command = |verb: &str, rest: &str| format!("chartlift {verb} --order {order}{rest}{options}");
        let at =
            |verdict| summary.stages.iter().find(|stage| stage.verdict == verdict).map(|found| found.stage);
        let held = summary.statement.tables.iter().any(|table| table.quarantined > 0)
            || summary.statement.files.iter().any(|file| file.quarantined > 0);
        match summary.verdict {
            Verdict::Pass if !summary.statement.balanced => {
                Self::new("This far all is well; run what is left of the order.", command("run", ""))
            }
            Verdict::Pass if held => Self::new(
                "Give the held rows to the clinic, with file, row and reason.",
                command("rejects", ""),
            ),
            Verdict::Pass => {
                Self::new("Nothing is left to do; look again at any time.", command("status", ""))
            }
            Verdict::NotRun if summary.error.is_some() => {
                Self::new("Correct what is said above, then run the order again.", command("run", ""))
            }
            Verdict::NotRun => {
                Self::new("Stages are missing; run what is left of the order.", command("run", ""))
            }
            Verdict::Fail if at(Verdict::Fail) == Some(Stage::Verify) => Self::new(
                "Find the cells named above in the target, then verify again.",
                command("verify", ""),
            ),
            Verdict::Suspended if let [only] = summary.decisions.as_slice() => Self::new(
                "Decide what is open, or correct the export or the rules; then run the order again.",
                format!("{}{options}", only.command),
            ),
            Verdict::Suspended if !summary.decisions.is_empty() => {
                Self::new("Decide what is open, then run the order again.", command("decide", ""))
            }
            Verdict::Suspended | Verdict::Fail => Self::new(
                "Look at the held rows, correct the export or the rules, then run the order again.",
                command("rejects", ""),
            ),
        }
    }
}

pub(super) fn rendered(summary: &Summary, next: &NextStep, verbose: bool) -> String {
    let mut text = String::new();
    verdict(&mut text, summary);
    identification(&mut text, summary);
    section(&mut text, "Stages", &stages(summary));
    let statement = &summary.statement;
    section(&mut text, "Files", &files(statement));
    section(&mut text, "Source tables", &tables(statement));
    if verbose {
        section(&mut text, "Rules", &rules(statement));
    }
    section(&mut text, "Categories", &categories(statement));
    section(&mut text, "Target tables", &loads(statement));
    if statement.patients.exported > 0 {
        text.push_str(&patients(&statement.patients));
    }
    section(&mut text, "Accepted held rows (waived)", &waived(statement));
    findings(&mut text, &summary.findings, verbose);
    open(&mut text, summary);
    mismatches(&mut text, summary);
    if !next.sentence.is_empty() {
        let _ = writeln!(text, "\nNext: {}\n  {}", next.sentence, next.command);
    }
    text
}

/// What an order came to, and how its balance stands.
pub(crate) fn verdict_sentence(summary: &Summary) -> (String, &'static str) {
    let done = summary.stages.iter().filter(|stage| stage.verdict == Verdict::Pass).count();
    let failed = |verdict| {
        let stage = summary.stages.iter().find(|stage| stage.verdict == verdict);
        stage.map_or_else(String::new, |stage| format!(" at {}", stage.stage.name()))
    };
    let sentence = match summary.verdict {
        Verdict::Pass if summary.statement.balanced => {
            "Migrated and verified; every row is accounted for.".into()
        }
        Verdict::Pass => "Passed so far.".into(),
        Verdict::NotRun if summary.error.is_some() => "Nothing was moved.".into(),
        Verdict::NotRun if done == 0 => "Not run yet.".into(),
        Verdict::NotRun => format!("Not finished: {done} of {} stages have passed.", Stage::ALL.len()),
        Verdict::Suspended => format!("Waiting for a decision{}.", failed(Verdict::Suspended)),
        Verdict::Fail => format!("Not migrated: failed{}.", failed(Verdict::Fail)),
    };
    let verified =
        summary.stages.iter().any(|stage| stage.stage == Stage::Verify && stage.verdict != Verdict::NotRun);
    let balance = match (summary.statement.balanced, verified) {
        (true, _) => "the statement is balanced",
        (false, true) => "the statement is not balanced",
        (false, false) => "the statement closes with verify",
    };
    (sentence, balance)
}

fn verdict(text: &mut String, summary: &Summary) {
    let (sentence, balance) = verdict_sentence(summary);
    let _ = writeln!(text, "{sentence}");
    let _ = writeln!(text, "Verdict {}; {balance}.", verdict_name(summary.verdict));
    if let Some(error) = &summary.error {
        let _ = writeln!(text, "  {}: {}", error.code, error.message);
        if !error.hint.is_empty() {
            let _ = writeln!(text, "  hint: {}", error.hint);
        }
    }
    text.push('\n');
}

fn identification(text: &mut String, summary: &Summary) {
    let _ = writeln!(text, "Order   {} (series {})", summary.order, summary.series);
    for input in &summary.inputs {
        let system = match (&input.system, &input.version) {
            (Some(system), Some(version)) => format!("{system} {version}"),
            (Some(system), None) => system.clone(),
            _ => "not identified".into(),
        };
        let _ = writeln!(text, "Input   {}: {system}", input.name);
    }
    if !summary.target.is_empty() {
        let _ = writeln!(text, "Target  {}", summary.target);
    }
}

fn stages(summary: &Summary) -> Table {
    let mut table = Table::new(&[("stage", Left), ("verdict", Left), ("seconds", Right), ("", Left)]);
    for stage in &summary.stages {
        let ran = stage.verdict != Verdict::NotRun;
        table.row(vec![
            stage.stage.name().into(),
            verdict_name(stage.verdict).into(),
            if ran { format!("{:.2}", stage.seconds) } else { String::new() },
            if stage.skipped { "already done".into() } else { String::new() },
        ]);
    }
    table
}

fn files(statement: &Statement) -> Table {
    let columns =
        [("file", Left), ("table", Left), ("read", Right), ("landed", Right), ("quarantined", Right)];
    let mut table = Table::new(&columns);
    for file in &statement.files {
        table.row(vec![
            statement.file_title(file),
            file.table.clone().unwrap_or_else(|| "-".into()),
            grouped(file.read),
            grouped(file.landed),
            grouped(file.quarantined),
        ]);
    }
    table
}

fn tables(statement: &Statement) -> Table {
    let columns = [
        ("table", Left),
        ("landed", Right),
        ("produced", Right),
        ("merged", Right),
        ("quarantined", Right),
        ("excluded", Right),
        ("", Left),
    ];
    let mut table = Table::new(&columns);
    for source in &statement.tables {
        table.row(vec![
            statement.table_title(source),
            grouped(source.landed),
            grouped(source.produced),
            grouped(source.merged),
            grouped(source.quarantined),
            grouped(source.excluded.values().sum()),
            by_name(&source.excluded),
        ]);
    }
    table
}

fn rules(statement: &Statement) -> Table {
    let columns = [
        ("stage", Left),
        ("rule", Left),
        ("from", Left),
        ("into", Left),
        ("read", Right),
        ("produced", Right),
        ("merged", Right),
        ("quarantined", Right),
        ("excluded", Right),
        ("emitted", Right),
    ];
    let mut table = Table::new(&columns);
    for rule in &statement.rules {
        table.row(vec![
            rule.stage.name().into(),
            rule.system.as_ref().map_or(String::new(), |system| format!("{system}: ")) + &rule.rule,
            rule.from.clone(),
            rule.into.clone(),
            grouped(rule.read),
            grouped(rule.produced),
            grouped(rule.merged),
            grouped(rule.quarantined),
            grouped(rule.excluded.values().sum()),
            grouped(rule.emitted),
        ]);
    }
    table
}

fn categories(statement: &Statement) -> Table {
    let columns =
        [("category", Left), ("emitted", Right), ("merged", Right), ("quarantined", Right), ("rows", Right)];
    let mut table = Table::new(&columns);
    for category in &statement.categories {
        table.row(vec![
            category.category.clone(),
            grouped(category.emitted),
            grouped(category.merged),
            grouped(category.quarantined),
            grouped(category.rows),
        ]);
    }
    table
}

/// A figure that is shown where any table has it.
type Part = (&'static str, fn(&LoadBalance) -> u64);

fn loads(statement: &Statement) -> Table {
    let columns = [
        ("table", Left),
        ("converted", Right),
        ("held", Right),
        ("matched", Right),
        ("loaded", Right),
        ("verified", Right),
    ];
    let parts: [Part; 7] = [
        ("filled", |load| load.filled),
        ("updated", |load| load.updated),
        ("unchanged", |load| load.unchanged),
        ("kept", |load| load.kept),
        ("absent", |load| load.absent),
        ("deleted", |load| load.deleted),
        ("superseded", |load| load.superseded),
    ];
    let parts: Vec<Part> =
        parts.into_iter().filter(|(_, rows)| statement.loads.iter().any(|load| rows(load) > 0)).collect();
    let columns: Vec<_> = columns.into_iter().chain(parts.iter().map(|(name, _)| (*name, Right))).collect();
    let mut table = Table::new(&columns);
    for load in &statement.loads {
        let mut row = vec![
            load.table.clone(),
            grouped(load.converted),
            grouped(load.held),
            grouped(load.matched),
            grouped(load.loaded),
            grouped(load.verified),
        ];
        row.extend(parts.iter().map(|(_, rows)| grouped(rows(load))));
        table.row(row);
    }
    table
}

fn patients(patients: &Patients) -> String {
    let mut text = format!(
        "\nPatients\n  {} exported: {} whole, {} incomplete, {} absent",
        grouped(patients.exported),
        grouped(patients.whole),
        grouped(patients.incomplete),
        grouped(patients.absent)
    );
    if patients.unattributed > 0 {
        let _ = write!(text, "; {} rejected rows belong to no patient", grouped(patients.unattributed));
    }
    text.push('\n');
    text
}

/// Exclusions stand by name in the balance already, so only `verbose` repeats them here.
fn findings(text: &mut String, findings: &[Finding], verbose: bool) {
    const SHOWN: usize = 25;
    let columns = [
        ("rows", Right),
        ("code", Left),
        ("disposition", Left),
        ("stage", Left),
        ("where", Left),
        ("", Left),
    ];
    let mut table = Table::new(&columns);
    let excluded = |finding: &Finding| finding.disposition == Disposition::Exclude.name();
    let mut sorted: Vec<&Finding> = findings.iter().filter(|finding| verbose || !excluded(finding)).collect();
    sorted.sort_by(|a, b| b.rows.cmp(&a.rows).then_with(|| a.code.cmp(&b.code)));
    let shown = if verbose { sorted.len() } else { SHOWN.min(sorted.len()) };
    for finding in sorted.iter().take(shown) {
        table.row(vec![
            // A fact about a file or a column counts no rows.
            if finding.rows > 0 { grouped(finding.rows) } else { "-".into() },
            finding.code.clone(),
            finding.disposition.clone(),
            finding.stage.name().into(),
            finding.place(),
            finding.message.clone().unwrap_or_default(),
        ]);
    }
    section(text, "Findings, most frequent first", &table);
    if sorted.len() > shown {
        let _ = writeln!(text, "  and {} more; see all with -v", sorted.len() - shown);
    }
}

fn waived(statement: &Statement) -> Table {
    let columns = [
        ("rows", Right),
        ("stage", Left),
        ("where", Left),
        ("code", Left),
        ("accepted", Left),
        ("by", Left),
        ("", Left),
    ];
    let mut table = Table::new(&columns);
    for one in &statement.waived {
        table.row(vec![
            grouped(one.rows),
            one.stage.name().into(),
            one.applies_to.clone(),
            one.code.clone().unwrap_or_else(|| "any".into()),
            one.accepted.clone(),
            format!("{}, {}", one.author, one.date),
            one.reason.clone(),
        ]);
    }
    table
}

/// Each with its command on a line of its own, to be copied.
fn open(text: &mut String, summary: &Summary) {
    if !summary.decisions.is_empty() {
        text.push_str("\nDecisions that would let the order go on\n");
    }
    for one in &summary.decisions {
        let _ = writeln!(text, "  {} at {}, `{}` ({})", one.code, one.stage.name(), one.applies_to, one.file);
        let _ = writeln!(text, "    {}", one.command);
    }
}

fn mismatches(text: &mut String, summary: &Summary) {
    const SHOWN: usize = 20;
    let mut table = Table::new(&[("table", Left), ("row (key hash)", Left), ("column", Left)]);
    for mismatch in summary.mismatches.iter().take(SHOWN) {
        table.row(vec![mismatch.table.clone(), mismatch.row_key_hash.clone(), mismatch.column.clone()]);
    }
    section(text, "Cells that differ from what was sent", &table);
    if summary.mismatches.len() > SHOWN {
        let _ = writeln!(text, "  and {} more", grouped((summary.mismatches.len() - SHOWN) as u64));
    }
}

fn section(text: &mut String, title: &str, table: &Table) {
    if !table.is_empty() {
        let _ = write!(text, "\n{title}\n{}", table.rendered("  "));
    }
}

fn by_name(excluded: &BTreeMap<String, u64>) -> String {
    let named: Vec<String> =
        excluded.iter().map(|(name, rows)| format!("{name} {}", grouped(*rows))).collect();
    named.join(", ")
}

pub(crate) fn verdict_name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::NotRun => "not-run",
        Verdict::Suspended => "suspended",
        Verdict::Fail => "fail",
    }
}

/// A count with its thousands set apart: 12,345.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
pub(crate) fn summary_of(stages: &[(Stage, Verdict)]) -> Summary {
    let worst = stages.iter().map(|(_, verdict)| *verdict).max().unwrap_or(Verdict::NotRun);
    let of_stage = |(stage, verdict): &(Stage, Verdict)| chartlift_engine::statement::StageSummary {
        stage: *stage,
        verdict: *verdict,
        skipped: false,
        seconds: 0.0,
        digest: None,
    };
    Summary {
        spec: "chartlift/v1".into(),
        order: "77".into(),
        series: "77".into(),
        verdict: worst,
        inputs: Vec::new(),
        target: "clinic".into(),
        stages: stages.iter().map(of_stage).collect(),
        findings: Vec::new(),
        statement: Statement::default(),
        error: None,
        decisions: Vec::new(),
        mismatches: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn the_verdict_comes_first() {
        let summary = summary_of(&[(Stage::Identify, Verdict::Pass), (Stage::Check, Verdict::Fail)]);
        let text = rendered(&summary, &NextStep::of(&summary, ""), false);
        assert!(
            text.starts_with(
                "Not migrated: failed at check.\nVerdict fail; the statement closes with verify."
            ),
            "{text}"
        );
        assert!(text.contains("chartlift rejects --order 77"), "{text}");
    }
}
