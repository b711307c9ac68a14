//! What later stages know of joined patients: which key of a later system stands for which of an earlier one.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, RecordBatch, StringViewArray};
use arrow::datatypes::{DataType, Field, Int32Type, Schema};
use chartlift_rules::{FieldValue, PATIENT, Target, TargetKey, TargetTable};

use super::Join;
use crate::Error;
use crate::keys::hash_parts;
use crate::layer::{self, LayerWriter};
use crate::stage::Work;
use crate::statement::Stage;

const FILE: &str = "joined.parquet";

/// The joined patients of one system.
#[derive(Default, Clone)]
pub(in crate::stage) struct Joined {
    /// By the patient's own key: the place of the other system, and the key there.
    keys: HashMap<String, (usize, String)>,
}

/// Writes the keys of all records of a system that went into others.
pub(super) fn write(folder: &Path, joins: &[Join]) -> Result<(), Error> {
    let schema = Arc::new(Schema::new(vec![
        Field::new("key", DataType::Utf8View, false),
        Field::new("into_system", DataType::Int32, false),
        Field::new("into_key", DataType::Utf8View, false),
    ]));
    let systems = joins.iter().map(|join| i32::try_from(join.into).unwrap_or(i32::MAX));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringViewArray::from_iter_values(joins.iter().map(|join| &join.later.key))),
        Arc::new(Int32Array::from_iter_values(systems)),
        Arc::new(StringViewArray::from_iter_values(joins.iter().map(|join| &join.stays.key))),
    ];
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns)
        .map_err(|error| Error::query("writing joined patients")(error.into()))?;
    let mut writer = LayerWriter::create(&folder.join(FILE), &schema)?;
    writer.write(&batch)?;
    writer.close()
}

impl Joined {
    /// What categorize wrote of the system at hand.
    pub(in crate::stage) fn read(work: &Work<'_>) -> Result<Self, Error> {
        let path = work.folder(Stage::Categorize)?.join(PATIENT).join(FILE);
        let mut joined = Self::default();
        if !path.exists() {
            return Ok(joined);
        }
        for batch in layer::batches(&path)? {
            let batch = batch?;
            let (keys, into) = (batch.column(0).as_string_view(), batch.column(2).as_string_view());
            let systems = batch.column(1).as_primitive::<Int32Type>();
            for row in 0..keys.len() {
                let system = usize::try_from(systems.value(row)).unwrap_or_default();
                joined.keys.insert(keys.value(row).to_owned(), (system, into.value(row).to_owned()));
            }
        }
        Ok(joined)
    }

    pub(in crate::stage) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The system and key that a key stands for.
    pub(in crate::stage) fn of(&self, key: &str) -> Option<(usize, &str)> {
        self.keys.get(key).map(|(system, key)| (*system, key.as_str()))
    }

    /// Every key with the system and key that it stands for.
    pub(in crate::stage) fn iter(&self) -> impl Iterator<Item = (&str, usize, &str)> {
        self.keys.iter().map(|(key, (system, into))| (key.as_str(), *system, into.as_str()))
    }

    /// The same as hashes, each made with its own system's secret.
    pub(in crate::stage) fn hashes(
        &self,
        nth: usize,
        systems: &[Work<'_>],
    ) -> impl Iterator<Item = (u64, usize, u64)> {
        let secrets: Vec<_> = systems.iter().map(Work::secret).collect();
        self.iter().filter_map(move |(key, into, into_key)| {
            let hash =
                |nth: usize, key: &str| Some(hash_parts(*secrets.get(nth)?, [key.as_bytes()].into_iter()));
            Some((hash(nth, key)?, into, hash(into, into_key)?))
        })
    }
}

/// The tables whose rows are patients: their key is the patient's. What refers to them is led to the record that stays.
pub(in crate::stage) fn joined_tables(target: &Target) -> Vec<&TargetTable> {
    target.tables.iter().filter(|table| holds_patients(target, table)).collect()
}

fn holds_patients(target: &Target, table: &TargetTable) -> bool {
    let Some(key) = table.schema.primary_key.first() else { return false };
    let mut files = target.convert.iter().filter(|file| file.into.value == table.name.value);
    files.any(|file| {
        file.rules.iter().filter(|rule| rule.from.value == PATIENT).any(|rule| {
            let given = rule.field(&key.value).map(|given| &given.value);
            matches!(given, Some(FieldValue::Column(name)) if name.value == "source_key")
        })
    })
}

/// A table that takes the source's keys as they are has one key for a row, and two systems know the person by two.
pub(in crate::stage) fn refuse_natural_keys(target: &Target) -> Result<(), Error> {
    let natural = |table: &&&TargetTable| table.schema.extension.key == TargetKey::Natural;
    match joined_tables(target).iter().find(natural) {
        None => Ok(()),
        Some(table) => Err(Error::Usage {
            code: "natural-keys-joined",
            message: format!(
                "patients are joined, and `{}` takes the source's keys as they are",
                table.name.value
            ),
            hint: "use `key: uuid` in the target's schema, or leave out `patients` in `chartlift.yaml`"
                .into(),
        }),
    }
}
