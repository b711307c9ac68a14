//! `parse_datetime`: text to instant by a pattern and a time zone.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use crate::datetime::{Pattern, Zone};
use crate::functions::kernel::{Call, Compiled};
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, output};

pub(in crate::functions) static PARSE_DATETIME: Function = Function {
    name: "parse_datetime",
    summary: "Reads a date and time by a pattern; without an offset in the text it is the zone's wall clock.",
    details: "A wall clock reading that occurs twice, when clocks are set back, is its first occurrence; one that \
              never occurred, when clocks are set forward, is null. 24:00 and leap seconds are null.",
    domain: Domain::Dates,
    parameters: &[
        Parameter { name: "text", kind: ParameterType::Text, description: "the date and time as text" },
        Parameter {
            name: "format",
            kind: ParameterType::DatetimeFormat,
            description: "PostgreSQL template words (`DD/MM/YYYY HH24:MI:SS`), or `ISO`",
        },
        Parameter {
            name: "zone",
            kind: ParameterType::Zone,
            description: "the time zone of texts that carry no offset (`America/Sao_Paulo`)",
        },
    ],
    repeated: 0,
    returns: ParameterType::Datetime,
    fallible: true,
    examples: &[
        Example {
            sql: "parse_datetime('05/03/2021 14:30', 'DD/MM/YYYY HH24:MI', 'America/Sao_Paulo')",
            result: Some("2021-03-05T17:30:00Z"),
        },
        Example {
            sql: "parse_datetime('2021-03-05T14:30:00.250+02:00', 'ISO', 'UTC')",
            result: Some("2021-03-05T12:30:00.250Z"),
        },
        Example {
            sql: "parse_datetime('03/05/2021 02:30 PM', 'MM/DD/YYYY HH12:MI AM', 'UTC')",
            result: Some("2021-03-05T14:30:00Z"),
        },
        Example {
            sql: "parse_datetime('2024-11-03T01:30:00', 'ISO', 'America/New_York')",
            result: Some("2024-11-03T05:30:00Z"),
        },
        Example { sql: "parse_datetime('2024-03-10T02:30:00', 'ISO', 'America/New_York')", result: None },
        Example { sql: "parse_datetime('05/03/2021', 'DD/MM/YYYY HH24:MI', 'UTC')", result: None },
        Example { sql: "parse_datetime(null, 'ISO', 'UTC')", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    let mut patterns = Compiled::new(call.text(1)?, |text| {
        Pattern::compile(text).ok().filter(|pattern| pattern.check_datetime().is_ok())
    });
    let mut zones = Compiled::new(call.text(2)?, Zone::named);
    Ok(output::instants(call.rows, |row| {
        patterns.get(row)?.parse_datetime(texts.get(row)?, *zones.get(row)?)
    }))
}
