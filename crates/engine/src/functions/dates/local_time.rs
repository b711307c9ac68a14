//! `local_time`: gives the time of day that clocks in a time zone show at an instant, as `HH:MM:SS`.

use arrow::array::ArrayRef;
use arrow::datatypes::TimestampMicrosecondType;
use datafusion::common::Result;

use crate::datetime::{MICROS_PER_DAY, Zone, write_time};
use crate::functions::kernel::{Call, Compiled};
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, output};

pub(in crate::functions) static LOCAL_TIME: Function = Function {
    name: "local_time",
    summary: "Gives the time of day that clocks in a time zone show at an instant, as `HH:MM:SS`.",
    details: "`local_date` gives the date.",
    domain: Domain::Dates,
    parameters: &[
        Parameter { name: "datetime", kind: ParameterType::Datetime, description: "the instant" },
        Parameter {
            name: "zone",
            kind: ParameterType::Zone,
            description: "the time zone (`America/Sao_Paulo`)",
        },
    ],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: false,
    examples: &[
        Example {
            sql: "local_time(parse_datetime('2021-03-05T01:30:00Z', 'ISO', 'UTC'), 'America/Sao_Paulo')",
            result: Some("22:30:00"),
        },
        Example {
            sql: "local_time(parse_datetime('2021-03-05T01:30:00.250Z', 'ISO', 'UTC'), 'UTC')",
            result: Some("01:30:00.25"),
        },
        Example {
            sql: "local_time(parse_datetime('2019-01-05T01:30:00Z', 'ISO', 'UTC'), 'America/Sao_Paulo')",
            result: Some("23:30:00"),
        },
        Example { sql: "local_time(null, 'UTC')", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let instants = call.values::<TimestampMicrosecondType>(0)?;
    let mut zones = Compiled::new(call.text(1)?, Zone::named);
    Ok(output::write_text(call.rows, |row, text| {
        let local = zones.get(row)?.local(instants.get(row)?)?;
        write_time(local.rem_euclid(MICROS_PER_DAY), text)
    }))
}
