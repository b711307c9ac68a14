//! `npi`: gives the 10 digits of a United States provider number (NPI) whose check digit is right.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use super::check_digits::{checked, luhn_sum};
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call};

pub(in crate::functions) static NPI: Function = Function {
    name: "npi",
    summary: "Gives the 10 digits of a United States provider number (NPI) whose check digit is right.",
    details: "Points, hyphens, slashes and blanks between the digits are left out; any other character, \
              another number of digits or a wrong check digit gives null, with a mark.",
    domain: Domain::Identifiers,
    parameters: &[Parameter { name: "text", kind: ParameterType::Text, description: "the number as text" }],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: true,
    examples: &[
        Example { sql: "npi('1234567893')", result: Some("1234567893") },
        Example { sql: "npi('1234567890')", result: None },
        Example { sql: "npi('3234567893')", result: None },
        Example { sql: "npi(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    call.map_text(0, |text| checked::<10>(text, is_valid))
}

/// The Luhn digit is that of the number behind the issuer's `80840`, which adds 24.
fn is_valid(digits: &[u8; 10]) -> bool {
    matches!(digits, [1 | 2, ..]) && (luhn_sum(digits) + 24).is_multiple_of(10)
}
