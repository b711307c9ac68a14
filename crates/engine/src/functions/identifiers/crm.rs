//! `crm`: gives a Brazilian medical registration as `CRM/SP 123456`.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use super::states::abbreviation;
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static CRM: Function = Function {
    name: "crm",
    summary: "Gives a Brazilian medical registration as `CRM/SP 123456`.",
    details: "Read are `CRM/SP 123456`, `CRM-SP: 123.456`, `123456-SP`, `SP123456` and their like: one \
              state and one number of 1 to 7 digits, in any order. There is no check digit.",
    domain: Domain::Identifiers,
    parameters: &[Parameter {
        name: "text",
        kind: ParameterType::Text,
        description: "the registration as text",
    }],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: true,
    examples: &[
        Example { sql: "crm('CRM-SP 123.456')", result: Some("CRM/SP 123456") },
        Example { sql: "crm('123456/rj')", result: Some("CRM/RJ 123456") },
        Example { sql: "crm('SP123456')", result: Some("CRM/SP 123456") },
        Example { sql: "crm('123456')", result: None },
        Example { sql: "crm('CRM XX 123456')", result: None },
        Example { sql: "crm(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    Ok(output::write_text(call.rows, |row, registration| {
        let (mut state, mut digits) = (None, 0);
        registration.push_str("CRM/");
        let text = texts.get(row)?;
        for word in
            text.split(|character: char| !character.is_ascii_alphabetic()).filter(|word| !word.is_empty())
        {
            if !word.eq_ignore_ascii_case("CRM") && state.replace(abbreviation(word)?).is_some() {
                return None;
            }
        }
        registration.push_str(state?);
        registration.push(' ');
        let mut closed = false;
        for character in text.trim().chars() {
            match character {
                '0'..='9' if closed => return None,
                '0'..='9' => {
                    registration.push(character);
                    digits += 1;
                }
                '.' => {}
                '-' | '/' | ':' | ' ' => closed = digits > 0,
                _ if character.is_ascii_alphabetic() => closed = digits > 0,
                _ => return None,
            }
        }
        (1..=7).contains(&digits).then_some(())
    }))
}
