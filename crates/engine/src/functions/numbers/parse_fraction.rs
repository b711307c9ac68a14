//! `parse_fraction`: reads a fraction, as doses are written: `1/2`, `1 1/2`, `1½`.

use arrow::array::ArrayRef;
use datafusion::common::Result;
use unicode_normalization::UnicodeNormalization;

use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};
use crate::numeral::SCALE;

pub(in crate::functions) static PARSE_FRACTION: Function = Function {
    name: "parse_fraction",
    summary: "Reads a fraction, as doses are written: `1/2`, `1 1/2`, `1½`.",
    details: "A whole number alone is read, too. A fraction without an end is rounded to 18 digits after \
              the point.",
    domain: Domain::Numbers,
    parameters: &[Parameter { name: "text", kind: ParameterType::Text, description: "the fraction as text" }],
    repeated: 0,
    returns: ParameterType::Number,
    fallible: true,
    examples: &[
        Example { sql: "parse_fraction('1/2')", result: Some("0.5") },
        Example { sql: "parse_fraction('1 1/2')", result: Some("1.5") },
        Example { sql: "parse_fraction('2¼')", result: Some("2.25") },
        Example { sql: "parse_fraction('1/3')", result: Some("0.333333333333333333") },
        Example { sql: "parse_fraction('3')", result: Some("3") },
        Example { sql: "parse_fraction('0 5')", result: None },
        Example { sql: "parse_fraction('1/0')", result: None },
        Example { sql: "parse_fraction('1/2/3')", result: None },
        Example { sql: "parse_fraction(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    let mut plain = String::new();
    Ok(output::decimals(call.rows, |row| {
        plain.clear();
        for character in texts.get(row)?.trim().chars() {
            match character {
                // Written out `1½` would be eleven halves.
                '¼'..='¾' | '⅐'..='⅞' => {
                    plain.push(' ');
                    plain.extend(std::iter::once(character).nfkd());
                }
                _ => plain.push(character),
            }
        }
        fraction(plain.trim())
    })?)
}

/// In units of 10^-18.
fn fraction(text: &str) -> Option<i128> {
    let (whole, part) = match text.rsplit_once(char::is_whitespace) {
        Some((whole, part)) => (Some(small(whole.trim_end())?), part),
        None => (None, text),
    };
    let Some((above, below)) = part.split_once(['/', '\u{2044}']) else {
        return whole.is_none().then(|| Some(small(part)? * ONE))?;
    };
    let below = Some(small(below)?).filter(|below| *below > 0)?;
    Some(whole.unwrap_or(0) * ONE + (small(above)? * ONE + below / 2) / below)
}

/// Up to nine digits.
fn small(digits: &str) -> Option<i128> {
    let plain = (1..=9).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok())?
}

const ONE: i128 = 10_i128.pow(SCALE as u32);
