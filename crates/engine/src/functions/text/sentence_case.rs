//! `sentence_case`: writes a text in small letters with a capital at the start of every sentence.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static SENTENCE_CASE: Function = Function {
    name: "sentence_case",
    summary: "Writes a text in small letters with a capital at the start of every sentence.",
    details: "For texts that were typed in capitals. A sentence starts at the beginning, after `.`, `!` \
              or `?` with white space behind, and on a new line. Names and abbreviations inside lose \
              their capitals.",
    domain: Domain::Text,
    parameters: &[Parameter { name: "text", kind: ParameterType::Text, description: "the text" }],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: false,
    examples: &[
        Example {
            sql: "sentence_case('PACIENTE ESTÁVEL. RETORNO EM 30 DIAS.')",
            result: Some("Paciente estável. Retorno em 30 dias."),
        },
        Example { sql: "sentence_case('élan')", result: Some("Élan") },
        Example { sql: "sentence_case('DOR 3.5 CM\nSEM FEBRE')", result: Some("Dor 3.5 cm\nSem febre") },
        Example { sql: "sentence_case('')", result: Some("") },
        Example { sql: "sentence_case(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    Ok(output::write_text(call.rows, |row, sentence| {
        let (mut start, mut ended) = (true, false);
        for character in texts.get(row)?.chars() {
            if character.is_alphabetic() && start {
                sentence.extend(character.to_uppercase());
            } else {
                sentence.extend(character.to_lowercase());
            }
            // A point ends a sentence only where white space follows: `3.5` does not.
            start = match character {
                '\n' => true,
                _ if character.is_whitespace() => start || ended,
                _ => start && !character.is_alphanumeric(),
            };
            ended = matches!(character, '.' | '!' | '?');
        }
        Some(())
    }))
}
