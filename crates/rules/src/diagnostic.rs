//! A problem in a rule file: where, what, and what to do about it.

use std::path::PathBuf;

/// One rule file as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct File {
    pub path: PathBuf,
    pub text: String,
}

/// A byte range in a rule file; `file` indexes `Project::files`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Place {
    pub file: u32,
    pub start: u32,
    pub end: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Warning,
    Error,
}

/// What is wrong with a rule. `code` stands in [`crate::CODES`].
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnostic {
    pub code: &'static str,
    pub severity: Severity,
    pub place: Place,
    /// Lowercase, no full stop, names in backticks.
    pub message: String,
    /// What to do, e.g. "did you mean `birth_date`?"
    pub help: Option<String>,
}

impl Diagnostic {
    pub fn error(code: &'static str, place: Place, message: impl Into<String>) -> Self {
        Self { code, severity: Severity::Error, place, message: message.into(), help: None }
    }

    pub fn warning(code: &'static str, place: Place, message: impl Into<String>) -> Self {
        Self { code, severity: Severity::Warning, place, message: message.into(), help: None }
    }

    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// The 1-based line and column (in characters) of a place.
pub fn render_position(file: &File, place: Place) -> (usize, usize) {
    let end = (place.start as usize).min(file.text.len());
    let end = (0..=end).rev().find(|index| file.text.is_char_boundary(*index)).unwrap_or(0);
    let before = file.text.get(..end).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before.get(line_start..).unwrap_or_default().trim_start_matches('\u{feff}').chars().count();
    (before.matches('\n').count() + 1, column + 1)
}

/// From here on one name is taken for a slip of the other.
const ALIKE: f64 = 0.8;

fn likeness(name: &str, other: &str) -> f64 {
    strsim::jaro_winkler(&name.to_lowercase(), &other.to_lowercase())
}

/// Whether one name is probably a slip of the other.
pub(crate) fn alike(name: &str, other: &str) -> bool {
    likeness(name, other) >= ALIKE
}

/// "did you mean" for a name that is not among the allowed ones; otherwise the allowed ones are listed.
pub fn suggest<'a>(name: &str, allowed: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let allowed: Vec<&str> = allowed.into_iter().collect();
    let best = allowed
        .iter()
        .map(|candidate| (likeness(name, candidate), *candidate))
        .max_by(|a, b| a.0.total_cmp(&b.0))?;
    if best.0 >= ALIKE {
        return Some(format!("did you mean `{}`?", best.1));
    }
    let shown: Vec<String> = allowed.iter().take(20).map(|name| format!("`{name}`")).collect();
    let more = if allowed.len() > 20 { ", ..." } else { "" };
    Some(format!("expected one of {}{more}", shown.join(", ")))
}
