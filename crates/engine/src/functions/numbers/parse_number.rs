//! `parse_number`: text to decimal number.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use super::written::notation;
use crate::functions::kernel::{Call, Compiled};
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, output};

pub(in crate::functions) static PARSE_NUMBER: Function = Function {
    name: "parse_number",
    summary: "Reads a decimal number exactly.",
    details: "Of `.` and `,` one is the decimal character; the other may group thousands, then every group must have \
              three digits. Up to 20 digits before and 18 after the decimal character: a number is read exactly or \
              is null, never rounded. No exponents, no blanks.",
    domain: Domain::Numbers,
    parameters: &[
        Parameter { name: "text", kind: ParameterType::Text, description: "the number as text" },
        Parameter { name: "decimal_char", kind: ParameterType::DecimalChar, description: "`.` or `,`" },
    ],
    repeated: 0,
    returns: ParameterType::Number,
    fallible: true,
    examples: &[
        Example { sql: "parse_number('1.234,50', ',')", result: Some("1234.5") },
        Example { sql: "parse_number('1,234.5', '.')", result: Some("1234.5") },
        Example { sql: "parse_number('-0.25', '.')", result: Some("-0.25") },
        Example { sql: "parse_number('12.34', ',')", result: None },
        Example { sql: "parse_number('1e5', '.')", result: None },
        Example { sql: "parse_number('0.1234567890123456789', '.')", result: None },
        Example { sql: "parse_number('R$ 5', ',')", result: None },
        Example { sql: "parse_number(null, '.')", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    let mut notations = Compiled::new(call.text(1)?, notation);
    Ok(output::decimals(call.rows, |row| notations.get(row)?.parse(texts.get(row)?))?)
}
