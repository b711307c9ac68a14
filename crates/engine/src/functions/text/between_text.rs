//! `between_text`: gives what stands between two texts.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use crate::functions::output::Changed;
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call};

pub(in crate::functions) static BETWEEN_TEXT: Function = Function {
    name: "between_text",
    summary: "Gives what stands between two texts.",
    details: "From the first occurrence of the start to the next occurrence of the end. Null, with a \
              mark, where one of them is missing or empty.",
    domain: Domain::Text,
    parameters: &[
        Parameter { name: "text", kind: ParameterType::Text, description: "the text" },
        Parameter { name: "start", kind: ParameterType::Text, description: "what stands before" },
        Parameter { name: "end", kind: ParameterType::Text, description: "what stands behind" },
    ],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: true,
    examples: &[
        Example { sql: "between_text('CRM (SP) 123', '(', ')')", result: Some("SP") },
        Example { sql: "between_text('a[1][2]', '[', ']')", result: Some("1") },
        Example { sql: "between_text('CRM SP', '(', ')')", result: None },
        Example { sql: "between_text('a(b', '(', ')')", result: None },
        Example { sql: "between_text(null, '(', ')')", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let (starts, ends) = (call.text(1)?, call.text(2)?);
    call.map_text_rows(0, |row, text| {
        let ends =
            starts.get(row).zip(ends.get(row)).filter(|(start, end)| !start.is_empty() && !end.is_empty());
        let part = ends.and_then(|(start, end)| Some(text.split_once(start)?.1.split_once(end)?.0));
        Changed::part_or_null(text, part)
    })
}
