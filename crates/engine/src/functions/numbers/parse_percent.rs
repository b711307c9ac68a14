//! `parse_percent`: reads a number that is followed by a percent sign.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use super::written::notation;
use crate::functions::kernel::{Call, Compiled};
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, output};

pub(in crate::functions) static PARSE_PERCENT: Function = Function {
    name: "parse_percent",
    summary: "Reads a number that is followed by a percent sign.",
    details: "The result is the number as it is written, not a hundredth of it: `12,5 %` is 12.5. Null, \
              with a mark, without the sign.",
    domain: Domain::Numbers,
    parameters: &[
        Parameter { name: "text", kind: ParameterType::Text, description: "the percentage as text" },
        Parameter { name: "decimal_char", kind: ParameterType::DecimalChar, description: "`.` or `,`" },
    ],
    repeated: 0,
    returns: ParameterType::Number,
    fallible: true,
    examples: &[
        Example { sql: "parse_percent('12,5 %', ',')", result: Some("12.5") },
        Example { sql: "parse_percent('98%', '.')", result: Some("98") },
        Example { sql: "parse_percent('98', '.')", result: None },
        Example { sql: "parse_percent('%', '.')", result: None },
        Example { sql: "parse_percent(null, '.')", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    let mut notations = Compiled::new(call.text(1)?, notation);
    Ok(output::decimals(call.rows, |row| {
        notations.get(row)?.parse(texts.get(row)?.trim().strip_suffix('%')?.trim())
    })?)
}
