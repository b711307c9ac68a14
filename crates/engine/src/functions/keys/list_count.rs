//! `list_count`: counts the items of a list that is written as text.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use super::lists::items;
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static LIST_COUNT: Function = Function {
    name: "list_count",
    summary: "Counts the items of a list that is written as text.",
    details: "Empty items do not count. Null, with a mark, where the separator is empty.",
    domain: Domain::Keys,
    parameters: &[
        Parameter { name: "text", kind: ParameterType::Text, description: "the list as text" },
        Parameter {
            name: "separator",
            kind: ParameterType::Text,
            description: "what stands between two items",
        },
    ],
    repeated: 0,
    returns: ParameterType::Integer,
    fallible: true,
    examples: &[
        Example { sql: "list_count('dipirona; AAS;', ';')", result: Some("2") },
        Example { sql: "list_count('', ';')", result: Some("0") },
        Example { sql: "list_count('a', '')", result: None },
        Example { sql: "list_count(null, ';')", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let (texts, separators) = (call.text(0)?, call.text(1)?);
    Ok(output::integers(call.rows, |row| {
        let (text, separator) = (texts.get(row)?, separators.get(row)?);
        (!separator.is_empty())
            .then(|| items(text, separator).count())
            .and_then(|count| i64::try_from(count).ok())
    }))
}
