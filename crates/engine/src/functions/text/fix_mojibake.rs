//! `fix_mojibake`: repairs UTF-8 that was once read as Windows-1252: `JosÃ©` is José.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use crate::functions::notes::windows_1252::WINDOWS_1252_HIGH;
use crate::functions::output::Changed;
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call};

pub(in crate::functions) static FIX_MOJIBAKE: Function = Function {
    name: "fix_mojibake",
    summary: "Repairs UTF-8 that was once read as Windows-1252: `JosÃ©` is José.",
    details: "Only where nothing can be lost: the whole text must be writable in Windows-1252 (or \
              ISO-8859-1), and those bytes must be UTF-8 with at least one letter beyond ASCII. Any \
              other text stays as it is. A text that was spoilt twice is repaired once; call the \
              function twice for such a source.",
    domain: Domain::Text,
    parameters: &[Parameter { name: "text", kind: ParameterType::Text, description: "the text" }],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: false,
    examples: &[
        Example { sql: "fix_mojibake('JosÃ©')", result: Some("José") },
        Example { sql: "fix_mojibake('SÃ£o JoÃ£o â€“ SP')", result: Some("São João – SP") },
        Example { sql: "fix_mojibake('José')", result: Some("José") },
        Example { sql: "fix_mojibake('Ã© é')", result: Some("Ã© é") },
        Example { sql: "fix_mojibake('plain')", result: Some("plain") },
        Example { sql: "fix_mojibake(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    call.map_text(0, |text| match text.is_ascii() {
        true => Changed::Same,
        false => repaired(text).map_or(Changed::Same, Changed::To),
    })
}

fn repaired(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    for character in text.chars() {
        bytes.push(byte_of(character)?);
    }
    String::from_utf8(bytes).ok()
}

/// The byte that reads as this character. Five bytes have no character in Windows-1252; programs read them as the
/// control characters of the same number, as ISO-8859-1 does for all of 0x80 to 0x9f.
fn byte_of(character: char) -> Option<u8> {
    match u8::try_from(u32::from(character)) {
        Ok(byte) => Some(byte),
        Err(_) => WINDOWS_1252_HIGH.iter().find(|(_, high)| *high == character).map(|(byte, _)| *byte),
    }
}
