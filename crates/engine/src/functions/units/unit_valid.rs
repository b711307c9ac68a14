//! `unit_valid`: says whether a text is a unit by UCUM.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use super::ucum::unit;
use crate::functions::kernel::{Call, Compiled};
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, output};

pub(in crate::functions) static UNIT_VALID: Function = Function {
    name: "unit_valid",
    summary: "Says whether a text is a unit by UCUM.",
    details: "Upper and lower case matter there: `mg` is one, `MG` is not.",
    domain: Domain::Units,
    parameters: &[Parameter { name: "text", kind: ParameterType::Text, description: "the text" }],
    repeated: 0,
    returns: ParameterType::Boolean,
    fallible: false,
    examples: &[
        Example { sql: "unit_valid('mg/dL')", result: Some("true") },
        Example { sql: "unit_valid('mm[Hg]')", result: Some("true") },
        Example { sql: "unit_valid('mmHg')", result: Some("false") },
        Example { sql: "unit_valid('')", result: Some("false") },
        Example { sql: "unit_valid(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    let mut units = Compiled::new(texts, unit);
    Ok(output::booleans(call.rows, |row| texts.get(row).map(|_| units.get(row).is_some())))
}
