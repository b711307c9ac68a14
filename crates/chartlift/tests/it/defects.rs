//! Each sample of the demo plants labelled defects and canaries: its version is identified exactly, its statement
//! balances, each defect is found at its row, and no canary leaves the data area.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, ensure};

use crate::workspace::{Finished, Workspace};
use crate::{Test, canary};

pub(crate) const TESTS: &[Test] = &[
    ("of_vidaclin_2_1_are_found", || sample("vidaclin", "2.1")),
    ("of_vidaclin_2_2_are_found", || sample("vidaclin", "2.2")),
    ("of_brindle_7_4_are_found", || sample("brindle", "7.4")),
    ("of_brindle_8_0_are_found", || sample("brindle", "8.0")),
];

/// The demo's folder, its order and the word that is planted in its values.
const FOLDER: &str = "clinic";
const ORDER: &str = "demo";
const CANARY: &str = "ZZCANARIO";

/// Labels that are no finding's code: a row that a rule excludes, and what arrives with its fault beside it.
const NOT_MARKED: &[&str] = &["excluded", "invalid-cpf", "invalid-ssn", "unknown-confidentiality"];

fn sample(system: &str, version: &str) -> anyhow::Result<()> {
    let workspace = Workspace::new()?;
    let finished = workspace.run(&["demo", FOLDER, "--system", system, "--version", version])?;
    ensure!(finished.exit == Some(0), "{finished}");
    let status = in_demo(&workspace, &["status", "--order", ORDER, "--json"])?;
    let told: serde_json::Value = serde_json::from_str(&status.stdout)?;
    ensure!(told["inputs"][0]["system"] == system && told["inputs"][0]["version"] == version, "{status}");
    ensure!(told["statement"]["balanced"] == true, "{status}");
    defects_are_found(&workspace)?;
    canaries_stay_in_the_data_area(&workspace, finished.everything())
}

fn defects_are_found(workspace: &Workspace) -> anyhow::Result<()> {
    let finished = in_demo(workspace, &["rejects", "--order", ORDER, "--marks"])?;
    let mut marks: BTreeMap<(String, u64), BTreeSet<(String, String)>> = BTreeMap::new();
    for mark in records(&finished.stdout)? {
        let place = (mark["file"].clone(), mark["row"].parse()?);
        marks.entry(place).or_default().insert((mark["code"].clone(), mark["disposition"].clone()));
    }

    let labels = records(&std::fs::read_to_string(workspace.path().join(FOLDER).join("defects.csv"))?)?;
    ensure!(labels.len() > 10, "only {} labelled defects", labels.len());
    let mut problems = Vec::new();
    let mut labelled = BTreeSet::new();
    for label in labels {
        let place = (label["file"].clone(), label["row"].parse()?);
        let code = label["code"].as_str();
        let found = marks.get(&place).is_some_and(|marks| marks.iter().any(|(found, _)| found == code));
        if !found && !NOT_MARKED.contains(&code) {
            problems.push(format!("{code} was not found at {place:?}, but {:?}", marks.get(&place)));
        }
        labelled.insert(place);
    }
    for (place, marks) in &marks {
        let held = |(code, disposition): &(String, String)| {
            matches!(disposition.as_str(), "quarantine" | "block") && code != "parent-held"
        };
        if marks.iter().any(held) && !labelled.contains(place) {
            problems.push(format!("held without a label: {place:?} {marks:?}"));
        }
    }
    ensure!(problems.is_empty(), "{}", problems.join("\n"));
    Ok(())
}

fn canaries_stay_in_the_data_area(workspace: &Workspace, mut printed: String) -> anyhow::Result<()> {
    let clinical = ["report", "--order", ORDER, "--edition", "clinical"];
    for words in [
        ["status", "--order", ORDER].as_slice(),
        &["status", "--order", ORDER, "--json"],
        &["rejects", "--order", ORDER],
        &["rejects", "--order", ORDER, "--marks"],
        &["order", "list"],
        &["order", "show", "demo", "--json"],
        &["--verbose", "run", "--order", ORDER],
        &["verify", "--order", ORDER, "--json"],
        &["rollback", "--order", ORDER, "--dry-run"],
        &["target", "check", "--order", ORDER],
        &["report", "--order", ORDER],
        &clinical,
        &[&clinical[..], &["--language", "pt-BR", "--json"]].concat(),
    ] {
        printed += &in_demo(workspace, words)?.everything();
    }
    everyone_counted_is_listed(workspace)?;
    let input = |file: &Path| file.components().any(|part| part.as_os_str() == "export");
    let (kept, searched) = canary::search(workspace, &printed, &[CANARY], input)?;
    ensure!(searched > 10, "only {searched} files were searched");
    for language in ["en", "pt-BR"] {
        let page = format!("clinical/report-{language}.html");
        ensure!(kept.iter().any(|file| file.ends_with(&page)), "no canary in `{page}`, but in {kept:?}");
    }
    Ok(())
}

/// The clinical edition names as many patients as the statement counts.
fn everyone_counted_is_listed(workspace: &Workspace) -> anyhow::Result<()> {
    let told = in_demo(workspace, &["report", "--order", ORDER, "--edition", "clinical", "--json"])?;
    let counted = in_demo(workspace, &["status", "--order", ORDER, "--json"])?;
    let told: serde_json::Value = serde_json::from_str(&told.stdout)?;
    let counted: serde_json::Value = serde_json::from_str(&counted.stdout)?;
    for who in ["incomplete", "absent"] {
        let count = &counted["statement"]["patients"][who];
        ensure!(told["patients"][who] == *count, "{who}: {told} and {count}");
    }
    Ok(())
}

fn in_demo(workspace: &Workspace, words: &[&str]) -> anyhow::Result<Finished> {
    let finished = workspace.run(&[&["--project", FOLDER], words].concat())?;
    ensure!(finished.exit == Some(0), "{finished}");
    Ok(finished)
}

fn records(text: &str) -> anyhow::Result<Vec<BTreeMap<String, String>>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.deserialize().collect::<Result<_, _>>().context("reading CSV")
}
