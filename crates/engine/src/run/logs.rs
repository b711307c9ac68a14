//! `logs/`: what each attempt at a stage came to, one line a fact, for people and their tools.
//!
//! The lines are a copy of the order's log and of the marks, so they can be caught up with after a kill: an attempt
//! is told once its `ended` line stands, and whatever was written of it before is written again. No value of a row.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use chartlift_io::failpoint;
use chartlift_rules::Disposition;

use super::{marked, read_report};
use crate::Error;
use crate::marks::Check;
use crate::order::{Done, Event, Locked, Record};
use crate::report::{SourceFile, StageReport};
use crate::statement::Stage;

use facts::Fact;

mod facts;

/// The stage's log, and the one that lists every mark.
fn names(stage: Stage) -> (&'static str, Option<&'static str>) {
    match stage {
        Stage::Identify => ("identification.log", None),
        Stage::Check => ("csv_schema_validation.log", Some("csv_schema_validation_detailed.log")),
        Stage::Categorize => ("categorization.log", None),
        Stage::Convert => ("conversion.log", None),
        Stage::Validate => ("import_validation.log", Some("import_validation_detailed.log")),
        Stage::Import => ("import.log", None),
        Stage::Verify => ("verification.log", None),
    }
}

/// Writes what the logs do not tell yet of a stage's attempts. All of them have ended, or were killed.
pub(super) fn catch_up(order: &Locked, stage: Stage) -> Result<(), Error> {
    let attempts = attempts(order.records(), stage);
    if attempts.is_empty() {
        return Ok(());
    }
    let (name, detailed) = names(stage);
    let folder = order.subfolder("logs");
    let told = told(&folder.join(name))?;
    for attempt in attempts.iter().filter(|attempt| !told.contains(&attempt.name())) {
        // The list of marks first: the attempt is told with the last line of the short log.
        if let (Some(detailed), Some((_, Event::Done(done))), 0) =
            (detailed, attempt.end(), attempt.judgement)
        {
            let mut lines = Lines::append(order, &folder, detailed)?;
            attempt.start(&mut lines)?;
            list_marks(order, done, &mut lines)?;
            attempt.finish(&mut lines)?;
        }
        let mut lines = Lines::append(order, &folder, name)?;
        attempt.start(&mut lines)?;
        if let Some((_, Event::Done(done))) = attempt.end() {
            facts::of(&read_report(done)?, stage, |fact| lines.write(&fact))?;
        }
        attempt.finish(&mut lines)?;
    }
    Ok(())
}

/// A try at a stage as the order's log has it.
struct Attempt<'a> {
    stage: Stage,
    number: u32,
    /// How often the attempt had been judged anew by then: such a block tells the new judgement.
    judgement: u32,
    started: &'a Record,
    ended: Option<&'a Record>,
}

fn attempts(records: &[Record], stage: Stage) -> Vec<Attempt<'_>> {
    let mut attempts: Vec<Attempt<'_>> = Vec::new();
    for record in records {
        match &record.event {
            Event::Started { stage: of, attempt } if *of == stage => {
                attempts.push(Attempt {
                    stage,
                    number: *attempt,
                    judgement: 0,
                    started: record,
                    ended: None,
                });
            }
            Event::Done(Done { stage: of, attempt, judged_anew: true, .. }) if *of == stage => {
                let number = *attempt;
                let earlier = attempts.iter().filter(|attempt| attempt.number == number).count();
                let judgement = u32::try_from(earlier).unwrap_or(u32::MAX);
                attempts.push(Attempt { stage, number, judgement, started: record, ended: Some(record) });
            }
            Event::Done(Done { stage: of, attempt, .. }) | Event::Failed { stage: of, attempt, .. }
                if *of == stage =>
            {
                let number = *attempt;
                attempts
                    .iter_mut()
                    .filter(|attempt| attempt.number == number)
                    .for_each(|attempt| attempt.ended = Some(record));
            }
            _ => {}
        }
    }
    attempts
}

impl Attempt<'_> {
    /// What tells its block from others.
    fn name(&self) -> (u32, u32) {
        (self.number, self.judgement)
    }

    fn end(&self) -> Option<(&Record, &Event)> {
        self.ended.map(|record| (record, &record.event))
    }

    /// The header; all that follows has the time at which the attempt ended.
    fn start(&self, lines: &mut Lines) -> Result<(), Error> {
        lines.time = time(self.started);
        let number = self.number.to_string();
        let name = if self.judgement == 0 { "started" } else { "judged-anew" };
        let fact = Fact::info(name, self.stage).with("attempt", &number).with("actor", &self.started.actor);
        lines.write(&fact)?;
        lines.time = time(self.ended.unwrap_or(self.started));
        Ok(())
    }

    fn finish(&self, lines: &mut Lines) -> Result<(), Error> {
        let ended = match self.end() {
            Some((_, Event::Done(done))) => {
                let verdict = serde_json::to_value(done.verdict).unwrap_or_default();
                Fact::info("ended", self.stage)
                    .with("verdict", verdict.as_str().unwrap_or_default())
                    .with("seconds", &format!("{:.2}", done.seconds))
                    .with("digest", &done.digest)
            }
            Some((_, Event::Failed { code, message, .. })) => {
                lines.write(&Fact::error(code, self.stage).with("message", message))?;
                Fact::error("ended", self.stage).with("verdict", "failed")
            }
            _ => Fact::error("ended", self.stage).with("verdict", "interrupted"),
        };
        let ended = ended.with("attempt", &self.number.to_string());
        let judgement = self.judgement.to_string();
        lines.write(&if self.judgement == 0 { ended } else { ended.with("judgement", &judgement) })?;
        lines.flush()
    }
}

fn time(record: &Record) -> String {
    record.time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

/// The attempts whose `ended` line stands in a log.
fn told(path: &Path) -> Result<BTreeSet<(u32, u32)>, Error> {
    let mut told = BTreeSet::new();
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(told),
        Err(error) => return Err(Error::file("open", path)(error)),
    };
    for line in BufReader::new(file).split(b'\n') {
        let line = line.map_err(Error::file("read", path))?;
        let line = String::from_utf8_lossy(&line);
        if line.split(' ').nth(2) == Some("ended") {
            let number = |name: &str| {
                let field = line.split(' ').find_map(|field| field.strip_prefix(name));
                field.and_then(|number| number.parse::<u32>().ok())
            };
            let judgement = number("judgement=").unwrap_or_default();
            told.extend(number("attempt=").map(|attempt| (attempt, judgement)));
        }
    }
    Ok(told)
}

/// Every mark of a stage as it is read, so that their number costs no memory.
fn list_marks(order: &Locked, done: &Done, lines: &mut Lines) -> Result<(), Error> {
    let stage = done.stage;
    let report = read_report(done)?;
    let folder = done.folder.as_ref().map(|folder| order.root().join(folder));
    let Some(folder) = folder.filter(|folder| folder.is_dir()) else {
        // Only after a kill between the stage and its log, and another attempt since.
        return lines.write(&Fact::info("marks", stage).with("state", "removed"));
    };
    let sources = sources(order, &report)?;
    let heads: Vec<String> = report.checks.iter().map(|check| head(stage, check)).collect();
    let mut written = Ok(());
    marked::each(stage, &folder, |mark| {
        if written.is_err() {
            return;
        }
        let place = marked::place(mark.row);
        let file = place.file.and_then(|file| sources.get(file)).map_or("", String::as_str);
        let rejected;
        let head = match &mark.by {
            marked::By::Check(number) => heads.get(*number).map_or("", String::as_str),
            marked::By::Reject { code, table } => {
                rejected = head(stage, &Check::new(code, table, Disposition::Quarantine));
                rejected.as_str()
            }
        };
        written = lines.write_mark(head, file, place.record, mark.part);
    })?;
    written
}

/// A mark's line as far as it is the same for all rows.
fn head(stage: Stage, check: &Check) -> String {
    let finding = check.finding(stage, 0);
    let mut fact = Fact::of_severity(&finding.severity, &check.code, stage);
    if let Some(system) = &check.system {
        fact = fact.with("system", system);
    }
    fact = fact.with("table", &check.table);
    if let Some(column) = &check.column {
        fact = fact.with("column", column);
    }
    fact.with("disposition", check.disposition.name()).text()
}

/// The files' names, ready for a line.
fn sources(order: &Locked, report: &StageReport) -> Result<Vec<String>, Error> {
    let own = report.sources.clone();
    let sources = match order.latest(Stage::Check) {
        Some(done) if own.is_empty() => read_report(done)?.sources,
        _ => own,
    };
    let several = order.spec().inputs.len() > 1;
    let name = |source: &SourceFile| {
        if several { format!("{}/{}", source.input, source.file) } else { source.file.clone() }
    };
    Ok(sources.iter().map(|source| facts::quoted(&name(source))).collect())
}

/// A log that is being added to.
struct Lines {
    out: BufWriter<File>,
    path: PathBuf,
    time: String,
}

impl Lines {
    fn append(order: &Locked, folder: &Path, name: &str) -> Result<Self, Error> {
        Ok(Self { out: BufWriter::new(order.log_file(name)?), path: folder.join(name), time: String::new() })
    }

    fn write(&mut self, fact: &Fact) -> Result<(), Error> {
        writeln!(self.out, "{} {}", self.time, fact.text()).map_err(Error::file("write", &self.path))?;
        failpoint::hit("logs-line");
        Ok(())
    }

    fn write_mark(&mut self, head: &str, file: &str, record: i64, part: i32) -> Result<(), Error> {
        let time = &self.time;
        let line = if part == 0 {
            writeln!(self.out, "{time} {head} file={file} row={record}")
        } else {
            writeln!(self.out, "{time} {head} file={file} row={record} part={part}")
        };
        line.map_err(Error::file("write", &self.path))
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.out.flush().map_err(Error::file("write", &self.path))?;
        failpoint::hit("logs-told");
        Ok(())
    }
}
