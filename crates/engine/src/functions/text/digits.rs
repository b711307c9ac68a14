//! `digits`: only the digits of a text.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use crate::functions::output::Changed;
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call};

pub(in crate::functions) static DIGITS: Function = Function {
    name: "digits",
    summary: "Keeps the digits 0 to 9 of a text and nothing else.",
    details: "Text without digits becomes empty text, not null; digits of other scripts are not kept.",
    domain: Domain::Text,
    parameters: &[Parameter { name: "text", kind: ParameterType::Text, description: "the text" }],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: false,
    examples: &[
        Example { sql: "digits('(11) 98765-4321')", result: Some("11987654321") },
        Example { sql: "digits('0042')", result: Some("0042") },
        Example { sql: "digits('none')", result: Some("") },
        Example { sql: "digits(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    call.map_text(0, |text| {
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Changed::Same;
        }
        Changed::To(text.chars().filter(char::is_ascii_digit).collect())
    })
}
