//! Compares what a command did with what a scenario says, and rewrites the scenario when asked.

use std::path::Path;

use anyhow::ensure;
use serde_json::Value;

use crate::json_path;
use crate::script::{Block, Expectation, Expected, Stream};
use crate::workspace::Finished;

/// A place in a scenario that does not agree with the program, and what the program would have there.
pub(crate) struct Correction {
    pub(crate) problem: String,
    /// 0-based.
    line: usize,
    /// How many lines the new ones replace.
    replaced: usize,
    lines: Vec<String>,
}

/// Expectations that cannot be rewritten (`has`, `lacks`) fail at once.
pub(crate) fn compare(
    command_line: usize,
    expectations: &[Expectation],
    finished: &Finished,
    folder: &Path,
    corrections: &mut Vec<Correction>,
) -> anyhow::Result<()> {
    let stdout = finished.stdout.replace(&*folder.to_string_lossy(), "$DIR");
    let stderr = finished.stderr.replace(&*folder.to_string_lossy(), "$DIR");
    compare_exit(command_line, expectations, finished, corrections)?;
    for Expectation { line, what } in expectations {
        match what {
            Expected::Exit(_) => {}
            Expected::Stdout(block) => {
                let found: Vec<String> = stdout.lines().map(|line| line.trim_end().to_owned()).collect();
                compare_block("stdout", block, &found, corrections);
            }
            Expected::Has(stream, text) => {
                ensure!(pick(*stream, &stdout, &stderr).contains(text.as_str()), "no `{text}` in {finished}");
            }
            Expected::Lacks(stream, text) => {
                ensure!(!pick(*stream, &stdout, &stderr).contains(text.as_str()), "`{text}` in {finished}");
            }
            Expected::Json { path, value } => {
                let root: Value = serde_json::from_str(&stdout)
                    .map_err(|error| anyhow::anyhow!("stdout is no JSON object ({error}): {finished}"))?;
                let found = json_path::find(&root, path)?;
                let shown = found.as_ref().map_or_else(|| "absent".to_owned(), json_path::shown);
                let agrees = match &found {
                    Some(found) => value != "absent" && *found == json_path::parsed(value),
                    None => value == "absent",
                };
                if !agrees {
                    corrections.push(Correction {
                        problem: format!("`{path}` is {shown}, expected {value}"),
                        line: *line,
                        replaced: 1,
                        lines: vec![format!("json {path} = {shown}")],
                    });
                }
            }
        }
    }
    Ok(())
}

fn compare_exit(
    command_line: usize,
    expectations: &[Expectation],
    finished: &Finished,
    corrections: &mut Vec<Correction>,
) -> anyhow::Result<()> {
    let stated = expectations.iter().find_map(|expectation| match expectation.what {
        Expected::Exit(code) => Some((expectation.line, code)),
        _ => None,
    });
    let wanted = stated.map_or(0, |(_, code)| code);
    let Some(code) = finished.exit else { anyhow::bail!("ended by a signal: {finished}") };
    if code != wanted {
        let (line, replaced) = stated.map_or((command_line + 1, 0), |(line, _)| (line, 1));
        let lines = vec![format!("exit {code}")];
        corrections.push(Correction {
            problem: format!("exit {code}, expected {wanted}"),
            line,
            replaced,
            lines,
        });
    }
    Ok(())
}

fn pick<'a>(stream: Stream, stdout: &'a str, stderr: &'a str) -> &'a str {
    match stream {
        Stream::Stdout => stdout,
        Stream::Stderr => stderr,
    }
}

pub(crate) fn compare_block(
    what: &str,
    expected: &Block,
    found: &[String],
    corrections: &mut Vec<Correction>,
) {
    if expected.lines != found {
        let lines = found.iter().map(|line| format!("| {line}").trim_end().to_owned()).collect();
        corrections.push(Correction {
            problem: format!(
                "{what} differ\n--- expected\n{}\n--- found\n{}",
                expected.lines.join("\n"),
                found.join("\n")
            ),
            line: expected.start,
            replaced: expected.lines.len(),
            lines,
        });
    }
}

/// The scenario's text with every correction made.
pub(crate) fn corrected(text: &str, corrections: &[Correction]) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut ordered: Vec<&Correction> = corrections.iter().collect();
    ordered.sort_by_key(|correction| std::cmp::Reverse(correction.line));
    for correction in ordered {
        let end = correction.line + correction.replaced;
        lines.splice(correction.line..end, correction.lines.iter().cloned());
    }
    lines.join("\n") + "\n"
}
