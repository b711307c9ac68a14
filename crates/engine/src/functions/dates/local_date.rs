//! `local_date`: the date on a wall clock at an instant.

use arrow::array::ArrayRef;
use arrow::datatypes::TimestampMicrosecondType;
use datafusion::common::Result;

use crate::datetime::Zone;
use crate::functions::kernel::{Call, Compiled};
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, output};

pub(in crate::functions) static LOCAL_DATE: Function = Function {
    name: "local_date",
    summary: "Gives the date that clocks in a time zone show at an instant.",
    details: "",
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
    returns: ParameterType::Date,
    fallible: false,
    examples: &[
        Example {
            sql: "local_date(parse_datetime('2021-03-05T01:30:00Z', 'ISO', 'UTC'), 'America/Sao_Paulo')",
            result: Some("2021-03-04"),
        },
        Example {
            sql: "local_date(parse_datetime('2021-03-05T01:30:00Z', 'ISO', 'UTC'), 'UTC')",
            result: Some("2021-03-05"),
        },
        Example { sql: "local_date(null, 'UTC')", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let instants = call.values::<TimestampMicrosecondType>(0)?;
    let mut zones = Compiled::new(call.text(1)?, Zone::named);
    Ok(output::dates(call.rows, |row| zones.get(row)?.local_day(instants.get(row)?)))
}
