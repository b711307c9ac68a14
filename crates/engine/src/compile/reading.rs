//! A field's `formats`: text to dates and instants, tried in order, and what is wrong with them.

use chartlift_rules::{Diagnostic, FieldRule, FieldType, Located, Rule};
use datafusion::functions::expr_fn::coalesce;
use datafusion::logical_expr::{Expr, lit};

use super::expression::call;
use crate::datetime::{Pattern, PatternError};

/// The first format that fits reads the text.
pub(super) fn by_formats(
    given: &FieldRule,
    rule: &Rule,
    text: &Expr,
    kind: FieldType,
    timezone: &str,
) -> Result<Expr, Vec<Diagnostic>> {
    let mut readings = Vec::new();
    let mut problems = Vec::new();
    for format in &given.formats {
        match reading(given, rule, text.clone(), kind, format, timezone) {
            Ok(reading) => readings.push(reading),
            Err(problem) => problems.push(*problem),
        }
    }
    match (readings.len(), readings.pop()) {
        _ if !problems.is_empty() => Err(problems),
        (1, Some(only)) => Ok(only),
        (_, Some(last)) => {
            readings.push(last);
            Ok(coalesce(readings))
        }
        (_, None) => Ok(text.clone()),
    }
}

fn reading(
    given: &FieldRule,
    rule: &Rule,
    text: Expr,
    kind: FieldType,
    format: &Located<String>,
    timezone: &str,
) -> Result<Expr, Box<Diagnostic>> {
    let problem = |error: PatternError| {
        Box::new(Diagnostic::error("bad-format", format.place, error.to_string()).help(error.help()))
    };
    let pattern = Pattern::compile(&format.value).map_err(problem)?;
    let words = lit(format.value.as_str());
    if kind == FieldType::Datetime {
        pattern.check_datetime().map_err(problem)?;
        return Ok(call("parse_datetime", vec![text, words, lit(timezone)]));
    }
    let Err(lack) = pattern.check_date() else { return Ok(call("parse_date", vec![text, words])) };
    pattern.check_partial_date().map_err(problem)?;
    // A year alone is a date only together with how much of it is known; nothing is padded in silence.
    let precision = precision_field(&given.field.value);
    if rule.fields.iter().any(|field| field.field.value == precision) {
        return Ok(call("partial_date", vec![text, words]));
    }
    Err(Box::new(
        Diagnostic::error("bad-format", format.place, lack.to_string()).help(format!(
            "fill the field `{precision}` in this rule, so that the record says what is known"
        )),
    ))
}

/// `birth_date` has `birth_date_precision`, `authored_at` has `authored_precision`.
fn precision_field(field: &str) -> String {
    format!("{}_precision", field.strip_suffix("_at").unwrap_or(field))
}
