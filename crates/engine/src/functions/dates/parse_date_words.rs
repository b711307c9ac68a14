//! `parse_date_words`: reads a date whose month is a word: `5 de março de 2021`, `March 5th, 2021`,
//! `05-mar-2021`.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use super::read::Language;
use crate::datetime::civil;
use crate::functions::kernel::{Call, Compiled};
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, output};

pub(in crate::functions) static PARSE_DATE_WORDS: Function = Function {
    name: "parse_date_words",
    summary: "Reads a date whose month is a word: `5 de março de 2021`, `March 5th, 2021`, \
              `05-mar-2021`.",
    details: "Month names are read in full or by their usual three letters, with or without accents, in \
              any case; the year has four digits. Small words (`de`, `of`, `the`), ordinals (`1º`, \
              `5th`) and marks between the parts are left out; a day of the week is not read.",
    domain: Domain::Dates,
    parameters: &[
        Parameter { name: "text", kind: ParameterType::Text, description: "the date as text" },
        Parameter { name: "language", kind: ParameterType::Language, description: "`en`, `es` or `pt`" },
    ],
    repeated: 0,
    returns: ParameterType::Date,
    fallible: true,
    examples: &[
        Example { sql: "parse_date_words('5 de março de 2021', 'pt')", result: Some("2021-03-05") },
        Example { sql: "parse_date_words('1º/FEV/2020', 'pt')", result: Some("2020-02-01") },
        Example { sql: "parse_date_words('March 5th, 2021', 'en')", result: Some("2021-03-05") },
        Example { sql: "parse_date_words('2021 Sept. 30', 'en')", result: Some("2021-09-30") },
        Example { sql: "parse_date_words('5 de enero de 2021', 'es')", result: Some("2021-01-05") },
        Example { sql: "parse_date_words('5 de march de 2021', 'pt')", result: None },
        Example { sql: "parse_date_words('31 feb 2021', 'en')", result: None },
        Example { sql: "parse_date_words('março de 2021', 'pt')", result: None },
        Example { sql: "parse_date_words(null, 'pt')", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    let mut languages = Compiled::new(call.text(1)?, Language::named);
    Ok(output::dates(call.rows, |row| date_of_words(texts.get(row)?, *languages.get(row)?)))
}

fn date_of_words(text: &str, language: Language) -> Option<i32> {
    let (mut day, mut month, mut year) = (None, None, None);
    let mut rest = text.trim();
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '0'..='9' => rest.find(|next: char| !next.is_ascii_digit()),
            _ if first.is_alphabetic() => rest.find(|next: char| !next.is_alphabetic()),
            ' ' | ',' | '.' | '/' | '-' => rest.char_indices().nth(1).map(|(at, _)| at),
            _ => return None,
        };
        let (token, after) = rest.split_at_checked(end.unwrap_or(rest.len()))?;
        rest = after;
        let place = match token.len() {
            _ if matches!(first, ' ' | ',' | '.' | '/' | '-') || language.is_small_word(token) => continue,
            1 | 2 if first.is_ascii_digit() => &mut day,
            4 if first.is_ascii_digit() => &mut year,
            _ => &mut month,
        };
        let number = match first.is_ascii_digit() {
            true => token.parse().ok()?,
            false => language.month(token)?,
        };
        if place.replace(number).is_some() {
            return None;
        }
    }
    civil::days(year?, month?, day?)
}
