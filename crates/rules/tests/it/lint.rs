//! What is reported about wrong rule files: `tests/lint.cases` changes the sample and lists all that is said.
//!
//! A case is a title (`== `), edits (`edit PATH`, lines to take out `- `, lines to put in `+ `) or whole files
//! (`file PATH`, lines `| `), and the problems (`> code file:line:column message` with its help below it). When the
//! outcome differs, the test writes what it found beside the build output and says where: compare, then copy it.

use std::path::Path;

use chartlift_rules::{Severity, read, render_position};

use crate::sample;

#[test]
fn cases() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lint.cases");
    let expected = std::fs::read_to_string(&path).unwrap();
    let mut found = String::new();
    for block in
        expected.split_inclusive('\n').collect::<Vec<_>>().chunk_by(|_, next| !next.starts_with("== "))
    {
        found.push_str(&outcome(&block.concat()));
    }
    if found != expected {
        let actual = Path::new(env!("CARGO_TARGET_TMPDIR")).join("lint.cases");
        std::fs::write(&actual, &found).unwrap();
        let first = found.lines().zip(expected.lines()).find(|(found, expected)| found != expected);
        panic!("compare {} with {}: {first:#?}", path.display(), actual.display());
    }
}

/// A case with the problems that it really has.
fn outcome(block: &str) -> String {
    let given: String = block.split_inclusive('\n').filter(|line| !line.starts_with('>')).collect();
    if !given.starts_with("== ") {
        return given;
    }
    let (project, problems) = read(&sample::with(&changes(&given)));
    let mut shown = String::new();
    for problem in &problems {
        let file = &project.files[problem.place.file as usize];
        let (line, column) = render_position(file, problem.place);
        let name = file.path.file_name().unwrap().to_string_lossy();
        let under = file.text.get(problem.place.start as usize..problem.place.end as usize).unwrap();
        let weak = if problem.severity == Severity::Warning { "warning " } else { "" };
        shown += &format!("> {weak}{} {name}:{line}:{column} [{under}] {}\n", problem.code, problem.message);
        shown += &problem.help.as_ref().map_or_else(String::new, |help| format!(">     {help}\n"));
    }
    let given = given.trim_end();
    format!("{given}\n{shown}\n")
}

fn changes(given: &str) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = Vec::new();
    let (mut out, mut into) = (String::new(), String::new());
    let lines = given.lines().map(|line| line.split_at(line.find(' ').map_or(line.len(), |blank| blank + 1)));
    for (mark, rest) in lines.chain([("end", "")]) {
        match mark {
            "- " | "-" => out += &format!("{rest}\n"),
            "+ " | "+" => into += &format!("{rest}\n"),
            "| " | "|" => files.last_mut().unwrap().1 += &format!("{rest}\n"),
            _ => {
                if let Some((path, text)) = files.last_mut().filter(|_| !out.is_empty()) {
                    assert!(text.contains(&out), "{path} has no {out:?}");
                    *text = text.replacen(&out, &into, 1);
                    (out, into) = (String::new(), String::new());
                }
                match mark {
                    "edit " => {
                        let now =
                            files.iter().rposition(|(path, _)| path == rest).map(|index| files.remove(index));
                        files.push(now.unwrap_or_else(|| (rest.to_owned(), sample::text(rest).to_owned())));
                    }
                    "file " => files.push((rest.to_owned(), String::new())),
                    _ => {}
                }
            }
        }
    }
    files
}
