//! `minutes_between`: counts the whole minutes from one instant to another.

use arrow::array::ArrayRef;
use arrow::datatypes::TimestampMicrosecondType;
use datafusion::common::Result;

use crate::datetime::civil;
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static MINUTES_BETWEEN: Function = Function {
    name: "minutes_between",
    summary: "Counts the whole minutes from one instant to another.",
    details: "Below zero where the second is earlier. A part of a minute does not count.",
    domain: Domain::Dates,
    parameters: &[
        Parameter { name: "from", kind: ParameterType::Datetime, description: "the first instant" },
        Parameter { name: "to", kind: ParameterType::Datetime, description: "the second instant" },
    ],
    repeated: 0,
    returns: ParameterType::Integer,
    fallible: false,
    examples: &[
        Example {
            sql: "minutes_between(parse_datetime('2021-03-05T14:30:00Z', 'ISO', 'UTC'), parse_datetime('2021-03-05T15:15:59Z', 'ISO', 'UTC'))",
            result: Some("45"),
        },
        Example {
            sql: "minutes_between(parse_datetime('2021-03-05T14:30:00Z', 'ISO', 'UTC'), parse_datetime('2021-03-05T14:00:00Z', 'ISO', 'UTC'))",
            result: Some("-30"),
        },
        Example {
            sql: "minutes_between(parse_datetime('2021-03-05T14:30:00Z', 'ISO', 'UTC'), null)",
            result: None,
        },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let from = call.values::<TimestampMicrosecondType>(0)?;
    let to = call.values::<TimestampMicrosecondType>(1)?;
    Ok(output::integers(call.rows, |row| {
        Some(to.get(row)?.checked_sub(from.get(row)?)? / (60 * civil::MICROS_PER_SECOND))
    }))
}
