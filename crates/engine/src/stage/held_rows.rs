//! Rows that check held or could not parse: what a rule would have made of them, as far as that can be told.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringViewArray};
use arrow::datatypes::SchemaRef;
use chartlift_rules::{Rule, SourceTable, System, TableSchema};
use datafusion::dataframe::DataFrame;
use datafusion::execution::context::SessionContext;
use futures::StreamExt;

use super::Work;
use crate::Error;
use crate::compile::{self, Level, Origin, Rows, RuleInput, Which, column, layer_schema};
use crate::land;
use crate::report::{StageReport, table_of};

/// Where they are, and who reads them.
pub(crate) struct HeldRows<'a> {
    pub(crate) work: &'a Work<'a>,
    pub(crate) context: &'a SessionContext,
    pub(crate) origins: &'a [Origin<'a>],
    /// The folder of the checked files, and what check reported.
    pub(crate) checked: &'a Path,
    pub(crate) report: &'a StageReport,
}

/// A rule over some of them.
pub(crate) struct Held {
    /// The rule's plan with its hidden columns; rows are not shaped, what shaping makes is null.
    pub(crate) frame: DataFrame,
    /// The rows could not be parsed.
    pub(crate) rejects: bool,
}

/// The source tables as check left them in `checked`, and reported.
pub(crate) fn origins<'a>(system: &'a System, checked: &Path, report: &'a StageReport) -> Vec<Origin<'a>> {
    let origin = |table: &'a SourceTable| Origin {
        name: &table.name.value,
        schema: &table.schema,
        rows: Rows::not_held(checked.join(&table.name.value)),
        level: Level::Checked,
        digits: report.digits.get(&table_of(&system.name, &table.name.value)),
    };
    system.tables.iter().map(origin).collect()
}

impl Held {
    /// Hands out these columns of the rule's plan, batch by batch.
    pub(crate) async fn each(
        self,
        columns: &[&str],
        mut each: impl FnMut(&RecordBatch),
    ) -> Result<(), Error> {
        let doing = "reading held rows";
        let wanted: Vec<_> = columns.iter().copied().map(column).collect();
        let frame = self.frame.select(wanted).map_err(Error::query(doing))?;
        let mut stream = frame.execute_stream().await.map_err(Error::query(doing))?;
        while let Some(batch) = stream.next().await {
            each(&batch.map_err(Error::query(doing))?);
        }
        Ok(())
    }
}

impl HeldRows<'_> {
    /// The rule's plan over the rows that check quarantined, and over its rejects.
    pub(crate) async fn of(&self, rule: &Rule, into: &TableSchema) -> Result<Vec<Held>, Error> {
        let list = self.checked.join(&rule.from.value).join("quarantined.parquet");
        self.chosen(rule, into, Some(list).filter(|list| list.exists())).await
    }

    /// The rule's plan over the rows in a list, and over its rejects.
    pub(crate) async fn chosen(
        &self,
        rule: &Rule,
        into: &TableSchema,
        list: Option<PathBuf>,
    ) -> Result<Vec<Held>, Error> {
        let Some(origin) = self.origins.iter().find(|origin| origin.name == rule.from.value) else {
            return Ok(Vec::new());
        };
        let folder = self.checked.join(origin.name);
        let mut all = Vec::new();
        if let Some(list) = list {
            let rows = match &origin.rows {
                Rows::Layer { folder, occurrences, .. } => Rows::Layer {
                    folder: folder.clone(),
                    which: Which::Only(list),
                    occurrences: occurrences.clone(),
                },
                other => other.clone(),
            };
            all.push(Held { frame: self.plan(rule, into, rows).await?, rejects: false });
        }
        for some in land::reject_batches(&folder)? {
            let batch = self.rejected(&some?, origin.schema)?;
            all.push(Held { frame: self.plan(rule, into, Rows::Memory(vec![batch])).await?, rejects: true });
        }
        Ok(all)
    }

    async fn plan(&self, rule: &Rule, into: &TableSchema, rows: Rows) -> Result<DataFrame, Error> {
        let input = RuleInput {
            context: self.context,
            project: &self.work.environment.project,
            rule,
            origins: self.origins,
            into,
            timezone: &self.work.system()?.timezone,
            reshaped: None,
            driving: Some(rows),
        };
        Ok(compile::compile(&input).await.map_err(|problems| Error::rules(&problems))?.frame)
    }

    /// Rejected records, as far as their fields could be read, in the layer's shape.
    fn rejected(&self, rejects: &[land::Rejected], schema: &TableSchema) -> Result<RecordBatch, Error> {
        let headers: Vec<&[String]> = rejects.iter().map(|reject| self.report.header(reject.row)).collect();
        let mut columns: Vec<ArrayRef> = schema
            .fields
            .iter()
            .map(|field| {
                let values = rejects.iter().zip(&headers).map(|(reject, header)| {
                    let at = header.iter().position(|name| *name == field.name.value)?;
                    reject.fields.get(at)?.as_deref()
                });
                Arc::new(values.collect::<StringViewArray>()) as ArrayRef
            })
            .collect();
        columns.push(Arc::new(Int64Array::from_iter_values(rejects.iter().map(|reject| reject.row))));
        columns.push(Arc::new(Int64Array::from(vec![0; rejects.len()])));
        let layer: SchemaRef = layer_schema(schema, Level::Checked);
        RecordBatch::try_new(layer, columns).map_err(|error| Error::query("reading rejects")(error.into()))
    }
}
