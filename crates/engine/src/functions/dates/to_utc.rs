//! `to_utc`: writes an instant in UTC by ISO 8601: `2021-03-05T14:30:00Z`.

use arrow::array::ArrayRef;
use arrow::datatypes::TimestampMicrosecondType;
use datafusion::common::Result;

use crate::datetime::{MICROS_PER_DAY, Pattern, write_time};
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static TO_UTC: Function = Function {
    name: "to_utc",
    summary: "Writes an instant in UTC by ISO 8601: `2021-03-05T14:30:00Z`.",
    details: "For targets that keep instants as text.",
    domain: Domain::Dates,
    parameters: &[Parameter { name: "datetime", kind: ParameterType::Datetime, description: "the instant" }],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: false,
    examples: &[
        Example {
            sql: "to_utc(parse_datetime('2021-03-05T14:30:00-03:00', 'ISO', 'UTC'))",
            result: Some("2021-03-05T17:30:00Z"),
        },
        Example {
            sql: "to_utc(parse_datetime('2021-03-05T14:30:00.5Z', 'ISO', 'UTC'))",
            result: Some("2021-03-05T14:30:00.5Z"),
        },
        Example { sql: "to_utc(parse_datetime('2021-03-05', 'ISO', 'UTC'))", result: None },
        Example { sql: "to_utc(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let instants = call.values::<TimestampMicrosecondType>(0)?;
    Ok(output::write_text(call.rows, |row, text| {
        let micros = instants.get(row)?;
        Pattern::ISO.format_date(i32::try_from(micros.div_euclid(MICROS_PER_DAY)).ok()?, text)?;
        text.push('T');
        write_time(micros.rem_euclid(MICROS_PER_DAY), text)?;
        text.push('Z');
        Some(())
    }))
}
