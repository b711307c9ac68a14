//! `format_number`: writes a number with so many digits behind the decimal character.

use std::fmt::Write as _;

use arrow::array::ArrayRef;
use arrow::datatypes::Decimal128Type;
use arrow::datatypes::Int64Type;
use datafusion::common::Result;

use super::written::{Half, rounded};
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};
use crate::numeral::SCALE;

pub(in crate::functions) static FORMAT_NUMBER: Function = Function {
    name: "format_number",
    summary: "Writes a number with so many digits behind the decimal character.",
    details: "Rounded, halves away from zero; no thousands are grouped.",
    domain: Domain::Numbers,
    parameters: &[
        Parameter { name: "number", kind: ParameterType::Number, description: "the number" },
        Parameter {
            name: "digits",
            kind: ParameterType::Length,
            description: "how many digits stand behind the decimal character, 0 to 18",
        },
        Parameter { name: "decimal_char", kind: ParameterType::DecimalChar, description: "`.` or `,`" },
    ],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: true,
    examples: &[
        Example { sql: "format_number(parse_number('1234.5', '.'), 2, ',')", result: Some("1234,50") },
        Example { sql: "format_number(parse_number('-2.5', '.'), 0, '.')", result: Some("-3") },
        Example { sql: "format_number(parse_number('-0.04', '.'), 1, '.')", result: Some("0.0") },
        Example { sql: "format_number(parse_number('1', '.'), 19, '.')", result: None },
        Example { sql: "format_number(null, 2, '.')", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let numbers = call.values::<Decimal128Type>(0)?;
    let digits = call.values::<Int64Type>(1)?;
    let decimal_chars = call.text(2)?;
    Ok(output::write_text(call.rows, |row, text| {
        let digits = digits.get(row)?;
        let number = rounded(numbers.get(row)?, digits, Half::AwayFromZero)?;
        let width = usize::try_from(digits).ok()?;
        let whole = number.unsigned_abs() / ONE;
        let fraction =
            number.unsigned_abs() % ONE / 10_u128.pow(u32::from(SCALE) - u32::try_from(digits).ok()?);
        let sign = if number < 0 { "-" } else { "" };
        match digits {
            0 => write!(text, "{sign}{whole}").ok(),
            _ => write!(text, "{sign}{whole}{}{fraction:0width$}", decimal_chars.get(row)?).ok(),
        }
    }))
}

const ONE: u128 = 10_u128.pow(SCALE as u32);
