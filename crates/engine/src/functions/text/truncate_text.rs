//! `truncate_text`: keeps the first characters of a text.

use arrow::array::ArrayRef;
use arrow::datatypes::Int64Type;
use datafusion::common::Result;
use unicode_normalization::char::is_combining_mark;

use crate::functions::output::Changed;
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call};

pub(in crate::functions) static TRUNCATE_TEXT: Function = Function {
    name: "truncate_text",
    summary: "Keeps the first characters of a text.",
    details: "For a target whose columns are shorter than the source's: what is cut off is gone without \
              a mark, so load the whole text elsewhere where it matters. The length counts characters, \
              as databases do; the cut never falls between a letter and its combining marks, so fewer \
              may be kept.",
    domain: Domain::Text,
    parameters: &[
        Parameter { name: "text", kind: ParameterType::Text, description: "the text" },
        Parameter {
            name: "length",
            kind: ParameterType::Length,
            description: "how many characters are kept",
        },
    ],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: false,
    examples: &[
        Example { sql: "truncate_text('Ana Maria', 3)", result: Some("Ana") },
        Example { sql: "truncate_text('São João', 3)", result: Some("São") },
        Example { sql: "truncate_text('Joa\u{303}o', 3)", result: Some("Jo") },
        Example { sql: "truncate_text('Ana', 10)", result: Some("Ana") },
        Example { sql: "truncate_text('Ana', 0)", result: Some("") },
        Example { sql: "truncate_text(null, 3)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let lengths = call.values::<Int64Type>(1)?;
    call.map_text_rows(0, |row, text| {
        let length = lengths.get(row).and_then(|length| usize::try_from(length).ok());
        Changed::part_or_null(text, length.and_then(|length| truncated(text, length)))
    })
}

fn truncated(text: &str, length: usize) -> Option<&str> {
    // As many bytes hold at most as many characters.
    if text.len() <= length {
        return Some(text);
    }
    let Some((mut end, after)) = text.char_indices().nth(length) else { return Some(text) };
    let mut next = after;
    while joins_the_character_before(next) {
        let Some(last) = text.get(..end)?.chars().next_back() else { break };
        end -= last.len_utf8();
        next = last;
    }
    text.get(..end)
}

/// Combining marks, variation selectors and joiners.
fn joins_the_character_before(character: char) -> bool {
    is_combining_mark(character) || matches!(character, '\u{200d}' | '\u{fe00}'..='\u{fe0f}')
}
