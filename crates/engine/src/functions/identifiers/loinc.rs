//! `loinc`: gives a LOINC code whose check digit is right.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use super::check_digits::is_luhn;
use crate::functions::output::Changed;
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call};

pub(in crate::functions) static LOINC: Function = Function {
    name: "loinc",
    summary: "Gives a LOINC code whose check digit is right.",
    details: "One to seven digits, a hyphen and the check digit; white space at the ends is left out.",
    domain: Domain::Identifiers,
    parameters: &[Parameter { name: "text", kind: ParameterType::Text, description: "the code as text" }],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: true,
    examples: &[
        Example { sql: "loinc('8480-6')", result: Some("8480-6") },
        Example { sql: "loinc(' 2345-7 ')", result: Some("2345-7") },
        Example { sql: "loinc('8480-5')", result: None },
        Example { sql: "loinc('8480')", result: None },
        Example { sql: "loinc('LP1234-5')", result: None },
        Example { sql: "loinc(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    call.map_text(0, |text| Changed::part_or_null(text, Some(text.trim()).filter(|code| is_valid(code))))
}

fn is_valid(code: &str) -> bool {
    code.split_once('-').is_some_and(|(number, check)| {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let shaped = (1..=7).contains(&number.len()) && check.len() == 1 && digits(number) && digits(check);
        shaped && is_luhn(code)
    })
}
