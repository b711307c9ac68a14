//! Problems of rule files, shown with the line they stand on and the text underlined.

use std::fmt;
use std::path::PathBuf;

use chartlift_rules::{Diagnostic, Project, Severity};
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};
use serde::Serialize;

/// A diagnostic as `lint --json` prints it; line and column count from 1, columns in characters.
#[derive(Debug, Serialize)]
pub(crate) struct Located {
    code: &'static str,
    severity: &'static str,
    file: Option<PathBuf>,
    line: usize,
    column: usize,
    message: String,
    help: Option<String>,
}

impl Located {
    pub(crate) fn of(project: &Project, diagnostic: &Diagnostic) -> Self {
        let file = usize::try_from(diagnostic.place.file).ok().and_then(|index| project.files.get(index));
        let start = usize::try_from(diagnostic.place.start).unwrap_or(usize::MAX);
        let before = file.map_or("", |file| file.text.get(..start).unwrap_or(""));
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            code: diagnostic.code,
            severity: severity_name(diagnostic.severity),
            file: file.map(|file| file.path.clone()),
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or("").chars().count() + 1,
            message: diagnostic.message.clone(),
            help: diagnostic.help.clone(),
        }
    }
}

/// The report as a person reads it.
pub(super) fn rendered(project: &Project, diagnostic: &Diagnostic, colour: bool) -> String {
    let file = usize::try_from(diagnostic.place.file).ok().and_then(|index| project.files.get(index));
    let shown = Shown {
        diagnostic,
        source: file.map(|file| NamedSource::new(file.path.to_string_lossy(), file.text.clone())),
        span: span(diagnostic, file.map_or(0, |file| file.text.len())),
    };
    let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_context_lines(1).with_links(false);
    let mut text = String::new();
    match handler.render_report(&mut text, &shown) {
        Ok(()) => text,
        // A place outside its file must not hide the problem itself.
        Err(fmt::Error) => format!("{}: {}", diagnostic.code, diagnostic.message),
    }
}

fn span(diagnostic: &Diagnostic, length: usize) -> std::ops::Range<usize> {
    let at = |offset: u32| usize::try_from(offset).unwrap_or(usize::MAX).min(length);
    let (start, end) = (at(diagnostic.place.start), at(diagnostic.place.end));
    start..end.max(start)
}

fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

/// A diagnostic in miette's terms.
#[derive(Debug)]
struct Shown<'a> {
    diagnostic: &'a Diagnostic,
    source: Option<NamedSource<String>>,
    span: std::ops::Range<usize>,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.diagnostic.message)
    }
}

impl std::error::Error for Shown<'_> {}

impl miette::Diagnostic for Shown<'_> {
    fn code<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        Some(Box::new(self.diagnostic.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.diagnostic.severity {
            Severity::Warning => miette::Severity::Warning,
            Severity::Error => miette::Severity::Error,
        })
    }

    fn help<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        self.diagnostic.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.source.as_ref()?;
        Some(Box::new(std::iter::once(LabeledSpan::underline(self.span.clone()))))
    }
}

#[cfg(test)]
mod tests {
    use chartlift_rules::{File, Place};

    use super::*;

    fn project() -> Project {
        let text = "spec: chartlift/v1\ncatégory: patient\n".to_owned();
        Project { files: vec![File { path: "canonical/x.yaml".into(), text }], ..Project::default() }
    }

    #[test]
    fn the_place_is_given_in_lines_and_characters() {
        let place = Place { file: 0, start: 30, end: 37 };
        let diagnostic = Diagnostic::error("unknown-key", place, "unknown key").help("remove it");
        let located = Located::of(&project(), &diagnostic);
        assert_eq!((located.line, located.column), (2, 11));
        let text = rendered(&project(), &diagnostic, false);
        assert!(text.contains("unknown-key") && text.contains("canonical/x.yaml:2"), "{text}");
        assert!(text.contains("patient") && text.contains("remove it"), "{text}");
    }

    #[test]
    fn a_place_outside_the_file_still_shows_the_problem() {
        let place = Place { file: 0, start: 4000, end: 5000 };
        let text =
            rendered(&project(), &Diagnostic::warning("unfilled-table", place, "something odd"), false);
        assert!(text.contains("something odd"), "{text}");
    }
}
