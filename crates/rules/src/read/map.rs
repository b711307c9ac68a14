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
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut starts = Vec::new();
    let mut records = Vec::new();
    for record in reader.records() {
        match record {
            Ok(record) => {
                let start = record.position().map_or(0, |position| position.byte());
                starts.push(usize::try_from(start).unwrap_or(usize::MAX));
                records.push(record);
            }
            Err(error) => {
                let message = format!("this is not a CSV file: {error}");
                problems.push(Diagnostic::error("bad-map", map.place, message));
                return map;
            }
        }
    }
    let mut lines = records.iter().zip(starts.iter().map(|start| line(file, text, *start)));
    let header = lines.next();
    let fits = header.as_ref().is_some_and(|(record, _)| record.iter().map(str::trim).eq(HEADER));
    if !fits {
        let place = header.map_or(map.place, |(_, place)| place);
        let message = "the first line must name the columns of a map";
        problems
            .push(Diagnostic::error("bad-map", place, message).help(format!("write `{}`", HEADER.join(","))));
        return map;
    }
    let mut seen = std::collections::HashSet::new();
    for (record, place) in lines {
        let cells: Vec<&str> = record.iter().collect();
        let [source, source_text, target, equivalence, decided_by] = cells.as_slice() else {
            let message = format!("a line of a map has {} cells, found {}", HEADER.len(), cells.len());
            problems
                .push(Diagnostic::error("bad-map", place, message).help("put text with a comma in quotes"));
            continue;
        };
        if !seen.insert((*source).to_owned()) {
            let message = format!("code `{source}` stands twice");
            problems
                .push(Diagnostic::error("duplicate-code", place, message).help("keep one of the two lines"));
        }
        let entry = MapEntry {
            source: (*source).to_owned(),
            source_text: (*source_text).to_owned(),
            target: (*target).to_owned(),
            equivalence: (*equivalence).to_owned(),
            decided_by: (*decided_by).to_owned(),
        };
        check(&entry, place, problems);
        map.entries.push(entry);
    }
    map
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
