//! The one place that prints. Results go to stdout, everything else to stderr; `--json` puts exactly one
//! object on stdout, whether the command worked or not.

mod diagnostics;
mod statement;
pub(crate) mod table;

use std::fmt::Display;
use std::io::{IsTerminal as _, Write as _};

use chartlift_engine::statement::Summary;
use chartlift_rules::{Diagnostic, Project};
use serde::Serialize;
use serde_json::json;

use crate::exit::Failure;

pub(crate) use diagnostics::Located;
#[cfg(test)]
pub(crate) use statement::summary_of;
pub(crate) use statement::{NextStep, grouped, verdict_name, verdict_sentence};
pub(crate) use table::{Align, Table};

/// How results are shown; made once from the arguments.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    pub(crate) json: bool,
    pub(crate) quiet: bool,
    pub(crate) verbose: bool,
    /// Problems of rules may be coloured; no meaning rests on it.
    pub(crate) colour: bool,
}

impl Output {
    /// `plain` is true when the caller asked for no colour (NO_COLOR).
    pub(crate) fn new(global: &crate::args::Global, plain: bool) -> Self {
        Self {
            json: global.json,
            quiet: global.quiet,
            verbose: global.verbose,
            colour: !plain && std::io::stderr().is_terminal(),
        }
    }

    /// A line of the result, for people; nothing with `--json`.
    pub(crate) fn line(&self, text: impl Display) {
        if !self.json {
            to_stdout(format_args!("{text}\n"));
        }
    }

    /// What is happening, on stderr.
    pub(crate) fn note(&self, text: impl Display) {
        if !self.quiet && !self.json {
            to_stderr(format_args!("{text}\n"));
        }
    }

    /// The one object of `--json`; nothing otherwise.
    pub(crate) fn object(&self, object: &impl Serialize) {
        if !self.json {
            return;
        }
        match serde_json::to_string_pretty(object) {
            Ok(text) => to_stdout(format_args!("{text}\n")),
            Err(error) => to_stderr(format_args!("error: cannot write the result as JSON: {error}\n")),
        }
    }

    pub(crate) fn summary(&self, summary: &Summary, next: &NextStep) {
        if self.json {
            self.object(summary);
        } else {
            to_stdout(format_args!("{}", statement::rendered(summary, next, self.verbose)));
        }
    }

    /// An error: `error` on stdout with `--json`, words on stderr otherwise.
    pub(crate) fn failure(&self, failure: &Failure) {
        if self.json {
            self.object(&json!({ "spec": "chartlift/v1", "error": failure.trouble() }));
            return;
        }
        let mut text = format!("error: {}\n", failure.message);
        for cause in &failure.causes {
            text.push_str(&format!("  caused by: {cause}\n"));
        }
        for hint in &failure.hints {
            text.push_str(&format!("hint: {hint}\n"));
        }
        text.push_str(&format!("code: {} (see `chartlift explain {}`)\n", failure.code, failure.code));
        to_stderr(format_args!("{text}"));
    }

    /// All problems of the rules, underlined, on stderr; the array of `--json` is the caller's to print.
    pub(crate) fn diagnostics(&self, project: &Project, diagnostics: &[Diagnostic]) {
        for diagnostic in diagnostics {
            let text = diagnostics::rendered(project, diagnostic, self.colour);
            to_stderr(format_args!("{}\n\n", text.trim_end()));
        }
    }
}

// A closed pipe is the reader's choice, so a failed write is not an error of ours.
fn to_stdout(text: std::fmt::Arguments<'_>) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_fmt(text).and_then(|()| out.flush());
}

pub(crate) fn to_stderr(text: std::fmt::Arguments<'_>) {
    let _ = std::io::stderr().lock().write_fmt(text);
}
