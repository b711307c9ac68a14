//! `squeeze`: one space where there was any run of white space, none at the ends.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use crate::functions::output::Changed;
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call};

pub(in crate::functions) static SQUEEZE: Function = Function {
    name: "squeeze",
    summary: "Collapses every run of white space to one space and takes it off both ends.",
    details: "White space is what Unicode calls so: line breaks, tabs and no-break spaces, too. Text of white space \
              only becomes empty text, not null.",
    domain: Domain::Text,
    parameters: &[Parameter { name: "text", kind: ParameterType::Text, description: "the text" }],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: false,
    examples: &[
        Example { sql: "squeeze('  Ana   Maria ')", result: Some("Ana Maria") },
        Example { sql: "squeeze('Ana\u{a0}\u{a0}Maria\n')", result: Some("Ana Maria") },
        Example { sql: "squeeze('Ana Maria')", result: Some("Ana Maria") },
        Example { sql: "squeeze('\u{a0}')", result: Some("") },
        Example { sql: "squeeze(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    call.map_text(0, |text| {
        let trimmed = text.trim();
        match (is_squeezed(trimmed), trimmed.len() == text.len()) {
            (true, true) => Changed::Same,
            (true, false) => Changed::Part(trimmed),
            (false, _) => Changed::To(squeezed(trimmed)),
        }
    })
}

/// Whether white space inside of the text is single spaces only.
fn is_squeezed(text: &str) -> bool {
    let mut before = 0;
    for byte in text.bytes() {
        // Beyond ASCII the characters decide.
        if byte >= 0x80 {
            return text.split(' ').all(|word| !word.is_empty() && !word.contains(char::is_whitespace));
        }
        if matches!(byte, b'\t'..=b'\r') || (byte == b' ' && before == b' ') {
            return false;
        }
        before = byte;
    }
    true
}

fn squeezed(text: &str) -> String {
    let mut squeezed = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !squeezed.is_empty() {
            squeezed.push(' ');
        }
        squeezed.push_str(word);
    }
    squeezed
}
