//! `extract_text`: gives the part of a text that a group of a regular expression matches.

use arrow::array::ArrayRef;
use arrow::datatypes::Int64Type;
use datafusion::common::Result;
use regex::Regex;

use crate::functions::kernel::{Call, Compiled};
use crate::functions::output::Changed;
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType};

pub(in crate::functions) static EXTRACT_TEXT: Function = Function {
    name: "extract_text",
    summary: "Gives the part of a text that a group of a regular expression matches.",
    details: "The first match counts. Group 0 is the whole match. Null, with a mark, where nothing \
              matches or the group takes no part. No look-around and no back-references.",
    domain: Domain::Text,
    parameters: &[
        Parameter { name: "text", kind: ParameterType::Text, description: "the text" },
        Parameter { name: "pattern", kind: ParameterType::Pattern, description: "the regular expression" },
        Parameter { name: "group", kind: ParameterType::Length, description: "the number of the group" },
    ],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: true,
    examples: &[
        Example { sql: "extract_text('Leito 12B', '(\\d+)([A-Z])', 1)", result: Some("12") },
        Example { sql: "extract_text('Leito 12B', '\\d+[A-Z]', 0)", result: Some("12B") },
        Example { sql: "extract_text('Leito', '\\d+', 0)", result: None },
        Example { sql: "extract_text('ab', '(a)|(b)', 2)", result: None },
        Example { sql: "extract_text(null, 'a', 0)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let mut patterns = Compiled::new(call.text(1)?, |text| Regex::new(text).ok());
    let groups = call.values::<Int64Type>(2)?;
    call.map_text_rows(0, |row, text| {
        let group = groups.get(row).and_then(|group| usize::try_from(group).ok());
        let part = patterns.get(row).zip(group).and_then(|(pattern, group)| match group {
            // Without groups the search is much cheaper.
            0 => pattern.find(text).map(|found| found.as_str()),
            group => Some(pattern.captures(text)?.get(group)?.as_str()),
        });
        Changed::part_or_null(text, part)
    })
}
