//! `cns`: gives the 15 digits of a Brazilian health card number (CNS) whose check digit is right.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use super::check_digits::{checked, weighted_sum};
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call};

pub(in crate::functions) static CNS: Function = Function {
    name: "cns",
    summary: "Gives the 15 digits of a Brazilian health card number (CNS) whose check digit is right.",
    details: "Definitive numbers (1, 2) and provisional ones (7, 8, 9) are read. Points, hyphens, \
              slashes and blanks between the digits are left out; any other character, another number of \
              digits or a wrong check digit gives null, with a mark.",
    domain: Domain::Identifiers,
    parameters: &[Parameter { name: "text", kind: ParameterType::Text, description: "the number as text" }],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: true,
    examples: &[
        Example { sql: "cns('898 0000 0004 3208')", result: Some("898000000043208") },
        Example { sql: "cns('898000000043209')", result: None },
        Example { sql: "cns('100000000060018')", result: Some("100000000060018") },
        Example { sql: "cns('300000000000000')", result: None },
        Example { sql: "cns(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    call.map_text(0, |text| checked::<15>(text, is_valid))
}

/// Weights 15 to 1, modulo 11. In definitive numbers a PIS number comes first, then `000` or `001`.
fn is_valid(digits: &[u8; 15]) -> bool {
    let shaped = matches!(digits, [1 | 2, .., 0, 0, 0 | 1, _] | [7..=9, ..]);
    shaped && weighted_sum(digits, (1..=15).rev()).is_multiple_of(11)
}
