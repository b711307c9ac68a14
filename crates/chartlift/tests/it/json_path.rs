//! Short paths into a JSON answer: `statement.files[file=patients.csv].read`, `findings.length`, `stages[0].verdict`.

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use crate::Test;

/// Finds the one value a path names; `Ok(None)` when something on the way is not there.
pub(crate) fn find(root: &Value, path: &str) -> anyhow::Result<Option<Value>> {
    let mut here = root.clone();
    for step in steps(path)? {
        let next = match &step {
            Step::Field("length") if here.is_array() => here.as_array().map(|all| Value::from(all.len())),
            Step::Field(name) => here.get(name).cloned(),
            Step::Index(index) => here.get(index).cloned(),
            Step::Filter(wanted) => only_match(&here, wanted, path)?,
        };
        let Some(next) = next else { return Ok(None) };
        here = next;
    }
    Ok(Some(here))
}

enum Step<'a> {
    Field(&'a str),
    Index(usize),
    Filter(Vec<(&'a str, &'a str)>),
}

fn steps(path: &str) -> anyhow::Result<Vec<Step<'_>>> {
    let mut found = Vec::new();
    let mut rest = path.trim();
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix('[') {
            let (inside, after) =
                inside.split_once(']').with_context(|| format!("`[` without `]` in `{path}`"))?;
            rest = after.strip_prefix('.').unwrap_or(after);
            found.push(match inside.parse() {
                Ok(index) => Step::Index(index),
                Err(_) => Step::Filter(conditions(inside, path)?),
            });
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            ensure!(!name.is_empty(), "an empty name in `{path}`");
            found.push(Step::Field(name));
            rest = after.strip_prefix('.').unwrap_or(after);
        }
    }
    Ok(found)
}

fn conditions<'a>(inside: &'a str, path: &str) -> anyhow::Result<Vec<(&'a str, &'a str)>> {
    let parts = inside.split(',').map(|part| {
        part.split_once('=').with_context(|| format!("expected `name=value` between brackets in `{path}`"))
    });
    parts.map(|part| part.map(|(name, value)| (name.trim(), value.trim()))).collect()
}

fn only_match(list: &Value, wanted: &[(&str, &str)], path: &str) -> anyhow::Result<Option<Value>> {
    let Some(list) = list.as_array() else { bail!("`{path}` filters something that is no list") };
    let fits = |entry: &&Value| {
        wanted.iter().all(|(name, text)| entry.get(name).is_some_and(|value| shown(value) == *text))
    };
    let mut matches = list.iter().filter(fits);
    let first = matches.next().cloned();
    let others = matches.count();
    ensure!(others == 0, "`{path}` fits {} entries: say more between the brackets", others + 1);
    Ok(first)
}

/// A value as a scenario writes it: texts bare where nothing else could be meant.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) if parsed(text) == *value => text.clone(),
        other => other.to_string(),
    }
}

/// Reads what a scenario wrote: JSON, or else a bare text.
pub(crate) fn parsed(text: &str) -> Value {
    serde_json::from_str(text.trim()).unwrap_or_else(|_| Value::from(text.trim()))
}

pub(crate) const TESTS: &[Test] = &[("finds_values", finds_values)];

fn finds_values() -> anyhow::Result<()> {
    let root = serde_json::json!({
        "verdict": "pass", "files": [{"file": "a.csv", "read": 3}, {"file": "b.csv", "read": 4, "table": null}]
    });
    let check = |path: &str, expected: &str| -> anyhow::Result<()> {
        let found = find(&root, path)?.map_or_else(|| "absent".to_owned(), |value| shown(&value));
        ensure!(found == expected, "`{path}` gave {found}, not {expected}");
        Ok(())
    };
    check("verdict", "pass")?;
    check("files.length", "2")?;
    check("files[1].read", "4")?;
    check("files[file=b.csv,read=4].read", "4")?;
    check("files[file=b.csv].table", "null")?;
    check("files[file=c.csv].read", "absent")?;
    check("nothing.at.all", "absent")?;
    ensure!(find(&serde_json::json!([{"a": 1}, {"a": 1}]), "[a=1]").is_err(), "two matches are no answer");
    Ok(())
}
