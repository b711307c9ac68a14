//! `diastolic_pressure`: gives the second number of a blood pressure, in mm[Hg].

use arrow::array::ArrayRef;
use datafusion::common::Result;

use super::quantity::blood_pressure;
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static DIASTOLIC_PRESSURE: Function = Function {
    name: "diastolic_pressure",
    summary: "Gives the second number of a blood pressure, in mm[Hg].",
    details: "Read are `120/80`, `120x80 mmHg` and, as Brazil says it, `12x8` in centimetres of mercury: \
              numbers below 30 count tens. Null, with a mark, for one number alone, for numbers outside \
              of 40 to 350 and 10 to 250 and where the second is not below the first.",
    domain: Domain::Units,
    parameters: &[Parameter {
        name: "text",
        kind: ParameterType::Text,
        description: "the blood pressure as text",
    }],
    repeated: 0,
    returns: ParameterType::Integer,
    fallible: true,
    examples: &[
        Example { sql: "diastolic_pressure('120/80')", result: Some("80") },
        Example { sql: "diastolic_pressure('12x8')", result: Some("80") },
        Example { sql: "diastolic_pressure('PA: 120 X 80 mmHg')", result: Some("80") },
        Example { sql: "diastolic_pressure('12,5 por 8')", result: Some("80") },
        Example { sql: "diastolic_pressure('80/120')", result: None },
        Example { sql: "diastolic_pressure('120')", result: None },
        Example { sql: "diastolic_pressure('120x8')", result: None },
        Example { sql: "diastolic_pressure(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    Ok(output::integers(call.rows, |row| Some(blood_pressure(texts.get(row)?)?.1)))
}
