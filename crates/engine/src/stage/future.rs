//! Which held rows of a category lie in the future, where only those are safety-critical. What cannot be known to be
//! past counts as future: a patient who is expected must not be lost because the time could not be read.

use std::collections::BTreeMap;
use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Date32Type, Int32Type, Int64Type, TimestampMicrosecondType};
use chartlift_rules::{RuleFile, SafetyCritical, TableSchema};

use super::Work;
use super::held_rows::{HeldRows, origins};
use super::loadable::row_ids;
use crate::Error;
use crate::land;
use crate::layer;
use crate::marks::{RowId, RowSet, read_rows};
use crate::produce::CONVERT_SHIFT;
use crate::report::StageReport;

const DAY: i64 = 86_400_000_000;
/// A day without a zone is past everywhere on earth this long after it began in UTC.
const DAY_ENDED: i64 = DAY + DAY / 2;

/// Whether a value is known to lie at or before `now`, in microseconds since 1970.
pub(crate) fn is_past(values: &ArrayRef, row: usize, now: i64) -> bool {
    if values.is_null(row) {
        return false;
    }
    match values.data_type() {
        DataType::Date32 => {
            i64::from(values.as_primitive::<Date32Type>().value(row)) * DAY + DAY_ENDED <= now
        }
        DataType::Timestamp(..) => values
            .as_primitive_opt::<TimestampMicrosecondType>()
            .is_some_and(|instants| instants.value(row) <= now),
        _ => false,
    }
}

/// The field that says when a row is, where only its future rows are safety-critical.
pub(crate) fn time_of(category: &TableSchema) -> Option<&str> {
    let extension = &category.extension;
    let time = extension.time.as_ref().filter(|_| extension.safety_critical == SafetyCritical::Future)?;
    Some(time.value.as_str())
}

impl Work<'_> {
    /// What "future" is after: the time that the order was created.
    pub(crate) fn now(&self) -> i64 {
        self.order.spec().created_at.timestamp_micros()
    }

    /// How many of the rows of a source table that check held are not known to be past; `checked` is the folder that
    /// check has written, `report` what it reports.
    pub(super) async fn future_of_table(
        &self,
        table: &str,
        checked: &Path,
        report: &StageReport,
    ) -> Result<u64, Error> {
        let (system, project) = (self.system()?, &self.environment.project);
        let folder = checked.join(table);
        let mut held = read_rows(&folder.join("quarantined.parquet"))?;
        land::read_rejects(&folder, |one| {
            held.insert(RowId::source(one.row));
        })?;
        if held.is_empty() {
            return Ok(0);
        }
        let (context, origins) = (self.session()?, origins(system, checked, report));
        let rows = HeldRows { work: self, context: &context, origins: &origins, checked, report };
        let (mut past, mut open) = (RowSet::default(), RowSet::default());
        for file in &system.categorize {
            let Some(into) = project.categories.get(&file.into.value) else { continue };
            let Some(time) = time_of(into) else { continue };
            for rule in file.rules.iter().filter(|rule| rule.from.value == table) {
                for some in rows.of(rule, into).await? {
                    let fields = ["_row", "_exclude", time];
                    let sort = |batch: &RecordBatch| self.sort(batch, &mut past, &mut open);
                    some.each(&fields, sort).await?;
                }
            }
        }
        past.remove(&open);
        held.remove(&past);
        Ok(held.len())
    }

    /// Puts each row of `_row`, `_exclude` and its time where it belongs.
    fn sort(&self, batch: &RecordBatch, past: &mut RowSet, open: &mut RowSet) {
        let rows = batch.column(0).as_primitive::<Int64Type>();
        let excluded = batch.column(1).as_primitive::<Int32Type>();
        for (at, (row, excluded)) in rows.values().iter().zip(excluded.values()).enumerate() {
            // What the rule leaves out by name is no appointment.
            let set = if *excluded > 0 || is_past(batch.column(2), at, self.now()) {
                &mut *past
            } else {
                &mut *open
            };
            set.insert(RowId::source(*row));
        }
    }

    /// How many of these records of a category are not known to be past; `categorized` is its folder.
    pub(super) fn future_of_records(
        &self,
        category: &TableSchema,
        categorized: &Path,
        records: &RowSet,
    ) -> Result<u64, Error> {
        let Some(time) = time_of(category).filter(|_| !records.is_empty()) else { return Ok(0) };
        let mut open = records.clone();
        for part in layer::parts(categorized)? {
            for batch in layer::batches_of(&part, Some(&["_row", "_part", time]))? {
                let batch = batch?;
                let Some(times) = batch.column_by_name(time) else { continue };
                let mut past = RowSet::default();
                for (at, id) in row_ids(&batch).into_iter().enumerate() {
                    if records.contains(id) && is_past(times, at, self.now()) {
                        past.insert(id);
                    }
                }
                open.remove(&past);
            }
        }
        Ok(open.len())
    }

    /// The same of rows of a target table, each by the record that it was made of.
    pub(super) fn future_of_target_rows(
        &self,
        file: &RuleFile,
        categorized: &Path,
        rows: &RowSet,
    ) -> Result<u64, Error> {
        let mut records: BTreeMap<&str, RowSet> = BTreeMap::new();
        let mut unknown = 0;
        for id in rows.iter() {
            let rule = usize::try_from(id.part >> CONVERT_SHIFT).ok().and_then(|rule| file.rules.get(rule));
            match rule {
                Some(rule) => {
                    let part = id.part & ((1 << CONVERT_SHIFT) - 1);
                    records.entry(&rule.from.value).or_default().insert(RowId { row: id.row, part });
                }
                None => unknown += 1,
            }
        }
        for (category, records) in records {
            if let Some(schema) = self.environment.project.categories.get(category) {
                unknown += self.future_of_records(schema, &categorized.join(category), &records)?;
            }
        }
        Ok(unknown)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Date32Array, StringViewArray, TimestampMicrosecondArray};

    use super::*;

    #[test]
    fn what_is_not_known_to_be_past_is_future() {
        let now = 10 * DAY;
        let instants = [Some(now), Some(now + 1), None];
        let instants: ArrayRef =
            Arc::new(TimestampMicrosecondArray::from_iter(instants).with_timezone("UTC"));
        assert_eq!([0, 1, 2].map(|row| is_past(&instants, row, now)), [true, false, false]);
        // Day 8 has ended everywhere on earth at noon of day 9 in UTC, day 9 has not by the beginning of day 10.
        let days: ArrayRef = Arc::new(Date32Array::from(vec![Some(8), Some(9), Some(10), None]));
        assert_eq!([0, 1, 2, 3].map(|row| is_past(&days, row, now)), [true, false, false, false]);
        assert!(is_past(&days, 1, now + DAY / 2));
        let texts: ArrayRef = Arc::new(StringViewArray::from(vec!["2001-01-01"]));
        assert!(!is_past(&texts, 0, now));
    }
}
