//! `parse_money`: reads an amount of money.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use super::written::notation;
use crate::functions::kernel::{Call, Compiled};
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, output};

pub(in crate::functions) static PARSE_MONEY: Function = Function {
    name: "parse_money",
    summary: "Reads an amount of money.",
    details: "A currency before or behind (`R$`, `US$`, `$`, `€`, `EUR`: up to three letters and a \
              symbol) is left out, so load it elsewhere where a column holds several. A minus may stand \
              before or behind the amount or the currency; brackets mean minus, too. White space is left \
              out around the parts.",
    domain: Domain::Numbers,
    parameters: &[
        Parameter { name: "text", kind: ParameterType::Text, description: "the amount as text" },
        Parameter { name: "decimal_char", kind: ParameterType::DecimalChar, description: "`.` or `,`" },
    ],
    repeated: 0,
    returns: ParameterType::Number,
    fallible: true,
    examples: &[
        Example { sql: "parse_money('R$ 1.234,56', ',')", result: Some("1234.56") },
        Example { sql: "parse_money('$1,234.56', '.')", result: Some("1234.56") },
        Example { sql: "parse_money('-R$ 5,00', ',')", result: Some("-5") },
        Example { sql: "parse_money('(1.234,56)', ',')", result: Some("-1234.56") },
        Example { sql: "parse_money('10 EUR', ',')", result: Some("10") },
        Example { sql: "parse_money('R$', ',')", result: None },
        Example { sql: "parse_money('cerca de 5', ',')", result: None },
        Example { sql: "parse_money(null, ',')", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    let mut notations = Compiled::new(call.text(1)?, notation);
    Ok(output::decimals(call.rows, |row| {
        let (negative, amount) = bare_amount(texts.get(row)?)?;
        let number = notations.get(row)?.parse(amount)?;
        Some(if negative { -number } else { number })
    })?)
}

/// Whether the amount is below zero, and its digits; `None` where it has two signs.
fn bare_amount(text: &str) -> Option<(bool, &str)> {
    let mut text = text.trim();
    let mut signs = 0;
    if let Some(inner) = text.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) {
        (text, signs) = (inner.trim(), 1);
    }
    // A sign before the currency, between it and the digits, and behind the digits.
    for _ in 0..2 {
        if let Some(rest) = text.strip_prefix('-') {
            (text, signs) = (rest.trim_start(), signs + 1);
        }
        text = without_currency(text);
    }
    if let Some(rest) = text.strip_suffix('-') {
        (text, signs) = (rest.trim_end(), signs + 1);
    }
    let digits = text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '.' | ','));
    (signs <= 1 && digits).then_some((signs == 1, text))
}

/// The text without a currency at one end.
fn without_currency(text: &str) -> &str {
    const SYMBOLS: [char; 6] = ['$', '€', '£', '¥', '₹', '₲'];
    let is_part = |character: char| character.is_ascii_alphabetic() || SYMBOLS.contains(&character);
    let is_currency = |part: &str| {
        let letters = part.chars().filter(char::is_ascii_alphabetic).count();
        letters <= 3 && part.chars().count() - letters <= 1 && (letters != 1 || letters < part.len())
    };
    let behind = text.trim_start_matches(is_part);
    let before = text.trim_end_matches(is_part);
    match (text.strip_suffix(behind), text.strip_prefix(before)) {
        (Some(part), _) if !part.is_empty() && is_currency(part) => behind.trim_start(),
        (_, Some(part)) if !part.is_empty() && is_currency(part) => before.trim_end(),
        _ => text,
    }
}
