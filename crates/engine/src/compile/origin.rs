//! The tables that rules read, as data frames: checked files with their missing values applied and the
//! `_key` pseudo-column, or the layers of an earlier stage.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use chartlift_rules::{FieldType, Project, System, TableSchema};
use datafusion::common::{Column, JoinType, TableReference};
use datafusion::dataframe::DataFrame;
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::execution::context::SessionContext;
use datafusion::functions::expr_fn::{concat, nullif};
use datafusion::logical_expr::{Expr, ExprFunctionExt, cast, lit, when};
use datafusion::prelude::ParquetReadOptions;

use crate::land::DigitCounts;
use crate::layer;

/// Where a table's rows are: nowhere yet (rules are only being checked) or in a layer.
#[derive(Debug, Clone)]
pub enum Rows {
    None,
    Layer {
        folder: PathBuf,
        which: Which,
        /// `_row` and `_occurrence` of rows whose declared key is not their first.
        occurrences: Option<PathBuf>,
    },
    /// Rows made in memory, shaped as the layer would be.
    Memory(Vec<RecordBatch>),
}

/// Which rows of a layer: lists of held rows are files of `_row` and `_part`.
#[derive(Debug, Clone)]
pub enum Which {
    All,
    Except(PathBuf),
    Only(PathBuf),
}

impl Rows {
    /// The rows of a stage's folder for one table that later stages read.
    pub fn not_held(folder: PathBuf) -> Self {
        let held = folder.join("held.parquet");
        let which = if held.exists() { Which::Except(held) } else { Which::All };
        let occurrences = Some(folder.join("occurrences.parquet")).filter(|path| path.exists());
        Self::Layer { folder, which, occurrences }
    }
}

/// One table as rules see it.
#[derive(Debug, Clone)]
pub struct Origin<'a> {
    pub name: &'a str,
    pub schema: &'a TableSchema,
    pub rows: Rows,
    pub level: Level,
    /// What check counted of the columns of fixed digits that have shorter values.
    pub digits: Option<&'a BTreeMap<String, DigitCounts>>,
}

impl<'a> Origin<'a> {
    /// A system's tables, for rules that are looked at without data.
    pub(crate) fn checked(system: &'a System) -> Vec<Self> {
        system
            .tables
            .iter()
            .map(|table| Self::bare(&table.name.value, &table.schema, Level::Checked))
            .collect()
    }

    /// A project's categories, likewise.
    pub(crate) fn categorized(project: &'a Project) -> Vec<Self> {
        project.categories.iter().map(|(name, schema)| Self::bare(name, schema, Level::Categorized)).collect()
    }

    fn bare(name: &'a str, schema: &'a TableSchema, level: Level) -> Self {
        Self { name, schema, rows: Rows::None, level, digits: None }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// All columns text, missing values still in place.
    Checked,
    /// Columns typed as the category says.
    Categorized,
}

/// The Arrow type of a field in the categorized and converted layers.
pub fn arrow_type(kind: FieldType) -> DataType {
    match kind {
        FieldType::String | FieldType::Time => DataType::Utf8View,
        FieldType::Integer => DataType::Int64,
        FieldType::Number => DataType::Decimal128(38, 18),
        FieldType::Boolean => DataType::Boolean,
        FieldType::Date => DataType::Date32,
        FieldType::Datetime => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
    }
}

/// The columns a layer of this level has for a table.
pub fn layer_schema(schema: &TableSchema, level: Level) -> SchemaRef {
    let mut fields: Vec<Field> = schema
        .fields
        .iter()
        .map(|field| {
            let kind = match level {
                Level::Checked => DataType::Utf8View,
                Level::Categorized => arrow_type(field.kind),
            };
            Field::new(&field.name.value, kind, true)
        })
        .collect();
    fields.push(Field::new("_row", DataType::Int64, false));
    match level {
        Level::Checked => fields.push(Field::new("_offset", DataType::Int64, false)),
        Level::Categorized => {
            fields.push(Field::new("_part", DataType::Int32, false));
            fields.push(Field::new("_degraded", DataType::Utf8View, true));
        }
    }
    Arc::new(Schema::new(fields))
}

/// What check found out about the files that a table's rows name, in the table's folder.
pub(crate) const FILES: &str = "files.parquet";

/// Its columns: `_row`, then the table's made ones as text.
pub(crate) fn files_schema(schema: &TableSchema) -> SchemaRef {
    let made = schema.made.iter().map(|field| Field::new(&field.name.value, DataType::Utf8View, true));
    let fields: Vec<Field> =
        std::iter::once(Field::new("_row", DataType::Int64, false)).chain(made).collect();
    Arc::new(Schema::new(fields))
}

/// Reads Parquet files; an empty list is an empty table.
pub(crate) async fn read_parts(
    context: &SessionContext,
    parts: Vec<PathBuf>,
    schema: &SchemaRef,
) -> Result<DataFrame, DataFusionError> {
    if parts.is_empty() {
        let table = MemTable::try_new(SchemaRef::clone(schema), vec![vec![]])?;
        return context.read_table(Arc::new(table));
    }
    let paths: Vec<String> = parts.iter().map(|path| path.to_string_lossy().into_owned()).collect();
    context.read_parquet(paths, ParquetReadOptions::default().schema(schema)).await
}

/// Beside a layer: rows that stand in, for whoever looks them up, for held ones that went into others.
pub(crate) const STAND_INS: &str = "joined";

impl Origin<'_> {
    /// The table's rows that are not held, under the name `alias`.
    pub async fn frame(
        &self,
        context: &SessionContext,
        alias: &str,
        with_key: bool,
    ) -> Result<DataFrame, DataFusionError> {
        let frame = self.rows(context, with_key).await?;
        frame.select(self.projection(with_key))?.alias(alias)
    }

    /// The same for a join, with the rows that stand in for others.
    pub async fn looked_up(
        &self,
        context: &SessionContext,
        alias: &str,
        with_key: bool,
    ) -> Result<DataFrame, DataFusionError> {
        let Rows::Layer { folder, .. } = &self.rows else {
            return self.frame(context, alias, with_key).await;
        };
        let parts = layer::parts(&folder.join(STAND_INS))
            .map_err(|error| DataFusionError::External(Box::new(error)))?;
        if parts.is_empty() {
            return self.frame(context, alias, with_key).await;
        }
        let others = read_parts(context, parts, &layer_schema(self.schema, self.level)).await?;
        let frame = self.rows(context, with_key).await?.union(others)?;
        frame.select(self.projection(with_key))?.alias(alias)
    }

    /// The rows as the layer has them.
    async fn rows(&self, context: &SessionContext, with_key: bool) -> Result<DataFrame, DataFusionError> {
        let schema = layer_schema(self.schema, self.level);
        let mut frame = match &self.rows {
            Rows::None => read_parts(context, Vec::new(), &schema).await?,
            Rows::Memory(batches) => {
                let table = MemTable::try_new(SchemaRef::clone(&schema), vec![batches.clone()])?;
                context.read_table(Arc::new(table))?
            }
            Rows::Layer { folder, which, .. } => {
                let parts =
                    layer::parts(folder).map_err(|error| DataFusionError::External(Box::new(error)))?;
                let frame = read_parts(context, parts, &schema).await?;
                match which {
                    Which::All => frame,
                    Which::Except(held) => {
                        narrowed(context, frame, held, JoinType::LeftAnti, self.level).await?
                    }
                    Which::Only(held) => {
                        narrowed(context, frame, held, JoinType::LeftSemi, self.level).await?
                    }
                }
            }
        };
        if self.level == Level::Checked && !self.schema.made.is_empty() {
            frame = self.with_files(context, frame).await?;
        }
        if with_key && self.level == Level::Checked && !self.schema.extension.row_key.is_empty() {
            frame = self.with_occurrences(context, frame).await?;
        }
        Ok(frame)
    }

    /// Adds what check found out about the files that rows name; null where no row was looked at.
    async fn with_files(
        &self,
        context: &SessionContext,
        frame: DataFrame,
    ) -> Result<DataFrame, DataFusionError> {
        let path = match &self.rows {
            Rows::Layer { folder, .. } => Some(folder.join(FILES)).filter(|path| path.exists()),
            Rows::None | Rows::Memory(_) => None,
        };
        let files = read_parts(context, path.into_iter().collect(), &files_schema(self.schema)).await?;
        let mut columns = vec![column("_row").alias("_file_row")];
        columns.extend(self.schema.made.iter().map(|field| column(&field.name.value)));
        frame.join(files.select(columns)?, JoinType::Left, &["_row"], &["_file_row"], None)
    }

    /// Adds `_occurrence`, null for the first row of a key.
    async fn with_occurrences(
        &self,
        context: &SessionContext,
        frame: DataFrame,
    ) -> Result<DataFrame, DataFusionError> {
        let path = match &self.rows {
            Rows::Layer { occurrences: Some(path), .. } => vec![path.clone()],
            _ => return frame.with_column("_occurrence", cast(lit(1_i64), DataType::Int64)),
        };
        let schema = Arc::new(Schema::new(vec![
            Field::new("_row", DataType::Int64, false),
            Field::new("_occurrence", DataType::Int64, false),
        ]));
        let occurrences = read_parts(context, path, &schema)
            .await?
            .select(vec![column("_row").alias("_occurrence_row"), column("_occurrence")])?;
        frame.join(occurrences, JoinType::Left, &["_row"], &["_occurrence_row"], None)
    }

    fn projection(&self, with_key: bool) -> Vec<Expr> {
        let mut columns: Vec<Expr> = self
            .schema
            .fields
            .iter()
            .map(|field| self.value(&field.name.value).alias(&field.name.value))
            .collect();
        if self.level == Level::Checked {
            columns.extend(self.schema.made.iter().map(|field| column(&field.name.value)));
        }
        columns.push(column("_row"));
        match self.level {
            Level::Checked if with_key => columns.push(self.key().alias("_key")),
            Level::Checked => {}
            Level::Categorized => columns.extend([column("_part"), column("_degraded")]),
        }
        columns
    }

    /// A column with its missing values taken out.
    fn value(&self, name: &str) -> Expr {
        match self.level {
            Level::Checked => without_missing(column(name), &self.schema.missing_values),
            Level::Categorized => column(name),
        }
    }

    /// The text that names a row: its primary key, or its declared columns and an occurrence number.
    fn key(&self) -> Expr {
        let values = |names: &[chartlift_rules::Located<String>]| -> Vec<Expr> {
            names.iter().map(|name| self.value(&name.value)).collect()
        };
        if !self.schema.extension.row_key.is_empty() {
            let hash = super::expression::call("hash_key", values(&self.schema.extension.row_key));
            let occurrence =
                datafusion::functions::expr_fn::coalesce(vec![column("_occurrence"), lit(1_i64)]);
            return concat(vec![hash, lit("-"), cast(occurrence, DataType::Utf8)]);
        }
        match self.schema.primary_key.as_slice() {
            [] => lit(datafusion::common::ScalarValue::Utf8View(None)),
            [only] => self.value(&only.value),
            several => super::expression::call("compose_key", values(several)),
        }
    }
}

/// `value`, or null where it is one of the texts that mean "no value".
pub(super) fn without_missing(value: Expr, missing: &[String]) -> Expr {
    let text = |text: &String| lit(datafusion::common::ScalarValue::Utf8View(Some(text.clone())));
    match missing {
        [] => value,
        [only] => nullif(value, text(only)),
        several => {
            let list = several.iter().map(text).collect();
            let is_missing = value.clone().in_list(list, false);
            let nothing = lit(datafusion::common::ScalarValue::Utf8View(None));
            #[expect(clippy::expect_used, reason = "a case with one branch and an else is complete")]
            when(is_missing, nothing)
                .otherwise(value)
                .expect("a case with one branch and an else is complete")
        }
    }
}

/// The rows of `frame` that the file of held rows lists (a semi join) or does not list (an anti join).
async fn narrowed(
    context: &SessionContext,
    frame: DataFrame,
    held: &Path,
    kind: JoinType,
    level: Level,
) -> Result<DataFrame, DataFusionError> {
    let schema = Arc::new(Schema::new(vec![
        Field::new("_row", DataType::Int64, false),
        Field::new("_part", DataType::Int32, false),
    ]));
    let held = read_parts(context, vec![held.to_path_buf()], &schema)
        .await?
        .select(vec![column("_row").alias("_held_row"), column("_part").alias("_held_part")])?;
    match level {
        Level::Checked => frame.join(held, kind, &["_row"], &["_held_row"], None),
        Level::Categorized => frame.join(held, kind, &["_row", "_part"], &["_held_row", "_held_part"], None),
    }
}

/// A column by its exact name.
pub fn column(name: &str) -> Expr {
    Expr::Column(Column::new_unqualified(name))
}

/// A column of the table known as `alias`.
pub(crate) fn column_of(alias: &str, name: &str) -> Expr {
    Expr::Column(Column::new(Some(TableReference::bare(alias)), name))
}

/// `row_number()` over rows with equal `keys` in the order of `order`.
pub(super) fn number_within(keys: Vec<Expr>, order: Vec<Expr>) -> Result<Expr, DataFusionError> {
    datafusion::functions_window::expr_fn::row_number()
        .partition_by(keys)
        .order_by(order.into_iter().map(|expr| expr.sort(true, false)).collect())
        .build()
}
