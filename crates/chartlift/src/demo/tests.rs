//! What holds of every sample: the same on every machine, the pack's own columns, an answer key that fits.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

fn export(sample: Sample, patients: u32) -> (BTreeMap<String, Vec<u8>>, Vec<Defect>) {
    let folder = tempfile::tempdir().unwrap();
    let defects = sample.generate_clinic(folder.path(), patients).unwrap();
    let files = std::fs::read_dir(folder.path()).unwrap().map(|entry| {
        let entry = entry.unwrap();
        (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())
    });
    (files.collect(), defects)
}

#[test]
fn an_export_is_always_the_same() {
    for sample in Sample::ALL {
        assert_eq!(export(sample, PATIENTS), export(sample, PATIENTS), "{sample:?}");
    }
}

#[test]
fn more_patients_make_more_rows_and_the_same_defects() {
    for sample in Sample::ALL {
        let ((small, defects), (large, more)) = (export(sample, PATIENTS), export(sample, 2 * PATIENTS));
        let bytes = |files: &BTreeMap<String, Vec<u8>>| files.values().map(Vec::len).sum::<usize>();
        assert!(bytes(&large) > bytes(&small) * 3 / 2, "{sample:?}");
        let codes = |defects: &[Defect]| defects.iter().filter(|d| d.code != "excluded").count();
        assert_eq!(codes(&defects), codes(&more), "{sample:?}");
    }
}

/// Headers equal the pack's schemas, file by file and column by column; every table has a file.
#[test]
fn files_have_the_columns_of_the_pack() {
    let (project, _) = chartlift_rules::read(&crate::packs::files(None).unwrap());
    for sample in Sample::ALL {
        let pack = project
            .systems
            .iter()
            .find(|system| system.name == sample.system() && system.version == sample.version())
            .unwrap();
        let (files, _) = export(sample, PATIENTS);
        assert_eq!(files.len(), pack.tables.len(), "{sample:?}");
        for table in &pack.tables {
            let bytes = &files[&table.path];
            let text = String::from_utf8_lossy(bytes.split(|byte| *byte == b'\r').next().unwrap());
            // Headers are read as they were written: the names with accents are not ASCII in either encoding.
            let header: Vec<String> = text.split([';', '\t']).map(ascii).collect();
            let fields: Vec<String> =
                table.schema.fields.iter().map(|field| ascii(&field.name.value)).collect();
            assert_eq!(header, fields, "{sample:?} {}", table.path);
        }
    }
}

fn ascii(name: &str) -> String {
    name.chars().filter(char::is_ascii).collect()
}

#[test]
fn every_kind_of_defect_is_planted() {
    let everywhere = [
        "constraint-error",
        "duplicate-row",
        "encoding-error",
        "extra-cell",
        "foreign-key",
        "lost-value",
        "missing-cell",
        "primary-key",
        "quote-error",
        "type-error",
        "unmapped-code",
    ];
    for sample in Sample::ALL {
        let (_, defects) = export(sample, PATIENTS);
        let codes: BTreeSet<&str> = defects.iter().map(|defect| defect.code).collect();
        let own: &[&str] = match sample {
            Sample::Vidaclin21 | Sample::Vidaclin22 => &["excluded", "invalid-cpf"],
            Sample::Brindle74 | Sample::Brindle80 => &[
                "condition-failed",
                "invalid-ssn",
                "merged-by-rule",
                "repaired",
                "uneven-lists",
                "unknown-confidentiality",
            ],
        };
        for code in everywhere.iter().chain(own) {
            assert!(codes.contains(code), "{sample:?} has no {code}");
        }
    }
}

#[test]
fn record_numbers_count_as_a_reader_does() {
    for sample in Sample::ALL {
        let (files, defects) = export(sample, PATIENTS);
        for (name, bytes) in &files {
            let records = records(bytes);
            let last = defects.iter().filter(|defect| defect.file == name).map(|defect| defect.row).max();
            assert!(last.unwrap_or(0) <= records, "{sample:?} {name}");
        }
        let planted = defects.iter().filter(|defect| defect.code == "encoding-error").count();
        let unicode = matches!(sample, Sample::Vidaclin22 | Sample::Brindle80);
        let impossible = table::Format { delimiter: ';', unicode }.impossible();
        let bytes = files.values().flatten().filter(|byte| **byte == impossible).count();
        assert_eq!(bytes, planted, "{sample:?}");
    }
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
    for sample in Sample::ALL {
        let (files, _) = export(sample, PATIENTS);
        let canaries = |name: &str| String::from_utf8_lossy(&files[name]).matches("ZZCANARIO").count();
        let (patients, notes) = match sample {
            Sample::Vidaclin21 | Sample::Vidaclin22 => ("pacientes.csv", "evolucoes.csv"),
            Sample::Brindle74 | Sample::Brindle80 => ("charts.txt", "note_lines.txt"),
        };
        assert!(canaries(patients) > 3 && canaries(notes) > 3, "{sample:?}");
    }
}

#[test]
fn a_sample_is_found_by_what_was_said_of_it() {
    assert_eq!(Sample::named(None, None), Some(Sample::Vidaclin21));
    assert_eq!(Sample::named(Some("brindle"), None), Some(Sample::Brindle74));
    assert_eq!(Sample::named(None, Some("8.0")), Some(Sample::Brindle80));
    assert_eq!(Sample::named(Some("vidaclin"), Some("8.0")), None);
}
