//! `maps/<name>.csv`: code maps, as a spreadsheet writes them.

use crate::entries::Problems;
use crate::{CodeMap, Diagnostic, MapEntry, Place, suggest, yaml};

const HEADER: [&str; 5] = ["source", "source_text", "target", "equivalence", "decided_by"];

/// FHIR R4 ConceptMap equivalence, <https://hl7.org/fhir/R4/valueset-concept-map-equivalence.html>.
const EQUIVALENCES: [&str; 10] = [
    "relatedto",
    "equivalent",
    "equal",
    "wider",
    "subsumes",
    "narrower",
    "specializes",
    "inexact",
    "unmatched",
    "disjoint",
];

pub(crate) fn read(file: u32, text: &str, name: &str, problems: &mut Problems) -> CodeMap {
    let mut map = CodeMap { name: name.to_owned(), entries: Vec::new(), place: yaml::place(file, 0, 0) };
    let mut seen = std::collections::HashSet::new();
    for (record, place) in csv_lines(file, text, &HEADER, "bad-map", problems) {
        let cells: Vec<&str> = record.iter().collect();
        let Ok(cells) = <[&str; 5]>::try_from(cells) else { continue };
        let entry = entry(cells, place, problems);
        if !seen.insert(entry.source.clone()) {
            let message = format!("code `{}` stands twice", entry.source);
            problems
                .push(Diagnostic::error("duplicate-code", place, message).help("keep one of the two lines"));
        }
        map.entries.push(entry);
    }
    map
}

/// The lines of a CSV file below its header, each with as many cells as `header` has, and where it stands. What is
/// wrong is among the problems, never with a cell's value.
pub(crate) fn csv_lines(
    file: u32,
    text: &str,
    header: &[&str],
    code: &'static str,
    problems: &mut Problems,
) -> Vec<(csv::StringRecord, Place)> {
    let start = yaml::place(file, 0, 0);
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut lines = Vec::new();
    for record in reader.records() {
        match record {
            Ok(record) => {
                let start = record.position().map_or(0, |position| position.byte());
                let place = line(file, text, usize::try_from(start).unwrap_or(usize::MAX));
                lines.push((record, place));
            }
            Err(error) => {
                let message = format!("this is not a CSV file: {error}");
                problems.push(Diagnostic::error(code, start, message));
                return Vec::new();
            }
        }
    }
    let fits =
        lines.first().is_some_and(|(record, _)| record.iter().map(str::trim).eq(header.iter().copied()));
    if !fits {
        let place = lines.first().map_or(start, |(_, place)| *place);
        let message = "the first line must name the columns of the file";
        problems.push(Diagnostic::error(code, place, message).help(format!("write `{}`", header.join(","))));
        return Vec::new();
    }
    lines.remove(0);
    lines.retain(|(record, place)| {
        let fits = record.len() == header.len();
        if !fits {
            let message = format!("a line has {} cells, found {}", header.len(), record.len());
            problems.push(Diagnostic::error(code, *place, message).help("put text with a comma in quotes"));
        }
        fits
    });
    lines
}

/// One entry of a map, checked.
pub(crate) fn entry(cells: [&str; 5], place: Place, problems: &mut Problems) -> MapEntry {
    let [source, source_text, target, equivalence, decided_by] = cells.map(str::to_owned);
    let entry = MapEntry { source, source_text, target, equivalence, decided_by };
    check(&entry, place, problems);
    entry
}

fn check(entry: &MapEntry, place: Place, problems: &mut Problems) {
    let mut report = |message: String, help: Option<String>| {
        let problem = Diagnostic::error("bad-map", place, message);
        problems.push(match help {
            Some(help) => problem.help(help),
            None => problem,
        });
    };
    if entry.source.is_empty() {
        report(
            "`source` must not be empty".to_owned(),
            Some("no value stays no value and needs no code".to_owned()),
        );
    }
    if entry.decided_by.trim().is_empty() {
        let help = "write who decided it: a person, or the publication it comes from";
        report("`decided_by` must not be empty".to_owned(), Some(help.to_owned()));
    }
    if !EQUIVALENCES.contains(&entry.equivalence.as_str()) {
        let help = suggest(&entry.equivalence, EQUIVALENCES);
        report(format!("unknown equivalence `{}`", entry.equivalence), help);
    } else if entry.target.is_empty() && !matches!(entry.equivalence.as_str(), "unmatched" | "disjoint") {
        let help = "write the code, or the equivalence `unmatched`";
        report("`target` is empty".to_owned(), Some(help.to_owned()));
    }
}

fn line(file: u32, text: &str, start: usize) -> Place {
    let rest = text.get(start..).unwrap_or_default();
    let blanks = rest.len() - rest.trim_start_matches(['\n', '\r']).len();
    let start = start.min(text.len()) + blanks;
    let rest = text.get(start..).unwrap_or_default();
    yaml::place(file, start, start + rest.find(['\n', '\r']).unwrap_or(rest.len()))
}
