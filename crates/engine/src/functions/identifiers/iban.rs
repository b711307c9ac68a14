//! `iban`: gives an international bank account number (IBAN) whose check digits are right.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static IBAN: Function = Function {
    name: "iban",
    summary: "Gives an international bank account number (IBAN) whose check digits are right.",
    details: "15 to 34 letters and digits; blanks are left out and small letters become capitals. The \
              length that a country prescribes is not checked.",
    domain: Domain::Identifiers,
    parameters: &[Parameter { name: "text", kind: ParameterType::Text, description: "the number as text" }],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: true,
    examples: &[
        Example { sql: "iban('GB82 WEST 1234 5698 7654 32')", result: Some("GB82WEST12345698765432") },
        Example { sql: "iban('de89370400440532013000')", result: Some("DE89370400440532013000") },
        Example { sql: "iban('GB83 WEST 1234 5698 7654 32')", result: None },
        Example { sql: "iban('1234')", result: None },
        Example { sql: "iban(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    Ok(output::write_text(call.rows, |row, number| {
        let text = texts.get(row)?;
        number.extend(
            text.chars().filter(|character| *character != ' ').map(|letter| letter.to_ascii_uppercase()),
        );
        is_valid(number).then_some(())
    }))
}

fn is_valid(number: &str) -> bool {
    let shaped = match number.as_bytes() {
        [a, b, c, d, ..] => {
            [a, b].iter().all(|byte| byte.is_ascii_uppercase())
                && [c, d].iter().all(|byte| byte.is_ascii_digit())
        }
        _ => false,
    };
    let Some((head, rest)) =
        number.split_at_checked(4).filter(|_| shaped && (15..=34).contains(&number.len()))
    else {
        return false;
    };
    // The first four stand behind the others; a letter is two digits, A is 10.
    rest.chars().chain(head.chars()).try_fold(0, |remainder, character| {
        let value = character.to_digit(36)?;
        Some((remainder * if value > 9 { 100 } else { 10 } + value) % 97)
    }) == Some(1)
}
