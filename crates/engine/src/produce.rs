//! Runs one compiled rule: writes the rows it produced, marks the rows it did not, and counts every one.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int32Array, Int64Array, RecordBatch, StringViewArray,
    StringViewBuilder,
};
use arrow::datatypes::{Int32Type, Int64Type, SchemaRef};
use chartlift_rules::{Disposition, TableSchema};
use datafusion::error::DataFusionError;
use futures::StreamExt;
use roaring::RoaringTreemap;

use crate::Error;
use crate::compile::{CompiledRule, Level, layer_schema};
use crate::constraints::ColumnCheck;
use crate::digest::ArtefactDigest;
use crate::keys::{KeyWriter, Secret, hash_parts};
use crate::layer::{LayerWriter, part_name};
use crate::marks::{Check, Mark, RowId, RowSet};
use crate::progress::Progress;

/// Categorize rules in one file; `_part` has six bits for them.
pub(crate) const MOST_RULES: usize = 64;
const RULE_SHIFT: u32 = 20;
/// Convert rules in one file; `_part` has five bits for them.
pub(crate) const MOST_CONVERT_RULES: usize = 32;
const CONVERT_SHIFT: u32 = 26;

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
    /// Single-row checks of what the rule produces.
    pub checks: &'a [ColumnCheck],
    pub progress: &'a Arc<dyn Progress>,
}

/// Why a driving row produced nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Unproduced {
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
    pub marks: Vec<Mark>,
    /// Hashes of the patients that lost something.
    pub incomplete: HashSet<u64>,
    /// Hashes of the patients whose own row was held.
    pub absent: HashSet<u64>,
    /// For each join, the rows it reached.
    pub reached: Vec<RoaringTreemap>,
    /// The produced rows' keys, for finding equal ones.
    pub keys: Vec<KeyWriter>,
    pub digest: ArtefactDigest,
    multiplied: RowSet,
}

impl Outcome {
    pub(crate) fn merge(&mut self, other: Self) -> Result<(), Error> {
        self.read += other.read;
        self.produced += other.produced;
        self.emitted += other.emitted;
        for (reason, rows) in other.unproduced {
            self.unproduced.entry(reason).or_default().union(rows);
        }
        self.marks.extend(other.marks);
        self.incomplete.extend(other.incomplete);
        self.absent.extend(other.absent);
        if self.reached.is_empty() {
            self.reached = other.reached;
        } else {
            self.reached.iter_mut().zip(other.reached).for_each(|(mine, theirs)| *mine |= theirs);
        }
        self.keys.extend(other.keys);
        self.digest.merge(&other.digest)?;
        self.multiplied.union(other.multiplied);
        Ok(())
    }
}

/// The checks a rule can mark rows with, to be numbered once for a whole rule file.
pub(crate) fn rule_checks(rule: &CompiledRule, into: &str, checks: &[ColumnCheck]) -> Vec<Check> {
    let mut all = vec![
        Check::new("fan-out", &rule.from, Disposition::Quarantine).named(&rule.name),
        Check::new("undecided", &rule.from, Disposition::Quarantine).named(&rule.name),
    ];
    for name in &rule.excludes {
        all.push(Check::new("excluded", &rule.from, Disposition::Exclude).named(name));
    }
    for loss in &rule.losses {
        all.push(Check::new(loss.code, into, loss.disposition).column(&loss.field).named(&rule.name));
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
        *next_part += 1;
        let mut consumer = Consumer::new(job, first_check);
        let progress = Arc::clone(job.progress);
        work.push(tokio::spawn(async move {
            let mut writer = None;
            while let Some(batch) = stream.next().await {
                let batch = batch.map_err(Error::query("running a rule"))?;
                progress.advance(batch.num_rows() as u64);
                let made = consumer.consume(&batch).map_err(Error::query("settling a rule's rows"))?;
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
            Ok::<_, Error>(consumer.finish())
        }));
    }
    let mut outcome = Outcome::default();
    for one in work {
        let done =
            one.await.map_err(|error| Error::query(doing())(DataFusionError::External(Box::new(error))))?;
        outcome.merge(done?)?;
    }
    settle_multiplied(&mut outcome);
    Ok(outcome)
}

/// A driving row that a join multiplied counts once, as produced if any piece came out.
fn settle_multiplied(outcome: &mut Outcome) {
    if outcome.multiplied.is_empty() {
        return;
    }
    outcome.produced = outcome.multiplied.len();
    let held: u64 = outcome.unproduced.values().map(RowSet::len).sum();
    outcome.read = outcome.produced + held;
}

struct Consumer {
    schema: SchemaRef,
    outcome: Outcome,
    secret: Secret,
    layout: Layout,
    checks: Vec<ColumnCheck>,
    losses: Vec<(usize, Disposition, String)>,
    excludes: Vec<String>,
    first_check: i32,
    part: PartMaker,
    key: Option<usize>,
    patient: Option<usize>,
    defines_patient: bool,
    hold: Option<usize>,
    keys: KeyWriter,
}

/// Where the plan's columns stand.
struct Layout {
    degraded: Option<usize>,
    fan: usize,
    exclude: usize,
    joined: Vec<usize>,
    values: Vec<usize>,
}

#[derive(Clone, Copy)]
struct PartMaker {
    level: Level,
    number: i32,
}

impl PartMaker {
    /// The produced row's piece number: convert rule, categorize rule, ordinal.
    fn make(self, part: i32) -> i32 {
        match self.level {
            Level::Checked => (self.number << RULE_SHIFT) | part,
            Level::Categorized => (self.number << CONVERT_SHIFT) | part,
        }
    }
}

/// What one batch's rows came to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Kept,
    Quarantined,
    Excluded(usize),
}

impl Consumer {
    fn new(job: &Job<'_>, first_check: usize) -> Self {
        let schema = job.rule.frame.schema();
        let index = |name: &str| schema.index_of_column_by_name(None, name);
        let layout = Layout {
            degraded: index("_degraded"),
            fan: index("_fan").unwrap_or_default(),
            exclude: index("_exclude").unwrap_or_default(),
            joined: (0..job.rule.joins.len()).filter_map(|one| index(&format!("_joined_{one}"))).collect(),
            values: job.rule.fields.iter().filter_map(|field| index(&field.name)).collect(),
        };
        let field = |name: Option<&str>| {
            name.and_then(|name| job.rule.fields.iter().position(|field| field.name == name))
        };
        let patient = job.into.extension.patient.as_ref().map(|patient| patient.value.as_str());
        let key = job.into.primary_key.first().map(|key| key.value.as_str());
        Self {
            schema: layer_schema(job.into, Level::Categorized),
            outcome: Outcome {
                reached: vec![RoaringTreemap::new(); job.rule.joins.len()],
                ..Outcome::default()
            },
            secret: job.secret,
            losses: job
                .rule
                .losses
                .iter()
                .enumerate()
                .filter_map(|(number, loss)| {
                    index(&format!("_lost_{number}")).map(|at| (at, loss.disposition, loss.field.clone()))
                })
                .collect(),
            excludes: job.rule.excludes.clone(),
            layout,
            checks: job.checks.to_vec(),
            first_check: i32::try_from(first_check).unwrap_or(i32::MAX),
            part: PartMaker { level: job.level, number: i32::try_from(job.number).unwrap_or_default() },
            key: field(key),
            patient: field(patient),
            defines_patient: patient.is_some() && patient == key,
            hold: field(job.into.extension.hold.as_ref().map(|hold| hold.value.as_str())),
            keys: KeyWriter::new(),
        }
    }

    fn finish(mut self) -> Outcome {
        self.outcome.keys.push(self.keys);
        self.outcome
    }

    fn consume(&mut self, batch: &RecordBatch) -> Result<RecordBatch, DataFusionError> {
        let rows = batch.column(0).as_primitive::<Int64Type>().clone();
        let parts = batch.column(1).as_primitive::<Int32Type>().clone();
        let made_parts: Int32Array = parts.unary(|part| self.part.make(part));
        let mut values: Vec<ArrayRef> =
            self.layout.values.iter().map(|at| Arc::clone(batch.column(*at))).collect();
        let fates = self.fates(batch, &rows, &parts, &made_parts, &values);
        let degraded = self.degraded(batch, &fates);
        if let (Some(hold), Some(degraded)) = (self.hold, &degraded)
            && let Some(column) = values.get_mut(hold)
        {
            *column = first_of(column, degraded);
        }
        self.count(&rows, &parts, &fates);
        self.remember_reached(batch, &rows);
        self.remember_patients(&values, &fates, degraded.as_ref());
        let degraded = degraded.map_or_else(
            || Arc::new(StringViewArray::new_null(batch.num_rows())) as ArrayRef,
            |one| Arc::new(one) as ArrayRef,
        );
        values.extend([Arc::new(rows) as ArrayRef, Arc::new(made_parts), degraded]);
        let made = RecordBatch::try_new(SchemaRef::clone(&self.schema), values)?;
        let made = if fates.iter().all(|fate| *fate == Fate::Kept) {
            made
        } else {
            let keep: BooleanArray = fates.iter().map(|fate| Some(*fate == Fate::Kept)).collect();
            arrow::compute::filter_record_batch(&made, &keep)?
        };
        self.remember_keys(&made);
        self.outcome.digest.add(&made).map_err(|error| DataFusionError::External(Box::new(error)))?;
        self.outcome.emitted += made.num_rows() as u64;
        Ok(made)
    }

    /// Decides each row's fate and writes its marks.
    fn fates(
        &mut self,
        batch: &RecordBatch,
        rows: &Int64Array,
        parts: &Int32Array,
        made_parts: &Int32Array,
        values: &[ArrayRef],
    ) -> Vec<Fate> {
        let mut fates = vec![Fate::Kept; batch.num_rows()];
        let fan = batch.column(self.layout.fan).as_boolean();
        let exclude = batch.column(self.layout.exclude).as_primitive::<Int32Type>();
        let no_fan = fan.true_count() == 0;
        let no_exclusion = exclude.values().iter().all(|number| *number == 0);
        let id = |row: usize, parts: &Int32Array| RowId { row: rows.value(row), part: parts.value(row) };
        if !(no_fan && no_exclusion) {
            for (row, fate) in fates.iter_mut().enumerate() {
                let number = exclude.value(row);
                let check = if number > 0 {
                    *fate = Fate::Excluded(usize::try_from(number - 1).unwrap_or_default());
                    1 + number
                } else if number < 0 {
                    *fate = Fate::Quarantined;
                    1
                } else if fan.value(row) {
                    *fate = Fate::Quarantined;
                    0
                } else {
                    continue;
                };
                self.outcome.marks.push(Mark { id: id(row, parts), check: self.first_check + check });
            }
        }
        let first_loss = self.first_check + 2 + i32::try_from(self.excludes.len()).unwrap_or_default();
        for (number, (column, disposition, _)) in (0..).zip(&self.losses) {
            let lost = batch.column(*column);
            if lost.null_count() == lost.len() {
                continue;
            }
            for (row, fate) in fates.iter_mut().enumerate().filter(|(row, _)| lost.is_valid(*row)) {
                if matches!(fate, Fate::Excluded(_)) {
                    continue;
                }
                let holds = disposition.holds();
                if holds {
                    *fate = Fate::Quarantined;
                }
                let parts = if holds { parts } else { made_parts };
                self.outcome.marks.push(Mark { id: id(row, parts), check: first_loss + number });
            }
        }
        let first_check = first_loss + i32::try_from(self.losses.len()).unwrap_or_default();
        let mut failures = Vec::new();
        for (number, check) in (0..).zip(&self.checks) {
            let Some(position) = self.schema.index_of(&check.column).ok() else { continue };
            let Some(column) = values.get(position) else { continue };
            failures.clear();
            check.failures_typed(column, &mut failures);
            for row in failures.iter().map(|row| *row as usize) {
                let Some(fate) = fates.get_mut(row).filter(|fate| !matches!(fate, Fate::Excluded(_))) else {
                    continue;
                };
                let holds = check.disposition.holds();
                if holds {
                    *fate = Fate::Quarantined;
                }
                let parts = if holds { parts } else { made_parts };
                self.outcome.marks.push(Mark { id: id(row, parts), check: first_check + number });
            }
        }
        fates
    }

    /// The rows' lost values as one JSON object each, together with what an earlier stage lost; `None`: no row lost any.
    fn degraded(&self, batch: &RecordBatch, fates: &[Fate]) -> Option<StringViewArray> {
        let earlier = self.layout.degraded.map(|at| batch.column(at).as_string_view().clone());
        let lost: Vec<(&str, &StringViewArray)> = self
            .losses
            .iter()
            .filter(|(_, disposition, _)| *disposition == Disposition::Degrade)
            .filter_map(|(at, _, field)| Some((field.as_str(), batch.column(*at).as_string_view_opt()?)))
            .filter(|(_, column)| column.null_count() < column.len())
            .collect();
        if lost.is_empty() {
            return earlier.filter(|earlier| earlier.null_count() < earlier.len());
        }
        let mut made = StringViewBuilder::with_capacity(batch.num_rows());
        for row in 0..fates.len() {
            let before = earlier.as_ref().filter(|one| one.is_valid(row)).map(|one| one.value(row));
            let mut object: serde_json::Map<String, serde_json::Value> =
                before.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
            for (field, column) in &lost {
                if column.is_valid(row) {
                    object.insert((*field).to_owned(), column.value(row).into());
                }
            }
            if object.is_empty() {
                made.append_null();
            } else {
                made.append_value(serde_json::Value::Object(object).to_string());
            }
        }
        Some(made.finish())
    }

    fn count(&mut self, rows: &Int64Array, parts: &Int32Array, fates: &[Fate]) {
        self.outcome.read += fates.len() as u64;
        // A join that multiplies shows by its ordinals; then rows are counted as a set.
        let multiplied = self.part.level == Level::Checked && parts.values().iter().any(|part| *part > 0)
            || !self.outcome.multiplied.is_empty();
        for (row, fate) in fates.iter().enumerate() {
            let driving = match self.part.level {
                Level::Checked => RowId::source(rows.value(row)),
                Level::Categorized => RowId { row: rows.value(row), part: parts.value(row) },
            };
            match fate {
                Fate::Kept => {
                    self.outcome.produced += 1;
                    if multiplied {
                        self.outcome.multiplied.insert(driving);
                    }
                }
                Fate::Quarantined => {
                    self.outcome.unproduced.entry(Unproduced::Quarantined).or_default().insert(driving);
                }
                Fate::Excluded(number) => {
                    let name = self.excludes.get(*number).cloned().unwrap_or_default();
                    self.outcome.unproduced.entry(Unproduced::Excluded(name)).or_default().insert(driving);
                }
            }
        }
    }

    fn remember_reached(&mut self, batch: &RecordBatch, rows: &Int64Array) {
        debug_assert_eq!(rows.len(), batch.num_rows());
        for (at, reached) in self.layout.joined.iter().zip(&mut self.outcome.reached) {
            for row in batch.column(*at).as_primitive::<Int64Type>().iter().flatten() {
                reached.insert(row.cast_unsigned());
            }
        }
    }

    fn remember_patients(&mut self, values: &[ArrayRef], fates: &[Fate], degraded: Option<&StringViewArray>) {
        let Some(patients) =
            self.patient.and_then(|at| values.get(at)).and_then(|column| column.as_string_view_opt())
        else {
            return;
        };
        for (row, fate) in fates.iter().enumerate() {
            let lost = degraded.is_some_and(|column| column.is_valid(row));
            if patients.is_null(row) || !(*fate == Fate::Quarantined || *fate == Fate::Kept && lost) {
                continue;
            }
            let hash = hash_parts(self.secret, [patients.value(row).as_bytes()].into_iter());
            if *fate == Fate::Quarantined && self.defines_patient {
                self.outcome.absent.insert(hash);
            } else {
                self.outcome.incomplete.insert(hash);
            }
        }
    }

    fn remember_keys(&mut self, made: &RecordBatch) {
        let Some(keys) = self.key.and_then(|at| made.column(at).as_string_view_opt()) else { return };
        let width = made.num_columns();
        let rows = made.column(width - 3).as_primitive::<Int64Type>();
        let parts = made.column(width - 2).as_primitive::<Int32Type>();
        for (row, key) in keys.iter().enumerate() {
            let Some(key) = key else { continue };
            self.keys.push(crate::keys::Entry {
                key: hash_parts(self.secret, [key.as_bytes()].into_iter()),
                row: rows.value(row),
                extra: u64::from(parts.value(row).cast_unsigned()),
            });
        }
    }
}

/// `first`, or `second` where it is null.
fn first_of(first: &ArrayRef, second: &StringViewArray) -> ArrayRef {
    let Some(first) = first.as_string_view_opt() else { return Arc::clone(first) };
    let mut made = StringViewBuilder::with_capacity(first.len());
    for row in 0..first.len() {
        if first.is_valid(row) {
            made.append_value(first.value(row));
        } else if second.is_valid(row) {
            made.append_value(second.value(row));
        } else {
            made.append_null();
        }
    }
    Arc::new(made.finish())
}
