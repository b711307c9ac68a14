//! `match: [[cpf], [name, born]]` of a target table: what tells its rows apart.

use crate::entries::{Entries, Problems, filled, wrong_type};
use crate::yaml::Value;
use crate::{Diagnostic, Fill, LoadMode, Located};

const HELP: &str =
    "write `mode: match` and beside it `match: [[COLUMN], [COLUMN, COLUMN]]`, one list an alternative";

/// `fill: all` or `fill: [COLUMN, COLUMN]`, beside `mode: match` only.
pub(crate) fn fill(entries: &Entries<'_>, mode: LoadMode, problems: &mut Problems) -> Fill {
    let Some(node) = entries.get("fill") else { return Fill::Nothing };
    let help = "write `fill: all`, or the columns: `fill: [phone, email]`";
    if mode != LoadMode::Match {
        let place = entries.key_place("fill").unwrap_or(node.place);
        let message = "`fill` stands without `mode: match`";
        problems.push(Diagnostic::error("match-shape", place, message).help(help));
    }
    if let Value::List(_) = &node.value {
        return Fill::Columns(entries.names("fill", problems));
    }
    match filled(node, "`fill`", problems) {
        Some(word) if word.value == "all" => Fill::All,
        Some(word) => {
            let message = format!("`{}` is no list of columns", word.value);
            problems.push(Diagnostic::error("match-shape", word.place, message).help(help));
            Fill::Nothing
        }
        None => Fill::Nothing,
    }
}

/// `mode: match` needs it and nothing else may have it. `entries` are those of `chartlift:`.
pub(crate) fn read(
    entries: &Entries<'_>,
    mode: LoadMode,
    problems: &mut Problems,
) -> Vec<Vec<Located<String>>> {
    let Some(listed) = entries.get("match") else {
        if mode == LoadMode::Match {
            let place = entries.get("mode").map_or(entries.place, |node| node.place);
            let message = "`mode: match` does not say what tells rows apart";
            problems.push(Diagnostic::error("match-shape", place, message).help(HELP));
        }
        return Vec::new();
    };
    if mode != LoadMode::Match {
        let place = entries.key_place("match").unwrap_or(listed.place);
        let message = "`match` stands without `mode: match`";
        problems.push(Diagnostic::error("match-shape", place, message).help(HELP));
    }
    let nodes = entries.list("match", problems);
    if nodes.is_empty() && matches!(listed.value, Value::List(_)) {
        problems
            .push(Diagnostic::error("match-shape", listed.place, "`match` has no alternative").help(HELP));
    }
    let mut alternatives = Vec::new();
    for node in nodes {
        match &node.value {
            Value::List(parts) if parts.is_empty() => {
                let message = "an alternative of `match` has no part: it would fit every row";
                problems.push(Diagnostic::error("match-shape", node.place, message).help(HELP));
            }
            Value::List(parts) => {
                let names = parts.iter().filter_map(|part| filled(part, "a part of `match`", problems));
                alternatives.push(names.collect());
            }
            _ => problems.push(wrong_type(node, "an alternative of `match`", "a list of columns").help(HELP)),
        }
    }
    alternatives
}
