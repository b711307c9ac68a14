//! `uuid_text`: gives a UUID in small letters with its four hyphens.

use arrow::array::ArrayRef;
use datafusion::common::Result;
use uuid::Uuid;

use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static UUID_TEXT: Function = Function {
    name: "uuid_text",
    summary: "Gives a UUID in small letters with its four hyphens.",
    details: "Read are 32 hexadecimal digits with or without the hyphens, in braces, or behind \
              `urn:uuid:`; white space at the ends is left out.",
    domain: Domain::Identifiers,
    parameters: &[Parameter { name: "text", kind: ParameterType::Text, description: "the UUID" }],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: true,
    examples: &[
        Example {
            sql: "uuid_text('{936DA01F-9ABD-4D9D-80C7-02AF85C822A8}')",
            result: Some("936da01f-9abd-4d9d-80c7-02af85c822a8"),
        },
        Example {
            sql: "uuid_text('936da01f9abd4d9d80c702af85c822a8')",
            result: Some("936da01f-9abd-4d9d-80c7-02af85c822a8"),
        },
        Example { sql: "uuid_text('936da01f')", result: None },
        Example { sql: "uuid_text(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    Ok(output::write_text(call.rows, |row, text| {
        let uuid = Uuid::try_parse(texts.get(row)?.trim()).ok()?;
        text.push_str(uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
        Some(())
    }))
}
