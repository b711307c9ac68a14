//! `cid10`: gives a code of the Brazilian CID-10 with its point in place.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use super::icd::{category_and_detail, write_code};
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static CID10: Function = Function {
    name: "cid10",
    summary: "Gives a code of the Brazilian CID-10 with its point in place.",
    details: "A letter, two digits and at most one digit behind the point. What stands there for nothing \
              or marks the pair of cause and manifestation is left out: the `X` that fills codes of \
              three characters (`I10X`), `+`, `*`, `†`, `-`. Small letters become capitals. Whether the \
              code exists is not looked up.",
    domain: Domain::Identifiers,
    parameters: &[Parameter { name: "text", kind: ParameterType::Text, description: "the code as text" }],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: true,
    examples: &[
        Example { sql: "cid10('j459')", result: Some("J45.9") },
        Example { sql: "cid10('I10X')", result: Some("I10") },
        Example { sql: "cid10('A17.0+')", result: Some("A17.0") },
        Example { sql: "cid10('F32.-')", result: Some("F32") },
        Example { sql: "cid10('S72.001A')", result: None },
        Example { sql: "cid10('45.9')", result: None },
        Example { sql: "cid10(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    Ok(output::write_text(call.rows, |row, code| {
        let text = texts.get(row)?.trim().trim_end_matches(['+', '*', '†', '-', '.']);
        let (category, detail) = category_and_detail(text)?;
        let detail = if matches!(detail, "X" | "x") { "" } else { detail };
        let shaped = match category.as_bytes() {
            [first, b'0'..=b'9', b'0'..=b'9'] => first.is_ascii_alphabetic(),
            _ => false,
        };
        let plain = detail.len() <= 1 && detail.bytes().all(|byte| byte.is_ascii_digit());
        (shaped && plain).then(|| write_code(category, detail, code))
    }))
}
