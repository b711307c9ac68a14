//! `only_letters`: keeps the letters of a text, and one space between words.

use arrow::array::ArrayRef;
use datafusion::common::Result;
use unicode_normalization::char::is_combining_mark;

use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static ONLY_LETTERS: Function = Function {
    name: "only_letters",
    summary: "Keeps the letters of a text, and one space between words.",
    details: "Letters of every script count, with their combining marks. What stands between letters \
              becomes one space when there was white space in it, else nothing. Text without letters \
              becomes empty text, not null.",
    domain: Domain::Text,
    parameters: &[Parameter { name: "text", kind: ParameterType::Text, description: "the text" }],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: false,
    examples: &[
        Example { sql: "only_letters('Ana  M4ria-Luiza (2)')", result: Some("Ana MriaLuiza") },
        Example { sql: "only_letters('José')", result: Some("José") },
        Example { sql: "only_letters('123')", result: Some("") },
        Example { sql: "only_letters(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    Ok(output::write_text(call.rows, |row, letters| {
        let mut space = false;
        for character in texts.get(row)?.chars() {
            if character.is_alphabetic() || is_combining_mark(character) {
                if space && !letters.is_empty() {
                    letters.push(' ');
                }
                space = false;
                letters.push(character);
            } else {
                space |= character.is_whitespace();
            }
        }
        Some(())
    }))
}
