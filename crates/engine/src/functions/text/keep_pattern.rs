//! `keep_pattern`: gives the text where the whole of it fits a regular expression, else null.

use arrow::array::ArrayRef;
use datafusion::common::Result;
use regex::Regex;

use crate::functions::kernel::{Call, Compiled};
use crate::functions::output::Changed;
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType};

pub(in crate::functions) static KEEP_PATTERN: Function = Function {
    name: "keep_pattern",
    summary: "Gives the text where the whole of it fits a regular expression, else null.",
    details: "For columns in which some rows hold something else. No look-around and no back-references.",
    domain: Domain::Text,
    parameters: &[
        Parameter { name: "text", kind: ParameterType::Text, description: "the text" },
        Parameter { name: "pattern", kind: ParameterType::Pattern, description: "the regular expression" },
    ],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: true,
    examples: &[
        Example { sql: "keep_pattern('A-123', '[A-Z]-\\d+')", result: Some("A-123") },
        Example { sql: "keep_pattern('A-123 x', '[A-Z]-\\d+')", result: None },
        Example { sql: "keep_pattern('b', 'a|b')", result: Some("b") },
        Example { sql: "keep_pattern(null, 'a')", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let mut patterns = Compiled::new(call.text(1)?, |text| Regex::new(&format!(r"\A(?:{text})\z")).ok());
    call.map_text_rows(0, |row, text| match patterns.get(row).is_some_and(|pattern| pattern.is_match(text)) {
        true => Changed::Same,
        false => Changed::Null,
    })
}
