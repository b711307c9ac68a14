//! Money, and the log of letters that nobody moves.

use std::io;

use super::people::Patient;
use super::{Practice, american};
use crate::demo::Defect;
use crate::demo::diary::{Turn, Visit};
use crate::demo::random::Random;
use crate::demo::table::with;

pub(super) fn write(practice: &Practice<'_>, random: &mut Random) -> io::Result<Vec<Defect>> {
    let mut defects = ledger(practice, random)?;
    defects.extend(letters(practice, random)?);
    Ok(defects)
}

const KIND: usize = 4;
const AMOUNT: usize = 7;
const METHOD: usize = 8;

fn ledger(practice: &Practice<'_>, random: &mut Random) -> io::Result<Vec<Defect>> {
    let header = ["EntryNo", "ChartNo", "VisitID", "PostedOn", "Kind", "Code", "Descr", "Amount", "Method"];
    let mut table = practice.edition.table("ledger.txt", &header);
    let (mut turns, mut entry) = (Turn::default(), 0);
    for (visit, patient) in &practice.visits {
        for cells in entries(random, visit, patient) {
            entry += 1;
            let mut cells = cells.to_vec();
            cells.insert(0, entry.to_string());
            match turns.of(patient.role.sound()) {
                50 => table.push_defect("unmapped-code", &with(cells, KIND, "TRF")),
                // The letter O for a zero.
                100 => table.push_defect("type-error", &with(cells, AMOUNT, "12O.00")),
                150 => table.push_defect("constraint-error", &with(cells, AMOUNT, "-15.00")),
                200 => table.push_defect("unmapped-code", &with(cells, METHOD, "BARTER")),
                _ => table.push(&cells),
            }
        }
    }
    table.write(practice.folder)
}

/// A charge and what settled it; now and then a balance that came over from the system before.
fn entries(random: &mut Random, visit: &Visit, patient: &Patient) -> Vec<[String; 8]> {
    let charge = random.between(80, 1400);
    let line = |kind: &str, code: &str, text: &str, amount: String, method: &str| {
        let cells = [&patient.chart.to_string(), &visit.id.to_string(), &american(visit.day)];
        let [chart, visit, day] = cells.map(String::clone);
        [chart, visit, day, kind.into(), code.into(), text.into(), amount, method.into()]
    };
    let mut entries = vec![line("CHG", "99213", "Office visit, est.", dollars(charge * 100), "")];
    match random.below(10) {
        0 => {}
        1 => entries.push(line("WO", "", "Small balance", dollars(charge * 100), "")),
        2 => {
            entries.push(line("PMT", "", "", dollars(charge * 100 + 2550), "CHK"));
            entries.push(line("REF", "", "Overpaid", dollars(2550), "CHK"));
        }
        3 | 4 => {
            entries.push(line("ADJ", "CO-45", "Contractual", dollars(charge * 30), ""));
            entries.push(line("PMT", "", "ZZCANARIO plan", dollars(charge * 70), "INS"));
        }
        _ => entries.push(line("PMT", "", "", dollars(charge * 100), random.pick(&["CASH", "CC", "EFT"]))),
    }
    if visit.id.is_multiple_of(31) {
        entries.push(line("BAL", "", "Balance from prior system", dollars(12_345), ""));
    }
    entries
}

/// Cents as text, with a comma between thousands.
fn dollars(cents: u32) -> String {
    let (whole, rest) = (cents / 100, cents % 100);
    if whole >= 1000 {
        format!("{},{:03}.{rest:02}", whole / 1000, whole % 1000)
    } else {
        format!("{whole}.{rest:02}")
    }
}

fn letters(practice: &Practice<'_>, random: &mut Random) -> io::Result<Vec<Defect>> {
    let mut table = practice.edition.table("letters.txt", &["LetterID", "ChartNo", "PrintedOn", "Template"]);
    for (visit, patient) in &practice.visits {
        if random.chance(30) {
            let cells = [(visit.id + 10_000).to_string(), patient.chart.to_string(), american(visit.day)];
            let [id, chart, day] = cells;
            table.push(&[id, chart, day, "Reminder, \"friendly\"".to_owned()]);
        }
    }
    table.write(practice.folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_have_two_decimals_and_a_comma() {
        let shown: Vec<String> = [5, 2550, 99_999, 140_005].into_iter().map(dollars).collect();
        assert_eq!(shown, ["0.05", "25.50", "999.99", "1,400.05"]);
    }
}
