//! `one_line`: puts a text of several lines into one line.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use crate::functions::output::Changed;
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call};

pub(in crate::functions) static ONE_LINE: Function = Function {
    name: "one_line",
    summary: "Puts a text of several lines into one line.",
    details: "Every line break, with the white space around it, becomes one space; the ends are trimmed.",
    domain: Domain::Text,
    parameters: &[Parameter { name: "text", kind: ParameterType::Text, description: "the text" }],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: false,
    examples: &[
        Example { sql: "one_line('Rua A, 10\r\n  Centro\n')", result: Some("Rua A, 10 Centro") },
        Example { sql: "one_line('a\n\nb')", result: Some("a b") },
        Example { sql: "one_line('a  b')", result: Some("a  b") },
        Example { sql: "one_line(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    call.map_text(0, |text| {
        let trimmed = text.trim();
        if !trimmed.contains(LINE_BREAKS) {
            return Changed::part(text, trimmed);
        }
        let mut line = String::with_capacity(trimmed.len());
        for part in trimmed.split(LINE_BREAKS).map(str::trim).filter(|part| !part.is_empty()) {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(part);
        }
        Changed::To(line)
    })
}

const LINE_BREAKS: [char; 6] = ['\n', '\r', '\u{b}', '\u{c}', '\u{2028}', '\u{2029}'];
