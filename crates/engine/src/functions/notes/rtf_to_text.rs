//! `rtf_to_text`: takes the text out of a note in RTF.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use super::rtf;
use crate::functions::output::Changed;
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call};

pub(in crate::functions) static RTF_TO_TEXT: Function = Function {
    name: "rtf_to_text",
    summary: "Takes the text out of a note in RTF.",
    details: "Paragraphs and lines become line breaks, cells of tables tabs; fonts, colours, pictures, field codes, \
              page headers and footers and other hidden parts are left out. Letters are read in the code page that \
              the note declares, else in Windows-1252; one of a page with more than one byte a letter, or of DOS, \
              makes the whole null, with a mark, as does a note that is cut off. A font's own code page is not \
              heeded. Text that does not start as RTF does is given as it is. The original should be kept: its \
              looks are gone.",
    domain: Domain::Notes,
    parameters: &[Parameter { name: "text", kind: ParameterType::Text, description: "the note" }],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: true,
    examples: &[
        Example {
            sql: "rtf_to_text('{\\rtf1\\ansi\\pard Paciente \\b est\\''e1vel\\b0 .\\par Retorno.}')",
            result: Some("Paciente estável.\nRetorno."),
        },
        Example {
            sql: "rtf_to_text('{\\rtf1{\\fonttbl{\\f0 Arial;}}{\\*\\generator x;}a\\tab b\\u8364?c}')",
            result: Some("a\tb€c"),
        },
        Example { sql: "rtf_to_text('{\\rtf1 \\trowd a\\cell b\\cell\\row c}')", result: Some("a\tb\nc") },
        Example { sql: "rtf_to_text('plain {text}')", result: Some("plain {text}") },
        Example { sql: "rtf_to_text('{\\rtf1 open')", result: None },
        Example { sql: "rtf_to_text('{\\rtf1\\ansicpg932 a\\''8a}')", result: None },
        Example { sql: "rtf_to_text('{\\rtf1\\ansicpg1251 \\''c8}')", result: Some("И") },
        Example { sql: "rtf_to_text(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    call.map_text(0, |text| match text.trim_start().starts_with("{\\rtf") {
        true => Changed::to_or_null(text, rtf::text(text.trim_start())),
        false => Changed::Same,
    })
}
