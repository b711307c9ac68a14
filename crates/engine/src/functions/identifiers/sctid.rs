//! `sctid`: gives a SNOMED CT identifier whose check digit is right.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use super::check_digits::is_verhoeff;
use crate::functions::output::Changed;
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call};

pub(in crate::functions) static SCTID: Function = Function {
    name: "sctid",
    summary: "Gives a SNOMED CT identifier whose check digit is right.",
    details: "6 to 18 digits without a leading zero, the last by Verhoeff, the two before it one of 00, \
              01, 02, 10, 11 or 12 (concept, description or relationship). White space at the ends is \
              left out.",
    domain: Domain::Identifiers,
    parameters: &[Parameter {
        name: "text",
        kind: ParameterType::Text,
        description: "the identifier as text",
    }],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: true,
    examples: &[
        Example { sql: "sctid('22298006')", result: Some("22298006") },
        Example { sql: "sctid(' 73211009 ')", result: Some("73211009") },
        Example { sql: "sctid('22298007')", result: None },
        Example { sql: "sctid('12345')", result: None },
        Example { sql: "sctid('22298006a')", result: None },
        Example { sql: "sctid(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    call.map_text(0, |text| Changed::part_or_null(text, Some(text.trim()).filter(|code| is_valid(code))))
}

fn is_valid(code: &str) -> bool {
    let shaped = match code.as_bytes() {
        [b'1'..=b'9', .., b'0' | b'1', b'0'..=b'2', _] => (6..=18).contains(&code.len()),
        _ => false,
    };
    shaped && code.bytes().all(|byte| byte.is_ascii_digit()) && is_verhoeff(code)
}
