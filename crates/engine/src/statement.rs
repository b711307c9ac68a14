//! What an order has to say for itself: the object that `run --json` and `status --json` print.
//!
//! Field names are a contract with other programs. Figures describe the order, never one invocation.

mod balance;

use std::collections::BTreeMap;

pub use balance::{Equation, Of};
use serde::{Deserialize, Serialize};

/// The outcome of a stage or an order. There is no default: what did not run is `NotRun`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    // Best to worst, so that the worst of several is their maximum.
    Pass,
    NotRun,
    Suspended,
    Fail,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    Identify,
    Check,
    Categorize,
    Convert,
    Validate,
    Import,
    Verify,
}

impl Stage {
    pub const ALL: [Self; 7] = [
        Self::Identify,
        Self::Check,
        Self::Categorize,
        Self::Convert,
        Self::Validate,
        Self::Import,
        Self::Verify,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Identify => "identify",
            Self::Check => "check",
            Self::Categorize => "categorize",
            Self::Convert => "convert",
            Self::Validate => "validate",
            Self::Import => "import",
            Self::Verify => "verify",
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Summary {
    pub spec: String,
    pub order: String,
    pub series: String,
    pub verdict: Verdict,
    pub inputs: Vec<Input>,
    pub target: String,
    pub stages: Vec<StageSummary>,
    pub findings: Vec<Finding>,
    pub statement: Statement,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Trouble>,
    /// What a person can decide to let the order go on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<OpenDecision>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mismatches: Vec<Mismatch>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Input {
    pub name: String,
    pub system: Option<String>,
    pub version: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StageSummary {
    pub stage: Stage,
    pub verdict: Verdict,
    pub skipped: bool,
    pub seconds: f64,
    pub digest: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    pub code: String,
    pub severity: String,
    pub disposition: String,
    pub stage: Stage,
    /// Whose rows, in an order with inputs of several systems.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    pub table: Option<String>,
    pub column: Option<String>,
    pub rows: u64,
    /// What the finding says beyond its code; never a value of a row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl Finding {
    /// Where: the table and its column, with the system where the order has several.
    pub fn place(&self) -> String {
        let system = self.system.as_ref().map_or(String::new(), |system| format!("{system}: "));
        let names: Vec<&str> =
            [&self.table, &self.column].into_iter().flatten().map(String::as_str).collect();
        if names.is_empty() { String::new() } else { format!("{system}{}", names.join(".")) }
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Statement {
    pub balanced: bool,
    pub files: Vec<FileBalance>,
    pub rules: Vec<RuleBalance>,
    pub tables: Vec<TableBalance>,
    pub categories: Vec<CategoryBalance>,
    pub loads: Vec<LoadBalance>,
    pub patients: Patients,
    /// Held rows that somebody accepted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waived: Vec<Waived>,
    /// Where the pack says which columns name files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachments: Option<Attachments>,
    /// What was read a second time before the load; empty until import has run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub second_reading: Vec<SecondReading>,
}

/// named = found + missing
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachments {
    /// Rows that name a file.
    pub named: u64,
    /// Rows whose file is there.
    pub found: u64,
    /// Rows whose file is not there or would lie outside the folder.
    pub missing: u64,
    /// Files that no row names.
    pub orphaned: u64,
    /// Of the files that are named, each once.
    pub bytes: u64,
    /// SHA-256 over the digests of all files of the folders.
    pub digest: String,
}

impl Attachments {
    /// Adds those of another system.
    pub(crate) fn add(&mut self, more: &Self) {
        self.named += more.named;
        self.found += more.found;
        self.missing += more.missing;
        self.orphaned += more.orphaned;
        self.bytes += more.bytes;
        self.digest = crate::project_key::sha256_of([self.digest.as_bytes(), more.digest.as_bytes()]);
    }
}

/// A safety-critical category's facts as the files state them, beside what is to be loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondReading {
    /// Whose files were read, where the order has several systems.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    pub category: String,
    /// The target table that carries them.
    pub table: String,
    /// `not-run` where the packs do not declare how.
    pub verdict: Verdict,
    /// Entries that the second reading found; read = held + converted.
    pub read: u64,
    /// Of them, those that a stage held, merged into others or left out by name.
    pub held: u64,
    /// Rows to load.
    pub converted: u64,
    /// Patients that have any.
    pub patients: u64,
    /// Patients whose facts are not the same.
    pub differing: u64,
    /// Why it was not run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// read = landed + quarantined
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct FileBalance {
    pub input: String,
    pub file: String,
    pub table: Option<String>,
    pub read: u64,
    pub landed: u64,
    pub quarantined: u64,
}

/// read = produced + merged + sum(excluded) + quarantined
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RuleBalance {
    pub stage: Stage,
    /// Whose rows, in an order with inputs of several systems.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    pub rule: String,
    pub from: String,
    pub into: String,
    pub read: u64,
    pub produced: u64,
    pub merged: u64,
    pub excluded: BTreeMap<String, u64>,
    pub quarantined: u64,
    pub emitted: u64,
}

/// landed = produced + merged + quarantined + sum(excluded)
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct TableBalance {
    /// Where several inputs hold files of the table, their names with `+` between them.
    pub input: String,
    pub table: String,
    pub landed: u64,
    pub produced: u64,
    pub merged: u64,
    pub quarantined: u64,
    pub excluded: BTreeMap<String, u64>,
}

/// rows = emitted - merged - quarantined
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct CategoryBalance {
    pub category: String,
    /// Whose records, in the report of a stage; a statement has one line for all systems.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    pub emitted: u64,
    pub merged: u64,
    pub quarantined: u64,
    pub rows: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// converted = loaded + matched + held + kept; loaded = verified + superseded
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct LoadBalance {
    pub table: String,
    pub converted: u64,
    pub held: u64,
    pub matched: u64,
    /// Of the matched, rows that took cells where they had none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub filled: u64,
    /// In the target as they were converted: inserted, updated or unchanged.
    pub loaded: u64,
    /// Of the loaded rows, those that were there and were written to.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub updated: u64,
    /// Of the loaded rows, those that were there just so, from an earlier load.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unchanged: u64,
    /// Rows of earlier loads that were edited in the target since and are left as they are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub kept: u64,
    /// Rows of earlier loads that are not among the converted ones and stay; no part of `converted`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub absent: u64,
    /// The same, but deleted, as somebody decided.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub deleted: u64,
    pub verified: u64,
    /// Of the loaded, rows that a later load has written to since: verify leaves them to it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub superseded: u64,
    pub digest: Option<String>,
}

impl LoadBalance {
    /// Of the loaded rows, those that were not there before.
    pub fn inserted(&self) -> u64 {
        self.loaded.saturating_sub(self.updated + self.unchanged)
    }

    /// Whether it says more than an order that loads into an empty table.
    pub fn is_delta(&self) -> bool {
        [self.updated, self.unchanged, self.kept, self.absent, self.deleted].iter().any(|rows| *rows > 0)
    }
}

/// exported = whole + incomplete + absent
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Patients {
    pub exported: u64,
    pub whole: u64,
    pub incomplete: u64,
    pub absent: u64,
    /// Rejected rows tied to no patient.
    pub unattributed: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trouble {
    pub code: String,
    pub message: String,
    pub hint: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mismatch {
    pub table: String,
    pub row_key_hash: String,
    pub column: String,
}

/// A decision that an order waits for, or that would let a failed gate pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpenDecision {
    pub code: String,
    pub stage: Stage,
    /// A table, a category, an input, or the order.
    pub applies_to: String,
    /// The whole command, with `WHY` (and `CODE` for codes) to be filled in.
    pub command: String,
    /// The file in the order's folder that the command writes.
    pub file: String,
}

/// A waiver that a stage needed to pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Waived {
    pub stage: Stage,
    pub applies_to: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// How many held rows it covers.
    pub rows: u64,
    /// What was accepted: `3 rows` or `2 %`.
    pub accepted: String,
    pub author: String,
    pub date: String,
    pub reason: String,
}
