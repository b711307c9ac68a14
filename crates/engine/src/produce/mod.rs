//! Runs one compiled rule: writes the rows it produced, marks the rows it did not, and counts every one.

mod consumer;

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use chartlift_rules::{Disposition, TableSchema};
use datafusion::error::DataFusionError;
use futures::StreamExt;
use roaring::RoaringTreemap;

use crate::Error;
use crate::compile::{CompiledRule, Level};
use crate::constraints::ColumnCheck;
use crate::digest::ArtefactDigest;
use crate::keys::{KeyWriter, Pool, Secret};
use crate::layer::{LayerWriter, marks_name, part_name};
use crate::marks::{Check, MarkWriter, RowSet};
use crate::progress::Progress;
use consumer::Consumer;

pub(crate) use consumer::{CONVERT_SHIFT, MOST_CONVERT_RULES, MOST_RULES, RULE_SHIFT};

/// What running a rule needs beside the rule.
pub(crate) struct Job<'a> {
    pub rule: &'a CompiledRule,
    /// The rule's place in its file.
    pub number: usize,
    pub level: Level,
    pub into: &'a TableSchema,
    /// The layer's folder.
    pub folder: &'a Path,
    pub secret: Secret,
    /// Where the produced rows' keys go.
    pub pool: &'a Arc<Pool>,
    /// Single-row checks of what the rule produces.
    pub checks: &'a [ColumnCheck],
    /// Fields of held records that a merge rule must know; none without one.
    pub of_held: &'a [String],
    pub progress: &'a Arc<dyn Progress>,
    /// When "future" begins, in microseconds since 1970.
    pub now: i64,
}

/// Why a driving row produced nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Unproduced {
    /// Another row of its group stands for it.
    Merged,
    Quarantined,
    Excluded(String),
}

/// What came of a rule's driving rows.
#[derive(Default)]
pub(crate) struct Outcome {
    /// Driving rows that reached the rule.
    pub read: u64,
    pub produced: u64,
    pub emitted: u64,
    pub unproduced: BTreeMap<Unproduced, RowSet>,
    /// How many rows failed each check, by its number.
    pub marked: BTreeMap<i32, u64>,
    /// Hashes of the patients that lost something.
    pub incomplete: HashSet<u64>,
    /// Hashes of the patients whose own row was held.
    pub absent: HashSet<u64>,
    /// For each join, the rows it reached.
    pub reached: Vec<RoaringTreemap>,
    /// The records of quarantined rows: the fields that were asked for, `_row` and `_part`.
    pub held: Vec<RecordBatch>,
    /// The produced rows' keys, for finding equal ones.
    pub keys: Vec<KeyWriter>,
    pub digest: ArtefactDigest,
    /// Driving rows that are held and not known to be past, where that matters.
    pub future: RowSet,
    /// Driving rows of which a piece came out, where a row may have several.
    multiplied: RowSet,
}

impl Outcome {
    /// How many of the quarantined rows are not known to be past.
    pub(crate) fn future_held(&self) -> u64 {
        let held = self.unproduced.get(&Unproduced::Quarantined);
        held.map_or(0, |held| self.future.iter().filter(|id| held.contains(*id)).count() as u64)
    }

    /// Counts driving rows that never reached the rule's plan.
    pub(crate) fn left_out(&mut self, reason: Unproduced, rows: RowSet) {
        if !rows.is_empty() {
            self.read += rows.len();
            self.unproduced.entry(reason).or_default().union(rows);
        }
    }

    pub(crate) fn merge(&mut self, other: Self) -> Result<(), Error> {
        self.read += other.read;
        self.produced += other.produced;
        self.emitted += other.emitted;
        for (reason, rows) in other.unproduced {
            self.unproduced.entry(reason).or_default().union(rows);
        }
        other.marked.into_iter().for_each(|(check, rows)| *self.marked.entry(check).or_default() += rows);
        self.incomplete.extend(other.incomplete);
        self.absent.extend(other.absent);
        if self.reached.is_empty() {
            self.reached = other.reached;
        } else {
            self.reached.iter_mut().zip(other.reached).for_each(|(mine, theirs)| *mine |= theirs);
        }
        self.held.extend(other.held);
        self.keys.extend(other.keys);
        self.digest.merge(&other.digest)?;
        self.multiplied.union(other.multiplied);
        self.future.union(other.future);
        Ok(())
    }
}

/// The checks a rule can mark rows with, to be numbered once for a whole rule file.
pub(crate) fn rule_checks(rule: &CompiledRule, into: &str, checks: &[ColumnCheck]) -> Vec<Check> {
    let mut all = vec![
        Check::new("fan-out", &rule.from, Disposition::Quarantine).named(&rule.name),
        Check::new("undecided", &rule.from, Disposition::Quarantine).named(&rule.name),
        Check::new("uneven-lists", &rule.from, Disposition::Quarantine).named(&rule.name),
    ];
    for name in &rule.excludes {
        all.push(Check::new("excluded", &rule.from, Disposition::Exclude).named(name));
    }
    for loss in &rule.losses {
        all.push(Check::new(loss.code, into, loss.disposition).column(&loss.field).named(&rule.name));
    }
    for (name, disposition) in &rule.conditions {
        all.push(Check::new("condition-failed", &rule.from, *disposition).named(name));
    }
    for (field, repair) in &rule.repairs {
        all.push(Check::new("repaired", into, Disposition::Repair).column(field).named(repair));
    }
    for check in checks {
        all.push(
            Check::new(check.code, into, check.disposition).column(&check.column).named(check.constraint),
        );
    }
    all
}

/// Runs the rule's plan, one consumer a partition. `first_check` is the number of the rule's first check.
pub(crate) async fn run(job: &Job<'_>, first_check: usize, next_part: &mut usize) -> Result<Outcome, Error> {
    let doing = || format!("running the rule `{}`", job.rule.name);
    let streams = job.rule.frame.clone().execute_stream_partitioned().await.map_err(Error::query(doing()))?;
    let mut work = Vec::new();
    for mut stream in streams {
        let path = job.folder.join(part_name(*next_part));
        let mut marks = MarkWriter::new(job.folder.join(marks_name(*next_part)));
        *next_part += 1;
        let mut consumer = Consumer::new(job, first_check);
        let progress = Arc::clone(job.progress);
        work.push(tokio::spawn(async move {
            let mut writer = None;
            while let Some(batch) = stream.next().await {
                let batch = batch.map_err(Error::query("running a rule"))?;
                progress.advance(batch.num_rows() as u64);
                let made = consumer.consume(&batch).map_err(Error::query("settling a rule's rows"))?;
                consumer.write_marks(&mut marks)?;
                if made.num_rows() == 0 {
                    continue;
                }
                let writer = match &mut writer {
                    Some(writer) => writer,
                    empty => empty.insert(LayerWriter::create(&path, &consumer.schema)?),
                };
                writer.write(&made)?;
            }
            if let Some(writer) = writer {
                writer.close()?;
            }
            marks.close()?;
            Ok::<_, Error>(consumer.finish())
        }));
    }
    let mut outcome = Outcome::default();
    for one in work {
        let done =
            one.await.map_err(|error| Error::query(doing())(DataFusionError::External(Box::new(error))))?;
        outcome.merge(done?)?;
    }
    if job.rule.multiplies {
        settle_multiplied(&mut outcome);
    }
    Ok(outcome)
}

/// A driving row that became several counts once, by the best of their fates.
fn settle_multiplied(outcome: &mut Outcome) {
    outcome.produced = outcome.multiplied.len();
    let mut settled = std::mem::take(&mut outcome.multiplied);
    for rows in outcome.unproduced.values_mut() {
        rows.remove(&settled);
        settled.union(rows.clone());
    }
    outcome.unproduced.retain(|_, rows| !rows.is_empty());
    outcome.read = settled.len();
}
