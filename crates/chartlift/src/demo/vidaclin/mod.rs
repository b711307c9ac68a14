//! The sample clinic in Brazil, as `vidaclin` exports it.

mod book;
mod charts;
mod people;

use std::io;
use std::path::Path;

use chrono::NaiveDate;

use super::diary::{self, Fate, Person};
use super::random::Random;
use super::table::{Format, Table};
use super::{Defect, today};

/// The version of the export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edition {
    V21,
    V22,
}

impl Edition {
    fn table(self, file: &'static str, header: &[&str]) -> Table {
        Table::new(file, Format { delimiter: ';', unicode: self == Self::V22 }, header)
    }
}

pub(super) fn write(
    folder: &Path,
    random: &mut Random,
    edition: Edition,
    patients: u32,
) -> io::Result<Vec<Defect>> {
    let patients = people::patients(random, today(), patients);
    let mut defects = people::write(folder, random, edition, &patients)?;
    let persons: Vec<Person> =
        patients.iter().map(|patient| Person { born: patient.born, fate: patient.role.fate() }).collect();
    let diary = diary::plan(random, today(), &persons, people::DOCTORS);
    defects.extend(book::write(folder, random, edition, &patients, &diary)?);
    defects.extend(charts::write(folder, random, edition, today(), &patients, &diary)?);
    Ok(defects)
}

/// What a child row of an excluded patient is expected to become.
fn fate(patient: Option<&people::Patient>) -> Option<&'static str> {
    let excluded = |patient: &&people::Patient| matches!(patient.role.fate(), Fate::Deleted | Fate::Test);
    patient.filter(excluded).map(|_| "excluded")
}

fn brazilian(day: NaiveDate) -> String {
    day.format("%d/%m/%Y").to_string()
}

fn clock(minute: u32) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}
