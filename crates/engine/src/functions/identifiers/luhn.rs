//! `luhn`: gives a number whose last digit is right by Luhn.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use super::check_digits::is_luhn;
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static LUHN: Function = Function {
    name: "luhn",
    summary: "Gives a number whose last digit is right by Luhn.",
    details: "For card numbers and for identifiers without a function of their own. Blanks and hyphens \
              are left out; at least two digits, at most 30.",
    domain: Domain::Identifiers,
    parameters: &[Parameter { name: "text", kind: ParameterType::Text, description: "the number as text" }],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: true,
    examples: &[
        Example { sql: "luhn('4539 1488 0343 6467')", result: Some("4539148803436467") },
        Example { sql: "luhn('79927398713')", result: Some("79927398713") },
        Example { sql: "luhn('79927398710')", result: None },
        Example { sql: "luhn('0')", result: None },
        Example { sql: "luhn('x')", result: None },
        Example { sql: "luhn(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    Ok(output::write_text(call.rows, |row, number| {
        let text = texts.get(row)?;
        number.extend(text.chars().filter(|character| !matches!(character, ' ' | '-')));
        let plain = (2..=30).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
        (plain && is_luhn(number)).then_some(())
    }))
}
