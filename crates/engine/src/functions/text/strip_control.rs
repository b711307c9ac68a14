//! `strip_control`: takes out the characters that control a device and show nothing.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use crate::functions::output::Changed;
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call};

pub(in crate::functions) static STRIP_CONTROL: Function = Function {
    name: "strip_control",
    summary: "Takes out the characters that control a device and show nothing.",
    details: "Tabs and line breaks stay. Taken out are the other control characters (with NUL, escape \
              and the soft hyphen), zero-width spaces and byte order marks, which make equal texts \
              differ.",
    domain: Domain::Text,
    parameters: &[Parameter { name: "text", kind: ParameterType::Text, description: "the text" }],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: false,
    examples: &[
        Example { sql: "strip_control('Ana\u{0} \u{7}Maria')", result: Some("Ana Maria") },
        Example { sql: "strip_control('\u{feff}Ana\u{200b}')", result: Some("Ana") },
        Example { sql: "strip_control('a\tb\nc')", result: Some("a\tb\nc") },
        Example { sql: "strip_control(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    call.map_text(0, |text| {
        if !text.contains(is_stripped) {
            return Changed::Same;
        }
        Changed::To(text.chars().filter(|character| !is_stripped(*character)).collect())
    })
}

fn is_stripped(character: char) -> bool {
    match character {
        '\t' | '\n' | '\r' => false,
        '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}' => true,
        _ => character.is_control(),
    }
}
