//! `nth_word`: gives one word of a text.

use arrow::array::ArrayRef;
use arrow::datatypes::Int64Type;
use datafusion::common::Result;

use crate::functions::keys::lists::steps;
use crate::functions::output::Changed;
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call};

pub(in crate::functions) static NTH_WORD: Function = Function {
    name: "nth_word",
    summary: "Gives one word of a text.",
    details: "Words are divided by white space. Null, with a mark, where there are fewer.",
    domain: Domain::Text,
    parameters: &[
        Parameter { name: "text", kind: ParameterType::Text, description: "the text" },
        Parameter {
            name: "n",
            kind: ParameterType::Position,
            description: "1 is the first word, -1 the last",
        },
    ],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: true,
    examples: &[
        Example { sql: "nth_word('Ana Maria Silva', 2)", result: Some("Maria") },
        Example { sql: "nth_word('  Ana  Maria ', -1)", result: Some("Maria") },
        Example { sql: "nth_word('Ana', 2)", result: None },
        Example { sql: "nth_word('', 1)", result: None },
        Example { sql: "nth_word(null, 1)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let places = call.values::<Int64Type>(1)?;
    call.map_text_rows(0, |row, text| {
        let word = places.get(row).and_then(|place| match place > 0 {
            true => text.split_whitespace().nth(steps(place)?),
            false => text.split_whitespace().nth_back(steps(place)?),
        });
        Changed::part_or_null(text, word)
    })
}
