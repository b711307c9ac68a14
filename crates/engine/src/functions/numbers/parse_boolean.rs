//! `parse_boolean`: two words to true and false.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static PARSE_BOOLEAN: Function = Function {
    name: "parse_boolean",
    summary: "Reads a boolean that is written as one of two words.",
    details: "The words must fit exactly, upper and lower case included; any other text is null.",
    domain: Domain::Numbers,
    parameters: &[
        Parameter { name: "text", kind: ParameterType::Text, description: "the text" },
        Parameter { name: "true_word", kind: ParameterType::Literal, description: "what stands for true" },
        Parameter { name: "false_word", kind: ParameterType::Literal, description: "what stands for false" },
    ],
    repeated: 0,
    returns: ParameterType::Boolean,
    fallible: true,
    examples: &[
        Example { sql: "parse_boolean('S', 'S', 'N')", result: Some("true") },
        Example { sql: "parse_boolean('N', 'S', 'N')", result: Some("false") },
        Example { sql: "parse_boolean('s', 'S', 'N')", result: None },
        Example { sql: "parse_boolean(null, 'S', 'N')", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let (texts, yes, no) = (call.text(0)?, call.text(1)?, call.text(2)?);
    Ok(output::booleans(call.rows, |row| {
        let (text, yes, no) = (texts.get(row)?, yes.get(row)?, no.get(row)?);
        // One word for both says nothing.
        match (text == yes, text == no) {
            (true, false) => Some(true),
            (false, true) => Some(false),
            _ => None,
        }
    }))
}
