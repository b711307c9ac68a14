//! Values of patients stay in the data area: a word is planted in every kind of field, every command is run, and all
//! that lies or is printed elsewhere is searched.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

use crate::Test;
use crate::database::{Database, Kind};
use crate::scenario::holds_values;
use crate::workspace::{Workspace, files_under};

pub(crate) const TESTS: &[Test] = &[
    ("stay_in_the_data_area_sqlite", || stay_in_the_data_area(Kind::Sqlite)),
    ("stay_in_the_data_area_postgres", || stay_in_the_data_area(Kind::Postgres)),
];

/// How every planted word begins, and a key that is a number.
const PLANTED: &[&str] = &["Zzca", "77001177"];

/// What the clinical edition must show: the kinds of field that were held, degraded, damaged, or drawn for reading.
const TOLD: &[&str] = &[
    "Zzcaname",
    "Zzcasex",
    "Zzcaphone",
    "Zzcaborn",
    "Zzcaragged",
    "Zzcaquoted",
    "Zzcabytes",
    "Zzcastatus",
    "77001177",
    "Zzcakey",
    "Zzcaday",
    "Zzcatext",
];

const PEOPLE: &[u8] = b"id;name;born;sex;phone\n\
    1;Zzcaname Souza;02/03/1980;F;(11) 95555-0101\n\
    2;Bruno Lima;15/07/1975;Zzcasex;\n\
    3;Clara Zzcawhole;29/02/2000;F;Zzcaphone 11 95555-0103\n\
    4;Davi Rocha;Zzcaborn;M;\n\
    5;Eva Zzcaragged;01/01/2000\n\
    6;Zzcaquoted;\"01/01/2000\"Zzcatail;F;\n\
    7;Zzcabytes\xff;01/01/2000;F;\n\
    8;Zzcatwin;01/01/2000;F;\n\
    9;Zzcatwin;01/01/2000;F;\n";

const VISITS: &str = "id;person;day;status\n\
    10;1;05/01/2024;done\n\
    11;1;06/02/2024;Zzcastatus\n\
    12;77001177;07/03/2024;done\n\
    Zzcakey;1;08/04/2024;done\n";

const NOTES: &str = "person;written;text\n1;05/01/2024;Zzcanote\n1;Zzcaday;Zzcatext\n";

/// Where the damage that is planted is let through.
const GATES: [&str; 6] = ["people", "person", "visits", "visit", "notes", "remark"];

fn stay_in_the_data_area(kind: Kind) -> anyhow::Result<()> {
    let mut workspace = Workspace::with_base("mini")?;
    let Some(database) = Database::create(kind, &workspace)? else { return Ok(()) };
    plant(&mut workspace)?;
    let mut printed = String::new();
    load(&workspace, &database, &mut printed)?;
    tell(&workspace, kind, &mut printed)?;
    ensure!(!database.query(bookkeeping(kind))?.is_empty(), "no load record");
    let record = database.query(bookkeeping(kind))?.concat().join("\n");
    fail(&workspace, &database, &mut printed)?;

    let (kept, searched) = search(&workspace, &printed, PLANTED, |file| file.parent().is_some_and(is_input))?;
    ensure!(searched > 20, "only {searched} files were searched");
    ensure!(kept.iter().any(|file| file.to_string_lossy().contains("/rejects/")), "no canary in {kept:?}");
    ensure!(!PLANTED.iter().any(|word| record.contains(word)), "a canary stands in the load record");
    let page = workspace.path().join("migrations/migration_1/clinical/report-pt-BR.html");
    let page = std::fs::read_to_string(page).context("reading the clinical edition")?;
    for word in TOLD {
        ensure!(page.contains(word), "`{word}` is not in the clinical edition");
    }
    Ok(())
}

/// Writes the export, and gates that let its damage through. Temporary files go where they are searched.
fn plant(workspace: &mut Workspace) -> anyhow::Result<()> {
    let root = workspace.path().to_path_buf();
    std::fs::create_dir(root.join("tmp"))?;
    workspace.environment.push(("TMPDIR".into(), root.join("tmp").to_string_lossy().into_owned()));
    std::fs::write(root.join("input/people.csv"), PEOPLE)?;
    std::fs::write(root.join("input/visits.csv"), VISITS)?;
    std::fs::write(root.join("input/notes.csv"), NOTES)?;
    std::fs::write(root.join("input/stray.txt"), "Zzcastray\n")?;
    let settings = std::fs::read_to_string(root.join("chartlift.yaml"))?;
    let (before, _) = settings.split_once("gates:").context("no gates")?;
    let gates = GATES.map(|name| {
        format!("  - {{ applies_to: {name}, quarantined: 99 %, author: Test, date: 2026-11-22, reason: damage }}\n")
    });
    std::fs::write(root.join("chartlift.yaml"), format!("{before}gates:\n{}", gates.concat()))?;
    Ok(())
}

/// The load, first against a target that refuses a value and would say which.
fn load(workspace: &Workspace, database: &Database, printed: &mut String) -> anyhow::Result<()> {
    let target = format!("mini={}", database.url());
    run(workspace, &["target", "init", "--target", &target, "--with-tables"], 0, printed)?;
    let create = ["order", "create", "--id", "1", "--input", "input", "--target", &target];
    run(workspace, &create, 0, printed)?;
    database.query("create unique index one_name on people (full_name)")?;
    run(workspace, &["-v", "run", "--order", "1"], 8, printed)?;
    run(workspace, &["run", "--order", "1", "--json"], 8, printed)?;
    database.query("drop index one_name")?;
    run(workspace, &["-v", "run", "--order", "1"], 0, printed)
}

/// Every command that tells something.
fn tell(workspace: &Workspace, kind: Kind, printed: &mut String) -> anyhow::Result<()> {
    let clinical = ["report", "--order", "1", "--edition", "clinical"];
    for words in [
        ["status", "--order", "1"].as_slice(),
        &["rejects", "--order", "1"],
        &["rejects", "--order", "1", "--marks"],
        &["order", "list"],
        &["order", "show", "1"],
        &["identify", "--order", "1"],
        &["check", "--order", "1"],
        &["categorize", "--order", "1"],
        &["convert", "--order", "1"],
        &["validate", "--order", "1"],
        &["import", "--order", "1"],
        &["verify", "--order", "1"],
        &["target", "check", "--order", "1"],
        &["lint"],
        &["report", "--order", "1"],
        &clinical,
        &[&clinical[..], &["--language", "pt-BR"]].concat(),
        &["rollback", "--order", "1", "--dry-run"],
    ] {
        run(workspace, words, 0, printed)?;
        // The same code prints for every target.
        if kind == Kind::Sqlite {
            run(workspace, &[words, &["--json"]].concat(), 0, printed)?;
        }
    }
    Ok(())
}

/// What goes wrong says no more than what goes well.
fn fail(workspace: &Workspace, database: &Database, printed: &mut String) -> anyhow::Result<()> {
    let clinical = ["report", "--order", "1", "--edition", "clinical", "--out"];
    for (words, exit) in [
        (["report", "--order", "1", "--sample", "3"].as_slice(), 2),
        (&[&clinical[..], &["page.html"]].concat(), 2),
        (&[&clinical[..], &["migrations/migration_1/reports/page.html", "--identified"]].concat(), 2),
    ] {
        run(workspace, words, exit, printed)?;
        run(workspace, &[words, &["--json"]].concat(), exit, printed)?;
    }
    database.query("update people set full_name = 'Zzcachanged' where full_name like '%Souza'")?;
    run(workspace, &["-v", "verify", "--order", "1"], 1, printed)?;
    run(workspace, &["verify", "--order", "1", "--json"], 1, printed)?;
    run(workspace, &["report", "--order", "1"], 0, printed)?;
    run(workspace, &["rollback", "--order", "1", "--dry-run"], 0, printed)?;
    std::fs::write(workspace.path().join("input/people.csv"), b"id;name\n1;Zzcaafter\n")?;
    run(workspace, &["run", "--order", "1"], 8, printed)
}

fn run(workspace: &Workspace, words: &[&str], exit: i32, printed: &mut String) -> anyhow::Result<()> {
    let finished = workspace.run(words)?;
    ensure!(finished.exit == Some(exit), "`{}` should exit {exit}: {finished}", words.join(" "));
    printed.push_str(&finished.everything());
    Ok(())
}

fn bookkeeping(kind: Kind) -> &'static str {
    match kind {
        Kind::Sqlite => "select * from chartlift_load",
        Kind::Postgres => "select * from chartlift.load",
    }
}

fn is_input(folder: &Path) -> bool {
    folder.file_name().is_some_and(|name| name == "input")
}

/// Searches what was printed, and the names and contents of all files outside the data area, for the words. Answers
/// the files of the data area that hold one, and how many files were searched.
pub(crate) fn search(
    workspace: &Workspace,
    printed: &str,
    words: &[&str],
    input: impl Fn(&Path) -> bool,
) -> anyhow::Result<(Vec<PathBuf>, u32)> {
    let found = words.iter().find(|word| printed.contains(**word));
    if let Some(word) = found {
        let line = printed.lines().find(|line| line.contains(*word)).unwrap_or_default();
        anyhow::bail!("`{word}` was printed: {line}");
    }
    let (mut kept, mut searched) = (Vec::new(), 0);
    for file in files_under(workspace.path())? {
        let name = file.strip_prefix(workspace.path())?.to_string_lossy().into_owned();
        ensure!(!words.iter().any(|word| name.contains(word)), "a canary names the file `{name}`");
        let bytes = std::fs::read(&file)?;
        let holds = |word: &&&str| bytes.windows(word.len()).any(|window| window == word.as_bytes());
        let found = words.iter().find(holds);
        if input(&file) || holds_values(&file) {
            kept.extend(found.map(|_| file));
        } else {
            searched += 1;
            ensure!(found.is_none(), "a canary stands in `{name}`");
        }
    }
    Ok((kept, searched))
}
