//! `split_part_last`: gives a part of a text that is divided by a separator, counted from the end.

use arrow::array::ArrayRef;
use arrow::datatypes::Int64Type;
use datafusion::common::Result;

use crate::functions::output::Changed;
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call};

pub(in crate::functions) static SPLIT_PART_LAST: Function = Function {
    name: "split_part_last",
    summary: "Gives a part of a text that is divided by a separator, counted from the end.",
    details: "1 is the last part. Null, with a mark, where there are fewer parts or the separator is \
              empty.",
    domain: Domain::Text,
    parameters: &[
        Parameter { name: "text", kind: ParameterType::Text, description: "the text" },
        Parameter {
            name: "separator",
            kind: ParameterType::Text,
            description: "what stands between two parts",
        },
        Parameter { name: "n", kind: ParameterType::Position, description: "the place from the end" },
    ],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: true,
    examples: &[
        Example { sql: "split_part_last('a/b/c', '/', 1)", result: Some("c") },
        Example { sql: "split_part_last('a/b/c', '/', 3)", result: Some("a") },
        Example { sql: "split_part_last('abc', '/', 1)", result: Some("abc") },
        Example { sql: "split_part_last('a/b/c', '/', 4)", result: None },
        Example { sql: "split_part_last(null, '/', 1)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let separators = call.text(1)?;
    let places = call.values::<Int64Type>(2)?;
    call.map_text_rows(0, |row, text| {
        let part = separators.get(row).filter(|separator| !separator.is_empty()).and_then(|separator| {
            let skipped = usize::try_from(places.get(row)?.checked_sub(1)?).ok()?;
            text.rsplit(separator).nth(skipped)
        });
        Changed::part_or_null(text, part)
    })
}
