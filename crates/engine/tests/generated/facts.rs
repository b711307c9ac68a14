//! What is said of an order, as lines of text that can be compared: here by the interpreter, elsewhere by the engine.

use std::collections::BTreeMap;

/// What is spoken of, and what is said.
#[derive(Default, PartialEq, Eq)]
pub(crate) struct Facts(pub(crate) BTreeMap<String, String>);

impl Facts {
    pub(crate) fn say(&mut self, of: impl Into<String>, what: impl Into<String>) {
        self.0.insert(of.into(), what.into());
    }

    /// The rules are wrong, or the engine ended with an error: there is nothing to compare.
    pub(crate) fn stopped(&self) -> Option<String> {
        let stop = self.0.iter().find(|(of, _)| of.starts_with("problem") || *of == "error");
        stop.map(|(of, what)| format!("{of} {what}"))
    }

    /// Adds to a count; nothing is said where it stays 0.
    pub(crate) fn count(&mut self, of: impl Into<String>, more: u64) {
        if more > 0 {
            let count = self.0.entry(of.into()).or_insert_with(|| "0".into());
            *count = (count.parse::<u64>().expect("a count") + more).to_string();
        }
    }

    /// Rows of a check.
    pub(crate) fn finding(&mut self, of: &Finding<'_>, rows: u64) {
        self.count(of.line(), rows);
    }

    pub(crate) fn file(&mut self, file: &str, [read, landed, quarantined]: [u64; 3]) {
        self.say(format!("file {file}"), format!("read {read} landed {landed} quarantined {quarantined}"));
    }

    /// A source table: landed, produced, merged, quarantined, and excluded by name.
    pub(crate) fn table(&mut self, table: &str, figures: [u64; 4], excluded: &BTreeMap<String, u64>) {
        let [landed, produced, merged, quarantined] = figures;
        self.say(
            format!("table {table}"),
            format!(
                "landed {landed} produced {produced} merged {merged} quarantined {quarantined}{}",
                named(excluded)
            ),
        );
    }

    /// A rule: read, produced, merged, quarantined, emitted, and excluded by name.
    pub(crate) fn rule(
        &mut self,
        [stage, rule, from, into]: [&str; 4],
        figures: [u64; 5],
        excluded: &BTreeMap<String, u64>,
    ) {
        let [read, produced, merged, quarantined, emitted] = figures;
        self.say(
            format!("rule {stage} {rule} {from} {into}"),
            format!(
                "read {read} produced {produced} merged {merged} quarantined {quarantined} emitted {emitted}{}",
                named(excluded)
            ),
        );
    }

    pub(crate) fn category(&mut self, category: &str, [emitted, merged, quarantined, rows]: [u64; 4]) {
        self.say(
            format!("category {category}"),
            format!("emitted {emitted} merged {merged} quarantined {quarantined} rows {rows}"),
        );
    }

    pub(crate) fn load(&mut self, table: &str, [converted, held, matched, loaded, verified]: [u64; 5]) {
        self.say(
            format!("load {table}"),
            format!(
                "converted {converted} held {held} matched {matched} loaded {loaded} verified {verified}"
            ),
        );
    }

    pub(crate) fn patients(&mut self, figures: [u64; 5]) {
        let [exported, whole, incomplete, absent, unattributed] = figures;
        self.say(
            "patients",
            format!(
                "exported {exported} whole {whole} incomplete {incomplete} absent {absent} unattributed {unattributed}"
            ),
        );
    }

    /// What is said differently, one line each.
    pub(crate) fn differences(&self, other: &Self) -> Vec<String> {
        let of: std::collections::BTreeSet<&String> = self.0.keys().chain(other.0.keys()).collect();
        let said = |facts: &Self, of: &str| facts.0.get(of).cloned().unwrap_or_else(|| "nothing".into());
        of.into_iter()
            .filter(|of| self.0.get(*of) != other.0.get(*of))
            .map(|of| format!("{of}\n    expected {}\n    found    {}", said(self, of), said(other, of)))
            .collect()
    }
}

fn named(excluded: &BTreeMap<String, u64>) -> String {
    excluded.iter().filter(|(_, rows)| **rows > 0).map(|(name, rows)| format!(" {name} {rows}")).collect()
}

/// A check of a stage, as findings name it.
pub(crate) struct Finding<'a> {
    pub(crate) stage: &'a str,
    pub(crate) code: &'a str,
    pub(crate) table: &'a str,
    pub(crate) column: &'a str,
    pub(crate) name: &'a str,
    pub(crate) disposition: &'a str,
}

impl Finding<'_> {
    pub(crate) fn line(&self) -> String {
        format!(
            "finding {} {} {} [{}] [{}] {}",
            self.stage, self.code, self.table, self.column, self.name, self.disposition
        )
    }
}
