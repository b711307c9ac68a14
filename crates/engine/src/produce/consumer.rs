//! What a rule's plan gives, batch by batch: each row's fate, its marks, its piece number, its patient.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int32Array, Int64Array, RecordBatch, StringViewArray,
    StringViewBuilder,
};
use arrow::datatypes::{Int32Type, Int64Type, SchemaRef};
use chartlift_rules::Disposition;
use datafusion::error::DataFusionError;
use roaring::RoaringTreemap;

use super::{Job, Outcome, Unproduced};
use crate::Error;
use crate::compile::{Level, layer_schema};
use crate::constraints::ColumnCheck;
use crate::keys::{KeyWriter, Secret, hash_parts};
use crate::marks::{Mark, MarkWriter, RowId};

/// Categorize rules in one file; `_part` has six bits for them.
pub(crate) const MOST_RULES: usize = 64;
/// Where a piece number's bits for the rule begin.
pub(crate) const RULE_SHIFT: u32 = 20;
/// Convert rules in one file; `_part` has five bits for them.
pub(crate) const MOST_CONVERT_RULES: usize = 32;
/// Where those for the convert rule begin.
pub(crate) const CONVERT_SHIFT: u32 = 26;

pub(super) struct Consumer {
    pub(super) schema: SchemaRef,
    outcome: Outcome,
    /// Of the batch at hand.
    marks: Vec<Mark>,
    secret: Secret,
    layout: Layout,
    checks: Vec<ColumnCheck>,
    losses: Vec<(usize, Disposition, String)>,
    /// Where the plan says that a condition across columns holds, and what that means; then the repairs.
    conditions: Vec<(usize, Disposition)>,
    multiplies: bool,
    excludes: Vec<String>,
    first_check: i32,
    part: PartMaker,
    key: Option<usize>,
    patient: Option<usize>,
    defines_patient: bool,
    /// Where the rows' time stands, if their future ones matter, and when the future begins.
    time: Option<usize>,
    now: i64,
    hold: Option<usize>,
    /// Places in the schema of the fields of held records that are kept.
    of_held: Vec<usize>,
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
    pub(super) fn new(job: &Job<'_>, first_check: usize) -> Self {
        let plan = job.rule.frame.schema();
        let index = |name: &str| plan.index_of_column_by_name(None, name);
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
        let schema = layer_schema(job.into, Level::Categorized);
        let of_held = || job.of_held.iter().map(String::as_str).chain(["_row", "_part"]);
        Self {
            of_held: if job.of_held.is_empty() {
                Vec::new()
            } else {
                of_held().filter_map(|name| schema.index_of(name).ok()).collect()
            },
            schema,
            outcome: Outcome {
                reached: vec![RoaringTreemap::new(); job.rule.joins.len()],
                ..Outcome::default()
            },
            marks: Vec::new(),
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
            conditions: conditions(job, index),
            multiplies: job.rule.multiplies,
            excludes: job.rule.excludes.clone(),
            layout,
            checks: job.checks.to_vec(),
            first_check: i32::try_from(first_check).unwrap_or(i32::MAX),
            part: PartMaker { level: job.level, number: i32::try_from(job.number).unwrap_or_default() },
            key: field(key),
            patient: field(patient),
            defines_patient: patient.is_some() && patient == key,
            time: field(crate::stage::time_of(job.into)),
            now: job.now,
            hold: field(job.into.extension.hold.as_ref().map(|hold| hold.value.as_str())),
            keys: KeyWriter::new(job.pool),
        }
    }

    pub(super) fn finish(mut self) -> Outcome {
        self.outcome.keys.push(self.keys);
        self.outcome
    }

    pub(super) fn write_marks(&mut self, writer: &mut MarkWriter) -> Result<(), Error> {
        self.marks.sort_unstable_by_key(|mark| (mark.id, mark.check));
        for mark in self.marks.drain(..) {
            *self.outcome.marked.entry(mark.check).or_default() += 1;
            writer.push(mark)?;
        }
        Ok(())
    }

    pub(super) fn consume(&mut self, batch: &RecordBatch) -> Result<RecordBatch, DataFusionError> {
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
        self.count(&rows, &parts, &fates, &values);
        self.remember_reached(batch, &rows);
        self.remember_patients(&values, &fates, degraded.as_ref());
        let degraded = degraded.map_or_else(
            || Arc::new(StringViewArray::new_null(batch.num_rows())) as ArrayRef,
            |one| Arc::new(one) as ArrayRef,
        );
        values.extend([Arc::new(rows) as ArrayRef, Arc::new(made_parts), degraded]);
        let made = RecordBatch::try_new(SchemaRef::clone(&self.schema), values)?;
        self.remember_held(&made, &fates)?;
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
        let fates = vec![Fate::Kept; batch.num_rows()];
        let mut marking = Marking { rows, parts, made_parts, fates, marks: &mut self.marks };
        marking.left_out(
            batch.column(self.layout.fan).as_boolean(),
            batch.column(self.layout.exclude).as_primitive::<Int32Type>(),
            self.first_check,
        );
        let mut check = self.first_check + 3 + i32::try_from(self.excludes.len()).unwrap_or_default();
        for (column, disposition, _) in &self.losses {
            let lost = batch.column(*column);
            if lost.null_count() < lost.len() {
                (0..lost.len())
                    .filter(|row| lost.is_valid(*row))
                    .for_each(|row| marking.mark(row, *disposition, check));
            }
            check += 1;
        }
        for (column, disposition) in &self.conditions {
            let holds = batch.column(*column).as_boolean();
            if holds.true_count() > 0 {
                (0..holds.len())
                    .filter(|row| holds.is_valid(*row) && holds.value(*row))
                    .for_each(|row| marking.mark(row, *disposition, check));
            }
            check += 1;
        }
        let mut failures = Vec::new();
        for (check, one) in (check..).zip(&self.checks) {
            let position = self.schema.index_of(&one.column).ok();
            let Some(column) = position.and_then(|position| values.get(position)) else { continue };
            failures.clear();
            one.failures_typed(column, &mut failures);
            failures.iter().for_each(|row| marking.mark(*row as usize, one.disposition, check));
        }
        marking.fates
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

    fn count(&mut self, rows: &Int64Array, parts: &Int32Array, fates: &[Fate], values: &[ArrayRef]) {
        let times = self.time.and_then(|at| values.get(at));
        self.outcome.read += fates.len() as u64;
        // A row that may become several is counted once: as one of a set.
        for (row, fate) in fates.iter().enumerate() {
            let driving = match self.part.level {
                Level::Checked => RowId::source(rows.value(row)),
                Level::Categorized => RowId { row: rows.value(row), part: parts.value(row) },
            };
            match fate {
                Fate::Kept => {
                    self.outcome.produced += 1;
                    if self.multiplies {
                        self.outcome.multiplied.insert(driving);
                    }
                }
                Fate::Quarantined => {
                    if times.is_some_and(|times| !crate::stage::is_past(times, row, self.now)) {
                        self.outcome.future.insert(driving);
                    }
                    self.outcome.unproduced.entry(Unproduced::Quarantined).or_default().insert(driving);
                }
                Fate::Excluded(number) => {
                    let name = self.excludes.get(*number).cloned().unwrap_or_default();
                    self.outcome.unproduced.entry(Unproduced::Excluded(name)).or_default().insert(driving);
                }
            }
        }
    }

    fn remember_held(&mut self, made: &RecordBatch, fates: &[Fate]) -> Result<(), DataFusionError> {
        if self.of_held.is_empty() || !fates.contains(&Fate::Quarantined) {
            return Ok(());
        }
        let held: BooleanArray = fates.iter().map(|fate| Some(*fate == Fate::Quarantined)).collect();
        self.outcome.held.push(arrow::compute::filter_record_batch(&made.project(&self.of_held)?, &held)?);
        Ok(())
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
            // What a source's rule leaves out was never exported; what a target's leaves out was.
            let left_out = matches!(fate, Fate::Excluded(_))
                && self.part.level == Level::Categorized
                && self.defines_patient;
            let held = *fate == Fate::Quarantined || left_out;
            if patients.is_null(row) || !(held || *fate == Fate::Kept && lost) {
                continue;
            }
            let hash = hash_parts(self.secret, [patients.value(row).as_bytes()].into_iter());
            if held && self.defines_patient {
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

/// The rows of a batch while their fates are decided.
struct Marking<'a> {
    rows: &'a Int64Array,
    parts: &'a Int32Array,
    made_parts: &'a Int32Array,
    fates: Vec<Fate>,
    marks: &'a mut Vec<Mark>,
}

impl Marking<'_> {
    /// Rows that the plan itself says do not go on: too many matches, undecided, uneven, excluded.
    fn left_out(&mut self, fan: &BooleanArray, exclude: &Int32Array, first_check: i32) {
        if fan.true_count() == 0 && exclude.values().iter().all(|number| *number == 0) {
            return;
        }
        for (row, fate) in self.fates.iter_mut().enumerate() {
            let number = exclude.value(row);
            // An exclusion may look at the joined row: where that is one of several, it is not asked.
            let check = if fan.value(row) && number != -2 {
                *fate = Fate::Quarantined;
                0
            } else if number > 0 {
                *fate = Fate::Excluded(usize::try_from(number - 1).unwrap_or_default());
                2 + number
            } else if number < 0 {
                *fate = Fate::Quarantined;
                // Undecided or uneven.
                -number
            } else {
                continue;
            };
            let id = RowId { row: self.rows.value(row), part: self.parts.value(row) };
            self.marks.push(Mark { id, check: first_check + check });
        }
    }

    /// A row that is held is named as its driving row, another as the row that is made of it.
    fn mark(&mut self, row: usize, disposition: Disposition, check: i32) {
        let Some(fate) = self.fates.get_mut(row).filter(|fate| !matches!(fate, Fate::Excluded(_))) else {
            return;
        };
        let holds = disposition.holds();
        if holds {
            *fate = Fate::Quarantined;
        }
        let parts = if holds { self.parts } else { self.made_parts };
        let id = RowId { row: self.rows.value(row), part: parts.value(row) };
        self.marks.push(Mark { id, check });
    }
}

/// The columns of a plan that say whether a condition holds, in the order of the rule's checks.
fn conditions(job: &Job<'_>, index: impl Fn(&str) -> Option<usize>) -> Vec<(usize, Disposition)> {
    let checks = job.rule.conditions.iter().enumerate();
    let checks = checks.map(|(number, (_, disposition))| (format!("_check_{number}"), *disposition));
    let repairs =
        (0..job.rule.repairs.len()).map(|number| (format!("_repair_{number}"), Disposition::Repair));
    checks.chain(repairs).filter_map(|(name, disposition)| Some((index(&name)?, disposition))).collect()
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
