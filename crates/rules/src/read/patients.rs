//! `patients` of `chartlift.yaml`: when records of two systems are one person.

use crate::entries::{Problems, filled, mapping, wrong_type};
use crate::yaml::{Node, Value};
use crate::{Diagnostic, Keep, MatchPart, PatientMatch};

pub(super) fn patients(node: &Node, problems: &mut Problems) -> Option<PatientMatch> {
    let entries = mapping(node, "`patients`", &["match", "keep"], problems)?;
    entries.need("match", "`patients`", problems);
    let words = [("first", Keep::First), ("fill", Keep::Fill)];
    let keep = entries.choice("keep", &words, problems).unwrap_or(Keep::First);
    let nodes = entries.list("match", problems);
    let alternatives: Vec<_> = nodes.iter().filter_map(|node| alternative(node, problems)).collect();
    if nodes.is_empty() && entries.get("match").is_some() {
        problems.push(
            Diagnostic::error("wrong-type", node.place, "`match` must not be empty")
                .help("write what must be equal, e.g. `match: [[full_name_src, birth_date]]`"),
        );
    }
    Some(PatientMatch { alternatives, keep })
}

/// A list of parts: all of them must be equal.
fn alternative(node: &Node, problems: &mut Problems) -> Option<Vec<MatchPart>> {
    let Value::List(nodes) = &node.value else {
        let problem = wrong_type(node, "an alternative of `match`", "a list of fields");
        problems.push(problem.help("write `[full_name_src, birth_date]` or `[{ identifier: CPF }]`"));
        return None;
    };
    if nodes.is_empty() {
        let message = "an alternative of `match` must not be empty: everybody would be one person";
        problems.push(Diagnostic::error("wrong-type", node.place, message));
        return None;
    }
    // One part that cannot be read makes the alternative another one: it is left out, and the problem is told.
    nodes.iter().map(|node| part(node, problems)).collect()
}

fn part(node: &Node, problems: &mut Problems) -> Option<MatchPart> {
    if !matches!(node.value, Value::Map(_)) {
        return filled(node, "a part of `match`", problems).map(MatchPart::Field);
    }
    let entries = mapping(node, "a part of `match`", &["identifier"], problems)?;
    entries.need("identifier", "a part of `match`", problems);
    entries.filled("identifier", problems).map(MatchPart::Identifier)
}
