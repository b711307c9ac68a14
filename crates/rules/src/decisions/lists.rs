//! Entries of `waivers.yaml`, `answers.yaml` and `scope.yaml`.

use super::read::decided;
use super::{Accepts, FormatAnswer, Scope, ScopeOf, SystemAnswer, UndecidedAnswer, Waiver};
use crate::entries::{Entries, Problems, expression, mapping, wrong_type};
use crate::read::{DIALECT, GATED, percentage};
use crate::resolve::unknown;
use crate::yaml::{Node, Value};
use crate::{CODES, Diagnostic, Unknown, code_named};

pub(super) fn waiver(node: &Node, problems: &mut Problems) -> Option<Waiver> {
    let what = "a waiver";
    let known = ["applies_to", "stage", "code", "held", "share", "rows", "author", "date", "reason"];
    let entries = mapping(node, what, &known, problems)?;
    let stages: Vec<(&str, &str)> = GATED.iter().map(|stage| (*stage, *stage)).collect();
    let decided = decided(&entries, what, problems);
    let applies_to = entries.need_text("applies_to", what, problems);
    let stage = entries.choice("stage", &stages, problems).map(str::to_owned);
    let code = entries.filled("code", problems);
    if let Some(code) = code.as_ref().filter(|code| code_named(&code.value).is_none()) {
        let known = CODES.iter().map(|code| code.name);
        problems.push(unknown("unknown-code", "code", code, &code.value, known));
    }
    let code = code.map(|code| code.value);
    let accepts = accepts(&entries, problems)?;
    let needed = if matches!(accepts, Accepts::Blocked(_)) { "code" } else { "stage" };
    entries.need(needed, what, problems)?;
    if matches!(accepts, Accepts::Share(_)) && code.is_some() {
        let place = entries.key_place("code").unwrap_or(node.place);
        let problem =
            Diagnostic::error("bad-decision", place, "a share is of all held rows, not of one code");
        problems.push(problem.help("take `code` out, or accept a number of rows with `held`"));
        return None;
    }
    Some(Waiver { applies_to, stage, code, accepts, decided })
}

fn accepts(entries: &Entries<'_>, problems: &mut Problems) -> Option<Accepts> {
    let given: Vec<&str> =
        ["held", "share", "rows"].into_iter().filter(|key| entries.get(key).is_some()).collect();
    match given.as_slice() {
        ["held"] => entries.number("held", problems).map(Accepts::Held),
        ["rows"] => entries.number("rows", problems).map(Accepts::Blocked),
        ["share"] => Some(Accepts::Share(percentage(entries, "share", "a waiver", problems))),
        _ => {
            let message = "a waiver says exactly one of `held`, `share` and `rows`";
            problems.push(Diagnostic::error("bad-decision", entries.place, message).help(
                "`held` is a number of held rows, `share` a percentage of all, `rows` a number of blocked rows",
            ));
            None
        }
    }
}

pub(super) enum Answer {
    System(SystemAnswer),
    Undecided(UndecidedAnswer),
    Format(FormatAnswer),
}

const WHAT: &str = "an answer";

pub(super) fn answer(node: &Node, problems: &mut Problems) -> Option<Answer> {
    let Value::Map(keys) = &node.value else {
        problems.push(wrong_type(node, WHAT, "a mapping (`key: value`)"));
        return None;
    };
    let has = |name: &str| keys.iter().any(|(key, _)| key.text == name);
    // What it answers shows in its first key; the other keys are then read strictly.
    if has("system") {
        system(node, problems).map(Answer::System)
    } else if has("rule") || has("exclude") {
        undecided(node, problems).map(Answer::Undecided)
    } else {
        format(node, problems).map(Answer::Format)
    }
}

fn system(node: &Node, problems: &mut Problems) -> Option<SystemAnswer> {
    let entries = mapping(node, WHAT, &["input", "system", "version", "author", "date", "reason"], problems)?;
    Some(SystemAnswer {
        input: entries.filled("input", problems).map(|input| input.value),
        system: entries.need_text("system", WHAT, problems),
        version: entries.filled("version", problems),
        decided: decided(&entries, WHAT, problems),
    })
}

fn undecided(node: &Node, problems: &mut Problems) -> Option<UndecidedAnswer> {
    let known = ["into", "rule", "exclude", "unknown", "author", "date", "reason"];
    let entries = mapping(node, WHAT, &known, problems)?;
    let decided = decided(&entries, WHAT, problems);
    entries.need("unknown", WHAT, problems);
    let words = [("exclude", Unknown::Exclude), ("keep", Unknown::Keep)];
    let rule = entries.need_text("rule", WHAT, problems);
    let exclude = entries.need_text("exclude", WHAT, problems);
    let unknown = entries.choice("unknown", &words, problems)?;
    Some(UndecidedAnswer { into: entries.filled("into", problems), rule, exclude, unknown, decided })
}

fn format(node: &Node, problems: &mut Problems) -> Option<FormatAnswer> {
    let mut known = vec!["table", "column", "format", "timezone", "author", "date", "reason"];
    known.extend(DIALECT);
    let entries = mapping(node, WHAT, &known, problems)?;
    let table = entries.filled("table", problems);
    let (column, format) = (entries.filled("column", problems), entries.filled("format", problems));
    let timezone = entries.filled("timezone", problems);
    let dialect = part_of(node, DIALECT);
    let decided = decided(&entries, WHAT, problems);
    let mut refuse = |message: &str, help: &str| {
        problems.push(Diagnostic::error("bad-decision", node.place, message).help(help));
    };
    let of_table = dialect.is_some() || format.is_some();
    if !of_table && timezone.is_none() {
        refuse(
            "the answer answers nothing",
            "say `system`, or `rule` with `exclude` and `unknown`, or `table` with what is different in its files",
        );
    } else if of_table && table.is_none() {
        refuse("the answer needs `table`", "say of which table's files it speaks");
    } else if timezone.is_some() && table.is_some() {
        refuse("a time zone is the whole export's", "write it as an answer of its own, without `table`");
    } else if column.is_some() != format.is_some() {
        refuse("`column` and `format` go together", "e.g. `column: born, format: \"%d/%m/%Y\"`");
    }
    Some(FormatAnswer { table, column, format, timezone, dialect, decided })
}

/// The entries of a mapping with these keys, as a mapping of their own.
fn part_of(node: &Node, keys: &[&str]) -> Option<Node> {
    let Value::Map(entries) = &node.value else { return None };
    let some: Vec<_> = entries.iter().filter(|(key, _)| keys.contains(&key.text.as_str())).cloned().collect();
    (!some.is_empty()).then_some(Node { place: node.place, value: Value::Map(some) })
}

/// `key=value` of a mapping's scalars.
pub(super) fn keys_and_values(node: &Node) -> Vec<String> {
    let Value::Map(entries) = &node.value else { return Vec::new() };
    let text = |node: &Node| match &node.value {
        Value::Scalar(scalar) => scalar.text.clone(),
        _ => String::new(),
    };
    entries.iter().map(|(key, node)| format!("{}={}", key.text, text(node))).collect()
}

pub(super) fn scope(node: &Node, problems: &mut Problems) -> Option<Scope> {
    let what = "a scope";
    let known = ["scope", "table", "category", "when", "unknown", "author", "date", "reason"];
    let entries = mapping(node, what, &known, problems)?;
    let name = entries.need_text("scope", what, problems);
    let decided = decided(&entries, what, problems);
    let of = match (entries.filled("table", problems), entries.filled("category", problems)) {
        (Some(table), None) => ScopeOf::Table(table),
        (None, Some(category)) => ScopeOf::Category(category),
        _ => {
            let message = "a scope names exactly one of `table` and `category`";
            problems.push(
                Diagnostic::error("bad-decision", entries.place, message)
                    .help("a table of the export, or a category of the common form"),
            );
            return None;
        }
    };
    let when = entries.get("when").and_then(|node| expression(node, "`when`", problems));
    if let (None, Some(place)) = (entries.get("when"), entries.key_place("unknown")) {
        let problem = Diagnostic::error("misplaced-key", place, "`unknown` stands without `when`");
        problems.push(problem.help("without a condition all rows are left out: take `unknown` out"));
    }
    let words = [("stop", Unknown::Stop), ("exclude", Unknown::Exclude), ("keep", Unknown::Keep)];
    let unknown = entries.choice("unknown", &words, problems).unwrap_or(Unknown::Stop);
    Some(Scope { name, of, when, unknown, decided })
}
