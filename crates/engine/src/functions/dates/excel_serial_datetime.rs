//! `excel_serial_datetime`: gives the instant of a spreadsheet's day number with a time of day.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use super::read::excel_serial;
use crate::datetime::{Zone, civil};
use crate::functions::kernel::{Call, Compiled};
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, output};

pub(in crate::functions) static EXCEL_SERIAL_DATETIME: Function = Function {
    name: "excel_serial_datetime",
    summary: "Gives the instant of a spreadsheet's day number with a time of day.",
    details: "Day 1 is 1900-01-01, as Excel counts, and the fraction is the part of the day that has \
              passed, rounded to milliseconds, on the wall clock of the zone. A reading that never \
              occurred, when clocks are set forward, is null.",
    domain: Domain::Dates,
    parameters: &[
        Parameter { name: "text", kind: ParameterType::Text, description: "the number as text" },
        Parameter {
            name: "zone",
            kind: ParameterType::Zone,
            description: "the time zone (`America/Sao_Paulo`)",
        },
    ],
    repeated: 0,
    returns: ParameterType::Datetime,
    fallible: true,
    examples: &[
        Example {
            sql: "excel_serial_datetime('44260.604166666664', 'UTC')",
            result: Some("2021-03-05T14:30:00Z"),
        },
        Example {
            sql: "excel_serial_datetime('44260', 'America/Sao_Paulo')",
            result: Some("2021-03-05T03:00:00Z"),
        },
        Example { sql: "excel_serial_datetime('60.5', 'UTC')", result: None },
        Example { sql: "excel_serial_datetime('x', 'UTC')", result: None },
        Example { sql: "excel_serial_datetime(null, 'UTC')", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    let mut zones = Compiled::new(call.text(1)?, Zone::named);
    Ok(output::instants(call.rows, |row| {
        let (day, millis) = excel_serial(texts.get(row)?)?;
        zones.get(row)?.instant(i64::from(day) * civil::MICROS_PER_DAY + millis * 1000)
    }))
}
