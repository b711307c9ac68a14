//! `ssn`: gives the 9 digits of a United States social security number of a possible form.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use super::check_digits::{all_equal, checked};
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call};

pub(in crate::functions) static SSN: Function = Function {
    name: "ssn",
    summary: "Gives the 9 digits of a United States social security number of a possible form.",
    details: "There is no check digit. Null, with a mark, for areas 000, 666 and 900 to 999, group 00, \
              serial 0000, equal digits and the number of a famous advertisement; points, hyphens, \
              slashes and blanks are left out.",
    domain: Domain::Identifiers,
    parameters: &[Parameter { name: "text", kind: ParameterType::Text, description: "the number as text" }],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: true,
    examples: &[
        Example { sql: "ssn('123-45-6789')", result: Some("123456789") },
        Example { sql: "ssn('666-45-6789')", result: None },
        Example { sql: "ssn('123-00-6789')", result: None },
        Example { sql: "ssn('078-05-1120')", result: None },
        Example { sql: "ssn(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    call.map_text(0, |text| checked::<9>(text, is_possible))
}

fn is_possible(digits: &[u8; 9]) -> bool {
    match digits {
        [0, 0, 0, ..] | [6, 6, 6, ..] | [9, ..] => false,
        [_, _, _, 0, 0, ..] | [.., 0, 0, 0, 0] => false,
        [0, 7, 8, 0, 5, 1, 1, 2, 0] => false,
        digits => !all_equal(digits),
    }
}
