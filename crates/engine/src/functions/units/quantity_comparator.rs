//! `quantity_comparator`: gives the comparator that a result starts with: `<`, `<=`, `>` or `>=`.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static QUANTITY_COMPARATOR: Function = Function {
    name: "quantity_comparator",
    summary: "Gives the comparator that a result starts with: `<`, `<=`, `>` or `>=`.",
    details: "`≤` and `≥` are written `<=` and `>=`. Null where there is none; that is no loss. \
              `ltrim(text, '<>=≤≥ ')` gives the rest.",
    domain: Domain::Units,
    parameters: &[Parameter { name: "text", kind: ParameterType::Text, description: "the result as text" }],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: false,
    examples: &[
        Example { sql: "quantity_comparator('<0,5 mg/L')", result: Some("<") },
        Example { sql: "quantity_comparator('≥ 90')", result: Some(">=") },
        Example { sql: "quantity_comparator('=< 5')", result: None },
        Example { sql: "quantity_comparator('5')", result: None },
        Example { sql: "quantity_comparator(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    Ok(output::write_text(call.rows, |row, comparator| {
        let text = texts.get(row)?.trim_start();
        let (_, code) = COMPARATORS.iter().find(|(start, _)| text.starts_with(start))?;
        comparator.push_str(code);
        Some(())
    }))
}

/// Longest first.
const COMPARATORS: [(&str, &str); 6] =
    [("<=", "<="), (">=", ">="), ("≤", "<="), ("≥", ">="), ("<", "<"), (">", ">")];
