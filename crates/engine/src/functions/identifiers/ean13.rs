//! `ean13`: gives the 13 digits of an article number (EAN, GTIN-13) whose check digit is right.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use super::check_digits::{checked, weighted_sum};
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call};

pub(in crate::functions) static EAN13: Function = Function {
    name: "ean13",
    summary: "Gives the 13 digits of an article number (EAN, GTIN-13) whose check digit is right.",
    details: "Points, hyphens, slashes and blanks between the digits are left out; any other character, \
              another number of digits or a wrong check digit gives null, with a mark.",
    domain: Domain::Identifiers,
    parameters: &[Parameter { name: "text", kind: ParameterType::Text, description: "the number as text" }],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: true,
    examples: &[
        Example { sql: "ean13('7891234567895')", result: Some("7891234567895") },
        Example { sql: "ean13('789-1234-56789-5')", result: Some("7891234567895") },
        Example { sql: "ean13('7891234567890')", result: None },
        Example { sql: "ean13(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    call.map_text(0, |text| checked::<13>(text, is_valid))
}

fn is_valid(digits: &[u8; 13]) -> bool {
    weighted_sum(digits, [1, 3].into_iter().cycle()).is_multiple_of(10)
}
