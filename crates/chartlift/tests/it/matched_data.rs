//! A real export into a system that is in use. What is there is made from the export itself, so nothing of it stands here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::database::{Database, Kind};
use crate::workspace::{Workspace, repository};

type Record = BTreeMap<String, String>;

pub(crate) fn ampli(kind: Kind) -> anyhow::Result<()> {
    let Some(input) = export() else { return Ok(()) };
    let workspace = Workspace::new()?;
    let Some(database) = Database::create(kind, &workspace)? else { return Ok(()) };
    let (patients, appointments) = (records(&input, "pacientes")?, records(&input, "agendamentos")?);
    let target = format!("medical_challenge={}", database.url());
    let settings = "spec: chartlift/v1\nname: real\nkey: env:CHARTLIFT_TEST_KEY\n";
    std::fs::write(workspace.path().join("chartlift.yaml"), settings)?;
    done(&workspace, &["target", "init", "--with-tables", "--target", &target])?;
    for statement in seeds(&patients, &appointments)? {
        database.query(&statement)?;
    }
    let seed = database.contents()?;
    let order = |id: &str| {
        let input = input.to_string_lossy();
        let words =
            ["order", "create", "--id", id, "--series", "praxis", "--input", &input, "--target", &target];
        done(&workspace, &words)
    };

    order("1")?;
    let suspended = workspace.json(&["run", "--order", "1", "--json"], 7)?;
    ensure!(suspended["verdict"] == "suspended", "{suspended}");
    ensure!(database.contents()? == seed, "nothing is loaded before somebody has decided");
    let gate = "gates:\n  - { applies_to: pacientes, stage: validate, quarantined: 50 %, author: Test Author, \
                date: 2026-11-22, reason: counted instead of judged }\n";
    std::fs::write(workspace.path().join("chartlift.yaml"), format!("{settings}{gate}"))?;
    let loaded = workspace.json(&["run", "--order", "1", "--json"], 0)?;
    let expected = expected(&patients, &appointments);
    ensure!(counts(&loaded)? == expected, "wanted {expected:?}, got {:?}", counts(&loaded)?);
    ensure!(loaded["statement"]["balanced"] == true, "not balanced");
    let after = database.contents()?;
    for (before, now) in seed.iter().zip(&after) {
        let gone: Vec<_> = before.1.iter().filter(|row| !now.1.contains(row)).collect();
        ensure!(gone.is_empty(), "rows of `{}` are no longer as they were: {gone:?}", before.0);
    }

    let again = workspace.json(&["run", "--order", "1", "--json"], 0)?;
    ensure!(counts(&again)? == expected && database.contents()? == after, "the second run changes something");
    order("2")?;
    let other = workspace.json(&["run", "--order", "2", "--json"], 0)?;
    for (table, [converted, matched, held, loaded]) in counts(&other)? {
        ensure!(loaded == 0 && matched + held == converted, "another order makes rows of `{table}`");
    }
    ensure!(database.contents()? == after, "another order of the series changes something");
    done(&workspace, &["rollback", "--order", "2"])?;
    done(&workspace, &["rollback", "--order", "1"])?;
    ensure!(database.contents()? == seed, "the rollback leaves something behind");
    Ok(())
}

fn done(workspace: &Workspace, words: &[&str]) -> anyhow::Result<()> {
    let finished = workspace.run(words)?;
    ensure!(finished.exit == Some(0), "{finished}");
    Ok(())
}

/// Both doctors, two of the insurers and procedures, patients of each kind, and the first appointments of the two
/// that are found.
fn seeds(patients: &[Record], appointments: &[Record]) -> anyhow::Result<Vec<String>> {
    let [cpf, named, homonym, other, ..] = patients else { anyhow::bail!("too few patients") };
    let mut statements = Vec::new();
    for (table, column, count) in SEEDED {
        for value in distinct(appointments, column).iter().take(*count) {
            statements.push(format!("insert into {table} (nome) values ({})", text(value)));
        }
    }
    let born = |record: &Record| date(&record["nasc_paciente"]);
    let digits: String = cpf["cpf_paciente"].chars().filter(char::is_ascii_digit).collect();
    let name = |record: &Record| text(&record["nome_paciente"]);
    let rows = [
        format!("{}, {}, {}", name(cpf), born(cpf)?, text(&digits)),
        format!("{}, {}, null", text(&named["nome_paciente"].to_uppercase()), born(named)?),
        format!("{}, {}, null", name(homonym), born(homonym)?),
        format!("{}, {}, null", name(homonym), born(homonym)?),
        format!("{}, '1931-01-31', {}", name(other), text(&other["cpf_paciente"])),
    ];
    statements
        .extend(rows.map(|row| format!("insert into pacientes (nome, nascimento, cpf) values ({row})")));
    for patient in [cpf, named] {
        let first = appointments.iter().find(|one| one["cod_paciente"] == patient["cod_paciente"]);
        let first = first.context("a patient without appointments")?;
        let found = |table: &str, name: &str| format!("(select min(id) from {table} where nome = {name})");
        let known =
            if std::ptr::eq(patient, cpf) { name(cpf) } else { text(&named["nome_paciente"].to_uppercase()) };
        statements.push(format!(
            "insert into agendamentos (id_paciente, id_profissional, dh_inicio) values ({}, {}, '{}T{}Z')",
            found("pacientes", &known),
            found("profissionais", &text(&first["medico"])),
            date(&first["dia"])?.trim_matches('\''),
            in_utc(&first["hora_inicio"])?,
        ));
    }
    Ok(statements)
}

/// Tables, the column of the diary that names their rows, and how many of them are there.
const SEEDED: &[(&str, &str, usize)] =
    &[("profissionais", "medico", 2), ("convenios", "convenio", 2), ("procedimentos", "procedimento", 2)];

/// Converted, matched, held, loaded.
fn expected(patients: &[Record], appointments: &[Record]) -> BTreeMap<String, [u64; 4]> {
    let mut expected = BTreeMap::new();
    for (table, column, count) in SEEDED {
        let all = distinct(appointments, column).len() as u64;
        let there = *count as u64;
        expected.insert((*table).to_owned(), [all, there, 0, all - there]);
    }
    let all = patients.len() as u64;
    expected.insert("pacientes".to_owned(), [all, 2, 2, all - 4]);
    let held: BTreeSet<&str> =
        patients[2..4].iter().map(|patient| patient["cod_paciente"].as_str()).collect();
    let held = appointments.iter().filter(|one| held.contains(one["cod_paciente"].as_str())).count() as u64;
    let all = appointments.len() as u64;
    expected.insert("agendamentos".to_owned(), [all, 2, held, all - 2 - held]);
    expected
}

fn counts(summary: &Value) -> anyhow::Result<BTreeMap<String, [u64; 4]>> {
    let loads = summary["statement"]["loads"].as_array().context("no loads in the statement")?;
    let counts = loads.iter().map(|load| {
        let count = |name: &str| load[name].as_u64().with_context(|| format!("no `{name}`"));
        let table = load["table"].as_str().context("no table")?.to_owned();
        Ok((table, [count("converted")?, count("matched")?, count("held")?, count("loaded")?]))
    });
    counts.collect()
}

fn distinct<'a>(records: &'a [Record], column: &str) -> Vec<&'a str> {
    let mut values: Vec<&str> = Vec::new();
    for value in records.iter().map(|record| record[column].as_str()) {
        if !values.contains(&value) {
            values.push(value);
        }
    }
    values
}

fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

/// `DD/MM/YYYY` as SQL has it.
fn date(written: &str) -> anyhow::Result<String> {
    let parts: Vec<&str> = written.split('/').collect();
    let [day, month, year] = parts[..] else { anyhow::bail!("a date of another form") };
    Ok(format!("'{year}-{month}-{day}'"))
}

/// The clocks of the export are three hours behind; none of those asked for is near midnight.
fn in_utc(clock: &str) -> anyhow::Result<String> {
    let (hour, rest) = clock.split_once(':').context("a time of another form")?;
    let hour: u32 = hour.parse()?;
    ensure!(hour < 21, "an appointment near midnight");
    Ok(format!("{:02}:{rest}", hour + 3))
}

fn records(input: &Path, table: &str) -> anyhow::Result<Vec<Record>> {
    let files = std::fs::read_dir(input)?.collect::<Result<Vec<_>, _>>()?;
    let wanted = |path: &PathBuf| path.to_string_lossy().ends_with(&format!("{table}.csv"));
    let path = files.iter().map(std::fs::DirEntry::path).find(wanted).context("the export lacks a file")?;
    let mut reader = csv::ReaderBuilder::new().delimiter(b';').from_path(path)?;
    Ok(reader.deserialize().collect::<Result<_, _>>()?)
}

fn export() -> Option<PathBuf> {
    let folders = ["../shared", "../../shared"].map(|shared| repository().join(shared));
    let found = folders
        .map(|shared| shared.join("data/brazil/ampli_challenge"))
        .into_iter()
        .find(|path| path.is_dir());
    if found.is_none() {
        eprintln!("skipped: no ../shared/data beside the repository");
    }
    found
}
