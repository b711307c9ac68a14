//! `conflicts.csv` and `absences.csv`: what becomes of rows of an earlier load that somebody has edited in the target,
//! or that the export no longer has.

use std::collections::BTreeMap;

use super::tables::decided;
use super::{Decided, Decisions, RULING_COLUMNS};
use crate::entries::Problems;
use crate::read::csv_lines;
use crate::{Diagnostic, Located};

/// What was decided about one row of an earlier load. Keys are patients' values: they stand in no message.
#[derive(Clone, PartialEq)]
pub struct RowRuling {
    pub table: Located<String>,
    pub source_key: String,
    pub ruling: Ruling,
    /// What the row looked like to whoever decided, as the order's listing says it; the ruling holds for that alone.
    /// `None`: however it looks.
    pub seen: Option<String>,
    pub decided: Decided,
}

impl std::fmt::Debug for RowRuling {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = formatter.debug_struct("RowRuling");
        shown.field("table", &self.table.value).field("ruling", &self.ruling).finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ruling {
    /// The row stays in the target as it is there.
    Keep,
    /// The export's values go over what was edited.
    Overwrite,
    /// The row leaves the target.
    Delete,
}

impl Ruling {
    pub fn word(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Overwrite => "overwrite",
            Self::Delete => "delete",
        }
    }
}

/// Which of the two files, and with it which rulings there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RulingFile {
    /// Rows that were edited in the target, and in the export too.
    Conflicts,
    /// Rows that the export no longer has.
    Absences,
}

impl RulingFile {
    /// In `decisions/`, and in the order's listing of what is open.
    pub fn name(self) -> &'static str {
        match self {
            Self::Conflicts => "conflicts.csv",
            Self::Absences => "absences.csv",
        }
    }

    pub fn rulings(self) -> [Ruling; 2] {
        match self {
            Self::Conflicts => [Ruling::Overwrite, Ruling::Keep],
            Self::Absences => [Ruling::Delete, Ruling::Keep],
        }
    }
}

/// No message repeats a cell, and the text to be underlined is masked: see [`super::tables::masked`].
pub(super) fn read(file: u32, text: &str, kind: RulingFile, problems: &mut Problems) -> Vec<RowRuling> {
    let mut read = Vec::new();
    for (record, place) in csv_lines(file, text, &RULING_COLUMNS, "bad-ruling", problems) {
        let cells: Vec<&str> = record.iter().collect();
        let [table, source_key, ruling, seen, author, date, reason] = cells.as_slice() else { continue };
        let mut report = |message: String, help: &str| {
            problems.push(Diagnostic::error("bad-ruling", place, message).help(help));
        };
        if source_key.is_empty() {
            report("`source_key` must not be empty".into(), "take the lines from the order's own listing");
        }
        let word = |known: &&Ruling| known.word() == *ruling;
        let Some(ruling) = kind.rulings().iter().find(word).copied() else {
            let [first, second] = kind.rulings().map(Ruling::word);
            report(
                format!("`ruling` is neither `{first}` nor `{second}`"),
                "every line decides about one row; take out those that are still open",
            );
            continue;
        };
        read.push(RowRuling {
            table: Located { value: (*table).to_owned(), place },
            source_key: (*source_key).to_owned(),
            ruling,
            seen: Some(*seen).filter(|seen| !seen.is_empty()).map(str::to_owned),
            decided: decided([*author, *date, *reason], "bad-ruling", place, problems),
        });
    }
    read
}

impl Decisions {
    /// What was decided about rows of a target table, by source key; the last line about a row counts.
    pub fn rulings_of(&self, kind: RulingFile, table: &str) -> BTreeMap<&str, &RowRuling> {
        let all = match kind {
            RulingFile::Conflicts => &self.conflicts,
            RulingFile::Absences => &self.absences,
        };
        let of = all.iter().filter(|one| one.table.value == table);
        of.map(|one| (one.source_key.as_str(), one)).collect()
    }
}
