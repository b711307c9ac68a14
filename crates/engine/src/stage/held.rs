//! Reads one field of the rows that check held or could not parse: what a rule would have made of them.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringViewArray};
use arrow::datatypes::{Int32Type, Int64Type, SchemaRef};
use chartlift_rules::{Project, Rule, System, TableSchema};
use datafusion::execution::context::SessionContext;
use futures::StreamExt;

use crate::Error;
use crate::compile::{self, Level, Origin, Rows, RuleInput, Which, column, layer_schema};
use crate::land;

/// One rule, and what it may read.
pub(super) struct HeldRows<'a> {
    pub(super) context: &'a SessionContext,
    pub(super) project: &'a Project,
    pub(super) system: &'a System,
    pub(super) origins: &'a [Origin<'a>],
    pub(super) rule: &'a Rule,
    pub(super) into: &'a TableSchema,
}

/// The source tables as check left them in `checked`.
pub(super) fn origins<'a>(system: &'a System, checked: &Path) -> Vec<Origin<'a>> {
    let origin = |table: &'a chartlift_rules::SourceTable| Origin {
        name: &table.name.value,
        schema: &table.schema,
        rows: Rows::not_held(checked.join(&table.name.value)),
        level: Level::Checked,
    };
    system.tables.iter().map(origin).collect()
}

impl HeldRows<'_> {
    /// The rows of the rule's driving table that check quarantined; `folder` is the table's.
    pub(super) fn quarantined(&self, folder: &Path) -> Option<Rows> {
        let list = folder.join("quarantined.parquet");
        let origin = self.origins.iter().find(|origin| origin.name == self.rule.from.value)?;
        list.exists().then(|| match &origin.rows {
            Rows::Layer { folder, occurrences, .. } => Rows::Layer {
                folder: folder.clone(),
                which: Which::Only(list),
                occurrences: occurrences.clone(),
            },
            other => other.clone(),
        })
    }

    /// Runs the rule over `rows` for one field alone; `each` is given the source rows, the number of the exclusion
    /// (0: none, -1: undecided) and the field's values.
    pub(super) async fn read(
        &self,
        rows: Rows,
        field: &str,
        mut each: impl FnMut(&Int64Array, &[i32], &ArrayRef),
    ) -> Result<(), Error> {
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
            project: self.project,
            rule: self.rule,
            origins: &origins,
            into: self.into,
            timezone: &self.system.timezone,
            reshaped: None,
        };
        let compiled = compile::compile(&input).await.map_err(|problems| Error::rules(&problems))?;
        let doing = "reading a field of held rows";
        let frame = compiled
            .frame
            .select(vec![column("_row"), column("_exclude"), column(field)])
            .map_err(Error::query(doing))?;
        let mut stream = frame.execute_stream().await.map_err(Error::query(doing))?;
        while let Some(batch) = stream.next().await {
            let batch = batch.map_err(Error::query(doing))?;
            let rows = batch.column(0).as_primitive::<Int64Type>();
            each(rows, batch.column(1).as_primitive::<Int32Type>().values(), batch.column(2));
        }
        Ok(())
    }
}

/// Rejected records, as far as their fields could be read, in the layer's shape.
pub(super) fn rejected(
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
