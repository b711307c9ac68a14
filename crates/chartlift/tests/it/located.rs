//! Small changes among many rows of the target: each is found, and located by the row's keyed hash and the column.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{BufWriter, Write as _};

use anyhow::{Context, ensure};
use chartlift_engine::project_key::{IdMaker, ProjectKey};
use serde_json::Value;

use crate::Test;
use crate::database::{Database, Kind};
use crate::workspace::{TEST_KEY, Workspace, variable};

pub(crate) const TESTS: &[Test] = &[
    ("among_thousands_sqlite", || located(Kind::Sqlite, SOME)),
    ("among_thousands_postgres", || located(Kind::Postgres, SOME)),
    ("among_a_million_sqlite", || located_among_a_million(Kind::Sqlite)),
    ("among_a_million_postgres", || located_among_a_million(Kind::Postgres)),
];

/// Visits; a tenth as many people.
const SOME: u32 = 6_000;
const MILLION: u32 = 1_000_000;

fn located_among_a_million(kind: Kind) -> anyhow::Result<()> {
    if variable("CHARTLIFT_LONG").is_none() {
        eprintln!("skipped: takes minutes; set CHARTLIFT_LONG=1");
        return Ok(());
    }
    located(kind, MILLION)
}

fn located(kind: Kind, visits: u32) -> anyhow::Result<()> {
    let Some(loaded) = Loaded::create(kind, visits)? else { return Ok(()) };
    // None of them belongs to one another.
    let (person, visit, other) = (visits / 25, visits / 2, visits / 3);
    let name = loaded.cell("people", "full_name", person)?;
    let changes = [
        (
            "one bit of a name",
            vec![loaded.set("people", "full_name", person, &one_bit_off(&name)?)],
            vec![("people", person, "full_name")],
        ),
        (
            "one bit of a number in a text",
            vec![loaded.set(
                "people",
                "phone",
                person,
                &one_bit_off(&loaded.cell("people", "phone", person)?)?,
            )],
            vec![("people", person, "phone")],
        ),
        (
            "the cells of two rows swapped",
            loaded.swapped("visits", "visit_date", visit, other)?,
            vec![("visits", visit, "visit_date"), ("visits", other, "visit_date")],
        ),
        (
            "two cells of a row swapped",
            vec![format!(
                "update people set sex = phone, phone = sex where id = '{}'",
                loaded.id("people", person)
            )],
            vec![("people", person, "sex"), ("people", person, "phone")],
        ),
        (
            "a row under the wrong patient",
            vec![loaded.set("visits", "person_id", visit, &loaded.id("people", person))],
            vec![("visits", visit, "person_id")],
        ),
        (
            "two rows under one another's patients",
            loaded.swapped("visits", "person_id", visit, other)?,
            vec![("visits", visit, "person_id"), ("visits", other, "person_id")],
        ),
    ];
    for (change, statements, places) in changes {
        loaded.change(&statements, &places).with_context(|| change.to_owned())?;
    }
    // The tables are as they were again, so nothing of the above was found by an earlier change.
    loaded.verify(0, &[])
}

/// The text with the lowest bit of its last character turned over; a digit or a letter stays one.
fn one_bit_off(text: &str) -> anyhow::Result<String> {
    let mut bytes = text.as_bytes().to_vec();
    *bytes.last_mut().context("an empty text has no bit")? ^= 1;
    Ok(String::from_utf8(bytes)?)
}

/// An order in the target, verified as it was loaded.
struct Loaded {
    workspace: Workspace,
    database: Database,
    key: ProjectKey,
}

impl Loaded {
    fn create(kind: Kind, visits: u32) -> anyhow::Result<Option<Self>> {
        let workspace = Workspace::with_base("mini")?;
        write_export(&workspace, visits)?;
        let Some(database) = Database::with_order(kind, &workspace)? else { return Ok(None) };
        let summary = workspace.json(&["run", "--order", "1", "--json"], 0)?;
        ensure!(summary["statement"]["balanced"] == true, "not balanced: {summary}");
        Ok(Some(Self { workspace, database, key: project_key()? }))
    }

    /// The key that a row of this source key has in the target.
    fn id(&self, table: &str, source_key: u32) -> String {
        let bytes = IdMaker::new(&self.key, "1", "legacy", table).make(&source_key.to_string());
        let hex = bytes.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
    }

    fn cell(&self, table: &str, column: &str, source_key: u32) -> anyhow::Result<String> {
        let id = self.id(table, source_key);
        let rows = self.database.query(&format!("select {column} from {table} where id = '{id}'"))?;
        let cell = rows.into_iter().flatten().next();
        cell.with_context(|| format!("row {source_key} is not in `{table}`"))
    }

    fn set(&self, table: &str, column: &str, source_key: u32, value: &str) -> String {
        format!("update {table} set {column} = '{value}' where id = '{}'", self.id(table, source_key))
    }

    fn swapped(&self, table: &str, column: &str, one: u32, other: u32) -> anyhow::Result<Vec<String>> {
        let (first, second) = (self.cell(table, column, one)?, self.cell(table, column, other)?);
        ensure!(first != second, "the cells to swap in `{column}` are equal");
        Ok(vec![self.set(table, column, one, &second), self.set(table, column, other, &first)])
    }

    /// Makes a change that must be found in these places (table, source key, column) and nowhere else; undoes it.
    fn change(&self, statements: &[String], places: &[(&str, u32, &str)]) -> anyhow::Result<()> {
        let before = places
            .iter()
            .map(|(table, key, column)| Ok(self.set(table, column, *key, &self.cell(table, column, *key)?)))
            .collect::<anyhow::Result<Vec<_>>>()?;
        for statement in statements {
            self.database.query(statement)?;
        }
        self.verify(1, places)?;
        for statement in before {
            self.database.query(&statement)?;
        }
        Ok(())
    }

    fn verify(&self, exit: i32, places: &[(&str, u32, &str)]) -> anyhow::Result<()> {
        let summary = self.workspace.json(&["verify", "--order", "1", "--json"], exit)?;
        ensure!(summary["statement"]["balanced"] == places.is_empty(), "{summary:#}");
        let wanted: BTreeSet<[String; 3]> = places
            .iter()
            .map(|(table, key, column)| {
                let hash = self.key.hash_row_key(table, &key.to_string());
                [(*table).to_owned(), hash, (*column).to_owned()]
            })
            .collect();
        let listed = summary["mismatches"].as_array().map_or([].as_slice(), Vec::as_slice);
        let found: BTreeSet<[String; 3]> = listed
            .iter()
            .map(|one| ["table", "row_key_hash", "column"].map(|name| text(&one[name])))
            .collect();
        ensure!(found == wanted && listed.len() == wanted.len(), "found {listed:#?}\nwanted {wanted:#?}");
        Ok(())
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn project_key() -> anyhow::Result<ProjectKey> {
    let mut bytes = [0; 32];
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&TEST_KEY[2 * place..2 * place + 2], 16)?;
    }
    Ok(ProjectKey::new(bytes))
}

/// Ten visits a person, each with its own day.
fn write_export(workspace: &Workspace, visits: u32) -> anyhow::Result<()> {
    let folder = workspace.path().join("input");
    let create = |name: &str| std::fs::File::create(folder.join(name)).map(BufWriter::new);
    let mut people = create("people.csv")?;
    writeln!(people, "id;name;born;sex;phone")?;
    for id in 1..=visits / 10 {
        let (month, day, sex) = (id % 12 + 1, id % 28 + 1, if id % 2 == 0 { "F" } else { "M" });
        writeln!(people, "{id};Person Number {id};{day:02}/{month:02}/1970;{sex};555{id:07}")?;
    }
    let mut file = create("visits.csv")?;
    writeln!(file, "id;person;day;status")?;
    for id in 1..=visits {
        let (person, day, year) = ((id - 1) / 10 + 1, id % 28 + 1, 2000 + id % 25);
        writeln!(file, "{id};{person};{day:02}/{:02}/{year};done", id % 11 + 1)?;
    }
    let mut notes = create("notes.csv")?;
    writeln!(notes, "person;written;text")?;
    writeln!(notes, "1;02/01/2024;one note")?;
    people.flush()?;
    file.flush()?;
    notes.flush()?;
    Ok(())
}
