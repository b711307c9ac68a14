//! The sample clinic that `chartlift demo` moves: an export of the invented system `vidaclin`, the same on every
//! machine, with labelled defects. Nobody in it exists: names are drawn from lists, CPF numbers from the lowest
//! range, addresses end in `.invalid`, and `ZZCANARIO` stands in some values so that a leak can be searched for.

mod charts;
mod diary;
mod people;
mod random;
mod table;

use std::io;
use std::path::Path;

use chrono::{DateTime, NaiveDate, Utc};

use random::Random;

/// The demo project's settings, gates included.
pub(crate) const CHARTLIFT_YAML: &str = include_str!("chartlift.yaml");

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

/// A record that was planted, and what is expected of it: the code of a finding, or `excluded`, `invalid-cpf`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Defect {
    pub(crate) file: &'static str,
    /// The 1-based record number, without the header.
    pub(crate) row: u64,
    pub(crate) code: &'static str,
}

/// Writes the export into `folder`, which exists, and returns the answer key.
pub(crate) fn generate(folder: &Path) -> io::Result<Vec<Defect>> {
    generate_clinic(folder, PATIENTS)
}

/// The same with another number of patients. The defects do not become more.
pub(crate) fn generate_clinic(folder: &Path, patients: u32) -> io::Result<Vec<Defect>> {
    let mut random = Random::new(20_261_116);
    let patients = people::patients(&mut random, today(), patients.max(FEWEST_PATIENTS));
    let mut defects = people::write(folder, &mut random, &patients)?;
    let diary = diary::plan(&mut random, today(), &patients);
    defects.extend(diary::write(folder, &mut random, &patients, &diary)?);
    defects.extend(charts::write(folder, &mut random, today(), &patients, &diary)?);
    Ok(defects)
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

fn brazilian(day: NaiveDate) -> String {
    day.format("%d/%m/%Y").to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn export(patients: u32) -> (BTreeMap<String, Vec<u8>>, Vec<Defect>) {
        let folder = tempfile::tempdir().unwrap();
        let defects = generate_clinic(folder.path(), patients).unwrap();
        let files = std::fs::read_dir(folder.path()).unwrap().map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())
        });
        (files.collect(), defects)
    }

    #[test]
    fn the_export_is_always_the_same() {
        assert_eq!(export(PATIENTS), export(PATIENTS));
    }

    #[test]
    fn more_patients_make_more_rows_and_the_same_defects() {
        let ((small, defects), (large, more)) = (export(PATIENTS), export(2 * PATIENTS));
        assert!(large["pacientes.csv"].len() > small["pacientes.csv"].len() * 3 / 2);
        let codes = |defects: &[Defect]| defects.iter().filter(|d| d.code != "excluded").count();
        assert_eq!(codes(&defects), codes(&more));
    }

    #[test]
    fn every_kind_of_defect_is_planted() {
        let (_, defects) = export(PATIENTS);
        let codes: BTreeSet<&str> = defects.iter().map(|defect| defect.code).collect();
        let expected = [
            "constraint-error",
            "encoding-error",
            "excluded",
            "extra-cell",
            "foreign-key",
            "invalid-cpf",
            "duplicate-row",
            "missing-cell",
            "primary-key",
            "quote-error",
            "type-error",
            "unmapped-code",
        ];
        for code in expected {
            assert!(codes.contains(code), "{code}");
        }
    }

    #[test]
    fn record_numbers_count_as_a_reader_does() {
        let (files, defects) = export(PATIENTS);
        for (name, bytes) in &files {
            let records = records(bytes);
            let last = defects.iter().filter(|defect| defect.file == name).map(|defect| defect.row).max();
            assert!(last.unwrap_or(0) <= records, "{name}");
        }
        let undecodable = defects.iter().filter(|defect| defect.code == "encoding-error").count();
        let bytes: usize =
            files.values().map(|bytes| bytes.iter().filter(|byte| **byte == 0x81).count()).sum();
        assert_eq!(bytes, undecodable);
    }

    /// Records without the header: line ends outside quotes (a stray pair of quotes leaves the count as it is).
    fn records(bytes: &[u8]) -> u64 {
        let mut quoted = false;
        let mut ends = 0;
        for byte in bytes {
            match byte {
                b'"' => quoted = !quoted,
                b'\n' if !quoted => ends += 1,
                _ => {}
            }
        }
        ends - 1
    }

    #[test]
    fn the_canary_is_in_clean_and_in_damaged_rows() {
        let (files, _) = export(PATIENTS);
        let canaries = |name: &str| String::from_utf8_lossy(&files[name]).matches("ZZCANARIO").count();
        assert!(
            canaries("pacientes.csv") > 3 && canaries("evolucoes.csv") > 3 && canaries("alergias.csv") > 0
        );
    }
}
