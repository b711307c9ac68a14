//! `icd10`: gives an ICD-10 code with its point in place.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use super::icd::{category_and_detail, write_code};
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static ICD10: Function = Function {
    name: "icd10",
    summary: "Gives an ICD-10 code with its point in place.",
    details: "A letter, a digit, a digit (or `A`, `B` as in the United States' edition), then up to four \
              digits or letters behind the point; small letters become capitals. Whether the code exists \
              is not looked up.",
    domain: Domain::Identifiers,
    parameters: &[Parameter { name: "text", kind: ParameterType::Text, description: "the code as text" }],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: true,
    examples: &[
        Example { sql: "icd10('j459')", result: Some("J45.9") },
        Example { sql: "icd10('S72.001A')", result: Some("S72.001A") },
        Example { sql: "icd10('I10')", result: Some("I10") },
        Example { sql: "icd10('C4A.0')", result: Some("C4A.0") },
        Example { sql: "icd10('J4.59')", result: None },
        Example { sql: "icd10('459')", result: None },
        Example { sql: "icd10(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    Ok(output::write_text(call.rows, |row, code| {
        let (category, detail) = category_and_detail(texts.get(row)?)?;
        let shaped = match category.as_bytes() {
            [first, b'0'..=b'9', b'0'..=b'9' | b'A' | b'B' | b'a' | b'b'] => first.is_ascii_alphabetic(),
            _ => false,
        };
        let plain = detail.len() <= 4 && detail.bytes().all(|byte| byte.is_ascii_alphanumeric());
        (shaped && plain).then(|| write_code(category, detail, code))
    }))
}
