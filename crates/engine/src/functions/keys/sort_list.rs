//! `sort_list`: gives a list with its items in the order of their characters.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use super::lists::{collect, write_list};
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static SORT_LIST: Function = Function {
    name: "sort_list",
    summary: "Gives a list with its items in the order of their characters.",
    details: "The order is that of the characters' numbers in Unicode, the same everywhere: capitals \
              before small letters, accents behind. White space around items is left out, and empty \
              items, too. Null, with a mark, where the separator is empty.",
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
        Example { sql: "sort_list('b; a;c', ';')", result: Some("a;b;c") },
        Example { sql: "sort_list('b;B;10;9', ';')", result: Some("10;9;B;b") },
        Example { sql: "sort_list('a', '')", result: None },
        Example { sql: "sort_list(null, ';')", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let (texts, separators) = (call.text(0)?, call.text(1)?);
    Ok(output::write_text(call.rows, |row, list| {
        let separator = separators.get(row)?;
        let mut found = collect(texts.get(row)?, separator)?;
        found.sort_unstable();
        write_list(&found, separator, list);
        Some(())
    }))
}
