//! `nhs_number`: gives the 10 digits of an NHS number of England and Wales whose check digit is right.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use super::check_digits::{all_equal, checked, weighted_sum};
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call};

pub(in crate::functions) static NHS_NUMBER: Function = Function {
    name: "nhs_number",
    summary: "Gives the 10 digits of an NHS number of England and Wales whose check digit is right.",
    details: "Points, hyphens, slashes and blanks between the digits are left out; any other character, \
              another number of digits or a wrong check digit gives null, with a mark.",
    domain: Domain::Identifiers,
    parameters: &[Parameter { name: "text", kind: ParameterType::Text, description: "the number as text" }],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: true,
    examples: &[
        Example { sql: "nhs_number('943 476 5919')", result: Some("9434765919") },
        Example { sql: "nhs_number('943-476-5918')", result: None },
        Example { sql: "nhs_number('0000000000')", result: None },
        Example { sql: "nhs_number(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    call.map_text(0, |text| checked::<10>(text, is_valid))
}

/// Weights 10 to 2, modulo 11; a remainder of 1 would need a check digit of ten and is never given.
fn is_valid(digits: &[u8; 10]) -> bool {
    !all_equal(digits) && weighted_sum(digits, (1..=10).rev()).is_multiple_of(11)
}
