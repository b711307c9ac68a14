//! What an order leaves in `reports/`: the statement as it was printed, and a receipt that anyone can compute again.

use anyhow::{Context, ensure};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::Test;
use crate::database::{Database, Kind};
use crate::workspace::{Workspace, files_under};

pub(crate) const TESTS: &[Test] = &[
    ("the_statement_is_what_was_printed", the_statement_is_what_was_printed),
    ("the_receipt_can_be_computed_again_sqlite", || the_receipt_can_be_computed_again(Kind::Sqlite)),
    ("the_receipt_can_be_computed_again_postgres", || the_receipt_can_be_computed_again(Kind::Postgres)),
    ("a_receipt_ends_with_what_it_proves", a_receipt_ends_with_what_it_proves),
    ("logs_list_every_mark_once_and_are_caught_up_with", logs_list_every_mark_once_and_are_caught_up_with),
];

const REPORTS: &str = "migrations/migration_1/reports";

fn the_statement_is_what_was_printed() -> anyhow::Result<()> {
    let Some((workspace, _database)) = order(Kind::Sqlite)? else { return Ok(()) };
    workspace.json(&["run", "--order", "1", "--until", "check", "--json"], 0)?;
    let early: Value = serde_json::from_slice(&read(&workspace, "statement.json")?)?;
    ensure!(early["verdict"] == "not-run" && early["statement"]["balanced"] == false, "{early:#}");
    ensure!(!workspace.path().join(REPORTS).join("receipt.json").exists(), "a receipt without a load");
    for _ in 0..2 {
        let finished = workspace.run(&["run", "--order", "1", "--json"])?;
        ensure!(finished.exit == Some(0), "{finished}");
        let kept = read(&workspace, "statement.json")?;
        ensure!(finished.stdout.as_bytes() == kept, "not what was printed: {finished}");
    }
    Ok(())
}

fn the_receipt_can_be_computed_again(kind: Kind) -> anyhow::Result<()> {
    let Some((workspace, _database)) = order(kind)? else { return Ok(()) };
    let summary = workspace.json(&["run", "--order", "1", "--json"], 0)?;
    let bytes = read(&workspace, "receipt.json")?;
    let mut receipt: Value = serde_json::from_slice(&bytes)?;
    ensure!(receipt["statement"] == summary["statement"], "another statement: {receipt:#}");

    let sealed = receipt.as_object_mut().context("no object")?.remove("seal").context("no seal")?;
    ensure!(sealed == hex(&Sha256::digest(tight(&receipt))), "the seal is another: {receipt:#}");

    let heads = files_under(&workspace.path().join("migrations/migration_1/log"))?;
    let mut hashes = Vec::new();
    for file in heads {
        hashes.push(hex(&Sha256::digest(std::fs::read(file)?)));
    }
    let head = receipt["load"]["log_head"].as_str().context("no log head")?;
    ensure!(hashes.iter().any(|hash| hash == head), "no record of the log has the hash {head}");

    let inputs = receipt["inputs"].as_array().context("no inputs")?;
    ensure!(inputs.len() == 3, "{receipt:#}");
    for input in inputs {
        let file = workspace.path().join("input").join(input["file"].as_str().context("no name")?);
        ensure!(input["sha256"] == hex(&Sha256::digest(std::fs::read(file)?)), "{input}");
    }
    let loads = receipt["statement"]["loads"].as_array().context("no loads")?;
    ensure!(loads.iter().all(|load| load["digest"].is_string()), "{receipt:#}");

    workspace.json(&["run", "--order", "1", "--json"], 0)?;
    ensure!(read(&workspace, "receipt.json")? == bytes, "the same order has another receipt");
    Ok(())
}

/// Once the target is found changed, there is no receipt to show.
fn a_receipt_ends_with_what_it_proves() -> anyhow::Result<()> {
    let Some((workspace, database)) = order(Kind::Sqlite)? else { return Ok(()) };
    workspace.json(&["run", "--order", "1", "--json"], 0)?;
    let receipt = read(&workspace, "receipt.json")?;
    database.query("update people set full_name = 'somebody else' where full_name like '%Souza'")?;
    let summary = workspace.json(&["verify", "--order", "1", "--json"], 1)?;
    let kept: Value = serde_json::from_slice(&read(&workspace, "statement.json")?)?;
    ensure!(kept == summary && kept["verdict"] == "fail", "{kept:#}");
    ensure!(!workspace.path().join(REPORTS).join("receipt.json").exists(), "the receipt is still there");
    database.query("update people set full_name = 'Ana Souza' where full_name = 'somebody else'")?;
    workspace.json(&["verify", "--order", "1", "--json"], 0)?;
    ensure!(read(&workspace, "receipt.json")? == receipt, "the same rows have another receipt");
    Ok(())
}

/// A log that was lost, or cut in the middle of a line, is whole again after the next run.
fn logs_list_every_mark_once_and_are_caught_up_with() -> anyhow::Result<()> {
    let workspace = Workspace::new()?;
    let finished = workspace.run(&["demo", "clinic"])?;
    ensure!(finished.exit == Some(0), "{finished}");
    let marks = workspace.run(&["--project", "clinic", "rejects", "--order", "demo", "--marks"])?;
    let logs = workspace.path().join("clinic/migrations/migration_demo/logs");
    let (short, detailed) = ("csv_schema_validation.log", "csv_schema_validation_detailed.log");
    let read = |name: &str| std::fs::read_to_string(logs.join(name)).context("reading a log");
    let (before, listed) = (read(short)?, read(detailed)?);
    let by_stage = |stage: &str| {
        let stage = format!(",{stage},");
        marks.stdout.lines().filter(|line| line.contains(&stage)).count()
    };
    for (name, stage) in [(detailed, "check"), ("import_validation_detailed.log", "validate")] {
        let log = read(name)?;
        // Several pieces of a row may have one mark, which `rejects` tells once.
        let rows: std::collections::BTreeSet<&str> = log
            .lines()
            .filter(|line| line.contains(" row="))
            .map(|line| line.split(" part=").next().unwrap_or(line))
            .collect();
        ensure!(rows.len() == by_stage(stage), "{name}: {} rows, {} marks", rows.len(), by_stage(stage));
    }
    ensure!(by_stage("check") > 10, "the demo has few marks");

    std::fs::remove_file(logs.join(short))?;
    std::fs::write(logs.join(detailed), "half a li")?;
    let again = workspace.run(&["--project", "clinic", "run", "--order", "demo"])?;
    ensure!(again.exit == Some(0), "{again}");
    ensure!(read(short)? == before, "the log is another:\n{}", read(short)?);
    ensure!(read(detailed)? == format!("half a li\n{listed}"), "the list of marks is another");
    Ok(())
}

fn order(kind: Kind) -> anyhow::Result<Option<(Workspace, Database)>> {
    let workspace = Workspace::with_base("mini")?;
    let Some(database) = Database::with_order(kind, &workspace)? else { return Ok(None) };
    Ok(Some((workspace, database)))
}

fn read(workspace: &Workspace, name: &str) -> anyhow::Result<Vec<u8>> {
    std::fs::read(workspace.path().join(REPORTS).join(name)).with_context(|| format!("reading {name}"))
}

/// The recipe of docs/semantics.md, written a second time.
fn tight(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort();
            let members: Vec<String> = names
                .iter()
                .map(|name| format!("{}:{}", Value::from(name.as_str()), tight(&members[*name])))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(tight).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
