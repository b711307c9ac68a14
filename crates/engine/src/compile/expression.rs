//! SQL text in a rule becomes a checked expression, before any data is read.

use chartlift_rules::{Diagnostic, Located, Place, suggest};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, DataFusionError, SchemaError};
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Operator, lit};

use crate::functions;

/// The engine's own functions that rules may call besides ours.
const BUILT_IN: &[&str] = &[
    "coalesce",
    "nullif",
    "concat",
    "concat_ws",
    "lower",
    "upper",
    "btrim",
    "trim",
    "ltrim",
    "rtrim",
    "substr",
    "substring",
    "replace",
    "split_part",
    "character_length",
    "char_length",
    "length",
    "left",
    "right",
    "starts_with",
    "ends_with",
    "contains",
    "lpad",
    "rpad",
    "strpos",
    "position",
    "regexp_like",
    "regexp_replace",
    "abs",
    "round",
    "greatest",
    "least",
];

/// Parses, resolves and checks one scalar SQL expression against the columns in `schema`.
pub(super) fn parse(
    context: &SessionContext,
    sql: &Located<String>,
    schema: &DFSchema,
) -> Result<Expr, Vec<Diagnostic>> {
    let parsed = context
        .parse_sql_expr(&sql.value, schema)
        .map_err(|error| vec![parse_problem(&error, sql.place, schema)])?;
    let mut problems = Vec::new();
    refuse_unsafe(&parsed, sql.place, &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    let expanded = expand(parsed).map_err(|error| vec![parse_problem(&error, sql.place, schema)])?;
    if let Some(problem) = implicit_text_cast(context, &expanded, sql.place, schema) {
        return Err(vec![problem]);
    }
    Ok(expanded)
}

/// The type an expression yields once the engine has settled it.
pub(super) fn type_of(
    context: &SessionContext,
    expr: &Expr,
    place: Place,
    schema: &DFSchema,
) -> Result<DataType, Diagnostic> {
    coerced(context, expr, schema)
        .and_then(|expr| expr.get_type(schema))
        .map_err(|error| parse_problem(&error, place, schema))
}

/// The columns an expression reads.
pub(super) fn columns(expr: &Expr) -> Vec<Column> {
    let mut columns: Vec<Column> = expr.column_refs().into_iter().cloned().collect();
    columns.sort();
    columns
}

/// Every call in `expr` of ours that may give null for arguments that had values.
pub(super) fn fallible_calls(expr: &Expr) -> Vec<ScalarFunction> {
    let mut calls = Vec::new();
    let walked = expr.apply(|node| {
        if let Expr::ScalarFunction(call) = node
            && functions::find(call.name()).is_some_and(|function| function.fallible)
        {
            calls.push(call.clone());
        }
        Ok(TreeNodeRecursion::Continue)
    });
    debug_assert!(walked.is_ok(), "the walk itself never fails");
    calls
}

fn refuse_unsafe(expr: &Expr, place: Place, problems: &mut Vec<Diagnostic>) {
    let walked = expr.apply(|node| {
        if let Some(problem) = refusal(node, place) {
            problems.push(problem);
        }
        Ok(TreeNodeRecursion::Continue)
    });
    debug_assert!(walked.is_ok(), "the walk itself never fails");
}

fn refusal(node: &Expr, place: Place) -> Option<Diagnostic> {
    match node {
        Expr::ScalarFunction(call) => {
            let name = call.name();
            // Not `find`: functions that only the compiler calls are not for rules.
            if let Some(function) = functions::FUNCTIONS.iter().find(|function| function.name == name) {
                let mistake = function.check(&call.args).into_iter().next()?;
                return Some(Diagnostic::error("bad-argument", place, mistake.message).help(mistake.help));
            }
            if BUILT_IN.contains(&name) {
                return None;
            }
            let problem = Diagnostic::error(
                "unknown-function",
                place,
                format!("the function `{name}` is not for rules"),
            );
            Some(match suggest(name, callable()) {
                Some(help) => problem.help(help),
                None => problem,
            })
        }
        Expr::Cast(_) | Expr::TryCast(_) => Some(
            Diagnostic::error(
                "bare-cast",
                place,
                "a cast is not for rules: it fails or guesses on odd values",
            )
            .help("use parse_date, parse_datetime, parse_integer, parse_number or parse_boolean"),
        ),
        Expr::AggregateFunction(_)
        | Expr::WindowFunction(_)
        | Expr::Exists(_)
        | Expr::InSubquery(_)
        | Expr::ScalarSubquery(_)
        | Expr::SetComparison(_)
        | Expr::Placeholder(_)
        | Expr::ScalarVariable(..)
        | Expr::OuterReferenceColumn(..)
        | Expr::GroupingSet(_)
        | Expr::Unnest(_) => Some(
            Diagnostic::error("not-scalar", place, "only scalar expressions over one row are for rules")
                .help("no aggregates, windows, subqueries or parameters"),
        ),
        _ => None,
    }
}

/// Expands functions that are mere expressions, and makes division by zero give null.
fn expand(expr: Expr) -> Result<Expr, DataFusionError> {
    let expanded = functions::expand(expr)?.transform_up(|node| match node {
        Expr::BinaryExpr(BinaryExpr { left, op: op @ (Operator::Divide | Operator::Modulo), right }) => {
            let divisor = datafusion::functions::expr_fn::nullif(*right, lit(0_i64));
            Ok(Transformed::yes(Expr::BinaryExpr(BinaryExpr { left, op, right: Box::new(divisor) })))
        }
        other => Ok(Transformed::no(other)),
    })?;
    Ok(expanded.data)
}

/// A call of one of our functions.
pub(super) fn call(name: &str, arguments: Vec<Expr>) -> Expr {
    #[expect(clippy::expect_used, reason = "the compiler only calls functions of the list")]
    let function = functions::udf(name).expect("the compiler only calls functions of the list");
    function.call(arguments)
}

/// The expression as the engine would run it, with the casts it puts in by itself.
fn coerced(context: &SessionContext, expr: &Expr, schema: &DFSchema) -> Result<Expr, DataFusionError> {
    let simplify = datafusion::optimizer::simplify_expressions::ExprSimplifier::new(
        datafusion::logical_expr::simplify::SimplifyContext::builder()
            .with_schema(std::sync::Arc::new(schema.clone()))
            .with_config_options(std::sync::Arc::clone(context.state().config_options()))
            .build(),
    );
    simplify.coerce(expr.clone(), schema)
}

/// Text that would silently become a number, a date or a truth value.
fn implicit_text_cast(
    context: &SessionContext,
    expr: &Expr,
    place: Place,
    schema: &DFSchema,
) -> Option<Diagnostic> {
    let coerced = match coerced(context, expr, schema) {
        Ok(coerced) => coerced,
        Err(error) => return Some(parse_problem(&error, place, schema)),
    };
    let mut found = None;
    let walked = coerced.apply(|node| {
        if let Expr::Cast(cast) = node
            && !is_text(cast.field.data_type())
            && cast.expr.get_type(schema).is_ok_and(|from| is_text(&from))
        {
            found = Some(cast.field.data_type().clone());
        }
        if let Expr::BinaryExpr(BinaryExpr { left, op, right }) = node
            && op.supports_propagation()
        {
            found = found
                .take()
                .or_else(|| [left, right].into_iter().find_map(|side| number_as_text(side, schema)));
        }
        Ok(TreeNodeRecursion::Continue)
    });
    debug_assert!(walked.is_ok(), "the walk itself never fails");
    found.map(|to| {
        Diagnostic::error(
            "implicit-cast",
            place,
            format!("text would silently be read as {}", type_name(&to)),
        )
        .help(match to {
            DataType::Date32 | DataType::Date64 => "use parse_date(text, format)",
            DataType::Timestamp(..) => "use parse_datetime(text, format, zone)",
            DataType::Boolean => "use parse_boolean(text, true_word, false_word) or compare with a text",
            _ => "use parse_integer(text) or parse_number(text, decimal_char), or quote the constant",
        })
    })
}

/// A number or date that would be compared as text: the other side was text.
fn number_as_text(side: &Expr, schema: &DFSchema) -> Option<DataType> {
    let Expr::Cast(cast) = side else { return None };
    let from = cast.expr.get_type(schema).ok()?;
    let silent = is_text(cast.field.data_type()) && !is_text(&from) && from != DataType::Null;
    silent.then_some(from)
}

pub(super) fn is_text(kind: &DataType) -> bool {
    matches!(kind, DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8)
}

/// What a rule author calls an Arrow type.
pub fn type_name(kind: &DataType) -> &'static str {
    match kind {
        DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 => "text",
        DataType::Boolean => "boolean",
        DataType::Date32 | DataType::Date64 => "date",
        DataType::Timestamp(..) => "datetime",
        DataType::Decimal128(..) | DataType::Decimal256(..) | DataType::Float32 | DataType::Float64 => {
            "number"
        }
        kind if kind.is_integer() => "integer",
        DataType::Null => "null",
        _ => "another type",
    }
}

fn parse_problem(error: &DataFusionError, place: Place, schema: &DFSchema) -> Diagnostic {
    match error.find_root() {
        DataFusionError::SchemaError(schema_error, _) => match schema_error.as_ref() {
            SchemaError::FieldNotFound { field, .. } => {
                let problem =
                    Diagnostic::error("unknown-column", place, format!("no column `{}`", field.flat_name()));
                let names: Vec<String> = schema.columns().iter().map(|column| column.name.clone()).collect();
                match suggest(&field.name, names.iter().map(String::as_str)) {
                    Some(help) => problem.help(help),
                    None => problem,
                }
            }
            SchemaError::AmbiguousReference { field } => Diagnostic::error(
                "ambiguous-column",
                place,
                format!("several tables have a column `{}`", field.name),
            )
            .help("write `table.column`"),
            other => Diagnostic::error("bad-expression", place, first_line(&other.to_string())),
        },
        other => {
            let message = other.message().into_owned();
            if let Some(name) = invalid_function(&message) {
                let problem =
                    Diagnostic::error("unknown-function", place, format!("unknown function `{name}`"));
                return match suggest(name, callable()) {
                    Some(help) => problem.help(help),
                    None => problem,
                };
            }
            Diagnostic::error("bad-expression", place, first_line(&message))
                .help("`chartlift functions` lists what expressions may call")
        }
    }
}

/// The planner says it in words only: `Invalid function 'name'.`
fn invalid_function(message: &str) -> Option<&str> {
    message.split_once("Invalid function '")?.1.split('\'').next()
}

/// What an expression may call: our functions and the engine's that are safe.
fn callable() -> impl Iterator<Item = &'static str> {
    functions::FUNCTIONS.iter().map(|function| function.name).chain(BUILT_IN.iter().copied())
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim_end_matches('.').to_owned()
}
