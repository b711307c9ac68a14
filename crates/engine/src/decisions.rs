//! Decisions of an order on disk: reading them, adding one, carrying them over to the next order of the series.

mod lint;

use std::path::{Path, PathBuf};

use chartlift_rules::{DECISIONS, Decisions, Diagnostic, Project, RulingFile, Severity, with_decisions};

use crate::Error;
use crate::order::{InputSpec, Locked, Order};
use crate::run::read_report;
use crate::statement::Stage;

pub use lint::lint;

/// The project with an order's decisions over it, and what is wrong with them.
pub fn read(project: &Project, order: &Order) -> Result<(Project, Decisions, Vec<Diagnostic>), Error> {
    Ok(with_decisions(project.clone(), &order.decision_files()?))
}

/// The systems and versions that the order's files are known to be of; none while one of its inputs is unknown.
pub fn known_systems(order: &Order, decisions: &Decisions) -> Result<Vec<(String, String)>, Error> {
    let report = order.latest(Stage::Identify).map(read_report).transpose()?.unwrap_or_default();
    let of = |input: &InputSpec| {
        let answer = decisions.system_of(&input.name);
        let answered =
            answer.and_then(|one| Some((one.system.value.clone(), one.version.as_ref()?.value.clone())));
        let choice = report.systems.iter().find(|choice| choice.input == input.name);
        answered.or_else(|| choice.map(|choice| (choice.system.clone(), choice.version.clone())))
    };
    Ok(order.spec().inputs.iter().map(of).collect::<Option<Vec<_>>>().unwrap_or_default())
}

/// One decision as its file will have it.
pub enum Addition {
    /// An entry of a YAML list: keys and what is written after them.
    Entry(Vec<(&'static str, Written)>),
    /// Lines of a CSV file with these columns.
    Lines { columns: &'static [&'static str], lines: Vec<Vec<String>> },
}

pub enum Written {
    /// Put in quotes where YAML could take it for something else.
    Text(String),
    /// A number, a percentage, a date or one of the format's own words: written as it is.
    Word(String),
}

/// What came of adding a decision.
pub enum Added {
    /// It stands in this file.
    Written(PathBuf),
    /// Nothing was written: with it the decisions would have these problems, in files of this project.
    Refused(Box<Project>, Vec<Diagnostic>),
}

/// Adds a decision at the end of `file` (relative to `decisions/`), which keeps all that it has. It is read as every
/// run will read it before it is written.
pub async fn add(project: &Project, order: &Locked, file: &str, addition: &Addition) -> Result<Added, Error> {
    let mut files = order.decision_files()?;
    let path = Path::new(DECISIONS).join(file);
    let before = files.iter().find(|(known, _)| *known == path).map_or("", |(_, text)| text.as_str());
    let text = match addition {
        Addition::Entry(keys) => with_entry(before, keys),
        Addition::Lines { columns, lines } => with_lines(before, columns, lines)?,
    };
    files.retain(|(known, _)| *known != path);
    files.push((path, text.clone()));
    files.sort();
    let (with, decisions, mut problems) = with_decisions(project.clone(), &files);
    problems.extend(lint(&with, &decisions, &known_systems(order, &decisions)?).await);
    if problems.iter().any(|problem| problem.severity == Severity::Error) {
        return Ok(Added::Refused(Box::new(with), problems));
    }
    order.write_decision(file, text.as_bytes()).map(Added::Written)
}

/// Copies the decisions of an order into a later one of its series: all but approvals and rulings on single rows, which
/// are about what was seen, and nothing over what is there. Waivers keep their numbers. Answers how many files were copied.
pub fn carry_over(from: &Order, to: &Locked) -> Result<usize, Error> {
    let approvals = Path::new(DECISIONS).join("approvals");
    let there = to.decision_files()?;
    let mut copied = 0;
    for (path, text) in from.decision_files()? {
        let Ok(name) = path.strip_prefix(DECISIONS) else { continue };
        let of_rows =
            [RulingFile::Conflicts, RulingFile::Absences].iter().any(|file| name.ends_with(file.name()));
        if of_rows || path.starts_with(&approvals) || there.iter().any(|(known, _)| *known == path) {
            continue;
        }
        to.write_decision(&name.to_string_lossy(), text.as_bytes())?;
        copied += 1;
    }
    Ok(copied)
}

/// `- key: value`, one key a line, with the indentation of the entries that are there.
fn with_entry(before: &str, keys: &[(&'static str, Written)]) -> String {
    let dash = before.lines().find(|line| line.trim_start().starts_with("- "));
    let indent = dash.map_or("", |line| line.get(..line.len() - line.trim_start().len()).unwrap_or_default());
    let mut text = ended(before);
    for (at, (key, value)) in keys.iter().enumerate() {
        let lead = if at == 0 { "- " } else { "  " };
        let value = match value {
            Written::Text(text) => quoted(text),
            Written::Word(word) => word.clone(),
        };
        text.extend([indent, lead, key, ": ", &value, "\n"]);
    }
    text
}

/// A text whose last line has an end.
fn ended(text: &str) -> String {
    let mut text = text.to_owned();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// JSON's quoted text is YAML's.
fn quoted(text: &str) -> String {
    let letters = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
    let word = text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.chars().all(letters);
    let meant_otherwise = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    if word && !meant_otherwise.contains(&text.to_ascii_lowercase().as_str()) {
        return text.to_owned();
    }
    serde_json::Value::from(text).to_string()
}

fn with_lines(before: &str, columns: &[&str], lines: &[Vec<String>]) -> Result<String, Error> {
    let failed = |error: csv::Error| Error::file("write", DECISIONS)(std::io::Error::other(error));
    let mut writer = csv::Writer::from_writer(Vec::new());
    if before.trim().is_empty() {
        writer.write_record(columns).map_err(failed)?;
    }
    for line in lines {
        writer.write_record(line).map_err(failed)?;
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| Error::file("write", DECISIONS)(std::io::Error::other(error.to_string())))?;
    Ok(ended(before) + &String::from_utf8_lossy(&bytes))
}

#[cfg(test)]
mod tests;
