//! The sample clinics that `chartlift demo` moves: exports of the invented systems `vidaclin` and `brindle`, in two
//! versions each, the same on every machine, with labelled defects. Nobody in them exists: names are drawn from lists,
//! CPF numbers from the lowest range, social security numbers from a range that is never issued, addresses end in
//! `.invalid`, and `ZZCANARIO` stands in some values so that a leak can be searched for.

mod brindle;
mod diary;
mod random;
mod table;
#[cfg(test)]
mod tests;
mod vidaclin;

use std::io;
use std::path::Path;

use chrono::{DateTime, NaiveDate, Utc};

use random::Random;

/// The demo's project key, published on purpose: its ids are the same everywhere, and it protects nobody.
pub(crate) const KEY: &str = "63686172746c6966742064656d6f206b65792c207075626c6973686564206f6b\n";

/// When the demo's order is made: appointments after it are in the future on every day the demo runs.
pub(crate) const CREATED_AT: DateTime<Utc> = match DateTime::from_timestamp(1_794_830_400, 0) {
    Some(instant) => instant,
    None => DateTime::UNIX_EPOCH,
};

const PATIENTS: u32 = 200;

/// Below this many patients the planted defects would be most of the clinic, and no gate could let them pass.
const FEWEST_PATIENTS: u32 = 120;

/// A sample system and the version of its export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sample {
    Vidaclin21,
    Vidaclin22,
    Brindle74,
    Brindle80,
}

impl Sample {
    pub(crate) const ALL: [Self; 4] = [Self::Vidaclin21, Self::Vidaclin22, Self::Brindle74, Self::Brindle80];

    pub(crate) fn system(self) -> &'static str {
        match self {
            Self::Vidaclin21 | Self::Vidaclin22 => "vidaclin",
            Self::Brindle74 | Self::Brindle80 => "brindle",
        }
    }

    pub(crate) fn version(self) -> &'static str {
        match self {
            Self::Vidaclin21 => "2.1",
            Self::Vidaclin22 => "2.2",
            Self::Brindle74 => "7.4",
            Self::Brindle80 => "8.0",
        }
    }

    /// The first sample of this system and version; what is not said fits any.
    pub(crate) fn named(system: Option<&str>, version: Option<&str>) -> Option<Self> {
        Self::ALL.into_iter().find(|sample| {
            system.is_none_or(|name| name == sample.system())
                && version.is_none_or(|version| version == sample.version())
        })
    }

    /// The demo project's `chartlift.yaml`, gates included.
    pub(crate) fn settings(self) -> String {
        let gates = match self {
            Self::Vidaclin21 | Self::Vidaclin22 => include_str!("vidaclin/gates.yaml"),
            Self::Brindle74 | Self::Brindle80 => include_str!("brindle/gates.yaml"),
        };
        format!("{}{gates}", include_str!("settings.yaml"))
    }

    /// Writes the export into `folder`, which exists, and returns the answer key.
    pub(crate) fn generate(self, folder: &Path) -> io::Result<Vec<Defect>> {
        self.generate_clinic(folder, PATIENTS)
    }

    /// The same with another number of patients. The defects do not become more.
    fn generate_clinic(self, folder: &Path, patients: u32) -> io::Result<Vec<Defect>> {
        let mut random = Random::new(20_261_116);
        let patients = patients.max(FEWEST_PATIENTS);
        match self {
            Self::Vidaclin21 => vidaclin::write(folder, &mut random, vidaclin::Edition::V21, patients),
            Self::Vidaclin22 => vidaclin::write(folder, &mut random, vidaclin::Edition::V22, patients),
            Self::Brindle74 => brindle::write(folder, &mut random, brindle::Edition::V74, patients),
            Self::Brindle80 => brindle::write(folder, &mut random, brindle::Edition::V80, patients),
        }
    }
}

/// A record that was planted, and what is expected of it: the code of a finding, or the name of something that no
/// finding tells (`excluded`, `invalid-cpf`, `invalid-ssn`, `unknown-confidentiality`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Defect {
    pub(crate) file: &'static str,
    /// The 1-based record number, without the header.
    pub(crate) row: u64,
    pub(crate) code: &'static str,
}

/// The answer key as a file: `file,row,code`.
pub(crate) fn answer_key(defects: &[Defect]) -> String {
    let lines = defects.iter().map(|Defect { file, row, code }| format!("{file},{row},{code}\n"));
    std::iter::once("file,row,code\n".to_owned()).chain(lines).collect()
}

/// The day of the export.
fn today() -> NaiveDate {
    CREATED_AT.date_naive()
}
