//! The house rules that a machine can check: lengths, openings, floors, forbidden and doubled dependencies, codes,
//! functions. ARCHITECTURE.md says why they hold.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use chartlift_engine::functions::{Example, FUNCTIONS};

use crate::Test;
use crate::workspace::{files_under, repository};

pub(crate) const TESTS: &[Test] = &[
    ("files_are_short", files_are_short),
    ("files_open_with_what_and_why", files_open_with_what_and_why),
    ("merges_are_finished", merges_are_finished),
    ("crates_stand_on_their_floor", crates_stand_on_their_floor),
    ("forbidden_dependencies_are_absent", forbidden_dependencies_are_absent),
    ("one_version_of_what_must_agree", one_version_of_what_must_agree),
    ("codes_are_explained", codes_are_explained),
    ("functions_are_documented", functions_are_documented),
    ("scenarios_say_what_they_show", scenarios_say_what_they_show),
];

const LINES_MAX: usize = 500;

/// Files that are longer than the limit today, and by how much. May only shrink: a file that got shorter must be
/// written down shorter, one that fits must go.
const NAUGHTY: &[(&str, usize)] = &[];

fn files_are_short() -> anyhow::Result<()> {
    let naughty: BTreeMap<&str, usize> = NAUGHTY.iter().copied().collect();
    let mut problems = Vec::new();
    for (name, text) in sources()? {
        let lines = text.lines().count();
        match naughty.get(name.as_str()) {
            None if lines > LINES_MAX => problems.push(format!("{name}: {lines} lines, at most {LINES_MAX}")),
            Some(_) if lines <= LINES_MAX => problems.push(format!("{name}: fits now, take it off the list")),
            Some(known) if lines != *known => {
                problems.push(format!("{name}: {lines} lines, the list says {known}"))
            }
            _ => {}
        }
    }
    none(problems)
}

fn files_open_with_what_and_why() -> anyhow::Result<()> {
    let silent =
        |(name, text): (String, String)| (!text.starts_with("//!")).then(|| format!("{name}: no `//!`"));
    none(sources()?.into_iter().filter_map(silent).collect())
}

/// A mark of a conflict in a page or a pack breaks no build.
fn merges_are_finished() -> anyhow::Result<()> {
    let root = repository();
    let ours = [
        "crates",
        "docs",
        "systems",
        "targets",
        "canonical",
        "maps",
        "tests",
        "bench",
        "README.md",
        "ARCHITECTURE.md",
    ];
    let mut problems = Vec::new();
    for path in ours.iter().map(|name| root.join(name)) {
        let files = if path.is_dir() { files_under(&path)? } else { vec![path] };
        for file in files {
            // What is no text has no such lines.
            let Ok(text) = std::fs::read_to_string(&file) else { continue };
            let marked =
                text.lines().any(|line| line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> "));
            problems.extend(marked.then(|| format!("{}: a merge is not finished", file.display())));
        }
    }
    none(problems)
}

/// Lowest first: a crate may use those before it and no other.
const FLOORS: &[&str] =
    &["chartlift-second-reading", "chartlift-rules", "chartlift-io", "chartlift-engine", "chartlift"];

fn crates_stand_on_their_floor() -> anyhow::Result<()> {
    let manifests = manifests()?;
    let names: BTreeSet<&str> = manifests.keys().map(String::as_str).collect();
    ensure!(
        names == FLOORS.iter().copied().collect(),
        "the crates are {names:?}: say on which floor they stand"
    );
    let mut problems = Vec::new();
    for (floor, name) in FLOORS.iter().enumerate() {
        for upper in &FLOORS[floor..] {
            if manifests[*name].contains(*upper) {
                problems.push(format!("{name} must not use {upper}"));
            }
        }
    }
    none(problems)
}

/// A crate boundary stands only where something must be absent: this is what.
const FORBIDDEN: &[(&str, &[&str])] = &[
    (
        "chartlift-rules",
        &["arrow", "datafusion", "object_store", "parquet", "rusqlite", "tokio", "tokio-postgres"],
    ),
    (
        "chartlift-second-reading",
        &["arrow", "bytes", "csv", "encoding_rs", "memchr", "parquet", "serde", "sha2", "simdutf8"],
    ),
    ("chartlift-io", &["clap", "datafusion"]),
    (
        "chartlift-engine",
        &["anyhow", "axum", "ballista", "clap", "indicatif", "miette", "rusqlite", "tokio-postgres"],
    ),
];

fn forbidden_dependencies_are_absent() -> anyhow::Result<()> {
    let manifests = manifests()?;
    let mut problems = Vec::new();
    for (name, forbidden) in FORBIDDEN {
        let used = forbidden.iter().filter(|dependency| manifests[*name].contains(**dependency));
        problems.extend(used.map(|dependency| format!("{name} must not use {dependency}")));
    }
    let locked = locked_versions()?;
    problems.extend(locked.contains_key("sqlx").then(|| "sqlx drags in a second SQLite".to_owned()));
    none(problems)
}

fn one_version_of_what_must_agree() -> anyhow::Result<()> {
    let locked = locked_versions()?;
    let single =
        ["arrow", "arrow-array", "arrow-schema", "datafusion", "libsqlite3-sys", "object_store", "parquet"];
    let doubled = single.iter().filter(|name| locked.get(**name).map_or(0, BTreeSet::len) != 1);
    none(doubled.map(|name| format!("{name}: versions {:?}, wanted one", locked.get(*name))).collect())
}

/// Every code that stands in the sources as a text has its entry in the one table, is named once, and is given
/// somewhere.
fn codes_are_explained() -> anyhow::Result<()> {
    let mut known = BTreeSet::new();
    let mut problems = Vec::new();
    for code in chartlift_rules::CODES {
        let plain = code.name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        problems
            .extend((!known.insert(code.name)).then(|| format!("{} stands twice in the table", code.name)));
        problems.extend((!plain).then(|| format!("{} is not kebab-case", code.name)));
        let empty = code.summary.trim().is_empty() || code.explanation.trim().is_empty();
        problems.extend(empty.then(|| format!("{} has no summary or no explanation", code.name)));
    }
    ensure!(!known.is_empty(), "the table of codes is empty");
    let mut never_given = known.clone();
    for (name, text) in sources()?.into_iter().filter(|(name, _)| !name.contains("/tests/")) {
        if !name.contains("rules/src/code/") {
            never_given.retain(|code| !text.contains(&format!("\"{code}\"")));
        }
        for code in codes_in(&text) {
            problems
                .extend((!known.contains(code)).then(|| format!("{name}: `{code}` has no entry in CODES")));
        }
    }
    problems.extend(never_given.into_iter().map(|code| format!("nothing gives the code `{code}`")));
    none(problems)
}

/// What comes right after the places where a code is written.
fn codes_in(text: &str) -> Vec<&str> {
    let text = text.split("#[cfg(test)]").next().unwrap_or(text);
    let mut found = Vec::new();
    for lead in ["Diagnostic::error(", "Diagnostic::warning(", "Failure::usage(", "code: "] {
        for (start, _) in text.match_indices(lead) {
            let after = text[start + lead.len()..].trim_start();
            let Some((code, _)) = after.strip_prefix('"').and_then(|rest| rest.split_once('"')) else {
                continue;
            };
            // Capitals are a database's own codes.
            found.extend((!code.contains(|c: char| c.is_ascii_uppercase())).then_some(code));
        }
    }
    found
}

fn functions_are_documented() -> anyhow::Result<()> {
    let functions = FUNCTIONS;
    ensure!(functions.len() >= 15, "only {} functions", functions.len());
    let mut problems = Vec::new();
    for function in functions {
        let odd = |example: &&Example| example.result.is_none() || example.sql.contains("null");
        if function.examples.len() < 2 || !function.examples.iter().any(|example| odd(&example)) {
            problems.push(format!("{}: wants two examples, one of them null or bad input", function.name));
        }
        if function.summary.trim().is_empty() {
            problems.push(format!("{}: no summary", function.name));
        }
    }
    none(problems)
}

fn scenarios_say_what_they_show() -> anyhow::Result<()> {
    let mut problems = Vec::new();
    for entry in std::fs::read_dir(repository().join("tests/scenarios"))? {
        let path = entry?.path();
        if path.is_dir() {
            let text = std::fs::read_to_string(path.join("scenario.test"))
                .with_context(|| format!("`{}` has no scenario.test", path.display()))?;
            problems
                .extend((!text.starts_with("# ")).then(|| format!("{}: no opening comment", path.display())));
        }
    }
    none(problems)
}

fn none(problems: Vec<String>) -> anyhow::Result<()> {
    if problems.is_empty() { Ok(()) } else { bail!("{}", problems.join("\n")) }
}

/// Every Rust file of the workspace, by its path from the root.
fn sources() -> anyhow::Result<Vec<(String, String)>> {
    let root = repository().canonicalize()?;
    let is_rust = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "rs");
    let files = files_under(&root.join("crates"))?.into_iter().filter(is_rust);
    let named = files.map(|path| {
        let text = std::fs::read_to_string(&path)?;
        Ok((path.strip_prefix(&root)?.to_string_lossy().into_owned(), text))
    });
    named.collect()
}

/// The dependencies of each of our crates, without those of its tests.
fn manifests() -> anyhow::Result<BTreeMap<String, BTreeSet<String>>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(repository().join("crates"))? {
        let path = entry?.path().join("Cargo.toml");
        let (name, dependencies) = manifest(&path)?;
        found.insert(name, dependencies);
    }
    Ok(found)
}

fn manifest(path: &Path) -> anyhow::Result<(String, BTreeSet<String>)> {
    let text = std::fs::read_to_string(path).with_context(|| format!("reading `{}`", path.display()))?;
    let (mut section, mut name, mut dependencies) = ("", None, BTreeSet::new());
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line;
            let table = line.strip_prefix("[dependencies.").and_then(|rest| rest.strip_suffix(']'));
            dependencies.extend(table.map(str::to_owned));
        } else if let Some((key, value)) = line.split_once('=') {
            let key = key.trim();
            if section == "[package]" && key == "name" {
                name = Some(value.trim().trim_matches('"').to_owned());
            } else if section == "[dependencies]" || section == "[build-dependencies]" {
                dependencies.insert(key.split('.').next().unwrap_or(key).to_owned());
            }
        }
    }
    Ok((name.with_context(|| format!("`{}` names no package", path.display()))?, dependencies))
}

fn locked_versions() -> anyhow::Result<BTreeMap<String, BTreeSet<String>>> {
    let text = std::fs::read_to_string(repository().join("Cargo.lock"))?;
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut name = "";
    for line in text.lines() {
        let value = |key: &str| line.strip_prefix(key).map(|rest| rest.trim_matches('"'));
        if let Some(package) = value("name = ") {
            name = package;
        } else if let Some(version) = value("version = ") {
            found.entry(name.to_owned()).or_default().insert(version.to_owned());
        }
    }
    Ok(found)
}
