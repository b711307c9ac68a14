//! `parse_decimal_comma`: reads a decimal number with a decimal comma, as in Brazil and most of Europe.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};
use crate::numeral::{Exponent, Notation};

pub(in crate::functions) static PARSE_DECIMAL_COMMA: Function = Function {
    name: "parse_decimal_comma",
    summary: "Reads a decimal number with a decimal comma, as in Brazil and most of Europe.",
    details: "Thousands may be grouped by points or by blanks, then every group must have three digits. \
              White space at the ends is left out. Up to 20 digits before and 18 after the comma: read \
              exactly or null.",
    domain: Domain::Numbers,
    parameters: &[Parameter { name: "text", kind: ParameterType::Text, description: "the number as text" }],
    repeated: 0,
    returns: ParameterType::Number,
    fallible: true,
    examples: &[
        Example { sql: "parse_decimal_comma('1.234,50')", result: Some("1234.5") },
        Example { sql: "parse_decimal_comma(' 1 234 567,5 ')", result: Some("1234567.5") },
        Example { sql: "parse_decimal_comma('-0,25')", result: Some("-0.25") },
        Example { sql: "parse_decimal_comma('12.34')", result: None },
        Example { sql: "parse_decimal_comma('5 kg')", result: None },
        Example { sql: "parse_decimal_comma(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    Ok(output::decimals(call.rows, |row| {
        let text = texts.get(row)?.trim();
        let group = text.chars().find(|character| character.is_whitespace()).unwrap_or('.');
        Notation { decimal: ',', group: Some(group), exponent: Exponent::Refused }.parse(text)
    })?)
}
