//! `add_minutes`: gives the instant so many minutes later, or earlier.

use arrow::array::ArrayRef;
use arrow::datatypes::Int64Type;
use arrow::datatypes::TimestampMicrosecondType;
use datafusion::common::Result;

use crate::datetime::civil;
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static ADD_MINUTES: Function = Function {
    name: "add_minutes",
    summary: "Gives the instant so many minutes later, or earlier.",
    details: "For the end of an appointment whose length is known. Minutes pass alike when clocks are \
              set.",
    domain: Domain::Dates,
    parameters: &[
        Parameter { name: "datetime", kind: ParameterType::Datetime, description: "the instant" },
        Parameter {
            name: "minutes",
            kind: ParameterType::Integer,
            description: "how many minutes; below zero: earlier",
        },
    ],
    repeated: 0,
    returns: ParameterType::Datetime,
    fallible: true,
    examples: &[
        Example {
            sql: "add_minutes(parse_datetime('2021-03-05T14:30:00Z', 'ISO', 'UTC'), 45)",
            result: Some("2021-03-05T15:15:00Z"),
        },
        Example {
            sql: "add_minutes(parse_datetime('2021-03-05T00:00:00Z', 'ISO', 'UTC'), -30)",
            result: Some("2021-03-04T23:30:00Z"),
        },
        Example { sql: "add_minutes(parse_datetime('9999-12-31T23:59:59Z', 'ISO', 'UTC'), 1)", result: None },
        Example { sql: "add_minutes(null, 1)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let instants = call.values::<TimestampMicrosecondType>(0)?;
    let minutes = call.values::<Int64Type>(1)?;
    Ok(output::instants(call.rows, |row| {
        let micros = minutes.get(row)?.checked_mul(60 * civil::MICROS_PER_SECOND)?;
        civil::in_range(instants.get(row)?.checked_add(micros)?)
    }))
}
