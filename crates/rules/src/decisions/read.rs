//! Which file of `decisions/` is what, and reading all of them.

use std::path::{Component, Path};

use super::{Approval, Binding, DECISIONS, Decided, Decisions, RulingFile, lists, rulings, tables};
use crate::entries::{Entries, Problems, mapping};
use crate::read::decided_on;
use crate::yaml::{self, Node, Value};
use crate::{Diagnostic, Place};

/// `files` as the order's folder has them; `first` is the number of the first one among the project's files.
pub(super) fn read(files: &[(std::path::PathBuf, String)], first: u32, problems: &mut Problems) -> Decisions {
    let mut decisions = Decisions::default();
    for (file, (path, text)) in (first..).zip(files) {
        let parts: Vec<String> = path
            .components()
            .filter_map(|part| match part {
                Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
                _ => None,
            })
            .collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match parts.as_slice() {
            [DECISIONS, "approvals", name] => {
                decisions.approvals.extend(approval(file, text, name, problems));
                continue;
            }
            [DECISIONS, "waivers.yaml"] => decisions.waivers = list(file, text, problems, lists::waiver),
            [DECISIONS, "scope.yaml"] => decisions.scopes = list(file, text, problems, lists::scope),
            [DECISIONS, "answers.yaml"] => {
                for answer in list(file, text, problems, lists::answer) {
                    match answer {
                        lists::Answer::System(answer) => decisions.systems.push(answer),
                        lists::Answer::Undecided(answer) => decisions.undecided.push(answer),
                        lists::Answer::Format(answer) => decisions.formats.push(answer),
                    }
                }
            }
            [DECISIONS, "matches.csv"] => decisions.matches = tables::matches(file, text, problems),
            [DECISIONS, "conflicts.csv"] => {
                decisions.conflicts = rulings::read(file, text, RulingFile::Conflicts, problems);
            }
            [DECISIONS, "absences.csv"] => {
                decisions.absences = rulings::read(file, text, RulingFile::Absences, problems);
            }
            [DECISIONS, "maps", name] if name.ends_with(".csv") => {
                let map = name.trim_end_matches(".csv").to_owned();
                decisions.maps.insert(map, tables::map(file, text, problems));
            }
            _ => unknown(path, yaml::place(file, 0, 0), problems),
        }
        decisions.files.push((path.to_string_lossy().replace('\\', "/"), text.clone()));
    }
    decisions.approvals.sort_by_key(|approval| approval.number);
    decisions.files.sort();
    decisions
}

fn unknown(path: &Path, place: Place, problems: &mut Problems) {
    let message = format!("`{}` is no file of decisions", path.display());
    problems.push(Diagnostic::error("unknown-file", place, message).help(
        "decisions/{scope.yaml,answers.yaml,waivers.yaml,matches.csv,conflicts.csv,absences.csv}, decisions/maps/NAME.csv, \
         decisions/approvals/NNNN.yaml",
    ));
}

/// A file that is one list; one with nothing but comments is empty.
fn list<T>(
    file: u32,
    text: &str,
    problems: &mut Problems,
    read: impl Fn(&Node, &mut Problems) -> Option<T>,
) -> Vec<T> {
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Vec::new();
    }
    let Some(node) = yaml::parse(file, text, problems) else { return Vec::new() };
    match &node.value {
        Value::List(nodes) => nodes.iter().filter_map(|node| read(node, problems)).collect(),
        _ => {
            let problem = crate::entries::wrong_type(&node, "the file", "a list");
            problems.push(
                problem.help("one decision an entry: `- { ..., author: ..., date: ..., reason: ... }`"),
            );
            Vec::new()
        }
    }
}

/// Author, date and reason: every decision has them.
pub(super) fn decided(entries: &Entries<'_>, what: &str, problems: &mut Problems) -> Decided {
    Decided {
        author: entries.need_text("author", what, problems).value,
        date: decided_on(entries, what, problems),
        reason: entries.need_text("reason", what, problems).value,
    }
}

fn approval(file: u32, text: &str, name: &str, problems: &mut Problems) -> Option<Approval> {
    let start = yaml::place(file, 0, 0);
    let digits = name.strip_suffix(".yaml").filter(|stem| stem.len() >= 4);
    let Some(number) = digits.and_then(|digits| digits.parse().ok()) else {
        let problem = Diagnostic::error("unknown-file", start, "an approval is named `NNNN.yaml`");
        problems.push(problem.help("approvals are written by `chartlift approve`"));
        return None;
    };
    let node = yaml::parse(file, text, problems)?;
    let what = "an approval";
    let known = ["author", "date", "reason", "inputs", "rules", "decisions", "plan", "target"];
    let entries = mapping(&node, what, &known, problems)?;
    let decided = Decided {
        author: entries.need_text("author", what, problems).value,
        date: decided_on(&entries, what, problems),
        reason: entries.filled("reason", problems).map(|reason| reason.value).unwrap_or_default(),
    };
    let mut part = |key: &str| {
        let read = entries.need_text(key, what, problems);
        let hex = read.value.len() == 64 && read.value.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !hex && !read.value.is_empty() {
            let message = format!("`{key}` is not a SHA-256 in hex");
            problems.push(
                Diagnostic::error("bad-decision", read.place, message)
                    .help("take the file away and approve again: it is written by `chartlift approve`"),
            );
        }
        read.value
    };
    let binds = Binding {
        inputs: part("inputs"),
        rules: part("rules"),
        decisions: part("decisions"),
        plan: part("plan"),
        target: part("target"),
    };
    Some(Approval { number, decided, binds })
}
