//! `join_text`: the parts that say something, with a separator between them.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static JOIN_TEXT: Function = Function {
    name: "join_text",
    summary: "Joins texts with a separator, leaving out those that are null or blank.",
    details: "Gives null when no part is left. Parts are joined as they are; use `squeeze` to tidy them first.",
    domain: Domain::Text,
    parameters: &[
        Parameter {
            name: "separator",
            kind: ParameterType::Text,
            description: "what stands between two parts",
        },
        Parameter { name: "text", kind: ParameterType::Text, description: "a part; any number of them" },
    ],
    repeated: 1,
    returns: ParameterType::Text,
    // Null only where nothing was said.
    fallible: false,
    examples: &[
        Example { sql: "join_text(', ', 'Rua A', null, '  ', 'Centro')", result: Some("Rua A, Centro") },
        Example { sql: "join_text(' ', 'Ana')", result: Some("Ana") },
        Example { sql: "join_text(' ', null, '')", result: None },
        Example { sql: "join_text(null, 'a', 'b')", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let separator = call.text(0)?;
    let parts = call.texts_from(1)?;
    Ok(output::write_text(call.rows, |row, joined| {
        let separator = separator.get(row)?;
        let mut empty = true;
        for part in parts.iter().filter_map(|part| part.get(row)) {
            if part.trim_start().is_empty() {
                continue;
            }
            if !empty {
                joined.push_str(separator);
            }
            empty = false;
            joined.push_str(part);
        }
        (!empty).then_some(())
    }))
}
