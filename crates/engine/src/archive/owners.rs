//! Whose a source row is: plans that join rows with the patients of the records made of them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use chartlift_rules::{Project, SourceTable, TableSchema};
use datafusion::common::JoinType;
use datafusion::dataframe::DataFrame;
use datafusion::error::DataFusionError;
use datafusion::execution::context::SessionContext;
use datafusion::functions::expr_fn::coalesce;
use datafusion::logical_expr::{Expr, cast, lit};

use super::write;
use crate::Error;
use crate::compile::{Level, column, layer_schema, read_parts};
use crate::layer;

pub(super) struct Owners<'a> {
    pub(super) context: &'a SessionContext,
    pub(super) project: &'a Project,
    /// The folders of check's and of categorize's layers.
    pub(super) checked: &'a Path,
    pub(super) categorized: PathBuf,
    pub(super) scratch: &'a Path,
}

fn text_column(name: &str) -> Field {
    Field::new(name, DataType::Utf8View, true)
}

fn owner_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("_owner_row", DataType::Int64, true), text_column("_patient")]))
}

impl Owners<'_> {
    /// Writes row and patient of every record, and key and name of every patient sorted by key; answers both files.
    pub(super) async fn write(&self) -> Result<(PathBuf, PathBuf), Error> {
        let doing = "finding the patients of rows";
        let owned = self.scratch.join("owners.parquet");
        let frame = self.records().await.map_err(Error::query(doing))?;
        write(frame, &owned, doing).await?;
        let names = self.scratch.join("names.parquet");
        let frame = self.names().await.map_err(Error::query(doing))?;
        write(frame, &names, doing).await?;
        Ok((owned, names))
    }

    async fn category(&self, name: &str, schema: &TableSchema) -> Result<DataFrame, DataFusionError> {
        let parts = layer::parts(&self.categorized.join(name))
            .map_err(|error| DataFusionError::External(Box::new(error)))?;
        read_parts(self.context, parts, &layer_schema(schema, Level::Categorized)).await
    }

    /// `_owner_row` and `_patient` of the records of all categories that belong to patients.
    async fn records(&self) -> Result<DataFrame, DataFusionError> {
        let mut all = read_parts(self.context, Vec::new(), &owner_schema()).await?;
        for (name, schema) in &self.project.categories {
            let Some(patient) = &schema.extension.patient else { continue };
            let own = self.category(name, schema).await?.select(vec![
                column("_row").alias("_owner_row"),
                cast(column(&patient.value), DataType::Utf8View).alias("_patient"),
            ])?;
            all = all.union(own)?;
        }
        all.filter(column("_patient").is_not_null())?.distinct()
    }

    /// Key and name from the category whose records are the patients.
    async fn names(&self) -> Result<DataFrame, DataFusionError> {
        let nobody = Arc::new(Schema::new(vec![text_column("_patient"), text_column("_name")]));
        let mut all = read_parts(self.context, Vec::new(), &nobody).await?;
        for (name, schema) in &self.project.categories {
            let defines = schema.extension.patient.as_ref().is_some_and(|patient| {
                schema.primary_key.first().is_some_and(|key| key.value == patient.value)
            });
            let fields = || schema.fields.iter().map(|field| field.name.value.as_str());
            let named = fields()
                .find(|field| *field == "full_name_src")
                .or_else(|| fields().find(|field| field.starts_with("full_name")));
            let (true, Some(key), Some(named)) = (defines, schema.primary_key.first(), named) else {
                continue;
            };
            let own = self.category(name, schema).await?.select(vec![
                cast(column(&key.value), DataType::Utf8View).alias("_patient"),
                cast(column(named), DataType::Utf8View).alias("_name"),
            ])?;
            all = all.union(own)?;
        }
        all.sort(vec![column("_patient").sort(true, false), column("_name").sort(true, false)])
    }

    /// The rows of a table that have residue: patient, `_row`, then the columns, sorted by patient and row.
    pub(super) async fn of(
        &self,
        table: &SourceTable,
        columns: &[String],
        owned: &Path,
    ) -> Result<DataFrame, Error> {
        self.plan(table, columns, owned).await.map_err(Error::query("finding a table's residue"))
    }

    async fn plan(
        &self,
        table: &SourceTable,
        columns: &[String],
        owned: &Path,
    ) -> Result<DataFrame, DataFusionError> {
        let cells = || (0..columns.len()).map(|number| column(&format!("_cell_{number}")));
        let foreign: Vec<_> =
            table.schema.foreign_keys.iter().filter(|key| key.resource.value != table.name.value).collect();
        let mut wanted: Vec<(&str, String)> = Vec::new();
        wanted.extend(columns.iter().enumerate().map(|(at, name)| (name.as_str(), format!("_cell_{at}"))));
        for (number, key) in foreign.iter().enumerate() {
            let own = key.fields.iter().enumerate();
            wanted.extend(own.map(|(at, name)| (name.value.as_str(), format!("_own_{number}_{at}"))));
        }
        let mut frame = self.landed(&table.name.value, &wanted).await?;
        let something = cells().map(|cell| cell.is_not_null()).reduce(Expr::or).unwrap_or_else(|| lit(false));
        frame = frame.filter(something)?;
        let owners = read_parts(self.context, vec![owned.to_path_buf()], &owner_schema()).await?;
        frame = frame.join(owners, JoinType::Left, &["_row"], &["_owner_row"], None)?;
        let mut patients = vec![column("_patient")];
        for (number, key) in foreign.iter().enumerate() {
            let via = format!("_via_{number}");
            let names: Vec<(&str, String)> = key
                .reference_fields
                .iter()
                .enumerate()
                .map(|(at, name)| (name.value.as_str(), format!("_parent_{number}_{at}")))
                .collect();
            let parent = self.parents(&key.resource.value, &names, owned, &via).await?;
            let own: Vec<String> = (0..key.fields.len()).map(|at| format!("_own_{number}_{at}")).collect();
            let own: Vec<&str> = own.iter().map(String::as_str).collect();
            let other: Vec<&str> = names.iter().map(|(_, name)| name.as_str()).collect();
            frame = frame.join(parent, JoinType::Left, &own, &other, None)?;
            patients.push(column(&via));
        }
        let patient = if foreign.is_empty() { column("_patient") } else { coalesce(patients) };
        let mut told = vec![patient.alias("_of"), column("_row")];
        told.extend(cells());
        frame
            .select(told)?
            .distinct()?
            .sort(vec![column("_of").sort(true, false), column("_row").sort(true, false)])
    }

    /// The landed rows of a table: `_row`, and columns under other names.
    async fn landed(&self, table: &str, columns: &[(&str, String)]) -> Result<DataFrame, DataFusionError> {
        let parts = layer::parts(&self.checked.join(table))
            .map_err(|error| DataFusionError::External(Box::new(error)))?;
        let mut fields: Vec<Field> = Vec::new();
        for (name, _) in columns {
            if !fields.iter().any(|field| field.name() == name) {
                fields.push(text_column(name));
            }
        }
        fields.push(Field::new("_row", DataType::Int64, false));
        let frame = read_parts(self.context, parts, &Arc::new(Schema::new(fields))).await?;
        let mut told: Vec<Expr> = columns.iter().map(|(name, new)| column(name).alias(new)).collect();
        told.push(column("_row"));
        frame.select(told)
    }

    /// The patients of a parent table's rows, by its key.
    async fn parents(
        &self,
        table: &str,
        key: &[(&str, String)],
        owned: &Path,
        via: &str,
    ) -> Result<DataFrame, DataFusionError> {
        let owners = read_parts(self.context, vec![owned.to_path_buf()], &owner_schema())
            .await?
            .select(vec![column("_owner_row").alias(format!("{via}_row")), column("_patient").alias(via)])?;
        let frame = self.landed(table, key).await?.select(
            key.iter()
                .map(|(_, name)| column(name))
                .chain([column("_row").alias(format!("{via}_landed"))])
                .collect::<Vec<_>>(),
        )?;
        let landed = format!("{via}_landed");
        let row = format!("{via}_row");
        let mut told: Vec<Expr> = key.iter().map(|(_, name)| column(name)).collect();
        told.push(column(via));
        frame
            .join(owners, JoinType::Inner, &[landed.as_str()], &[row.as_str()], None)?
            .select(told)?
            .distinct()
    }
}
