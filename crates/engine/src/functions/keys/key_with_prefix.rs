//! `key_with_prefix`: gives a key that says where it comes from: a prefix, `:` and the text.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static KEY_WITH_PREFIX: Function = Function {
    name: "key_with_prefix",
    summary: "Gives a key that says where it comes from: a prefix, `:` and the text.",
    details: "So that keys of two source tables never meet. White space around the text is left out; \
              null where it is blank.",
    domain: Domain::Keys,
    parameters: &[
        Parameter { name: "prefix", kind: ParameterType::Literal, description: "the prefix" },
        Parameter { name: "text", kind: ParameterType::KeyPart, description: "the key" },
    ],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: false,
    examples: &[
        Example { sql: "key_with_prefix('pac', '42')", result: Some("pac:42") },
        Example { sql: "key_with_prefix('pac', 42)", result: Some("pac:42") },
        Example { sql: "key_with_prefix('pac', ' ')", result: None },
        Example { sql: "key_with_prefix('pac', null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let (prefixes, texts) = (call.text(0)?, call.text(1)?);
    Ok(output::write_text(call.rows, |row, key| {
        let text = texts.get(row)?.trim();
        key.push_str(prefixes.get(row)?);
        key.push(':');
        key.push_str(text);
        (!text.is_empty()).then_some(())
    }))
}
