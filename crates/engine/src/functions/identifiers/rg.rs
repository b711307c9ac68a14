//! `rg`: gives a Brazilian identity card number (RG) without points.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static RG: Function = Function {
    name: "rg",
    summary: "Gives a Brazilian identity card number (RG) without points.",
    details: "5 to 12 digits, the last of which may be `X`; points, hyphens, slashes and blanks are left \
              out. Every state has its own form and most have no check digit: none is checked.",
    domain: Domain::Identifiers,
    parameters: &[Parameter { name: "text", kind: ParameterType::Text, description: "the number as text" }],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: true,
    examples: &[
        Example { sql: "rg('12.345.678-9')", result: Some("123456789") },
        Example { sql: "rg('1.234.567-x')", result: Some("1234567X") },
        Example { sql: "rg('12-34')", result: None },
        Example { sql: "rg('MG-12.345.678')", result: None },
        Example { sql: "rg(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    Ok(output::write_text(call.rows, |row, number| {
        for character in texts.get(row)?.trim().chars() {
            match character {
                _ if number.ends_with('X') => return None,
                '0'..='9' => number.push(character),
                'x' | 'X' => number.push('X'),
                '.' | '-' | '/' | ' ' => {}
                _ => return None,
            }
        }
        (5..=12).contains(&number.len()).then_some(())
    }))
}
