//! How the program ends: one table from verdicts and errors to exit codes, and what is said with a bad one.
//!
//! The codes are a contract with schedulers; the top-level help prints the same table.

use chartlift_engine::statement::{Stage, Summary, Trouble, Verdict};

/// The exit codes. The number is the contract, the name is ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Done = 0,
    Failed = 1,
    Usage = 2,
    NotFeasible = 3,
    Nothing = 4,
    Transient = 5,
    Undone = 6,
    Suspended = 7,
    Conflict = 8,
    Bug = 70,
}

impl Exit {
    pub(crate) fn code(self) -> u8 {
        self as u8
    }

    /// What a summary means for whoever called, looking at the stages up to and with `until` only.
    pub(crate) fn of_summary(summary: &Summary, until: Stage) -> Self {
        let counted = || summary.stages.iter().filter(|stage| stage.stage <= until);
        let of_stages = counted().map(|stage| stage.verdict).max().unwrap_or(Verdict::NotRun);
        // The order's own verdict speaks of all stages, so it counts only when all were asked for.
        let worst = if until == Stage::Verify { of_stages.max(summary.verdict) } else { of_stages };
        let culprit = counted().find(|stage| stage.verdict == worst).map(|stage| stage.stage);
        // What import found before it began to load undid nothing.
        let before = |code: &str| matches!(code, "second-reading" | "artefact-changed");
        if worst == Verdict::Fail && summary.error.as_ref().is_some_and(|error| before(&error.code)) {
            return Self::Failed;
        }
        Self::of_verdict(worst, culprit)
    }

    /// `culprit` is the first stage with that verdict.
    fn of_verdict(verdict: Verdict, culprit: Option<Stage>) -> Self {
        match (verdict, culprit) {
            (Verdict::Pass, _) => Self::Done,
            (Verdict::NotRun, _) => Self::Nothing,
            (Verdict::Suspended, _) => Self::Suspended,
            (Verdict::Fail, Some(Stage::Identify | Stage::Check)) => Self::NotFeasible,
            (Verdict::Fail, Some(Stage::Import)) => Self::Undone,
            (Verdict::Fail, _) => Self::Failed,
        }
    }
}

/// Why a command could not do what it was asked, in words for a person and a code for a program.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) code: String,
    /// Lowercase, no full stop, names in backticks, never a value of a row.
    pub(crate) message: String,
    /// The chain of causes, outermost first.
    pub(crate) causes: Vec<String>,
    pub(crate) hints: Vec<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { exit, code: code.into(), message: message.into(), causes: Vec::new(), hints: Vec::new() }
    }

    pub(crate) fn usage(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, code, message)
    }

    /// For `map_err`: a file of ours that the operating system refuses.
    pub(crate) fn file(
        doing: &'static str,
        path: impl Into<std::path::PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| {
            let mut failure =
                Self::new(exit_of_io(&source), "file-error", format!("cannot {doing} `{}`", path.display()));
            failure.causes.push(source.to_string());
            failure
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        let hint = hint.into();
        if !hint.is_empty() {
            self.hints.push(hint);
        }
        self
    }

    /// The `error` member of the JSON object.
    pub(crate) fn trouble(&self) -> Trouble {
        let message =
            std::iter::once(&self.message).chain(&self.causes).cloned().collect::<Vec<_>>().join(": ");
        Trouble { code: self.code.clone(), message, hint: self.hints.join("; ") }
    }
}

impl From<chartlift_engine::Error> for Failure {
    fn from(error: chartlift_engine::Error) -> Self {
        use chartlift_engine::Error;
        let exit = match &error {
            Error::Usage { .. } => Exit::Usage,
            Error::Changed { .. } => Exit::Transient,
            Error::Conflict { .. } | Error::Broken { .. } | Error::Locked { .. } => Exit::Conflict,
            Error::Edge(edge) => exit_of_edge(edge),
            Error::File { source, .. } => exit_of_io(source),
            // More memory is the operator's to give; a full disk shows as an error of the system further down.
            Error::Query { .. } if error.is_out_of_memory() => Exit::Usage,
            Error::Query { .. } | Error::Parquet { .. } => system_error(&error).map_or(Exit::Bug, exit_of_io),
        };
        let mut failure =
            Self::new(exit, error.code(), error.to_string()).hint(error.hint().unwrap_or_default());
        if error.is_out_of_memory() {
            failure.hints.push("raise `limits: { memory_mb: ... }` in chartlift.yaml".into());
        }
        failure.causes.extend(system_error(&error).map(ToString::to_string));
        failure
    }
}

impl From<chartlift_io::Error> for Failure {
    fn from(error: chartlift_io::Error) -> Self {
        chartlift_engine::Error::from(error).into()
    }
}

fn exit_of_edge(error: &chartlift_io::Error) -> Exit {
    use chartlift_io::Error;
    match error {
        Error::File { source, .. } => exit_of_io(source),
        _ if error.is_transient() => Exit::Transient,
        Error::Fenced { .. } | Error::Untold { .. } | Error::Stood { .. } => Exit::Conflict,
        Error::Refused { refusal, .. } if refusal.is_taken_key() => Exit::Conflict,
        // What the login, the database's name or a missing right refuses, no transaction has touched.
        Error::Refused { refusal, .. } if is_setup(&refusal.code) => Exit::Usage,
        Error::Refused { .. }
        | Error::Short { .. }
        | Error::Value { .. }
        | Error::Unproved { .. }
        | Error::Shape { .. } => Exit::Undone,
        Error::HashDiffers { .. } => Exit::Failed,
        _ => Exit::Usage,
    }
}

/// What the operating system said, if it is at the bottom of this. Only its words are shown: those of a database or
/// of the query engine may quote values.
fn system_error<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a std::io::Error> {
    std::iter::successors(Some(error), |error| error.source()).find_map(|error| error.downcast_ref())
}

/// SQLSTATE classes of access and setup: 28 login, 3D database, 42 rights, tables and syntax.
fn is_setup(code: &str) -> bool {
    ["28", "3D", "42"].iter().any(|class| code.starts_with(class))
}

/// What a refusal of the operating system asks of the caller: other arguments, or another moment.
fn exit_of_io(error: &std::io::Error) -> Exit {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::NotFound
        | ErrorKind::PermissionDenied
        | ErrorKind::AlreadyExists
        | ErrorKind::NotADirectory
        | ErrorKind::IsADirectory
        | ErrorKind::ReadOnlyFilesystem
        | ErrorKind::InvalidInput
        | ErrorKind::InvalidData
        | ErrorKind::InvalidFilename => Exit::Usage,
        _ => Exit::Transient,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_product_md() {
        let table = [
            (Verdict::Pass, None, 0),
            (Verdict::Fail, Some(Stage::Identify), 3),
            (Verdict::Fail, Some(Stage::Check), 3),
            (Verdict::Fail, Some(Stage::Categorize), 1),
            (Verdict::Fail, Some(Stage::Validate), 1),
            (Verdict::Fail, Some(Stage::Import), 6),
            (Verdict::Fail, Some(Stage::Verify), 1),
            (Verdict::Fail, None, 1),
            (Verdict::Suspended, Some(Stage::Identify), 7),
            (Verdict::NotRun, Some(Stage::Check), 4),
            (Verdict::NotRun, None, 4),
        ];
        for (verdict, culprit, code) in table {
            assert_eq!(Exit::of_verdict(verdict, culprit).code(), code, "{verdict:?} at {culprit:?}");
        }
    }

    #[test]
    fn stages_beyond_until_do_not_count() {
        let summary = crate::output::summary_of(&[
            (Stage::Identify, Verdict::Pass),
            (Stage::Check, Verdict::Pass),
            (Stage::Categorize, Verdict::Suspended),
        ]);
        assert_eq!(Exit::of_summary(&summary, Stage::Check), Exit::Done);
        assert_eq!(Exit::of_summary(&summary, Stage::Verify), Exit::Suspended);
        assert_eq!(Exit::of_summary(&crate::output::summary_of(&[]), Stage::Check), Exit::Nothing);
    }
}
