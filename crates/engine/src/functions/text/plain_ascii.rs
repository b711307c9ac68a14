//! `plain_ascii`: writes a text in ASCII: letters without accents, plain quotes and dashes.

use arrow::array::ArrayRef;
use datafusion::common::Result;
use unicode_normalization::UnicodeNormalization;

use super::fold_accents::folded;
use crate::functions::output::Changed;
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call};

pub(in crate::functions) static PLAIN_ASCII: Function = Function {
    name: "plain_ascii",
    summary: "Writes a text in ASCII: letters without accents, plain quotes and dashes.",
    details: "For targets that take no other characters; it loses information. Null, with a mark, where \
              a character has no plain form (other scripts).",
    domain: Domain::Text,
    parameters: &[Parameter { name: "text", kind: ParameterType::Text, description: "the text" }],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: true,
    examples: &[
        Example { sql: "plain_ascii('São João – “nº 5”')", result: Some("Sao Joao - \"no 5\"") },
        Example { sql: "plain_ascii('Ana')", result: Some("Ana") },
        Example { sql: "plain_ascii('½ dose…')", result: Some("1/2 dose...") },
        Example { sql: "plain_ascii('東京')", result: None },
        Example { sql: "plain_ascii(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    call.map_text(0, |text| match text.is_ascii() {
        true => Changed::Same,
        false => Changed::to_or_null(text, plain(text)),
    })
}

fn plain(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    for character in folded(text).chars() {
        match typographic(character) {
            Some(replacement) => plain.push_str(replacement),
            None if character.is_ascii() => plain.push(character),
            // Compatibility forms: `½`, `ﬁ`, full width letters.
            None => {
                for part in std::iter::once(character).nfkd() {
                    let part = if part == '\u{2044}' { '/' } else { part };
                    plain.push(Some(part).filter(char::is_ascii)?);
                }
            }
        }
    }
    Some(plain)
}

fn typographic(character: char) -> Option<&'static str> {
    Some(match character {
        '‘' | '’' | '‚' | '′' | '´' | '`' => "'",
        '“' | '”' | '„' | '″' | '«' | '»' => "\"",
        '‐' | '‑' | '‒' | '–' | '—' | '−' => "-",
        '…' => "...",
        '•' | '·' => "*",
        '×' => "x",
        '÷' => "/",
        '€' => "EUR",
        '£' => "GBP",
        '©' => "(c)",
        '®' => "(R)",
        '™' => "(TM)",
        '\u{a0}' | '\u{2009}' | '\u{202f}' => " ",
        '\u{ad}' | '\u{200b}' | '\u{feff}' => "",
        _ => return None,
    })
}
