//! `compose_key`: one key text of several parts.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static COMPOSE_KEY: Function = Function {
    name: "compose_key",
    summary: "Joins the parts of a key with `|`, so that different parts never give the same key.",
    details: "`|` and `\\` inside of a part are written `\\|` and `\\\\`. A key of which a part is null is null.",
    domain: Domain::Keys,
    parameters: &[Parameter {
        name: "part",
        kind: ParameterType::KeyPart,
        description: "a part of the key; any number of them",
    }],
    repeated: 1,
    returns: ParameterType::Text,
    fallible: false,
    examples: &[
        Example { sql: "compose_key('12', 'A')", result: Some("12|A") },
        Example { sql: "compose_key('a|b', 'c\\d')", result: Some("a\\|b|c\\\\d") },
        Example {
            sql: "compose_key('12', 3, parse_date('2021-03-05', 'ISO'))",
            result: Some("12|3|2021-03-05"),
        },
        Example { sql: "compose_key('12', '')", result: Some("12|") },
        Example { sql: "compose_key('12', null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let parts = call.texts_from(0)?;
    Ok(output::write_text(call.rows, |row, key| {
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                key.push('|');
            }
            let part = part.get(row)?;
            if !part.contains(['|', '\\']) {
                key.push_str(part);
                continue;
            }
            for character in part.chars() {
                if matches!(character, '|' | '\\') {
                    key.push('\\');
                }
                key.push(character);
            }
        }
        Some(())
    }))
}
