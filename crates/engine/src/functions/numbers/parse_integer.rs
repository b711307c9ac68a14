//! `parse_integer`: text to integer.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};
use crate::numeral::parse_integer;

pub(in crate::functions) static PARSE_INTEGER: Function = Function {
    name: "parse_integer",
    summary: "Reads an integer: digits with an optional sign.",
    details: "No grouping, no decimal point, no blanks; within 64 bits.",
    domain: Domain::Numbers,
    parameters: &[Parameter { name: "text", kind: ParameterType::Text, description: "the integer as text" }],
    repeated: 0,
    returns: ParameterType::Integer,
    fallible: true,
    examples: &[
        Example { sql: "parse_integer('-042')", result: Some("-42") },
        Example { sql: "parse_integer('1.0')", result: None },
        Example { sql: "parse_integer('9223372036854775808')", result: None },
        Example { sql: "parse_integer('')", result: None },
        Example { sql: "parse_integer(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    Ok(output::integers(call.rows, |row| parse_integer(texts.get(row)?)))
}
