//! What a stage reported, fact by fact: level, code or kind of fact, stage, then names and counts.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::Error;
use crate::report::StageReport;
use crate::statement::{LoadBalance, SecondReading, Stage};

/// One line without its time.
pub(super) struct Fact {
    text: String,
}

impl Fact {
    fn new(level: &str, name: &str, stage: Stage) -> Self {
        Self { text: format!("{level} {name} stage={}", stage.name()) }
    }

    pub(super) fn info(name: &str, stage: Stage) -> Self {
        Self::new("INFO", name, stage)
    }

    pub(super) fn error(name: &str, stage: Stage) -> Self {
        Self::new("ERROR", name, stage)
    }

    pub(super) fn of_severity(severity: &str, code: &str, stage: Stage) -> Self {
        let level = match severity {
            "error" => "ERROR",
            "warning" => "WARN",
            _ => "INFO",
        };
        Self::new(level, code, stage)
    }

    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.text.extend([" ", name, "=", &quoted(value)]);
        self
    }

    fn known(self, name: &str, value: Option<&String>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    fn counts(self, counts: &[(&str, u64)]) -> Self {
        counts.iter().fold(self, |fact, (name, count)| fact.with(name, &count.to_string()))
    }

    fn excluded(self, excluded: &BTreeMap<String, u64>) -> Self {
        excluded.iter().fold(self, |fact, (name, rows)| fact.with("excluded", &format!("{name}:{rows}")))
    }

    pub(super) fn text(&self) -> String {
        self.text.clone()
    }
}

/// A name as it is, in quotes and escaped where it would not stay one word of one line.
pub(super) fn quoted(text: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || "_-.:/@#+%*,".contains(letter);
    let quoted: Cow<'_, str> = if !text.is_empty() && text.chars().all(plain) {
        text.into()
    } else {
        serde_json::Value::from(text).to_string().into()
    };
    quoted.into_owned()
}

/// All that a stage reported, in the order of the report.
pub(super) fn of(
    report: &StageReport,
    stage: Stage,
    mut each: impl FnMut(Fact) -> Result<(), Error>,
) -> Result<(), Error> {
    for choice in &report.systems {
        let fact = Fact::info("system", stage).with("system", &choice.system);
        each(fact.with("version", &choice.version).with("input", &choice.input))?;
    }
    for fact in balance(report, stage) {
        each(fact)?;
    }
    for finding in &report.findings {
        let fact = Fact::of_severity(&finding.severity, &finding.code, stage)
            .known("system", finding.system.as_ref())
            .known("table", finding.table.as_ref())
            .known("column", finding.column.as_ref())
            .with("disposition", &finding.disposition)
            .counts(&[("rows", finding.rows)]);
        each(fact.known("message", finding.message.as_ref()))?;
    }
    for mismatch in &report.mismatches {
        let fact = Fact::error("verify-mismatch", stage)
            .with("table", &mismatch.table)
            .with("column", &mismatch.column)
            .with("row_key_hash", &mismatch.row_key_hash);
        each(fact)?;
    }
    for waived in &report.waived {
        let fact = Fact::info("waived", stage)
            .with("applies_to", &waived.applies_to)
            .known("code", waived.code.as_ref())
            .counts(&[("rows", waived.rows)]);
        each(
            fact.with("accepted", &waived.accepted)
                .with("author", &waived.author)
                .with("date", &waived.date)
                .with("reason", &waived.reason),
        )?;
    }
    if let Some(trouble) = &report.trouble {
        let fact = Fact::error(&trouble.code, stage);
        each(fact.with("message", &trouble.message).with("hint", &trouble.hint))?;
    }
    for open in &report.open {
        let fact =
            Fact::error("decision", stage).with("code", &open.code).with("applies_to", &open.applies_to);
        each(fact.with("command", &open.command).with("file", &open.file))?;
    }
    Ok(())
}

fn balance(report: &StageReport, stage: Stage) -> Vec<Fact> {
    let fact = |name| Fact::info(name, stage);
    let mut facts = Vec::new();
    for file in &report.files {
        let counts = [("read", file.read), ("landed", file.landed), ("quarantined", file.quarantined)];
        let named = fact("file").with("file", &file.file).known("table", file.table.as_ref());
        facts.push(named.counts(&counts).with("input", &file.input));
    }
    for rule in &report.rules {
        let named = fact("rule")
            .known("system", rule.system.as_ref())
            .with("rule", &rule.rule)
            .with("from", &rule.from)
            .with("into", &rule.into);
        let counts = [
            ("read", rule.read),
            ("produced", rule.produced),
            ("merged", rule.merged),
            ("quarantined", rule.quarantined),
            ("emitted", rule.emitted),
        ];
        facts.push(named.counts(&counts).excluded(&rule.excluded));
    }
    for table in &report.tables {
        let mut counts =
            vec![("landed", table.landed), ("merged", table.merged), ("quarantined", table.quarantined)];
        // What no stage has settled yet is not said.
        if stage > Stage::Check {
            counts.insert(1, ("produced", table.produced));
        }
        let named = fact("table").with("table", &table.table).counts(&counts).excluded(&table.excluded);
        facts.push(named.with("input", &table.input));
    }
    for category in &report.categories {
        let counts = [
            ("emitted", category.emitted),
            ("merged", category.merged),
            ("quarantined", category.quarantined),
            ("rows", category.rows),
        ];
        let named = fact("category").known("system", category.system.as_ref());
        facts.push(named.with("category", &category.category).counts(&counts));
    }
    facts.extend(report.second_reading.iter().map(|one| read_twice(one, stage)));
    facts.extend(report.loads.iter().map(|load| of_load(load, stage)));
    if let Some(patients) = &report.patients {
        let counts = [
            ("exported", patients.exported),
            ("whole", patients.whole),
            ("incomplete", patients.incomplete),
            ("absent", patients.absent),
            ("unattributed", patients.unattributed),
        ];
        facts.push(fact("patients").counts(&counts));
    }
    facts
}

/// What a target table's rows came to, as far as `stage` knows.
fn of_load(load: &LoadBalance, stage: Stage) -> Fact {
    let settled = [
        (Stage::Convert, "converted", load.converted),
        (Stage::Validate, "held", load.held),
        (Stage::Import, "matched", load.matched),
        (Stage::Import, "loaded", load.loaded),
        (Stage::Verify, "verified", load.verified),
    ];
    let parts = [
        (Stage::Import, "filled", load.filled),
        (Stage::Import, "updated", load.updated),
        (Stage::Import, "unchanged", load.unchanged),
        (Stage::Import, "kept", load.kept),
        (Stage::Import, "absent", load.absent),
        (Stage::Import, "deleted", load.deleted),
        (Stage::Verify, "superseded", load.superseded),
    ];
    let parts = parts.into_iter().filter(|(.., rows)| *rows > 0);
    let known = settled.into_iter().chain(parts).filter(|(by, ..)| *by <= stage);
    let counts: Vec<(&str, u64)> = known.map(|(_, name, count)| (name, count)).collect();
    Fact::info("load", stage).with("table", &load.table).counts(&counts).known("digest", load.digest.as_ref())
}

fn read_twice(one: &SecondReading, stage: Stage) -> Fact {
    let verdict = serde_json::to_value(one.verdict).unwrap_or_default();
    let counts = [
        ("read", one.read),
        ("held", one.held),
        ("converted", one.converted),
        ("patients", one.patients),
        ("differing", one.differing),
    ];
    Fact::info("second-reading", stage)
        .with("category", &one.category)
        .with("table", &one.table)
        .with("verdict", verdict.as_str().unwrap_or_default())
        .counts(&counts)
        .known("reason", one.reason.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_is_one_line() {
        let fact = Fact::info("file", Stage::Check).with("file", "a b\n.csv").with("table", "pessoas_é");
        assert_eq!(fact.text(), "INFO file stage=check file=\"a b\\n.csv\" table=pessoas_é");
        assert_eq!(quoted(""), "\"\"");
    }
}
