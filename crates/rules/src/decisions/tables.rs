//! The decisions that are CSV files: `maps/<name>.csv` and `matches.csv`.

use std::collections::HashSet;

use super::{Decided, MAP_COLUMNS, MATCH_COLUMNS, MapDecision, MatchDecision, MatchTo, NEW_ROW};
use crate::entries::Problems;
use crate::read::{csv_lines, is_date, map_entry};
use crate::{Diagnostic, Located, Place};

pub(super) fn map(file: u32, text: &str, problems: &mut Problems) -> Vec<MapDecision> {
    let mut read = Vec::new();
    let mut seen = HashSet::new();
    for (record, place) in csv_lines(file, text, &MAP_COLUMNS, "bad-map", problems) {
        let cells: Vec<&str> = record.iter().collect();
        let [source, source_text, target, equivalence, decided_by, replaces, author, date, reason] =
            cells.as_slice()
        else {
            continue;
        };
        if !seen.insert((*source).to_owned()) {
            let message = format!("code `{source}` stands twice");
            problems
                .push(Diagnostic::error("duplicate-code", place, message).help("keep one of the two lines"));
        }
        if !["", "yes"].contains(replaces) {
            let problem = Diagnostic::error("bad-map", place, "`replaces` is `yes` or empty");
            problems.push(problem.help("write `yes` where the entry says otherwise than the map on purpose"));
        }
        let cells = [*source, *source_text, *target, *equivalence, *decided_by];
        let entry = map_entry(cells, place, problems);
        let decided = decided([*author, *date, *reason], "bad-map", place, problems);
        read.push(MapDecision { entry, replaces: *replaces == "yes", decided, place });
    }
    read
}

/// Keys are patients' values: no message repeats them, and the text to be underlined is [`masked`].
pub(super) fn matches(file: u32, text: &str, problems: &mut Problems) -> Vec<MatchDecision> {
    let mut read = Vec::new();
    let mut seen = HashSet::new();
    for (record, place) in csv_lines(file, text, &MATCH_COLUMNS, "bad-match", problems) {
        let cells: Vec<&str> = record.iter().collect();
        let [table, source_key, target_key, author, date, reason] = cells.as_slice() else { continue };
        let mut report = |message: &str, help: &str| {
            problems.push(Diagnostic::error("bad-match", place, message).help(help));
        };
        if source_key.is_empty() || target_key.is_empty() {
            report(
                "`source_key` and `target_key` must not be empty",
                "write the target row's key, or `new` for a row that is none of those in the target",
            );
        } else if !seen.insert(((*table).to_owned(), (*source_key).to_owned())) {
            report("a source row stands twice", "keep the line that is right");
        }
        let target =
            if *target_key == NEW_ROW { MatchTo::New } else { MatchTo::Row((*target_key).to_owned()) };
        read.push(MatchDecision {
            table: Located { value: (*table).to_owned(), place },
            source_key: (*source_key).to_owned(),
            target,
            decided: decided([*author, *date, *reason], "bad-match", place, problems),
        });
    }
    read
}

pub(super) fn decided(
    cells: [&str; 3],
    code: &'static str,
    place: Place,
    problems: &mut Problems,
) -> Decided {
    let [author, date, reason] = cells;
    for (name, cell) in [("author", author), ("reason", reason)] {
        if cell.trim().is_empty() {
            let message = format!("`{name}` must not be empty");
            problems.push(
                Diagnostic::error(code, place, message)
                    .help("every decision has an author, a date and a reason"),
            );
        }
    }
    if !is_date(date) {
        problems.push(Diagnostic::error(code, place, "`date` is not a date").help("write it as YYYY-MM-DD"));
    }
    Decided { author: author.to_owned(), date: date.to_owned(), reason: reason.to_owned() }
}

/// The text with everything but line ends hidden after the first line, as long as before: places still fit.
pub(super) fn masked(text: &str) -> String {
    let first = text.find('\n').map_or(text.len(), |end| end + 1);
    let (header, rows) = text.split_at(first);
    let hide = |letter: char| {
        if matches!(letter, '\n' | '\r' | ',') { letter.to_string() } else { "*".repeat(letter.len_utf8()) }
    };
    header.chars().map(String::from).chain(rows.chars().map(hide)).collect()
}
