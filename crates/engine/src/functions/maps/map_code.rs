//! `map_code`: source codes to target codes.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, StringViewBuilder};
use datafusion::common::Result;
use datafusion::logical_expr::Expr;

use crate::functions::argument::{Mistake, literal};
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call};

pub(in crate::functions) static MAP_CODE: Function = Function {
    name: "map_code",
    summary: "Translates a code by pairs of source and target code.",
    details: "The codes must fit exactly, upper and lower case included; a code without a pair is null and gets a \
              mark. Maps that a person maintains belong into `maps/`, used by `map:`.",
    domain: Domain::Maps,
    parameters: &[
        Parameter { name: "text", kind: ParameterType::Text, description: "the code" },
        Parameter { name: "source", kind: ParameterType::Literal, description: "a source code" },
        Parameter {
            name: "target",
            kind: ParameterType::Literal,
            description: "what it becomes; more pairs may follow",
        },
    ],
    repeated: 2,
    returns: ParameterType::Text,
    fallible: true,
    examples: &[
        Example { sql: "map_code('F', 'M', 'male', 'F', 'female')", result: Some("female") },
        Example { sql: "map_code('1', '1', 'active')", result: Some("active") },
        Example { sql: "map_code('f', 'M', 'male', 'F', 'female')", result: None },
        Example { sql: "map_code(null, 'M', 'male')", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    // The pairs are literals (`check` says so before any data is read): the first row's are every row's.
    let words = call.texts_from(1)?;
    let pairs: Vec<(&str, &str)> = words
        .chunks_exact(2)
        .filter_map(|pair| match pair {
            [source, target] => Some((source.get(0)?, target.get(0)?)),
            _ => None,
        })
        .collect();
    let mut builder = StringViewBuilder::with_capacity(call.rows).with_deduplicate_strings();
    let map: HashMap<&str, &str> = pairs.iter().rev().copied().collect();
    for text in texts.iter(call.rows) {
        builder.append_option(text.and_then(|text| map.get(text)));
    }
    Ok(Arc::new(builder.finish()))
}

/// A source code that stands in two pairs.
pub(in crate::functions) fn check(arguments: &[Expr]) -> Vec<Mistake> {
    let mut seen = HashSet::new();
    arguments
        .iter()
        .enumerate()
        .skip(1)
        .step_by(2)
        .filter_map(|(index, argument)| {
            let source = literal(argument)?;
            (!seen.insert(source)).then(|| {
                Mistake::new(format!("the code `{source}` is mapped twice"), "keep one of the pairs")
                    .at(index)
            })
        })
        .collect()
}
