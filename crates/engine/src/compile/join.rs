//! Joins of a rule: they always keep the driving row, and more matches than allowed are seen, not doubled.

use chartlift_rules::{AtMost, Diagnostic, Join};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Column, JoinType};
use datafusion::dataframe::DataFrame;
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::functions_aggregate::expr_fn::{count, min};
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::{BinaryExpr, Expr, ExprFunctionExt, Operator, lit};

use super::expression;
use super::origin::{Level, Origin, column, column_of, number_within};
use super::rule::{RuleInput, internal};
use crate::reshape::PIECE;

/// What a join adds to a row.
pub(super) struct Joined {
    /// The reached row's number; null where nothing matched.
    pub(super) row: Expr,
    /// How many rows matched, where that can be more than one by mistake.
    pub(super) matches: Option<Expr>,
}

pub(super) async fn join(
    input: &RuleInput<'_>,
    left: DataFrame,
    right: &Origin<'_>,
    join: &Join,
    number: usize,
) -> Result<(DataFrame, Joined), Vec<Diagnostic>> {
    let place = join.matches.place;
    if join.at_most == AtMost::Many && right.level == Level::Categorized {
        return Err(vec![
            Diagnostic::error("bad-join", place, "`at_most: many` is for categorize rules")
                .help("make the records several in the category, then convert each"),
        ]);
    }
    let broken = |error: datafusion::error::DataFusionError| vec![internal(&error, place)];
    let alias = join.alias.as_str();
    let with_key = join.matches.value.contains("_key");
    let plain = right.looked_up(input.context, alias, with_key).await.map_err(broken)?;
    let both = left.schema().join(plain.schema()).map_err(broken)?;
    let condition = expression::parse(input.context, &join.matches, &both)?;
    match expression::type_of(input.context, &condition, place, &both) {
        Ok(DataType::Boolean) => {}
        Ok(_) => {
            return Err(vec![
                Diagnostic::error("bad-join", place, "a join needs a condition")
                    .help("write `other.column = this.column`"),
            ]);
        }
        Err(problem) => return Err(vec![problem]),
    }
    let keys: Vec<Column> = expression::columns(&condition)
        .into_iter()
        .filter(|column| column.relation.as_ref().is_some_and(|relation| relation.table() == alias))
        .collect();
    if keys.is_empty() {
        return Err(vec![
            Diagnostic::error("bad-join", place, format!("the condition names no column of `{alias}`"))
                .help(format!("write `{alias}.column = ...`")),
        ]);
    }
    let row = column_of(alias, "_row");
    let by_keys = decided_by_equal_keys(&condition, alias);
    if join.at_most == AtMost::Many || (by_keys && unique(right, &keys)) {
        let frame = left.join_on(plain, JoinType::Left, [condition]).map_err(broken)?;
        return Ok((frame, Joined { row, matches: None }));
    }
    let matches = format!("_matches_{number}");
    if !by_keys {
        let frame = first_match_of_each(left, plain, condition, alias, &matches).map_err(broken)?;
        return Ok((frame, Joined { row, matches: Some(column(&matches)) }));
    }
    let single = match right.level {
        Level::Checked => first_of_each(plain, alias, &keys, &matches),
        Level::Categorized => first_piece_of_each(plain, alias, &keys, &matches),
    };
    let single = single.map_err(broken)?;
    let frame = left.join_on(single, JoinType::Left, [condition]).map_err(broken)?;
    Ok((frame, Joined { row, matches: Some(column_of(alias, &matches)) }))
}

/// Whether a driving row can match rows of one key only: the condition is that columns of the joined table equal
/// values without any. Then it is enough to count the rows of each key, before the join.
fn decided_by_equal_keys(condition: &Expr, alias: &str) -> bool {
    let joined = |column: &Column| column.relation.as_ref().is_some_and(|one| one.table() == alias);
    let key = |one: &Expr| matches!(one, Expr::Column(column) if joined(column));
    let free = |one: &Expr| !expression::columns(one).iter().any(joined);
    match condition {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
            decided_by_equal_keys(left, alias) && decided_by_equal_keys(right, alias)
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
            (key(left) && free(right)) || (free(left) && key(right))
        }
        _ => false,
    }
}

/// The general way: every match of a driving row is made, counted, and the first by row number stays.
fn first_match_of_each(
    left: DataFrame,
    plain: DataFrame,
    condition: Expr,
    alias: &str,
    matches: &str,
) -> Result<DataFrame, datafusion::error::DataFusionError> {
    // What names a driving row, and the rows that earlier joins gave it.
    let named = |column: &Column| [ROW, PART, PIECE].contains(&column.name.as_str());
    let driving = left.schema().columns().into_iter().filter(named).map(Expr::Column);
    let driving: Vec<Expr> = driving.collect();
    let mut order: Vec<Expr> = Vec::new();
    order.extend(plain.schema().columns().into_iter().filter(named).map(Expr::Column));
    let both = left.join_on(plain, JoinType::Left, [condition])?;
    let own: Vec<Expr> = both.schema().columns().into_iter().map(Expr::Column).collect();
    let nth = number_within(driving.clone(), order)?.alias("_nth");
    let all = WindowFunction::new(count_udaf(), vec![column_of(alias, ROW)]);
    let all = Expr::from(all).partition_by(driving).build()?.alias(matches);
    let numbered = both.window(vec![nth])?.window(vec![all])?.filter(column("_nth").eq(lit(1_u64)))?;
    numbered.select(own.into_iter().chain([column(matches)]).collect::<Vec<_>>())
}

/// What names a row of a layer.
const ROW: &str = "_row";
const PART: &str = "_part";

/// The keys hold a declared key, which an earlier stage has made sure of, unless the pack lets equal keys pass.
fn unique(right: &Origin<'_>, keys: &[Column]) -> bool {
    let declared = &right.schema.primary_key;
    let passes = right.level == Level::Checked
        && right.schema.failed(None, "primaryKey").is_some_and(|means| !means.holds());
    !passes
        && !declared.is_empty()
        && declared.iter().all(|name| keys.iter().any(|key| key.name == name.value))
}

/// The same where a row is named by its source row and its piece: several may have one row number.
fn first_piece_of_each(
    frame: DataFrame,
    alias: &str,
    keys: &[Column],
    matches: &str,
) -> Result<DataFrame, datafusion::error::DataFusionError> {
    let own: Vec<Expr> = frame.schema().columns().into_iter().map(Expr::Column).collect();
    let keys: Vec<Expr> = keys.iter().map(|key| Expr::Column(key.clone())).collect();
    let order = vec![column_of(alias, "_row"), column_of(alias, "_part")];
    let nth = number_within(keys.clone(), order)?.alias("_nth");
    let all = WindowFunction::new(count_udaf(), vec![lit(1_i64)]);
    let all = Expr::from(all).partition_by(keys).build()?.alias(matches);
    let numbered = frame.window(vec![nth])?.window(vec![all])?.filter(column("_nth").eq(lit(1_u64)))?;
    numbered.select(own.into_iter().chain([column(matches)]).collect::<Vec<_>>())?.alias(alias)
}

/// One row for each key, the first by row number, with the number of rows that have it.
fn first_of_each(
    frame: DataFrame,
    alias: &str,
    keys: &[Column],
    matches: &str,
) -> Result<DataFrame, datafusion::error::DataFusionError> {
    let row = column_of(alias, "_row");
    let counted = frame
        .clone()
        .aggregate(
            keys.iter().map(|key| Expr::Column(key.clone())).collect(),
            vec![min(row).alias("_first"), count(lit(1_i64)).alias(matches)],
        )?
        .select(vec![column("_first"), column(matches)])?;
    frame.join(counted, JoinType::Inner, &["_row"], &["_first"], None)?.alias(alias)
}
