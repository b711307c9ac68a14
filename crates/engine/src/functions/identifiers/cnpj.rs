//! `cnpj`: gives the 14 characters of a Brazilian company number (CNPJ) whose check digits are right.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use super::check_digits::{all_equal, check_digit_11, read, weighted_sum};
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static CNPJ: Function = Function {
    name: "cnpj",
    summary: "Gives the 14 characters of a Brazilian company number (CNPJ) whose check digits are right.",
    details: "Also the form with letters that is given since July 2026; small letters become capitals. \
              Points, hyphens, slashes and blanks are left out; any other character, another length, \
              wrong check digits or equal digits give null, with a mark.",
    domain: Domain::Identifiers,
    parameters: &[Parameter { name: "text", kind: ParameterType::Text, description: "the number as text" }],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: true,
    examples: &[
        Example { sql: "cnpj('11.222.333/0001-81')", result: Some("11222333000181") },
        Example { sql: "cnpj('12.ABC.345/01DE-35')", result: Some("12ABC34501DE35") },
        Example { sql: "cnpj('12abc34501de35')", result: Some("12ABC34501DE35") },
        Example { sql: "cnpj('11.222.333/0001-82')", result: None },
        Example { sql: "cnpj('00.000.000/0000-00')", result: None },
        Example { sql: "cnpj(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    Ok(output::write_text(call.rows, |row, number| {
        let characters = valid(texts.get(row)?)?;
        number.extend(characters.iter().copied().map(char::from));
        Some(())
    }))
}

fn valid(text: &str) -> Option<[u8; 14]> {
    let characters: [u8; 14] =
        read(text, |byte| byte.is_ascii_alphanumeric())?.map(|byte| byte.to_ascii_uppercase());
    // A letter counts as its place in ASCII behind the digit 0.
    let values = characters.map(|byte| byte - b'0');
    let [body @ .., _, _] = &values;
    let [with_first @ .., second] = &values;
    let [.., first, _] = &values;
    let valid = *first <= 9 && modulo_11(body) == *first && modulo_11(with_first) == *second;
    (valid && !all_equal(&values)).then_some(characters)
}

/// Modulo 11 with weights 2 to 9 from the end, again and again.
fn modulo_11(values: &[u8]) -> u8 {
    check_digit_11(weighted_sum(values.iter().rev(), (2..=9).cycle()))
}
