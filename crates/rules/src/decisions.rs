//! Decisions of one order: what a person answered, accepted, mapped, matched, left out or approved. They overlay the
//! rules of the project for that order alone.

mod apply;
mod lists;
mod read;
mod rulings;
mod tables;

use std::collections::BTreeMap;

use crate::{Located, MapEntry, Place, Unknown};

pub use apply::with_decisions;
pub use rulings::{RowRuling, Ruling, RulingFile};

/// The folder's name in an order's folder, and the paths of its files in problems.
pub const DECISIONS: &str = "decisions";
/// The first lines of the CSV files.
pub const MAP_COLUMNS: [&str; 9] =
    ["source", "source_text", "target", "equivalence", "decided_by", "replaces", "author", "date", "reason"];
pub const MATCH_COLUMNS: [&str; 6] = ["table", "source_key", "target_key", "author", "date", "reason"];
pub const RULING_COLUMNS: [&str; 7] = ["table", "source_key", "ruling", "seen", "author", "date", "reason"];
/// The target key that stands for "make a new row".
pub const NEW_ROW: &str = "new";

/// Everything that was decided about an order.
#[derive(Debug, Clone, Default)]
pub struct Decisions {
    pub waivers: Vec<Waiver>,
    pub systems: Vec<SystemAnswer>,
    pub undecided: Vec<UndecidedAnswer>,
    pub formats: Vec<FormatAnswer>,
    pub scopes: Vec<Scope>,
    /// Additional entries by the map's name.
    pub maps: BTreeMap<String, Vec<MapDecision>>,
    pub matches: Vec<MatchDecision>,
    /// Rows of an earlier load that were edited in the target.
    pub conflicts: Vec<RowRuling>,
    /// Rows of an earlier load that the export no longer has.
    pub absences: Vec<RowRuling>,
    /// By number, the newest last.
    pub approvals: Vec<Approval>,
    /// Paths (`decisions/...`) and bytes as text of all files but approvals, sorted: what an approval binds.
    pub files: Vec<(String, String)>,
}

/// Who decided it, when (YYYY-MM-DD) and why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decided {
    pub author: String,
    pub date: String,
    pub reason: String,
}

/// Held rows that somebody accepts.
#[derive(Debug, Clone, PartialEq)]
pub struct Waiver {
    /// A source table, a category or a target table.
    pub applies_to: Located<String>,
    /// `None`: after every stage (blocked rows only).
    pub stage: Option<String>,
    /// `None`: whatever holds them.
    pub code: Option<String>,
    pub accepts: Accepts,
    pub decided: Decided,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Accepts {
    /// So many held rows.
    Held(u64),
    /// This share of the rows, 0 to 1.
    Share(f64),
    /// So many blocked rows, which count as quarantined from then on.
    Blocked(u64),
}

/// Which system and version wrote an input's files.
#[derive(Debug, Clone, PartialEq)]
pub struct SystemAnswer {
    /// `None`: the only input, or all of them.
    pub input: Option<String>,
    pub system: Located<String>,
    pub version: Option<Located<String>>,
    pub decided: Decided,
}

/// What a null condition of a named exclusion means.
#[derive(Debug, Clone, PartialEq)]
pub struct UndecidedAnswer {
    /// The category or target table that the rule makes, where several rules have the name.
    pub into: Option<Located<String>>,
    pub rule: Located<String>,
    pub exclude: Located<String>,
    /// Never `Stop`.
    pub unknown: Unknown,
    pub decided: Decided,
}

/// How files are written, where the pack says otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct FormatAnswer {
    /// `None`: the zone, for the whole export.
    pub table: Option<Located<String>>,
    /// The date or time column that `format` is of.
    pub column: Option<Located<String>>,
    pub format: Option<Located<String>>,
    pub timezone: Option<Located<String>>,
    pub(crate) dialect: Option<crate::yaml::Node>,
    pub decided: Decided,
}

/// A named exclusion of this order.
#[derive(Debug, Clone, PartialEq)]
pub struct Scope {
    pub name: Located<String>,
    pub of: ScopeOf,
    /// A condition in SQL over that table's own columns; `None`: all its rows.
    pub when: Option<Located<String>>,
    pub unknown: Unknown,
    pub decided: Decided,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ScopeOf {
    /// A source table: its rows are left out in categorize.
    Table(Located<String>),
    /// A category: its records are left out in convert.
    Category(Located<String>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct MapDecision {
    pub entry: MapEntry,
    /// It may say otherwise than the map.
    pub replaces: bool,
    pub decided: Decided,
    pub place: Place,
}

/// Which row of the target a source row is. Keys are patients' values: they stand in no message.
#[derive(Clone, PartialEq)]
pub struct MatchDecision {
    pub table: Located<String>,
    pub source_key: String,
    pub target: MatchTo,
    pub decided: Decided,
}

impl std::fmt::Debug for MatchDecision {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("MatchDecision").field("table", &self.table.value).finish_non_exhaustive()
    }
}

#[derive(Clone, PartialEq, Eq)]
pub enum MatchTo {
    /// None of those that are there.
    New,
    /// The row with this key.
    Row(String),
}

/// `approvals/NNNN.yaml`: somebody saw the order as it is and says that it may be imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    pub number: u32,
    pub decided: Decided,
    pub binds: Binding,
}

/// SHA-256 in hex of everything that an approval is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    pub inputs: String,
    pub rules: String,
    pub decisions: String,
    pub plan: String,
    pub target: String,
}

impl Binding {
    /// The parts by name, in the order of the file.
    pub fn parts(&self) -> [(&'static str, &str); 5] {
        [
            ("inputs", &self.inputs),
            ("rules", &self.rules),
            ("decisions", &self.decisions),
            ("plan", &self.plan),
            ("target", &self.target),
        ]
    }
}

impl Decisions {
    /// What was answered about the system of an input.
    pub fn system_of(&self, input: &str) -> Option<&SystemAnswer> {
        let named = |answer: &&SystemAnswer| answer.input.as_deref().is_none_or(|name| name == input);
        self.systems.iter().rev().find(named)
    }

    /// What was decided about the rows of a target table, by source key; the last line about a row counts.
    pub fn matches_of(&self, table: &str) -> BTreeMap<&str, &MatchTo> {
        let of = self.matches.iter().filter(|one| one.table.value == table);
        of.map(|one| (one.source_key.as_str(), &one.target)).collect()
    }
}

impl FormatAnswer {
    /// What it changes, without where it stands: equal texts change the same.
    pub fn effect(&self) -> String {
        let text = |of: &Option<Located<String>>| of.as_ref().map(|one| one.value.clone());
        let dialect = self.dialect.as_ref().map(lists::keys_and_values);
        format!(
            "{:?}",
            (text(&self.table), text(&self.column), text(&self.format), text(&self.timezone), dialect)
        )
    }
}

impl Scope {
    /// What it changes, without where it stands.
    pub fn effect(&self) -> String {
        let of = match &self.of {
            ScopeOf::Table(name) => ("table", &name.value),
            ScopeOf::Category(name) => ("category", &name.value),
        };
        format!("{:?}", (&self.name.value, of, self.when.as_ref().map(|when| &when.value), self.unknown))
    }
}

impl UndecidedAnswer {
    /// What it changes, without where it stands.
    pub fn effect(&self) -> String {
        let into = self.into.as_ref().map(|into| &into.value);
        format!("{:?}", (into, &self.rule.value, &self.exclude.value, self.unknown))
    }
}
