//! `remove_nul`: takes out NUL characters, which PostgreSQL cannot store.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use crate::functions::output::Changed;
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call};

pub(in crate::functions) static REMOVE_NUL: Function = Function {
    name: "remove_nul",
    summary: "Takes out NUL characters, which PostgreSQL cannot store.",
    details: "",
    domain: Domain::Text,
    parameters: &[Parameter { name: "text", kind: ParameterType::Text, description: "the text" }],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: false,
    examples: &[
        Example { sql: "remove_nul('Ana\u{0}')", result: Some("Ana") },
        Example { sql: "remove_nul('\u{0}')", result: Some("") },
        Example { sql: "remove_nul('Ana')", result: Some("Ana") },
        Example { sql: "remove_nul(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    call.map_text(0, |text| {
        if !text.contains('\0') {
            return Changed::Same;
        }
        Changed::To(text.replace('\0', ""))
    })
}
