//! The target's side: the rows that import would load, as the same facts.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringViewArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use chartlift_rules::{CarriedFact, FactKind};
use chartlift_second_reading::{digits, number, squeezed, told as kept};
use chrono::DateTime;

use super::settled::categorize_rule;
use super::sums::{Told, Value};
use super::{Comparison, Reading, Work};
use crate::Error;
use crate::stage::loadable::Loadable;

/// Tells every row to load; answers how many there are.
pub(super) fn read(
    work: &Work<'_>,
    comparison: &Comparison<'_>,
    mut tell: impl FnMut(Told),
) -> Result<u64, Error> {
    let patient = comparison.target.schema.extension.patient.iter();
    let facts = comparison.carried.facts.iter();
    let carriers = facts.flat_map(|fact| std::iter::once(&fact.column).chain(&fact.precision));
    let wanted: Vec<&str> = patient.chain(carriers).map(|column| column.value.as_str()).collect();
    let loadable = Loadable::open(work, comparison.target)?.with_matched().only(&wanted);
    let mut rows = 0;
    for part in loadable.parts() {
        for batch in loadable.named_part(part) {
            let (batch, ids) = batch?;
            let columns = Columns::of(comparison, &batch)?;
            for (row, id) in ids.iter().enumerate() {
                rows += 1;
                let rule = categorize_rule(*id);
                tell(columns.told(comparison.readings.iter().find(|reading| reading.rule == rule), row));
            }
        }
    }
    Ok(rows)
}

/// The columns of a batch that carry facts.
struct Columns<'a> {
    comparison: &'a Comparison<'a>,
    patient: Option<StringViewArray>,
    hold: Option<StringViewArray>,
    /// For each fact that the table carries: its column, and that of its precision.
    facts: Vec<(&'a str, Carrier)>,
}

struct Carrier {
    /// As text; instants are written when it is known what they are compared with.
    texts: Option<StringViewArray>,
    instants: Option<ArrayRef>,
    precision: Option<StringViewArray>,
}

impl<'a> Columns<'a> {
    fn of(comparison: &'a Comparison<'a>, batch: &RecordBatch) -> Result<Self, Error> {
        let extension = &comparison.target.schema.extension;
        let named = |name: &Option<chartlift_rules::Located<String>>| -> Result<_, Error> {
            name.as_ref().map(|name| texts(batch, &name.value)).transpose().map(Option::flatten)
        };
        let mut facts = Vec::new();
        for fact in &comparison.carried.facts {
            facts.push((fact.field.value.as_str(), Carrier::of(fact, batch)?));
        }
        Ok(Self { comparison, patient: named(&extension.patient)?, hold: named(&extension.hold)?, facts })
    }

    fn told(&self, reading: Option<&Reading<'_>>, row: usize) -> Told {
        let patient = value(self.patient.as_ref(), row).map(squeezed).unwrap_or_default();
        // A row of no known rule states nothing that the source could: it differs.
        let Some(reading) = reading else { return Told { patient, values: vec![Value::None] } };
        let mut hold = None;
        let values = reading.facts.iter().map(|(fact, carried)| {
            let column = self.facts.iter().find(|(field, _)| *field == carried.field.value);
            if let Some(text) = column.and_then(|(_, column)| column.text(row, &fact.kind, carried, self)) {
                return Value::Said(text);
            }
            let hold = hold.get_or_insert_with(|| self.hold(row));
            let lost =
                [&carried.field.value, &carried.column.value].into_iter().find_map(|name| hold.get(name));
            let text = lost.and_then(serde_json::Value::as_str).and_then(|text| kept([text].into_iter()));
            text.map_or(Value::None, Value::Lost)
        });
        Told { values: values.collect(), patient }
    }

    fn hold(&self, row: usize) -> serde_json::Map<String, serde_json::Value> {
        let text = value(self.hold.as_ref(), row);
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }
}

impl Carrier {
    fn of(fact: &CarriedFact, batch: &RecordBatch) -> Result<Self, Error> {
        let column = batch.column_by_name(&fact.column.value);
        let instants = column.filter(|column| matches!(column.data_type(), DataType::Timestamp(..)));
        let micros = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        Ok(Self {
            texts: if instants.is_some() { None } else { texts(batch, &fact.column.value)? },
            instants: instants.map(|column| cast(column, &micros)).transpose().map_err(uncast)?,
            precision: match &fact.precision {
                Some(column) => texts(batch, &column.value)?,
                None => None,
            },
        })
    }

    /// The fact as the source's reader writes it.
    fn text(
        &self,
        row: usize,
        kind: &FactKind,
        carried: &CarriedFact,
        columns: &Columns<'_>,
    ) -> Option<String> {
        let text = match &self.instants {
            Some(instants) => self.instant(instants, row, kind, columns)?,
            None => squeezed(value(self.texts.as_ref(), row)?),
        };
        if text.is_empty() {
            return None;
        }
        match kind {
            FactKind::Text | FactKind::Instant(_) => Some(text),
            FactKind::Date(_) => {
                let length = match value(self.precision.as_ref(), row) {
                    Some("Y") => 4,
                    Some("M") => 7,
                    _ => 10,
                };
                Some(text.get(..length).unwrap_or(&text).to_owned())
            }
            FactKind::Digits => digits(&text),
            FactKind::Number(_) => Some(number(&text, '.')),
            FactKind::Status(_) => {
                let active = carried.active.contains(&text);
                Some(if active { "active" } else { "not active" }.to_owned())
            }
        }
    }

    /// In UTC where the source says so, else by the clock on the clinic's wall.
    fn instant(
        &self,
        instants: &ArrayRef,
        row: usize,
        kind: &FactKind,
        columns: &Columns<'_>,
    ) -> Option<String> {
        let instants = instants.as_primitive_opt::<TimestampMicrosecondType>()?;
        let micros = instants.is_valid(row).then(|| instants.value(row))?;
        let utc = DateTime::from_timestamp_micros(micros)?;
        let zulu =
            matches!(kind, FactKind::Instant(patterns) if patterns.iter().any(|one| one.ends_with('Z')));
        let zone = if zulu { chrono_tz::UTC } else { columns.comparison.timezone };
        Some(utc.with_timezone(&zone).format("%Y-%m-%dT%H:%M:%S").to_string())
    }
}

fn value(column: Option<&StringViewArray>, row: usize) -> Option<&str> {
    column.filter(|column| column.is_valid(row)).map(|column| column.value(row))
}

/// A column as text; converted files that somebody wrote anew may have other types.
fn texts(batch: &RecordBatch, name: &str) -> Result<Option<StringViewArray>, Error> {
    let Some(column) = batch.column_by_name(name) else { return Ok(None) };
    let texts = cast(column, &DataType::Utf8View).map_err(uncast)?;
    Ok(texts.as_string_view_opt().cloned())
}

fn uncast(error: arrow::error::ArrowError) -> Error {
    Error::query("reading converted rows")(error.into())
}
