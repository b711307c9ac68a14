//! The sample practice in the United States, as `brindle` exports it.

mod book;
mod charts;
mod ledger;
mod notes;
mod people;

use std::io;
use std::path::Path;

use chrono::NaiveDate;

use super::diary::{self, Person, Visit};
use super::random::Random;
use super::table::{Format, Table};
use super::{Defect, today};
use people::Patient;

/// The version of the export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edition {
    V74,
    V80,
}

impl Edition {
    fn table(self, file: &'static str, header: &[&str]) -> Table {
        Table::new(file, Format { delimiter: '\t', unicode: self == Self::V80 }, header)
    }
}

/// What the files of charts are written from.
struct Practice<'a> {
    edition: Edition,
    folder: &'a Path,
    /// Charts whose own row arrives: nothing safety-critical hangs on others.
    whole: Vec<&'a Patient>,
    visits: Vec<(&'a Visit, &'a Patient)>,
}

pub(super) fn write(
    folder: &Path,
    random: &mut Random,
    edition: Edition,
    patients: u32,
) -> io::Result<Vec<Defect>> {
    let patients = people::patients(random, today(), edition, patients);
    let mut defects = people::write(folder, random, edition, &patients)?;
    let persons: Vec<Person> =
        patients.iter().map(|patient| Person { born: patient.born, fate: patient.role.fate() }).collect();
    let diary = diary::plan(random, today(), &persons, people::STAFF);
    defects.extend(book::appointments(folder, random, edition, &patients, &diary.slots)?);
    let practice = Practice {
        edition,
        folder,
        whole: patients.iter().filter(|patient| !patient.role.held()).collect(),
        visits: diary.visits.iter().filter_map(|visit| Some((visit, patients.get(visit.patient)?))).collect(),
    };
    defects.extend(book::visits(&practice, random)?);
    defects.extend(notes::write(&practice, random)?);
    defects.extend(charts::write(&practice, random, today())?);
    defects.extend(ledger::write(&practice, random)?);
    Ok(defects)
}

fn american(day: NaiveDate) -> String {
    day.format("%m/%d/%Y").to_string()
}

/// `02:05 PM`: the clock of twelve hours, on which noon is 12 PM and midnight 12 AM.
fn clock(minute: u32) -> String {
    let (hour, half) = (minute / 60 % 24, if minute / 60 % 24 < 12 { "AM" } else { "PM" });
    let shown = if hour % 12 == 0 { 12 } else { hour % 12 };
    format!("{shown:02}:{:02} {half}", minute % 60)
}

fn staff(number: u32) -> String {
    format!("S{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noon_and_midnight_are_twelve() {
        let shown: Vec<String> = [0, 65, 720, 779, 780, 1439].into_iter().map(clock).collect();
        assert_eq!(shown, ["12:00 AM", "01:05 AM", "12:00 PM", "12:59 PM", "01:00 PM", "11:59 PM"]);
    }
}
