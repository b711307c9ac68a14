//! `initials`: gives the first letters of the words of a name, as capitals.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use super::words::{is_particle, is_prefix};
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static INITIALS: Function = Function {
    name: "initials",
    summary: "Gives the first letters of the words of a name, as capitals.",
    details: "Particles (`da`, `van`) and forms of address are left out; parts of a double name \
              (`Ana-Maria`) count. Null, with a mark, where there is no letter.",
    domain: Domain::Names,
    parameters: &[
        Parameter { name: "name", kind: ParameterType::Text, description: "the whole name" },
        Parameter {
            name: "separator",
            kind: ParameterType::Text,
            description: "what stands behind every letter",
        },
    ],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: true,
    examples: &[
        Example { sql: "initials('Ana Maria da Silva', '')", result: Some("AMS") },
        Example { sql: "initials('jean-paul Sartre', '. ')", result: Some("J. P. S.") },
        Example { sql: "initials('Dr. Élio Lima', '.')", result: Some("É.L.") },
        Example { sql: "initials('123', '')", result: None },
        Example { sql: "initials(null, '')", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let (texts, separators) = (call.text(0)?, call.text(1)?);
    Ok(output::write_text(call.rows, |row, initials| {
        let (text, separator) = (texts.get(row)?, separators.get(row)?);
        let words = text.split_whitespace().filter(|word| !is_particle(word) && !is_prefix(word));
        for word in words.flat_map(|word| word.split('-')) {
            if let Some(letter) = word.chars().find(|character| character.is_alphabetic()) {
                initials.extend(letter.to_uppercase());
                initials.push_str(separator);
            }
        }
        initials.truncate(initials.trim_end().len());
        (!initials.is_empty()).then_some(())
    }))
}
