//! `cpf`: the Brazilian taxpayer number, checked.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use super::check_digits::{all_equal, check_digit_11, checked, weighted_sum};
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call};

pub(in crate::functions) static CPF: Function = Function {
    name: "cpf",
    summary: "Gives the 11 digits of a Brazilian taxpayer number (CPF) whose check digits are right.",
    details: "Points, hyphens, slashes and blanks between the digits are left out; any other character, another \
              number of digits, wrong check digits or eleven equal digits give null. Leading zeros are never added.",
    domain: Domain::Identifiers,
    parameters: &[Parameter { name: "text", kind: ParameterType::Text, description: "the number as text" }],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: true,
    examples: &[
        Example { sql: "cpf('529.982.247-25')", result: Some("52998224725") },
        Example { sql: "cpf('52998224725')", result: Some("52998224725") },
        Example { sql: "cpf('529.982.247-26')", result: None },
        Example { sql: "cpf('111.111.111-11')", result: None },
        Example { sql: "cpf('5299822472')", result: None },
        Example { sql: "cpf('CPF 52998224725')", result: None },
        Example { sql: "cpf(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    call.map_text(0, |text| checked::<11>(text, is_valid))
}

fn is_valid(digits: &[u8; 11]) -> bool {
    let [body @ .., first, second] = digits;
    let [with_first @ .., _] = digits;
    !all_equal(digits) && modulo_11(body) == *first && modulo_11(with_first) == *second
}

/// Modulo 11 with weights that end in 2.
fn modulo_11(digits: &[u8]) -> u8 {
    check_digit_11(weighted_sum(digits.iter().rev(), 2..))
}
