//! What a stage reports into the order's log. One shape for all stages; each fills its part.

pub(crate) mod receipt;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::gates::Measured;
use crate::land::DigitCounts;
use crate::marks::Check;
use crate::run::marked::place;
use crate::statement::{
    Attachments, CategoryBalance, FileBalance, Finding, LoadBalance, Mismatch, OpenDecision, Patients,
    RuleBalance, Stage, TableBalance, Waived,
};

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StageReport {
    /// Facts about files, columns and tables, and one entry for each check that marked rows.
    pub findings: Vec<Finding>,
    /// The checks by number; marks refer to them.
    pub checks: Vec<Check>,
    /// Of each input that was identified.
    pub systems: Vec<SystemChoice>,
    /// For each input, which candidate packs there were and why one was chosen.
    pub rankings: Vec<InputRanking>,
    pub sources: Vec<SourceFile>,
    /// The header each file really had, by [`SourceFile::place`].
    pub headers: BTreeMap<String, Vec<String>>,
    /// By [`table_of`] and column, those columns of fixed digits that have shorter values.
    pub digits: BTreeMap<String, BTreeMap<String, DigitCounts>>,
    pub attachments: Option<Attachments>,
    pub files: Vec<FileBalance>,
    pub rules: Vec<RuleBalance>,
    pub tables: Vec<TableBalance>,
    pub categories: Vec<CategoryBalance>,
    pub loads: Vec<LoadBalance>,
    pub patients: Option<Patients>,
    pub mismatches: Vec<Mismatch>,
    /// What the gates are about; kept so that they can be judged again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub measured: Vec<Measured>,
    /// The gates have been judged: nothing else had to stop the stage before.
    pub judged: bool,
    /// What would let the order go on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub open: Vec<OpenDecision>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waived: Vec<Waived>,
    /// Why the stage did not pass, where it did not.
    pub trouble: Option<crate::statement::Trouble>,
    /// Import: the load's id in the target.
    pub load: Option<i64>,
    /// Convert and validate: one SHA-256 for each folder of what they wrote; nobody else may change it.
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub seals: BTreeMap<String, String>,
    /// Import: what was read a second time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub second_reading: Vec<crate::statement::SecondReading>,
    /// Verify: the sealed receipt, once everything is proved and the sums close.
    pub receipt: Option<serde_json::Value>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SystemChoice {
    pub input: String,
    pub system: String,
    pub version: String,
    pub covers: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InputRanking {
    pub input: String,
    /// An [`crate::identify::Ranking`].
    pub ranking: serde_json::Value,
}

/// Names a table among those of all systems.
pub(crate) fn table_of(system: &str, table: &str) -> String {
    format!("{system}/{table}")
}

/// A file of an input and the table it holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceFile {
    pub input: String,
    /// Relative to the input.
    pub file: String,
    pub table: Option<String>,
    pub bytes: u64,
    /// Known once the file was read whole.
    pub sha256: Option<String>,
}

/// How long a report's lists were before one system's rows were worked on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lengths {
    checks: usize,
    findings: usize,
    rules: usize,
    categories: usize,
    measured: usize,
    second_reading: usize,
}

impl SourceFile {
    /// Names the file among those of all inputs.
    pub(crate) fn place(&self) -> String {
        format!("{}/{}", self.input, self.file)
    }
}

impl StageReport {
    /// Check: the headers of the files of a table.
    pub(crate) fn headers_of(&self, table: &str) -> impl Iterator<Item = &[String]> {
        let files = self.sources.iter().filter(move |source| source.table.as_deref() == Some(table));
        files.filter_map(|source| self.headers.get(&source.place())).map(Vec::as_slice)
    }

    /// Check: the header of the file that a source row is in.
    pub(crate) fn header(&self, row: i64) -> &[String] {
        let file = place(row).file.and_then(|file| self.sources.get(file));
        file.and_then(|file| self.headers.get(&file.place())).map(Vec::as_slice).unwrap_or_default()
    }

    pub(crate) fn lengths(&self) -> Lengths {
        Lengths {
            checks: self.checks.len(),
            findings: self.findings.len(),
            rules: self.rules.len(),
            categories: self.categories.len(),
            measured: self.measured.len(),
            second_reading: self.second_reading.len(),
        }
    }

    /// Says of everything reported since whose rows it is about.
    pub(crate) fn of_system(&mut self, since: Lengths, system: Option<&str>) {
        let Some(system) = system else { return };
        let named = || Some(system.to_owned());
        self.checks.iter_mut().skip(since.checks).for_each(|check| check.system = named());
        self.findings.iter_mut().skip(since.findings).for_each(|finding| finding.system = named());
        self.rules.iter_mut().skip(since.rules).for_each(|rule| rule.system = named());
        self.categories.iter_mut().skip(since.categories).for_each(|one| one.system = named());
        self.measured.iter_mut().skip(since.measured).for_each(|one| one.system = named());
        self.second_reading.iter_mut().skip(since.second_reading).for_each(|one| one.system = named());
    }

    /// Adds what one system's rows of a target table came to before a gate: it has one, whoever fills it.
    pub(crate) fn add_measured(&mut self, more: Measured) {
        match self.measured.iter_mut().find(|known| known.name == more.name && known.system == more.system) {
            Some(known) => {
                known.read += more.read;
                known.excluded += more.excluded;
                known.held += more.held;
                known.critical += more.critical;
                known.also.extend(more.also);
            }
            None => self.measured.push(more),
        }
    }

    /// Adds what one system's rows of a target table came to; a table has one line, whoever fills it.
    pub(crate) fn add_load(&mut self, more: LoadBalance) {
        match self.loads.iter_mut().find(|known| known.table == more.table) {
            Some(known) => {
                known.converted += more.converted;
                known.held += more.held;
            }
            None => self.loads.push(more),
        }
    }

    /// Turns counts by check number into findings, checks without rows left out.
    pub fn count_findings(&mut self, stage: Stage, counts: &[u64]) {
        for (check, rows) in self.checks.iter().zip(counts).filter(|(_, rows)| **rows > 0) {
            self.findings.push(check.finding(stage, *rows));
        }
    }
}
