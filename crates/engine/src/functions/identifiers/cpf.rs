//! `cpf`: the Brazilian taxpayer number, checked.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use crate::functions::output::Changed;
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
    call.map_text(0, |text| match valid_digits(text) {
        None => Changed::Null,
        Some(_) if text.len() == 11 => Changed::Same,
        Some(digits) => Changed::To(digits.iter().map(|digit| char::from(b'0' + digit)).collect()),
    })
}

fn valid_digits(text: &str) -> Option<[u8; 11]> {
    let mut digits = [0; 11];
    let mut slots = digits.iter_mut();
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' => *slots.next()? = byte - b'0',
            b'.' | b'-' | b'/' | b' ' => {}
            _ => return None,
        }
    }
    if slots.next().is_some() || digits.iter().all(|digit| *digit == digits[0]) {
        return None;
    }
    let [body @ .., first, second] = &digits;
    let with_first = [body.as_slice(), &[*first]].concat();
    (check_digit(body) == *first && check_digit(&with_first) == *second).then_some(digits)
}

/// Modulo 11 with weights that end in 2.
fn check_digit(digits: &[u8]) -> u8 {
    let sum: u32 = digits.iter().rev().zip(2..).map(|(digit, weight)| u32::from(*digit) * weight).sum();
    match 11 - sum % 11 {
        10 | 11 => 0,
        // 1 to 9
        digit => digit as u8,
    }
}
