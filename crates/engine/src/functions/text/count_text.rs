//! `count_text`: counts how often a text occurs in another.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static COUNT_TEXT: Function = Function {
    name: "count_text",
    summary: "Counts how often a text occurs in another.",
    details: "Occurrences do not overlap. The empty text occurs nowhere.",
    domain: Domain::Text,
    parameters: &[
        Parameter { name: "text", kind: ParameterType::Text, description: "the text" },
        Parameter { name: "part", kind: ParameterType::Text, description: "what is counted" },
    ],
    repeated: 0,
    returns: ParameterType::Integer,
    fallible: false,
    examples: &[
        Example { sql: "count_text('a;b;c', ';')", result: Some("2") },
        Example { sql: "count_text('aaa', 'aa')", result: Some("1") },
        Example { sql: "count_text('abc', '')", result: Some("0") },
        Example { sql: "count_text(null, ';')", result: None },
        Example { sql: "count_text('abc', null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let (texts, parts) = (call.text(0)?, call.text(1)?);
    Ok(output::integers(call.rows, |row| {
        let (text, part) = (texts.get(row)?, parts.get(row)?);
        if part.is_empty() {
            return Some(0);
        }
        i64::try_from(text.matches(part).count()).ok()
    }))
}
