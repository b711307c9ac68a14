//! One rule becomes one data frame: its fields, and beside them hidden columns that say what went wrong.
//!
//! Hidden columns: `_row` (and `_part`) of the driving row; `_fan` (more matches than `at_most` allows);
//! `_exclude` (0 keep, n the nth exclusion, -1 undecided); `_lost_n` the raw text of a field whose value was
//! lost, null where nothing was; `_joined_n` the row a join reached.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use chartlift_rules::{
    AtMost, Diagnostic, Disposition, FieldType, FieldValue, Join, Located, Place, Project, Rule, TableSchema,
    Unknown, Unreferenced, suggest,
};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::dataframe::DataFrame;
use datafusion::execution::context::SessionContext;
use datafusion::functions::expr_fn::coalesce;
use datafusion::logical_expr::{Expr, cast, lit, when};

use super::expression;
use super::field::Fields;
use super::join::{Joined, join};
use super::origin::{Level, Origin, Rows, column_of, number_within};
use crate::land::DigitCounts;
use crate::reshape::{PIECE, Shape, UNEVEN};

/// What a rule reads and writes.
pub struct RuleInput<'a> {
    pub context: &'a SessionContext,
    pub project: &'a Project,
    pub rule: &'a Rule,
    /// The tables (categorize) or categories (convert) the rule may name.
    pub origins: &'a [Origin<'a>],
    /// The category or target table the rule produces.
    pub into: &'a TableSchema,
    /// IANA zone of source times that carry no offset.
    pub timezone: &'a str,
    /// Where the driving rows lie once [`crate::reshape`] has grouped, unpivoted and split them; `None`: the driving
    /// table's own rows stand for them, with nothing in what is made.
    pub reshaped: Option<&'a Path>,
    /// Rows that drive in place of the table's own; what is joined stays as it is, the same table too.
    pub driving: Option<Rows>,
}

/// A rule ready to run.
pub struct CompiledRule {
    pub name: String,
    pub from: String,
    pub frame: DataFrame,
    /// The produced fields in the order of `into`'s schema.
    pub fields: Vec<OutputField>,
    pub excludes: Vec<String>,
    pub losses: Vec<Loss>,
    pub conditions: Vec<(String, Disposition)>,
    /// Field and name of each repair.
    pub repairs: Vec<(String, String)>,
    /// Field and counts where short values keep their form.
    pub kept_zeros: Vec<(String, DigitCounts)>,
    pub joins: Vec<Reached>,
    /// One driving row may make several rows.
    pub multiplies: bool,
}

pub struct OutputField {
    pub name: String,
    pub kind: FieldType,
}

/// A field that can lose its value, and what that means.
pub struct Loss {
    pub field: String,
    pub code: &'static str,
    pub disposition: Disposition,
}

/// A joined table, for counting the rows that no driving row reached.
pub struct Reached {
    pub table: String,
    pub unreferenced: Unreferenced,
}

impl Reached {
    fn by(join: &Join) -> Self {
        Self { table: join.table.value.clone(), unreferenced: join.unreferenced }
    }
}

/// Compiles a rule, or says everything that is wrong with it.
pub async fn compile(input: &RuleInput<'_>) -> Result<CompiledRule, Vec<Diagnostic>> {
    let rule = input.rule;
    let with_key = mentions_key(rule);
    let from = &driving(input)?;
    let alias = rule.alias.as_str();
    let broken =
        |place: Place| move |error: datafusion::error::DataFusionError| vec![internal(&error, place)];
    let shaped = Shape::of(rule);
    let mut frame = match (&shaped, input.reshaped) {
        (None, _) => from.frame(input.context, alias, with_key).await,
        (Some(shape), Some(folder)) => shape.read(input.context, from, alias, with_key, folder).await,
        (Some(shape), None) => shape.unmade(input.context, from, alias, with_key).await,
    }
    .map_err(broken(rule.place))?;
    let mut joined = Vec::new();
    for (number, one) in rule.joins.iter().enumerate() {
        let right = origin(input, &one.table)?;
        let step = join(input, frame, right, one, number).await?;
        frame = step.0;
        joined.push(step.1);
    }
    let mut compiler = Compiler { input, from, schema: frame.schema().clone(), problems: Vec::new() };
    let mut hidden = vec![column_of(alias, "_row")];
    hidden.push(match from.level {
        Level::Checked => {
            let piece = shaped.as_ref().map(|_| column_of(alias, PIECE));
            ordinal(alias, piece, &rule.joins, &joined).map_err(broken(rule.place))?
        }
        Level::Categorized => column_of(alias, "_part"),
    });
    if from.level == Level::Categorized {
        hidden.push(column_of(alias, "_degraded"));
    }
    hidden.push(fan(&joined).alias("_fan"));
    let mut exclusion = compiler.exclusion(rule);
    if shaped.is_some() {
        exclusion =
            when(column_of(alias, UNEVEN), lit(-2_i32)).otherwise(exclusion).map_err(broken(rule.place))?;
    }
    hidden.push(exclusion.alias("_exclude"));
    hidden.extend(
        joined.iter().enumerate().map(|(number, one)| one.row.clone().alias(format!("_joined_{number}"))),
    );
    let Fields { fields, values, losses, repairs, kept_zeros } = compiler.fields(rule);
    let conditions = compiler.conditions(rule);
    if !compiler.problems.is_empty() {
        return Err(compiler.problems);
    }
    hidden.extend(values);
    hidden.extend(
        conditions.into_iter().enumerate().map(|(number, one)| one.alias(format!("_check_{number}"))),
    );
    let frame = frame.select(hidden).map_err(broken(rule.place))?;
    Ok(CompiledRule {
        name: rule.name.value.clone(),
        from: rule.from.value.clone(),
        frame,
        fields,
        excludes: rule.excludes.iter().map(|exclude| exclude.rule.value.clone()).collect(),
        losses,
        conditions: rule.checks.iter().map(|one| (one.check.value.clone(), one.failed)).collect(),
        repairs,
        kept_zeros,
        multiplies: shaped.is_some() || rule.joins.iter().any(|join| join.at_most == AtMost::Many),
        joins: rule.joins.iter().map(Reached::by).collect(),
    })
}

/// The table that drives the rule, with the rows that stand for its own.
fn driving<'a>(input: &RuleInput<'a>) -> Result<Origin<'a>, Vec<Diagnostic>> {
    let mut from = origin(input, &input.rule.from)?.clone();
    if let Some(rows) = &input.driving {
        from.rows.clone_from(rows);
    }
    Ok(from)
}

fn origin<'a>(input: &RuleInput<'a>, name: &Located<String>) -> Result<&'a Origin<'a>, Vec<Diagnostic>> {
    input.origins.iter().find(|origin| origin.name == name.value).ok_or_else(|| {
        let problem = Diagnostic::error("unknown-table", name.place, format!("no table `{}`", name.value));
        vec![match suggest(&name.value, input.origins.iter().map(|origin| origin.name)) {
            Some(help) => problem.help(help),
            None => problem,
        }]
    })
}

/// The pseudo-column costs a pass over the table, so it is made only where a rule asks for it.
fn mentions_key(rule: &Rule) -> bool {
    rule.fields.iter().any(|field| match &field.value {
        FieldValue::Column(text) | FieldValue::Sql(text) => text.value.contains("_key"),
        FieldValue::Text(_) | FieldValue::Lines { .. } => false,
    }) || rule.joins.iter().any(|join| join.matches.value.contains("_key"))
}

/// The piece number of a row that was split or that a join multiplied; 0 where neither can be.
fn ordinal(
    alias: &str,
    piece: Option<Expr>,
    joins: &[Join],
    joined: &[Joined],
) -> Result<Expr, datafusion::error::DataFusionError> {
    let multiplying: Vec<Expr> = joins
        .iter()
        .zip(joined)
        .filter(|(join, _)| join.at_most == AtMost::Many)
        .map(|(_, joined)| joined.row.clone())
        .collect();
    if multiplying.is_empty() {
        return Ok(piece.unwrap_or_else(|| lit(0_i32)).alias("_part"));
    }
    let order = piece.into_iter().chain(multiplying).collect();
    let number = number_within(vec![column_of(alias, "_row")], order)?;
    Ok((cast(number, DataType::Int32) - lit(1_i32)).alias("_part"))
}

fn fan(joined: &[Joined]) -> Expr {
    joined
        .iter()
        .filter_map(|one| one.matches.clone())
        .map(|matches| coalesce(vec![matches.gt(lit(1_i64)), lit(false)]))
        .reduce(Expr::or)
        .unwrap_or_else(|| lit(false))
}

pub(super) fn internal(error: &datafusion::error::DataFusionError, place: Place) -> Diagnostic {
    Diagnostic::error("bad-expression", place, error.message().lines().next().unwrap_or_default().to_owned())
}

pub(super) struct Compiler<'a> {
    pub(super) input: &'a RuleInput<'a>,
    pub(super) from: &'a Origin<'a>,
    pub(super) schema: DFSchema,
    pub(super) problems: Vec<Diagnostic>,
}

impl Compiler<'_> {
    /// 0: keep; n: excluded by the nth rule; -1: a condition was null and nobody said what that means.
    fn exclusion(&mut self, rule: &Rule) -> Expr {
        let mut decided = lit(0_i32);
        for (number, exclude) in rule.excludes.iter().enumerate().rev() {
            let schema = if exclude.own_columns { self.own_columns() } else { self.schema.clone() };
            let condition = match self.condition(&exclude.when, &schema) {
                Ok(condition) => condition,
                Err(problems) => {
                    self.problems.extend(problems);
                    continue;
                }
            };
            let number = i32::try_from(number + 1).unwrap_or(i32::MAX);
            let certain = match exclude.unknown {
                Unknown::Stop => condition.clone(),
                Unknown::Exclude => coalesce(vec![condition.clone(), lit(true)]),
                Unknown::Keep => coalesce(vec![condition.clone(), lit(false)]),
            };
            let mut case = when(certain, lit(number));
            if exclude.unknown == Unknown::Stop {
                case.when(condition.is_null(), lit(-1_i32));
            }
            match case.otherwise(decided.clone()) {
                Ok(case) => decided = case,
                Err(error) => self.problems.push(internal(&error, exclude.when.place)),
            }
        }
        decided
    }

    /// The driving table's columns alone, as they stand in the joined rows.
    fn own_columns(&self) -> DFSchema {
        let alias = self.input.rule.alias.as_str();
        let own = self.schema.iter().filter(|(of, _)| of.is_some_and(|of| of.table() == alias));
        let own = own.map(|(of, field)| (of.cloned(), Arc::clone(field))).collect();
        // Only a name that stands twice is refused, and it would have been refused before.
        DFSchema::new_with_metadata(own, HashMap::new()).unwrap_or_else(|_| self.schema.clone())
    }

    /// Null where a condition is unknown: only what is certainly wrong is marked.
    fn conditions(&mut self, rule: &Rule) -> Vec<Expr> {
        let mut conditions = Vec::new();
        for check in &rule.checks {
            match self.condition(&check.when, &self.schema) {
                Ok(condition) => conditions.push(condition),
                Err(problems) => self.problems.extend(problems),
            }
        }
        conditions
    }

    /// A condition of a rule: true or false, or null.
    fn condition(&self, when: &Located<String>, schema: &DFSchema) -> Result<Expr, Vec<Diagnostic>> {
        let condition = expression::parse(self.input.context, when, schema)?;
        match expression::type_of(self.input.context, &condition, when.place, schema) {
            Ok(DataType::Boolean) => Ok(condition),
            Ok(other) => Err(vec![Diagnostic::error(
                "type-mismatch",
                when.place,
                format!("a condition must be true or false, this is {}", expression::type_name(&other)),
            )]),
            Err(problem) => Err(vec![problem]),
        }
    }
}
