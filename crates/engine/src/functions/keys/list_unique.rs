//! `list_unique`: gives a list without the items that it has twice.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use super::lists::{collect, distinct, write_list};
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static LIST_UNIQUE: Function = Function {
    name: "list_unique",
    summary: "Gives a list without the items that it has twice.",
    details: "The first of equal items stays; upper and lower case differ. White space around items is \
              left out, and empty items, too. Null, with a mark, where the separator is empty.",
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
    returns: ParameterType::Text,
    fallible: true,
    examples: &[
        Example { sql: "list_unique('b; a;b', ';')", result: Some("b;a") },
        Example { sql: "list_unique('a;b', ';')", result: Some("a;b") },
        Example { sql: "list_unique('a', '')", result: None },
        Example { sql: "list_unique(null, ';')", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let (texts, separators) = (call.text(0)?, call.text(1)?);
    Ok(output::write_text(call.rows, |row, list| {
        let separator = separators.get(row)?;
        let mut found = collect(texts.get(row)?, separator)?;
        distinct(&mut found);
        write_list(&found, separator, list);
        Some(())
    }))
}
