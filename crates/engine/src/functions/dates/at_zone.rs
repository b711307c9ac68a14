//! `at_zone`: writes an instant as clocks in a time zone show it: `YYYY-MM-DD HH:MM:SS`.

use arrow::array::ArrayRef;
use arrow::datatypes::TimestampMicrosecondType;
use datafusion::common::Result;

use crate::datetime::{MICROS_PER_DAY, Pattern, Zone, write_time};
use crate::functions::kernel::{Call, Compiled};
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, output};

pub(in crate::functions) static AT_ZONE: Function = Function {
    name: "at_zone",
    summary: "Writes an instant as clocks in a time zone show it: `YYYY-MM-DD HH:MM:SS`.",
    details: "For targets that keep local times. The text carries no offset, so an instant in the hour \
              that clocks are set back cannot be told from the one an hour later.",
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
    fallible: true,
    examples: &[
        Example {
            sql: "at_zone(parse_datetime('2021-03-05T01:30:00Z', 'ISO', 'UTC'), 'America/Sao_Paulo')",
            result: Some("2021-03-04 22:30:00"),
        },
        Example {
            sql: "at_zone(parse_datetime('2021-03-05T01:30:00Z', 'ISO', 'UTC'), 'UTC')",
            result: Some("2021-03-05 01:30:00"),
        },
        Example { sql: "at_zone(parse_datetime('2021-03-05', 'ISO', 'UTC'), 'UTC')", result: None },
        Example { sql: "at_zone(null, 'UTC')", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let instants = call.values::<TimestampMicrosecondType>(0)?;
    let mut zones = Compiled::new(call.text(1)?, Zone::named);
    Ok(output::write_text(call.rows, |row, text| {
        let local = zones.get(row)?.local(instants.get(row)?)?;
        Pattern::ISO.format_date(i32::try_from(local.div_euclid(MICROS_PER_DAY)).ok()?, text)?;
        text.push(' ');
        write_time(local.rem_euclid(MICROS_PER_DAY), text)
    }))
}
