//! `parse_yes_no`: reads yes and no in English, Portuguese, Spanish, French, German and Italian.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static PARSE_YES_NO: Function = Function {
    name: "parse_yes_no",
    summary: "Reads yes and no in English, Portuguese, Spanish, French, German and Italian.",
    details: "`yes`, `y`, `true`, `t`, `1`, `sim`, `s`, `sí`, `si`, `verdadeiro`, `v`, `oui`, `o`, \
              `vrai`, `ja`, `j`, `wahr` are true; `no`, `n`, `false`, `f`, `0`, `não`, `nao`, `falso`, \
              `non`, `faux`, `nein` are false. Case and white space at the ends do not count; any other \
              text is null, with a mark. Use `parse_boolean` where only two words may occur.",
    domain: Domain::Numbers,
    parameters: &[Parameter { name: "text", kind: ParameterType::Text, description: "the text" }],
    repeated: 0,
    returns: ParameterType::Boolean,
    fallible: true,
    examples: &[
        Example { sql: "parse_yes_no('Sim')", result: Some("true") },
        Example { sql: "parse_yes_no(' NÃO ')", result: Some("false") },
        Example { sql: "parse_yes_no('oui')", result: Some("true") },
        Example { sql: "parse_yes_no('0')", result: Some("false") },
        Example { sql: "parse_yes_no('talvez')", result: None },
        Example { sql: "parse_yes_no(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    Ok(output::booleans(call.rows, |row| {
        let text = texts.get(row)?.trim();
        let is_one_of = |words: &[&str]| {
            words.iter().any(|word| text.chars().flat_map(char::to_lowercase).eq(word.chars()))
        };
        match (is_one_of(&YES), is_one_of(&NO)) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        }
    }))
}

const YES: [&str; 17] = [
    "yes",
    "y",
    "true",
    "t",
    "1",
    "sim",
    "s",
    "sí",
    "si",
    "verdadeiro",
    "v",
    "oui",
    "o",
    "vrai",
    "ja",
    "j",
    "wahr",
];
const NO: [&str; 11] = ["no", "n", "false", "f", "0", "não", "nao", "falso", "non", "faux", "nein"];
