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
    pub system: Option<SystemChoice>,
    /// Which candidate packs there were and why one was chosen.
    pub ranking: Option<serde_json::Value>,
    pub sources: Vec<SourceFile>,
    /// The header each file really had, by the file's name.
    pub headers: BTreeMap<String, Vec<String>>,
    /// By table and column, those columns of fixed digits that have shorter values.
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

impl StageReport {
    /// Check: the headers of the files of a table.
    pub(crate) fn headers_of(&self, table: &str) -> impl Iterator<Item = &[String]> {
        let files = self.sources.iter().filter(move |source| source.table.as_deref() == Some(table));
        files.filter_map(|source| self.headers.get(&source.file)).map(Vec::as_slice)
    }

    /// Check: the header of the file that a source row is in.
    pub(crate) fn header(&self, row: i64) -> &[String] {
        let file = place(row).file.and_then(|file| self.sources.get(file));
        file.and_then(|file| self.headers.get(&file.file)).map(Vec::as_slice).unwrap_or_default()
    }

    /// Turns counts by check number into findings, checks without rows left out.
    pub fn count_findings(&mut self, stage: Stage, counts: &[u64]) {
        for (check, rows) in self.checks.iter().zip(counts).filter(|(_, rows)| **rows > 0) {
            self.findings.push(check.finding(stage, *rows));
        }
    }
}
