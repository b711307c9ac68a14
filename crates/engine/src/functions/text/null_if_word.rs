//! `null_if_word`: gives null for a text that is one of some words that mean "no value", else the text
//! unchanged.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use crate::functions::output::Changed;
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call};

pub(in crate::functions) static NULL_IF_WORD: Function = Function {
    name: "null_if_word",
    summary: "Gives null for a text that is one of some words that mean \"no value\", else the text \
              unchanged.",
    details: "Case and white space at the ends do not count. Text of white space only is null, too.",
    domain: Domain::Text,
    parameters: &[
        Parameter { name: "text", kind: ParameterType::Text, description: "the text" },
        Parameter {
            name: "word",
            kind: ParameterType::Literal,
            description: "a word that means \"no value\"; more may follow",
        },
    ],
    repeated: 1,
    returns: ParameterType::Text,
    fallible: false,
    examples: &[
        Example { sql: "null_if_word(' N/A ', 'n/a', '-')", result: None },
        Example { sql: "null_if_word('NÃO INFORMADO', 'não informado')", result: None },
        Example { sql: "null_if_word('Ana', 'n/a', '-')", result: Some("Ana") },
        Example { sql: "null_if_word('  ', 'n/a')", result: None },
        Example { sql: "null_if_word(null, 'n/a')", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    // The words are literals: the first row's are every row's.
    let words: Vec<String> =
        call.texts_from(1)?.iter().filter_map(|word| Some(word.get(0)?.trim().to_lowercase())).collect();
    call.map_text(0, |text| {
        let trimmed = text.trim();
        if trimmed.is_empty() || words.iter().any(|word| same(trimmed, word)) {
            return Changed::Null;
        }
        Changed::Same
    })
}

fn same(text: &str, word: &str) -> bool {
    if text.is_ascii() {
        return text.eq_ignore_ascii_case(word);
    }
    text.chars().flat_map(char::to_lowercase).eq(word.chars())
}
