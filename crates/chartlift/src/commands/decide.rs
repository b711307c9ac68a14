//! `decide`: what an order waits for, and writing what somebody decided into its `decisions/`.

mod rulings;

use std::io::Read as _;
use std::path::Path;

use chartlift_engine::decisions::{self, Added, Addition, Written};
use chartlift_engine::run::account;
use chartlift_rules::{MAP_COLUMNS, MATCH_COLUMNS, RulingFile};
use serde_json::json;

use super::stage::block_on;
use crate::args::decide::{Answer, By, Decide, DecideCommand, Map, Match, Scope, Waive, word};
use crate::config::{Config, actor, clock};
use crate::exit::{Exit, Failure};
use crate::output::Output;

pub(super) fn run(arguments: &Decide, config: &Config, output: &Output) -> Result<Exit, Failure> {
    config.sound()?;
    let order = arguments.order.as_str();
    let Some(command) = &arguments.command else { return list(config, output, order) };
    let locked = config.store().open(order)?.lock()?;
    let (file, addition) = match command {
        DecideCommand::Waive(waive) => ("waivers.yaml".to_owned(), entry(waived(waive), &waive.by)),
        DecideCommand::Answer(answer) => ("answers.yaml".to_owned(), entry(answered(answer), &answer.by)),
        DecideCommand::Map(map) => (map_file(map)?, mapped(map)),
        DecideCommand::Match(matched) => ("matches.csv".to_owned(), matches(matched)?),
        DecideCommand::Conflict(conflict) => {
            let kind = RulingFile::Conflicts;
            let ruling = conflict.ruling.map(word);
            let lines = rulings::lines(locked.root(), kind, ruling, &conflict.listed, &conflict.by)?;
            (kind.name().to_owned(), lines)
        }
        DecideCommand::Absence(absence) => {
            let kind = RulingFile::Absences;
            let ruling = absence.ruling.map(word);
            let lines = rulings::lines(locked.root(), kind, ruling, &absence.listed, &absence.by)?;
            (kind.name().to_owned(), lines)
        }
        DecideCommand::Scope(scope) => ("scope.yaml".to_owned(), entry(scoped(scope), &scope.by)),
    };
    let added = block_on(1, decisions::add(&config.project, &locked, &file, &addition))??;
    let path = match added {
        Added::Written(path) => path,
        Added::Refused(project, problems) => {
            if !output.json {
                output.diagnostics(&project, &problems);
            }
            let first = problems.first().map_or("", |problem| problem.message.as_str());
            let message = format!("nothing was written: with this decision, {first}");
            return Err(Failure::usage("rule-errors", message)
                .hint(problems.first().and_then(|problem| problem.help.clone()).unwrap_or_default())
                .hint(format!("see all decisions of the order with `chartlift lint --order {order}`")));
        }
    };
    output.object(&json!({ "spec": "chartlift/v1", "order": order, "file": path }));
    output.line(format_args!("Decided: {}", path.display()));
    output.line(format_args!(
        "\nNext: run the order again.\n  chartlift run --order {order}{}",
        config.options()
    ));
    Ok(Exit::Done)
}

/// What is open, by what the order's log says.
fn list(config: &Config, output: &Output, order: &str) -> Result<Exit, Failure> {
    let account = account(&config.store(), order)?;
    let open = &account.summary.decisions;
    output.object(&json!({
        "spec": "chartlift/v1", "order": order, "verdict": account.summary.verdict, "decisions": open,
    }));
    if open.is_empty() {
        output.line(format_args!("Order {order} waits for no decision."));
        return Ok(Exit::Done);
    }
    if let Some(error) = &account.summary.error {
        output.line(format_args!("{}: {}", error.code, error.message));
    }
    output.line(format_args!("\nOrder {order} would go on with one of these for each stage and table:"));
    for one in open {
        output.line(format_args!(
            "\n{} at {}, `{}`, in {}",
            one.code,
            one.stage.name(),
            one.applies_to,
            one.file
        ));
        output.line(format_args!("  {}{}", one.command, config.options()));
    }
    Ok(Exit::Done)
}

type Keys = Vec<(&'static str, Written)>;

fn entry(mut keys: Keys, by: &By) -> Addition {
    keys.push(("author", Written::Text(author(by.author.as_ref()))));
    keys.push(("date", Written::Word(today())));
    keys.push(("reason", Written::Text(by.reason.clone())));
    Addition::Entry(keys)
}

pub(super) fn author(typed: Option<&String>) -> String {
    typed.cloned().unwrap_or_else(actor)
}

pub(super) fn today() -> String {
    clock().now().format("%Y-%m-%d").to_string()
}

/// Those of the keys that have a value.
fn given(keys: Vec<(&'static str, Option<Written>)>) -> Keys {
    keys.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
}

fn text(value: Option<&String>) -> Option<Written> {
    value.cloned().map(Written::Text)
}

fn number(value: Option<impl ToString>) -> Option<Written> {
    value.map(|value| Written::Word(value.to_string()))
}

fn waived(waive: &Waive) -> Keys {
    let share = waive.share.as_ref().map(|share| format!("{} %", share.trim_end_matches('%').trim()));
    given(vec![
        ("applies_to", Some(Written::Text(waive.applies_to.clone()))),
        ("stage", waive.stage.map(|stage| Written::Word(word(stage)))),
        ("code", text(waive.code.as_ref())),
        ("held", number(waive.held)),
        ("share", text(share.as_ref())),
        ("rows", number(waive.rows)),
    ])
}

fn answered(answer: &Answer) -> Keys {
    given(vec![
        ("input", text(answer.input.as_ref())),
        ("system", text(answer.system.as_ref())),
        ("version", text(answer.version.as_ref())),
        ("into", text(answer.into.as_ref())),
        ("rule", text(answer.rule.as_ref())),
        ("exclude", text(answer.exclude.as_ref())),
        ("unknown", answer.unknown.map(|unknown| Written::Word(word(unknown)))),
        ("table", text(answer.table.as_ref())),
        ("encoding", text(answer.encoding.as_ref())),
        ("delimiter", text(answer.delimiter.as_ref().map(|one| one.replace("\\t", "\t")).as_ref())),
        ("quoteChar", text(answer.quote_char.as_ref())),
        ("headerRow", number(answer.header_row)),
        ("column", text(answer.column.as_ref())),
        ("format", text(answer.format.as_ref())),
        ("timezone", text(answer.timezone.as_ref())),
    ])
}

fn scoped(scope: &Scope) -> Keys {
    given(vec![
        ("scope", Some(Written::Text(scope.name.clone()))),
        ("table", text(scope.table.as_ref())),
        ("category", text(scope.category.as_ref())),
        ("when", text(scope.when.as_ref())),
        ("unknown", scope.unknown.map(|unknown| Written::Word(word(unknown)))),
    ])
}

/// The name becomes part of a path: letters, digits, `_` and `-` only.
fn map_file(map: &Map) -> Result<String, Failure> {
    let plain = |letter: char| letter.is_alphanumeric() || "_-".contains(letter);
    if map.map.is_empty() || !map.map.chars().all(plain) {
        return Err(Failure::usage("unknown-map", "the map's name is not one of a map")
            .hint("name it without `maps/` and `.csv`"));
    }
    Ok(format!("maps/{}.csv", map.map))
}

fn mapped(map: &Map) -> Addition {
    let who = author(map.by.author.as_ref());
    let replaces = if map.replaces { "yes" } else { "" };
    let cells = [&map.source, &map.source_text, &map.target, &map.equivalence, &who];
    let cells = cells.into_iter().map(String::as_str).chain([replaces]);
    Addition::Lines { columns: &MAP_COLUMNS, lines: vec![signed(cells, &map.by)] }
}

/// A line with author, date and reason at its end.
fn signed<'a>(cells: impl Iterator<Item = &'a str>, by: &By) -> Vec<String> {
    let end = [author(by.author.as_ref()), today(), by.reason.clone()];
    cells.map(str::to_owned).chain(end).collect()
}

fn matches(matched: &Match) -> Result<Addition, Failure> {
    let line = |cells: [&str; 3]| signed(cells.into_iter(), &matched.by);
    let typed = (&matched.table, &matched.source_key, &matched.target_key);
    let lines = match (&matched.from, typed) {
        (None, (Some(table), Some(source), Some(target))) => vec![line([table, source, target])],
        (Some(path), _) => from_file(path, line)?,
        _ => Vec::new(),
    };
    Ok(Addition::Lines { columns: &MATCH_COLUMNS, lines })
}

/// The bytes of a file of keys, or of stdin, without their byte order mark.
fn keyed_bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin().lock().read_to_end(&mut bytes).map(|_| ())
    } else {
        std::fs::read(path).map(|read| bytes = read)
    };
    read.map_err(Failure::file("read", path))?;
    let mark = "\u{feff}".as_bytes();
    if bytes.starts_with(mark) {
        bytes.drain(..mark.len());
    }
    Ok(bytes)
}

/// The lines of a CSV file of keys. No message has a cell of it.
fn from_file(path: &Path, line: impl Fn([&str; 3]) -> Vec<String>) -> Result<Vec<Vec<String>>, Failure> {
    let bytes = keyed_bytes(path)?;
    let wanted = MATCH_COLUMNS.get(..3).unwrap_or_default();
    let wrong = |at: Option<usize>| {
        let place = at.map_or_else(String::new, |at| format!(" at record {at}"));
        Failure::usage("bad-match", format!("`{}` cannot be used{place}", path.display()))
            .hint(format!("expected CSV in UTF-8 with the columns {}", wanted.join(",")))
    };
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let header = reader.headers().map_err(|_| wrong(None))?.clone();
    if !header.iter().map(str::trim).eq(wanted.iter().copied()) {
        return Err(wrong(None));
    }
    let mut lines = Vec::new();
    for (at, record) in (1..).zip(reader.records()) {
        let record = record.map_err(|_| wrong(Some(at)))?;
        let cells: Vec<&str> = record.iter().collect();
        let [table, source, target] = cells.as_slice() else { return Err(wrong(Some(at))) };
        lines.push(line([table, source, target]));
    }
    if lines.is_empty() { Err(wrong(None)) } else { Ok(lines) }
}
