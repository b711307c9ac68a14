//! Group, unpivot, split: the driving rows of a rule made fewer or more, before its plan runs over them.
//!
//! One pass over the driving table, in bounded memory: a group is held only while its rows pass, in the order that a
//! sort gave them. What comes out is a layer of its own beside the rule's, removed when the rule has run. Every
//! source row is accounted for: it leads a group or is merged into one, it makes pieces or it makes none.

mod group;
mod pieces;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use chartlift_rules::{FieldValue, Located, Rule, Take};
use datafusion::dataframe::DataFrame;
use datafusion::error::DataFusionError;
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::{Expr, cast, lit};
use futures::StreamExt;

use crate::Error;
use crate::compile::{Origin, RuleInput, column, column_of, read_parts};
use crate::functions::read_declared;
use crate::layer::{self, LayerWriter, part_name};
use crate::marks::RowSet;
use group::Groups;
use pieces::Pieces;

/// The number of a piece of its source row.
pub(crate) const PIECE: &str = "_piece";
/// Lists that are taken in step have different lengths: nobody can say what belongs to what.
pub(crate) const UNEVEN: &str = "_uneven";

/// The column with the texts of a group's rows, for the nth field that asks for them.
pub(crate) fn lines_column(number: usize) -> String {
    format!("_lines_{number}")
}

/// What a rule does to the rows it reads.
pub(crate) struct Shape<'a> {
    rule: &'a Rule,
    /// Column and separator of each field that takes a group's texts.
    lines: Vec<(&'a str, &'a str)>,
}

/// The source rows that make no row of their own.
#[derive(Default)]
pub(crate) struct Reshaped {
    pub(crate) folder: PathBuf,
    /// Part of a group that another row stands for.
    pub(crate) merged: RowSet,
    /// All that they could have been split into is empty.
    pub(crate) nothing: RowSet,
}

impl<'a> Shape<'a> {
    /// `None`: every row stays as it is.
    pub(crate) fn of(rule: &'a Rule) -> Option<Self> {
        if rule.group.is_none() && rule.unpivot.is_none() && rule.split.is_none() {
            return None;
        }
        let lines = rule.fields.iter().filter_map(|field| match &field.value {
            FieldValue::Lines { column, separator } => Some((column.value.as_str(), separator.as_str())),
            _ => None,
        });
        Some(Self { rule, lines: lines.collect() })
    }

    /// Shapes the rule's driving rows into `folder`.
    pub(crate) async fn run(&self, input: &RuleInput<'_>, folder: PathBuf) -> Result<Reshaped, Error> {
        let doing = || format!("shaping the rows of the rule `{}`", self.rule.name.value);
        let Some(from) = input.origins.iter().find(|origin| origin.name == self.rule.from.value) else {
            return Ok(Reshaped { folder, ..Reshaped::default() });
        };
        let alias = self.rule.alias.as_str();
        let frame = from.frame(input.context, alias, true).await.map_err(Error::query(doing()))?;
        let frame = self.sorted(input, from, frame).map_err(Error::query(doing()))?;
        let mut stream = frame.execute_stream().await.map_err(Error::query(doing()))?;
        let mut groups = self.rule.group.as_ref().map(|group| Groups::new(group, &self.lines));
        let mut pieces = Pieces::new(self.rule);
        let mut writer = None;
        loop {
            let batch = stream.next().await.transpose().map_err(Error::query(doing()))?;
            let last = batch.is_none();
            let shaped = match (&mut groups, batch) {
                (Some(groups), Some(batch)) => groups.push(&batch),
                (Some(groups), None) => groups.finish(),
                (None, batch) => Ok(batch),
            };
            if let Some(batch) = shaped.map_err(Error::query(doing()))? {
                let made = pieces.make(&batch).map_err(Error::query(doing()))?;
                let writer = match &mut writer {
                    Some(writer) => writer,
                    empty => empty.insert(LayerWriter::create(&folder.join(part_name(0)), &made.schema())?),
                };
                writer.write(&made)?;
            }
            if last {
                break;
            }
        }
        writer.map_or(Ok(()), LayerWriter::close)?;
        let merged = groups.map(|groups| groups.merged).unwrap_or_default();
        Ok(Reshaped { folder, merged, nothing: pieces.nothing })
    }

    /// In the order of the groups, each in its own order; ties stay in the order of the file. A row with nothing to
    /// be ordered by stands where it does not lead.
    fn sorted(
        &self,
        input: &RuleInput<'_>,
        from: &Origin<'_>,
        frame: DataFrame,
    ) -> Result<DataFrame, DataFusionError> {
        let alias = self.rule.alias.as_str();
        let Some(group) = &self.rule.group else { return Ok(frame) };
        let typed = |name: &Located<String>| {
            let value = column_of(alias, &name.value);
            let declared = from.schema.field(&name.value);
            declared
                .and_then(|field| read_declared(field, value.clone(), input.timezone).ok())
                .unwrap_or(value)
        };
        let mut order: Vec<_> =
            group.by.iter().map(|name| column_of(alias, &name.value).sort(true, true)).collect();
        order.extend(group.order.iter().map(|name| typed(name).sort(true, leads_last(group.take))));
        order.push(column_of(alias, "_row").sort(true, false));
        frame.sort(order)
    }

    /// What [`Self::run`] wrote, under the name `alias`.
    pub(crate) async fn read(
        &self,
        context: &SessionContext,
        from: &Origin<'_>,
        alias: &str,
        with_key: bool,
        folder: &Path,
    ) -> Result<DataFrame, DataFusionError> {
        let parts = layer::parts(folder).map_err(|error| DataFusionError::External(Box::new(error)))?;
        let frame = read_parts(context, parts, &self.schema(from)).await?;
        let names = self.schema(from);
        let wanted = names.fields().iter().filter(|field| with_key || field.name() != "_key");
        frame.select(wanted.map(|field| column(field.name())).collect::<Vec<Expr>>())?.alias(alias)
    }

    /// The driving table's own rows, with nothing in the columns that shaping makes.
    pub(crate) async fn unmade(
        &self,
        context: &SessionContext,
        from: &Origin<'_>,
        alias: &str,
        with_key: bool,
    ) -> Result<DataFrame, DataFusionError> {
        let frame = from.frame(context, alias, with_key).await?;
        let own: Vec<String> = frame.schema().fields().iter().map(|field| field.name().clone()).collect();
        let mut columns: Vec<Expr> = own.iter().map(|name| column_of(alias, name)).collect();
        for field in self.schema(from).fields().iter().filter(|field| !own.contains(field.name())) {
            if field.name() == "_key" {
                continue;
            }
            let nothing = match field.data_type() {
                DataType::Int32 => lit(0_i32),
                DataType::Boolean => lit(false),
                kind => cast(lit(datafusion::common::ScalarValue::Null), kind.clone()),
            };
            columns.push(nothing.alias(field.name()));
        }
        frame.select(columns)?.alias(alias)
    }

    /// The columns of the shaped rows.
    fn schema(&self, from: &Origin<'_>) -> SchemaRef {
        let text = |name: &str| Field::new(name, DataType::Utf8View, true);
        let mut fields: Vec<Field> =
            from.schema.fields.iter().chain(&from.schema.made).map(|field| text(&field.name.value)).collect();
        fields.push(Field::new("_row", DataType::Int64, false));
        fields.push(text("_key"));
        fields.extend((0..self.lines.len()).map(|number| text(&lines_column(number))));
        fields.extend(pieces::made_names(self.rule).map(text));
        fields.push(Field::new(PIECE, DataType::Int32, false));
        fields.push(Field::new(UNEVEN, DataType::Boolean, false));
        Arc::new(Schema::new(fields))
    }
}

/// Whether the group's last row leads it.
fn leads_last(take: Take) -> bool {
    take == Take::Last
}
