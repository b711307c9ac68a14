//! `list_item`: gives one item of a list that is written as text.

use arrow::array::ArrayRef;
use arrow::datatypes::Int64Type;
use datafusion::common::Result;

use super::lists::item_at;
use crate::functions::output::Changed;
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call};

pub(in crate::functions) static LIST_ITEM: Function = Function {
    name: "list_item",
    summary: "Gives one item of a list that is written as text.",
    details: "White space around items is left out, and empty items do not count. Null, with a mark, \
              where the list is shorter or the separator is empty.",
    domain: Domain::Keys,
    parameters: &[
        Parameter { name: "text", kind: ParameterType::Text, description: "the list as text" },
        Parameter {
            name: "separator",
            kind: ParameterType::Text,
            description: "what stands between two items",
        },
        Parameter {
            name: "n",
            kind: ParameterType::Position,
            description: "1 is the first item, -1 the last",
        },
    ],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: true,
    examples: &[
        Example { sql: "list_item('dipirona; AAS;', ';', 2)", result: Some("AAS") },
        Example { sql: "list_item('a;b;c', ';', -1)", result: Some("c") },
        Example { sql: "list_item('a;b', ';', 3)", result: None },
        Example { sql: "list_item('', ';', 1)", result: None },
        Example { sql: "list_item(null, ';', 1)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let separators = call.text(1)?;
    let places = call.values::<Int64Type>(2)?;
    call.map_text_rows(0, |row, text| {
        let separator = separators.get(row).filter(|separator| !separator.is_empty());
        let part =
            separator.zip(places.get(row)).and_then(|(separator, place)| item_at(text, separator, place));
        Changed::part_or_null(text, part)
    })
}
