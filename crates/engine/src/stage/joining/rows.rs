//! The rows that joining makes: records filled from those that went into them, and records that stand in for those.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use chartlift_rules::{Located, PATIENT, TableSchema};
use datafusion::common::JoinType;
use datafusion::dataframe::DataFrame;
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::functions::expr_fn::coalesce;
use datafusion::logical_expr::{Expr, when};
use futures::StreamExt;

use super::{Join, Places};
use crate::Error;
use crate::compile::{Level, STAND_INS, column, column_of, layer_schema, read_parts};
use crate::digest::ArtefactDigest;
use crate::layer::{self, LayerWriter, part_name};
use crate::marks::RowId;
use crate::produce::{MOST_RULES, RULE_SHIFT};
use crate::statement::Stage;

const DOING: &str = "joining patients";
/// The record that went, and the one that stays.
const LATER: &str = "later";
const STAYS: &str = "stays";

/// The bits of a piece number below the rule's.
const PIECE_BITS: i32 = (1 << RULE_SHIFT) - 1;

/// The rule's bits of records that are filled from the `nth` system's: a number that no rule of the file has, nor
/// what the file's own `merge` makes.
pub(super) fn filled_part(places: &Places<'_>, into: usize, nth: usize) -> Result<i32, Error> {
    let system = places.systems.get(into).map(|work| work.system()).transpose()?;
    let rules = system.and_then(|system| system.rule_file(PATIENT)).map_or(0, |file| file.rules.len());
    let number = rules + nth;
    match i32::try_from(number) {
        Ok(bits) if number < MOST_RULES => Ok(bits << RULE_SHIFT),
        _ => Err(Error::Usage {
            code: "too-many-rules",
            message: format!("{rules} rules make patients, too many to fill their records from others"),
            hint: "write `keep: first` in `patients` of `chartlift.yaml`".into(),
        }),
    }
}

/// The id of the record that takes the place of another.
pub(super) fn filled(id: RowId, part: i32) -> RowId {
    RowId { row: id.row, part: part | (id.part & PIECE_BITS) }
}

/// Writes the filled records beside those that stay.
pub(super) async fn fill(
    places: &Places<'_>,
    (nth, into): (usize, usize),
    joins: &[&Join],
    part: i32,
) -> Result<(), Error> {
    let made = |id: RowId| filled(id, part);
    let frame = paired(places, (nth, into), joins, made).await?;
    let path = places.folder(into).join(format!("part-filled-{nth:05}.parquet"));
    write(places.schema, frame, Who::Filled, &path).await.map(|_| ())
}

/// Writes what others of the later system find in the place of a record that went into another.
pub(super) async fn write_stand_ins(
    places: &Places<'_>,
    (nth, into): (usize, usize),
    joins: &[&Join],
) -> Result<ArtefactDigest, Error> {
    let frame = paired(places, (nth, into), joins, |id| id).await?;
    let path = places.folder(nth).join(STAND_INS).join(part_name(into));
    write(places.schema, frame, Who::StandIn, &path).await
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Filled,
    StandIn,
}

/// What a record that is made says in a field. Keys and references mean something in their own system only.
fn value(schema: &TableSchema, name: &str, who: Who) -> Result<Expr, DataFusionError> {
    let (later, stays) = (column_of(LATER, name), column_of(STAYS, name));
    let own = |names: &[Located<String>]| names.iter().any(|one| one.value == name);
    let bound = own(&schema.primary_key) || schema.foreign_keys.iter().any(|foreign| own(&foreign.fields));
    Ok(match who {
        Who::StandIn if bound => later,
        Who::Filled if !bound => match name.strip_suffix("_precision").and_then(|of| schema.field(of)) {
            // How much of a date is known goes with the date.
            Some(date) => {
                let empty = column_of(STAYS, &date.name.value).is_null();
                when(empty, coalesce(vec![stays.clone(), later])).otherwise(stays)?
            }
            None => coalesce(vec![stays, later]),
        },
        Who::StandIn | Who::Filled => stays,
    })
}

/// Each pair of records as one row, with `_row` and `_part` of the record to be made.
async fn paired(
    places: &Places<'_>,
    (nth, into): (usize, usize),
    joins: &[&Join],
    made: impl Fn(RowId) -> RowId,
) -> Result<DataFrame, Error> {
    let broken = Error::query(DOING);
    let context = places.systems.first().ok_or_else(|| super::super::missing(Stage::Identify))?.session()?;
    let schema = layer_schema(places.schema, Level::Categorized);
    let frame = async {
        let later = read_parts(&context, parts(places, nth)?, &schema).await?.alias(LATER)?;
        let stays = read_parts(&context, parts(places, into)?, &schema).await?.alias(STAYS)?;
        let pairs = context.read_table(Arc::new(pairs(joins, made)?))?;
        let is = |side: &str| {
            ["_row", "_part"].map(|name| column(&format!("{side}{name}")).eq(column_of(side, name)))
        };
        pairs.join_on(later, JoinType::Inner, is(LATER))?.join_on(stays, JoinType::Inner, is(STAYS))
    };
    frame.await.map_err(broken)
}

fn parts(places: &Places<'_>, nth: usize) -> Result<Vec<PathBuf>, DataFusionError> {
    layer::parts(places.folder(nth)).map_err(|error| DataFusionError::External(Box::new(error)))
}

fn pairs(joins: &[&Join], made: impl Fn(RowId) -> RowId) -> Result<MemTable, DataFusionError> {
    let ids = |of: &dyn Fn(&Join) -> RowId| -> [ArrayRef; 2] {
        [
            Arc::new(Int64Array::from_iter_values(joins.iter().map(|join| of(join).row))),
            Arc::new(Int32Array::from_iter_values(joins.iter().map(|join| of(join).part))),
        ]
    };
    let mut fields = Vec::new();
    let mut columns: Vec<ArrayRef> = Vec::new();
    for (side, ids) in [
        (LATER, ids(&|join| join.later.id)),
        (STAYS, ids(&|join| join.stays.id)),
        ("made", ids(&|join| made(join.stays.id))),
    ] {
        fields.push(Field::new(format!("{side}_row"), DataType::Int64, false));
        fields.push(Field::new(format!("{side}_part"), DataType::Int32, false));
        columns.extend(ids);
    }
    let schema = Arc::new(Schema::new(fields));
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns)?;
    MemTable::try_new(schema, vec![vec![batch]])
}

async fn write(
    schema: &TableSchema,
    frame: DataFrame,
    who: Who,
    path: &Path,
) -> Result<ArtefactDigest, Error> {
    let layer = layer_schema(schema, Level::Categorized);
    let made = |name: &str| match who {
        Who::Filled => column(&format!("made{name}")).alias(name),
        Who::StandIn => column_of(LATER, name),
    };
    let mut columns = Vec::new();
    for field in &schema.fields {
        let name = field.name.value.as_str();
        columns.push(value(schema, name, who).map_err(Error::query(DOING))?.alias(name));
    }
    columns.extend([made("_row"), made("_part"), column_of(STAYS, "_degraded")]);
    let frame = frame.select(columns).map_err(Error::query(DOING))?;
    let mut stream = frame.execute_stream().await.map_err(Error::query(DOING))?;
    let mut digest = ArtefactDigest::default();
    let mut writer = LayerWriter::create(path, &layer)?;
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(Error::query(DOING))?;
        let batch = RecordBatch::try_new(Arc::clone(&layer), batch.columns().to_vec())
            .map_err(|error| Error::query(DOING)(error.into()))?;
        digest.add(&batch)?;
        writer.write(&batch)?;
    }
    writer.close()?;
    Ok(digest)
}
