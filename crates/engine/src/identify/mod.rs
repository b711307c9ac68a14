//! Which pack wrote these files? Packs are ranked by file names, headers and sampled values, and the answer says why.
//!
//! A pack is chosen only when it fits well and clearly better than the next one; otherwise somebody is asked.

mod claim;
mod decide;
mod evidence;
mod fingerprint;
mod glob;
mod values;

use std::collections::BTreeSet;

use chartlift_rules::{Project, System};
use serde::{Deserialize, Serialize};

use crate::statement::Verdict;

/// A lower score identifies nothing.
pub const SCORE_NEEDED: f64 = 0.6;
/// How far the winner must be ahead of the next pack.
pub const LEAD_NEEDED: f64 = 0.05;

/// What a score keeps when a found table lacks columns, has others, or holds values of another form: so one
/// differing column is enough to tell two versions of a format apart.
const MISSING_COLUMNS: f64 = 0.75;
const EXTRA_COLUMNS: f64 = 0.85;
const DISAGREEING_VALUES: f64 = 0.9;
/// And what it keeps when a fact does not hold that the pack states of its values.
const OTHER_FINGERPRINT: f64 = 0.8;

/// The beginning of a file.
#[derive(Debug, Clone)]
pub struct FileHead {
    /// Relative to the input, with `/`.
    pub name: String,
    /// Of the whole file, in bytes.
    pub size: u64,
    pub head: Vec<u8>,
}

/// A table of a pack and the files that are its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableClaim {
    pub table: String,
    pub required: bool,
    pub files: Vec<String>,
    /// 0 to 1.
    pub score: f64,
    /// Known by its columns, not by its name.
    #[serde(default)]
    pub renamed: bool,
    /// How many the schema has.
    pub columns: usize,
    pub in_order: bool,
    pub missing_columns: Vec<String>,
    pub extra_columns: Vec<String>,
    /// Columns most of whose values are not as the schema says.
    pub disagreeing_columns: Vec<String>,
    /// The share of columns whose values are as the schema says; absent when none can tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<f64>,
    /// Damaged records in the sample.
    pub damaged: u64,
}

/// A pack and what speaks for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    pub system: String,
    pub version: String,
    /// Further product versions that write the same format.
    pub covers: Vec<String>,
    /// 0 to 1.
    pub score: f64,
    pub evidence: Vec<String>,
    pub tables: Vec<TableClaim>,
    /// Required tables without a file.
    pub missing: Vec<String>,
    /// Optional tables without a file.
    pub missing_optional: Vec<String>,
    /// Files that no table claims.
    pub unknown_files: Vec<String>,
}

/// How the question ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// One pack fits well and clearly best.
    Identified,
    /// The order says which, and the files fit.
    Stated,
    /// Several fit about equally well.
    Ambiguous,
    /// The best does not fit well enough.
    Unsure,
    /// No pack claims any file.
    Unknown,
    /// The order says which, and the files do not fit it at all.
    Contradicted,
}

impl Decision {
    pub fn verdict(self) -> Verdict {
        match self {
            Self::Identified | Self::Stated => Verdict::Pass,
            Self::Ambiguous | Self::Unsure => Verdict::Suspended,
            Self::Unknown | Self::Contradicted => Verdict::Fail,
        }
    }

    /// The code of what is wrong.
    pub fn code(self) -> Option<&'static str> {
        match self {
            Self::Identified | Self::Stated => None,
            Self::Ambiguous => Some("ambiguous-identification"),
            Self::Unsure | Self::Unknown | Self::Contradicted => Some("not-identified"),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ranking {
    /// Packs that claim at least one file, and stated ones; the best first.
    pub candidates: Vec<Candidate>,
    pub chosen: Option<usize>,
    pub decision: Decision,
    /// Why, in one sentence.
    pub reason: String,
}

/// Ranks all packs. `stated` is the system, and perhaps the version, that the order names.
pub fn rank(project: &Project, files: &[FileHead], stated: Option<(&str, Option<&str>)>) -> Ranking {
    let field_bytes = project.settings.limits.field_bytes;
    let mut candidates: Vec<Candidate> =
        project.systems.iter().map(|system| candidate(system, files, field_bytes)).collect();
    candidates.retain(|candidate| !candidate.tables.is_empty() || decide::names(stated, candidate));
    candidates.sort_by(|a, b| {
        let names = || (&a.system, &a.version).cmp(&(&b.system, &b.version));
        b.score.total_cmp(&a.score).then_with(names)
    });
    let decided = decide::decide(&candidates, stated, project);
    Ranking { chosen: decided.chosen, decision: decided.decision, reason: decided.reason, candidates }
}

/// Whether a file lies where a pack says that attachments are, and bears the name of no table.
pub fn only_attachment(systems: &[System], name: &str) -> bool {
    let in_folder = |folder: &str| {
        let (name, folder) = (name.to_lowercase(), format!("{}/", folder.to_lowercase()));
        name.starts_with(&folder) || name.contains(&format!("/{folder}"))
    };
    let tails =
        || std::iter::once(name).chain(name.match_indices('/').filter_map(|(at, _)| name.get(at + 1..)));
    systems.iter().flat_map(|system| &system.attachments).any(|one| in_folder(&one.folder.value))
        && !systems
            .iter()
            .flat_map(|system| &system.tables)
            .any(|table| tails().any(|tail| glob::fits(&table.path, tail)))
}

fn candidate(system: &System, files: &[FileHead], field_bytes: usize) -> Candidate {
    let claims = claim::claims(system, files, field_bytes);
    let claimed: BTreeSet<&str> =
        claims.tables.iter().flat_map(|claim| claim.files.iter().map(String::as_str)).collect();
    let absent = |required: bool| -> Vec<String> {
        let found = |name: &str| claims.tables.iter().any(|claim| claim.table == name);
        let tables = system.tables.iter().filter(|table| table.required == required);
        tables.map(|table| table.name.value.clone()).filter(|name| !found(name)).collect()
    };
    let (missing, missing_optional) = (absent(true), absent(false));
    let mut evidence: Vec<String> = claims.tables.iter().map(evidence::of_table).collect();
    evidence.extend(claims.refused);
    let facts = fingerprint::facts(system, &claims.tables, files, field_bytes);
    evidence.extend(facts.evidence);
    if !missing.is_empty() {
        evidence.push(format!("no file for {}", evidence::list(&missing)));
    }
    let unknown_files: Vec<String> = files
        .iter()
        .map(|file| &file.name)
        .filter(|name| !claimed.contains(name.as_str()))
        .cloned()
        .collect();
    Candidate {
        system: system.name.clone(),
        version: system.version.clone(),
        covers: system.covers.clone(),
        score: score(&claims.tables, missing.len(), facts.against),
        evidence,
        missing,
        missing_optional,
        unknown_files,
        tables: claims.tables,
    }
}

/// The mean over the tables that are there or should be, less what any of them has against it.
fn score(tables: &[TableClaim], missing: usize, other_values: bool) -> f64 {
    let count = tables.len() + missing;
    if count == 0 {
        return 0.0;
    }
    let mean = tables.iter().map(|claim| claim.score).sum::<f64>() / count as f64;
    let any = |of: fn(&TableClaim) -> &[String]| tables.iter().any(|claim| !of(claim).is_empty());
    let against = [
        (any(|claim| &claim.missing_columns), MISSING_COLUMNS),
        (any(|claim| &claim.extra_columns), EXTRA_COLUMNS),
        (any(|claim| &claim.disagreeing_columns), DISAGREEING_VALUES),
        (other_values, OTHER_FINGERPRINT),
    ];
    rounded(against.iter().filter(|(applies, _)| *applies).fold(mean, |score, (_, factor)| score * factor))
}

/// Four decimals: enough to compare, and the same text everywhere.
fn rounded(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

#[cfg(test)]
mod tests;
