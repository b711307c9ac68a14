//! Notes, cut into lines of eighty characters, some of them in no order.

use std::io;

use super::people::Patient;
use super::{Practice, american, clock, staff};
use crate::demo::Defect;
use crate::demo::diary::{Turn, Visit};
use crate::demo::random::Random;
use crate::demo::table::{Table, with};

const WIDTH: usize = 80;

const PARAGRAPHS: &[&str] = &[
    "SUBJECTIVE: Patient reports improvement since the last visit, sleeps through the night and has gone back to \
     work. Denies fever, chills and chest pain.",
    "S: Cough x 2 wks, productive, worse at night; \"can't lie flat\". Temp at home 38.1 °C twice.",
    "CC: follow-up. Brings a list of home readings, 12 of 14 below 140/90. Mother of three, works nights as a baker.",
    "ZZCANARIO called: asks about \"the results\" and whether to stop the tablets before the procedure.",
];
const PLANS: &[&str] = &[
    "PLAN: Continue current medication. Return in 3 months or sooner if symptoms come back.",
    "A/P: 1) labs today  2) refill × 90 days  3) naïve to statins – discuss at next visit",
    "Plan: reassurance.",
];

const DAY_TIME: usize = 6;
const TEXT: usize = 9;

pub(super) fn write(practice: &Practice<'_>, random: &mut Random) -> io::Result<Vec<Defect>> {
    let header = [
        "NoteID", "LineNo", "ChartNo", "VisitID", "StaffID", "NoteDate", "NoteTime", "NoteKind", "Signed",
        "LineText",
    ];
    let mut table = practice.edition.table("note_lines.txt", &header);
    let mut turns = Turn::default();
    for (visit, patient) in &practice.visits {
        let text = format!("{}\n\n{}", random.pick(PARAGRAPHS), random.pick(PLANS));
        let head = head(random, visit, patient);
        let mut lines: Vec<Vec<String>> = (1..)
            .zip(wrapped(&text))
            .map(|(number, line)| {
                let mut cells = head.clone();
                cells.insert(1, u32::to_string(&number));
                cells.push(line);
                cells
            })
            .collect();
        if visit.id.is_multiple_of(7) {
            lines.reverse();
        }
        note(&mut table, lines, turns.of(patient.role.sound()));
    }
    table.write(practice.folder)
}

/// The cells that all lines of a note share, without number and text.
fn head(random: &mut Random, visit: &Visit, patient: &Patient) -> Vec<String> {
    vec![
        (visit.id + 20_000).to_string(),
        patient.chart.to_string(),
        visit.id.to_string(),
        staff(visit.doctor),
        american(visit.day),
        // Some offices write no time.
        if visit.id.is_multiple_of(5) { String::new() } else { clock(visit.minute + 15) },
        random.pick(&["Progress", "Progress", "Phone", "Procedure"]).to_owned(),
        random.pick(&["Y", "Y", "Y", "N", "X"]).to_owned(),
    ]
}

/// The lines of one note, one of them damaged where it is the note's turn.
fn note(table: &mut Table, lines: Vec<Vec<String>>, turn: u32) {
    let mut lines = lines.into_iter();
    let Some(first) = lines.next() else { return };
    match turn {
        10 | 60 => {
            let cells = first.get(..TEXT).unwrap_or_default();
            table.push_stray_quote(cells, "patient says it \"burns\" at night");
        }
        15 => table.push_undecodable(&first),
        20 => table.push_defect("missing-cell", first.get(..4).unwrap_or_default()),
        // The only line of its note: what is repaired is the whole text or nothing.
        25 => {
            return table.push_defect("repaired", &with(first, TEXT, "Her fiancÃ© came; naÃ¯ve to opioids."));
        }
        30 => table.push_twice(&first),
        // Two lines with one number: nobody can say which is right.
        35 => {
            table.push_defect("primary-key", &first);
            table.push_defect("primary-key", &with(first, TEXT, "(line overwritten)"));
        }
        40 => table.push_defect("lost-value", &with(first, DAY_TIME, "after lunch")),
        _ => table.push(&first),
    }
    for line in lines {
        table.push(&line);
    }
}

/// Lines of at most `WIDTH` characters, broken between words; an empty paragraph is an empty line.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        for word in paragraph.split(' ') {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > WIDTH {
                lines.push(std::mem::take(&mut line));
            } else if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_short_and_lose_no_word() {
        for paragraph in PARAGRAPHS {
            let lines = wrapped(paragraph);
            assert!(lines.iter().all(|line| line.chars().count() <= WIDTH), "{lines:?}");
            assert_eq!(lines.join(" "), *paragraph);
        }
        assert_eq!(wrapped("a\n\nb"), ["a", "", "b"]);
    }
}
