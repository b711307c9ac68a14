//! `date_at`: the instant of a date and a time of day that stand in two columns.

use arrow::array::ArrayRef;
use arrow::datatypes::Date32Type;
use datafusion::common::Result;

use crate::datetime::{MICROS_PER_DAY, Pattern, Zone};
use crate::functions::kernel::{Call, Compiled};
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, output};

pub(in crate::functions) static DATE_AT: Function = Function {
    name: "date_at",
    summary: "Gives the instant of a date and a time of day on the wall clock of a time zone.",
    details: "A reading that occurs twice, when clocks are set back, is its first occurrence; one that never \
              occurred, when clocks are set forward, is null.",
    domain: Domain::Dates,
    parameters: &[
        Parameter { name: "date", kind: ParameterType::Date, description: "the date" },
        Parameter {
            name: "time",
            kind: ParameterType::Text,
            description: "`HH:MM` or `HH:MM:SS`, 00:00 to 23:59:59",
        },
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
            sql: "date_at(parse_date('05/03/2021', 'DD/MM/YYYY'), '08:15', 'America/Sao_Paulo')",
            result: Some("2021-03-05T11:15:00Z"),
        },
        Example {
            sql: "date_at(parse_date('2021-03-05', 'ISO'), '08:15:30', 'UTC')",
            result: Some("2021-03-05T08:15:30Z"),
        },
        Example { sql: "date_at(parse_date('2021-03-05', 'ISO'), '24:00', 'UTC')", result: None },
        Example { sql: "date_at(parse_date('2021-03-05', 'ISO'), '8h', 'UTC')", result: None },
        Example { sql: "date_at(parse_date('2021-03-05', 'ISO'), null, 'UTC')", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let dates = call.values::<Date32Type>(0)?;
    let times = call.text(1)?;
    let mut zones = Compiled::new(call.text(2)?, Zone::named);
    Ok(output::instants(call.rows, |row| {
        let time = Pattern::ISO.parse_time(times.get(row)?)?;
        zones.get(row)?.instant(i64::from(dates.get(row)?) * MICROS_PER_DAY + time)
    }))
}
