//! The patient records of one system, with what the project compares of them.

use std::collections::HashMap;
use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use chartlift_rules::{
    IDENTIFIER_STATUS, IDENTIFIER_TYPE, IDENTIFIER_VALUE, MatchPart, PATIENT, PATIENT_IDENTIFIER,
    PatientMatch,
};

use crate::Error;
use crate::layer;
use crate::marks::{RowId, read_rows};
use crate::matching::{Kind, comparable};
use crate::stage::Work;
use crate::stage::loadable::row_ids;
use crate::stage::persons::{Print, Prints, print_of};

/// What says of a date how much of it was known: a part of a date is nobody's birthday.
const PRECISION: &str = "_precision";
const WHOLE: &str = "D";

/// What an identifier's status must not be: a number that is wrong, or stands for none, is many people's.
const UNRELIABLE: [&str; 2] = ["invalid", "placeholder"];

/// A patient record that is not held.
#[derive(Clone)]
pub(super) struct Record {
    pub(super) id: RowId,
    /// A value, so it must not reach a log.
    pub(super) key: String,
}

/// Values of identifiers by type and patient.
type Identifiers<'a> = HashMap<&'a str, HashMap<String, Vec<String>>>;

/// Reads the patient records in a system's folder.
pub(super) fn read(
    work: &Work<'_>,
    folder: &Path,
    settings: &PatientMatch,
) -> Result<(Vec<Record>, Vec<Prints>), Error> {
    let (mut records, mut prints) = (Vec::new(), Vec::new());
    let Some(key) = work.environment.project.category(PATIENT).and_then(|schema| schema.primary_key.first())
    else {
        return Ok((records, prints));
    };
    let identifiers = identifiers(work, &folder.join(PATIENT_IDENTIFIER), settings)?;
    let mut columns = vec!["_row".to_owned(), "_part".to_owned(), key.value.clone()];
    for part in settings.alternatives.iter().flatten() {
        if let MatchPart::Field(name) = part {
            columns.extend([name.value.clone(), format!("{}{PRECISION}", name.value)]);
        }
    }
    each(&folder.join(PATIENT), &columns, |batch, at, id| {
        let Some(key) = text(batch, at, &key.value) else { return };
        let of =
            |alternative: &Vec<MatchPart>| alternative_prints(batch, at, &key, alternative, &identifiers);
        prints.push(settings.alternatives.iter().map(of).collect());
        records.push(Record { id, key });
    })?;
    Ok((records, prints))
}

/// One print for each way to take one value of every part.
fn alternative_prints(
    batch: &RecordBatch,
    at: usize,
    key: &str,
    alternative: &[MatchPart],
    identifiers: &Identifiers<'_>,
) -> Vec<Print> {
    let mut ways: Vec<Vec<String>> = vec![Vec::new()];
    for part in alternative {
        let values: Vec<String> = match part {
            MatchPart::Field(name) => field(batch, at, &name.value).into_iter().collect(),
            MatchPart::Identifier(kind) => {
                let own = identifiers.get(kind.value.as_str()).and_then(|patients| patients.get(key));
                own.cloned().unwrap_or_default()
            }
        };
        ways = ways
            .iter()
            .flat_map(|way| values.iter().map(|value| way.iter().chain([value]).cloned().collect()))
            .collect();
    }
    ways.iter().map(|way| print_of(&way.iter().map(String::as_str).collect::<Vec<_>>())).collect()
}

/// A field's value made comparable; none where it is not known whole.
fn field(batch: &RecordBatch, at: usize, name: &str) -> Option<String> {
    let precision = text(batch, at, &format!("{name}{PRECISION}"));
    comparable(&Kind::Text, &text(batch, at, name)?)
        .filter(|_| precision.is_none_or(|precision| precision == WHOLE))
}

/// The identifiers that the project compares.
fn identifiers<'a>(
    work: &Work<'_>,
    folder: &Path,
    settings: &'a PatientMatch,
) -> Result<Identifiers<'a>, Error> {
    let mut identifiers: Identifiers<'a> = HashMap::new();
    for part in settings.alternatives.iter().flatten() {
        if let MatchPart::Identifier(kind) = part {
            identifiers.insert(&kind.value, HashMap::new());
        }
    }
    let schema = work.environment.project.category(PATIENT_IDENTIFIER);
    let Some(patient) = schema.and_then(|schema| schema.extension.patient.as_ref()) else {
        return Ok(identifiers);
    };
    if identifiers.is_empty() {
        return Ok(identifiers);
    }
    let columns = ["_row", "_part", &patient.value, IDENTIFIER_TYPE, IDENTIFIER_VALUE, IDENTIFIER_STATUS];
    each(folder, &columns.map(str::to_owned), |batch, at, _| {
        let status = text(batch, at, IDENTIFIER_STATUS);
        if status.is_some_and(|status| UNRELIABLE.contains(&status.as_str())) {
            return;
        }
        let kind = text(batch, at, IDENTIFIER_TYPE);
        let Some(patients) = kind.and_then(|kind| identifiers.get_mut(kind.as_str())) else { return };
        let value = text(batch, at, IDENTIFIER_VALUE).and_then(|value| comparable(&Kind::Text, &value));
        if let (Some(patient), Some(value)) = (text(batch, at, &patient.value), value) {
            let values = patients.entry(patient).or_default();
            if !values.contains(&value) {
                values.push(value);
            }
        }
    })?;
    Ok(identifiers)
}

/// Calls with every row of a layer that is not held.
fn each(
    folder: &Path,
    columns: &[String],
    mut each: impl FnMut(&RecordBatch, usize, RowId),
) -> Result<(), Error> {
    let held = read_rows(&folder.join("held.parquet"))?;
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    for part in layer::parts(folder)? {
        for batch in layer::batches_of(&part, Some(&columns))? {
            let batch = batch?;
            for (at, id) in row_ids(&batch).into_iter().enumerate().filter(|(_, id)| !held.contains(*id)) {
                each(&batch, at, id);
            }
        }
    }
    Ok(())
}

/// A cell as text; none where it is null or there is no such column.
fn text(batch: &RecordBatch, at: usize, name: &str) -> Option<String> {
    let column: &ArrayRef = batch.column_by_name(name).filter(|column| column.is_valid(at))?;
    match column.as_string_view_opt() {
        Some(texts) => Some(texts.value(at).to_owned()),
        None => arrow::util::display::array_value_to_string(column, at).ok(),
    }
}
