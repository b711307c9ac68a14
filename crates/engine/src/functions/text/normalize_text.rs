//! `normalize_text`: gives the text in Unicode normalization form C: one letter, one spelling.

use arrow::array::ArrayRef;
use datafusion::common::Result;
use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::functions::output::Changed;
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call};

pub(in crate::functions) static NORMALIZE_TEXT: Function = Function {
    name: "normalize_text",
    summary: "Gives the text in Unicode normalization form C: one letter, one spelling.",
    details: "`e` with a combining accent becomes `é`. Texts that look alike then compare as equal; \
              nothing is lost.",
    domain: Domain::Text,
    parameters: &[Parameter { name: "text", kind: ParameterType::Text, description: "the text" }],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: false,
    examples: &[
        Example { sql: "normalize_text('Jose\u{301}')", result: Some("José") },
        Example { sql: "normalize_text('José')", result: Some("José") },
        Example { sql: "normalize_text('plain')", result: Some("plain") },
        Example { sql: "normalize_text(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    call.map_text(0, |text| {
        if text.is_ascii() || is_nfc(text) {
            return Changed::Same;
        }
        Changed::To(text.nfc().collect())
    })
}
