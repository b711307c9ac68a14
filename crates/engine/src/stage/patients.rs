//! Which patients the rows belong to that check held or could not parse: those charts are incomplete.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringViewArray};
use arrow::datatypes::{Int32Type, SchemaRef};
use chartlift_rules::{Rule, System, TableSchema};
use datafusion::execution::context::SessionContext;
use futures::StreamExt;

use super::Work;
use super::transform::Patients;
use crate::Error;
use crate::compile::{self, Level, Origin, Rows, RuleInput, Which, column, layer_schema};
use crate::keys::hash_parts;
use crate::land;

/// Adds the patients of held rows to `known`; returns how many rejected rows name no patient.
pub(super) async fn of_held_rows(
    work: &Work<'_>,
    context: &SessionContext,
    origins: &[Origin<'_>],
    checked: &Path,
    known: &mut Patients,
) -> Result<u64, Error> {
    let system = work.system()?;
    let mut unattributed = 0;
    let mut counted = HashSet::new();
    for file in &system.categorize {
        let Some(into) = work.environment.project.categories.get(&file.into.value) else { continue };
        for rule in &file.rules {
            let Some(origin) = origins.iter().find(|origin| origin.name == rule.from.value) else { continue };
            let folder = checked.join(origin.name);
            let quarantined = folder.join("quarantined.parquet");
            let job = Naming { system, work, context, origins, rule, into };
            if quarantined.exists() {
                let rows = match &origin.rows {
                    Rows::Layer { folder, occurrences, .. } => Rows::Layer {
                        folder: folder.clone(),
                        which: Which::Only(quarantined),
                        occurrences: occurrences.clone(),
                    },
                    other => other.clone(),
                };
                job.read(rows, known).await?;
            }
            let first = counted.insert(rule.from.value.as_str());
            let header = work.headers(origin.name);
            for some in land::reject_batches(&folder)? {
                let batch = rejected(&some?, origin.schema, &header)?;
                let rows = batch.num_rows() as u64;
                let named = job.read(Rows::Memory(vec![batch]), known).await?;
                if first {
                    unattributed += rows.saturating_sub(named);
                }
            }
        }
    }
    Ok(unattributed)
}

/// One rule of a pack, run over chosen driving rows to learn whose they are.
pub(crate) struct Naming<'a> {
    pub(crate) system: &'a System,
    pub(crate) work: &'a Work<'a>,
    pub(crate) context: &'a SessionContext,
    pub(crate) origins: &'a [Origin<'a>],
    pub(crate) rule: &'a Rule,
    pub(crate) into: &'a TableSchema,
}

impl Naming<'_> {
    /// Whether the rule's rows are the patients themselves.
    pub(crate) fn defines(&self) -> bool {
        let patient = self.into.extension.patient.as_ref().map(|patient| &patient.value);
        patient.is_some() && patient == self.into.primary_key.first().map(|key| &key.value)
    }

    /// Adds the patients of `rows` to `known`; returns how many rows name one.
    async fn read(&self, rows: Rows, known: &mut Patients) -> Result<u64, Error> {
        let secret = self.work.environment.key.secret();
        let set = if self.defines() { &mut known.absent } else { &mut known.incomplete };
        let mut named = 0;
        self.each(rows, &[], |batch| {
            let excluded = batch.column(1).as_primitive::<Int32Type>();
            let keys = batch.column(2).as_string_view();
            for row in (0..keys.len()).filter(|row| keys.is_valid(*row)) {
                named += 1;
                if excluded.value(row) <= 0 {
                    set.insert(hash_parts(secret, [keys.value(row).as_bytes()].into_iter()));
                }
            }
        })
        .await?;
        Ok(named)
    }

    /// Runs the rule over `rows` and hands out `_row`, `_exclude`, the patient's key, and the fields `also`.
    pub(crate) async fn each(
        &self,
        rows: Rows,
        also: &[&str],
        mut each: impl FnMut(&RecordBatch),
    ) -> Result<(), Error> {
        let Some(patient) = &self.into.extension.patient else { return Ok(()) };
        let origins: Vec<Origin<'_>> = self
            .origins
            .iter()
            .map(|origin| {
                let driving = origin.name == self.rule.from.value;
                Origin { rows: if driving { rows.clone() } else { origin.rows.clone() }, ..origin.clone() }
            })
            .collect();
        let input = RuleInput {
            context: self.context,
            project: &self.work.environment.project,
            rule: self.rule,
            origins: &origins,
            into: self.into,
            timezone: &self.system.timezone,
            reshaped: None,
        };
        let compiled = compile::compile(&input).await.map_err(|problems| Error::rules(&problems))?;
        let doing = "finding the patients of held rows";
        let columns = ["_row", "_exclude", &patient.value].into_iter().chain(also.iter().copied());
        let frame =
            compiled.frame.select(columns.map(column).collect::<Vec<_>>()).map_err(Error::query(doing))?;
        let mut stream = frame.execute_stream().await.map_err(Error::query(doing))?;
        while let Some(batch) = stream.next().await {
            each(&batch.map_err(Error::query(doing))?);
        }
        Ok(())
    }
}

/// Rejected records, as far as their fields could be read, in the layer's shape.
pub(crate) fn rejected(
    rejects: &[land::Rejected],
    schema: &TableSchema,
    header: &[String],
) -> Result<RecordBatch, Error> {
    let mut columns: Vec<ArrayRef> = schema
        .fields
        .iter()
        .map(|field| {
            let at = header.iter().position(|name| *name == field.name.value);
            let values = rejects.iter().map(|reject| reject.fields.get(at?)?.as_deref());
            Arc::new(values.collect::<StringViewArray>()) as ArrayRef
        })
        .collect();
    columns.push(Arc::new(Int64Array::from_iter_values(rejects.iter().map(|reject| reject.row))));
    columns.push(Arc::new(Int64Array::from(vec![0; rejects.len()])));
    let layer: SchemaRef = layer_schema(schema, Level::Checked);
    RecordBatch::try_new(layer, columns).map_err(|error| Error::query("reading rejects")(error.into()))
}
