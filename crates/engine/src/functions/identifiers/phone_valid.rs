//! `phone_valid`: says whether a text is a phone number that the numbering plan has.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use super::phone::{phone, region};
use crate::functions::kernel::{Call, Compiled};
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, output};

pub(in crate::functions) static PHONE_VALID: Function = Function {
    name: "phone_valid",
    summary: "Says whether a text is a phone number that the numbering plan has.",
    details: "By the numbering plans of Google's libphonenumber. Whether somebody answers cannot be \
              said.",
    domain: Domain::Identifiers,
    parameters: &[
        Parameter { name: "text", kind: ParameterType::Text, description: "the number as text" },
        Parameter {
            name: "region",
            kind: ParameterType::Region,
            description: "the country of numbers that say none (`BR`)",
        },
    ],
    repeated: 0,
    returns: ParameterType::Boolean,
    fallible: false,
    examples: &[
        Example { sql: "phone_valid('(11) 98765-4321', 'BR')", result: Some("true") },
        Example { sql: "phone_valid('(11) 1234', 'BR')", result: Some("false") },
        Example { sql: "phone_valid('', 'BR')", result: Some("false") },
        Example { sql: "phone_valid(null, 'BR')", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    let mut regions = Compiled::new(call.text(1)?, region);
    Ok(output::booleans(call.rows, |row| Some(phone(texts.get(row)?, *regions.get(row)?).is_some())))
}
