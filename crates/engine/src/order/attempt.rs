//! Attempts at a stage: artefacts are made in a numbered folder and published by the `done` record.

use std::path::{Path, PathBuf};

use chartlift_io::failpoint;

use super::event::{Done, Event};
use super::{Locked, files};
use crate::Error;
use crate::statement::{Stage, Verdict};

/// One try at a stage. Dropping it without `done` leaves a folder that the next attempt removes.
#[derive(Debug)]
pub struct Attempt {
    stage: Stage,
    number: u32,
    root: PathBuf,
}

impl Attempt {
    pub fn stage(&self) -> Stage {
        self.stage
    }

    pub fn number(&self) -> u32 {
        self.number
    }

    /// The folder for what this attempt makes, made at the first call.
    pub fn folder(&self) -> Result<PathBuf, Error> {
        let folder = self.path();
        files::make_folder(&folder)?;
        failpoint::hit("attempt-folder");
        Ok(folder)
    }

    fn path(&self) -> PathBuf {
        self.root.join(self.relative())
    }

    fn relative(&self) -> String {
        format!("{}/{}", stage_folder(self.stage), self.number)
    }
}

/// What a stage says when it is done.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Digest of everything the stage read.
    pub fingerprint: String,
    /// Digest of what it made.
    pub digest: String,
    pub verdict: Verdict,
    pub seconds: f64,
    /// Never a value of a row.
    pub report: serde_json::Value,
}

impl Locked {
    /// Starts a stage. What earlier attempts left unpublished is removed, and so is what a later `done` replaced.
    pub fn begin(&mut self, stage: Stage) -> Result<Attempt, Error> {
        let number = self.attempts(stage) + 1;
        let keep = self.latest(stage).map(|done| done.attempt);
        files::remove_attempts_except(&self.root().join(stage_folder(stage)), keep)?;
        self.append(Event::Started { stage, attempt: number })?;
        Ok(Attempt { stage, number, root: self.root().to_path_buf() })
    }

    /// Publishes the attempt: its artefacts are durable before the record that names them.
    pub fn done(&mut self, attempt: Attempt, outcome: Outcome) -> Result<(), Error> {
        let path = attempt.path();
        let made = path.is_dir();
        if made {
            failpoint::hit("artefacts-sync");
            files::sync_tree(&path)?;
            sync_parents(&path, self.root())?;
            failpoint::hit("artefacts-durable");
        }
        let stage = attempt.stage;
        let Outcome { fingerprint, digest, verdict, seconds, report } = outcome;
        self.append(Event::Done(Done {
            stage,
            attempt: attempt.number,
            folder: made.then(|| attempt.relative()),
            fingerprint,
            digest,
            after: self.before(stage).map(|done| done.digest.clone()),
            verdict,
            judged_anew: false,
            seconds,
            report,
        }))
    }

    /// Records that what a stage made is judged otherwise now; the work itself was not repeated.
    pub(crate) fn judged_anew(
        &mut self,
        done: Done,
        verdict: Verdict,
        report: serde_json::Value,
    ) -> Result<(), Error> {
        self.append(Event::Done(Done { verdict, report, judged_anew: true, ..done }))
    }

    /// Records why the attempt came to nothing. The message never carries a value of a row.
    pub fn failed(&mut self, attempt: Attempt, code: &str, message: &str) -> Result<(), Error> {
        self.append(Event::Failed {
            stage: attempt.stage,
            attempt: attempt.number,
            code: code.to_owned(),
            message: message.to_owned(),
        })
    }

    /// How often the stage was started.
    fn attempts(&self, stage: Stage) -> u32 {
        let started = self.records().iter().filter_map(|record| match record.event {
            Event::Started { stage: of, attempt } if of == stage => Some(attempt),
            _ => None,
        });
        started.max().unwrap_or(0)
    }
}

/// Where a stage's attempts lie in the order's folder.
fn stage_folder(stage: Stage) -> &'static str {
    match stage {
        Stage::Identify => "reports/identify",
        Stage::Check => "checked_files",
        Stage::Categorize => "categorized_files",
        Stage::Convert => "converted_files",
        Stage::Validate => "validated_files",
        Stage::Import => "reports/import",
        Stage::Verify => "reports/verify",
    }
}

fn sync_parents(path: &Path, root: &Path) -> Result<(), Error> {
    let mut above = path.ancestors().skip(1).take_while(|folder| folder.starts_with(root));
    above.try_for_each(files::sync_folder)
}
