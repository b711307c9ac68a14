//! `temperature_cel`: reads a temperature and gives it in degrees Celsius.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use super::quantity::plain_number;
use super::spellings::code;
use super::ucum::{convert, unit};
use crate::functions::kernel::{Call, Compiled};
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, output};

pub(in crate::functions) static TEMPERATURE_CEL: Function = Function {
    name: "temperature_cel",
    summary: "Reads a temperature and gives it in degrees Celsius.",
    details: "`°C`, `C`, `graus`, `°F`, `F` and UCUM codes are read behind the number; a text without a \
              unit has the unit of the rule. The decimal character may be `.` or `,`, with one or two \
              digits behind it. Rounded to 18 digits after the point.",
    domain: Domain::Units,
    parameters: &[
        Parameter { name: "text", kind: ParameterType::Text, description: "the temperature as text" },
        Parameter {
            name: "unit",
            kind: ParameterType::Unit,
            description: "the unit of texts that carry none: `Cel` or `[degF]`",
        },
    ],
    repeated: 0,
    returns: ParameterType::Number,
    fallible: true,
    examples: &[
        Example { sql: "temperature_cel('36,8 °C', 'Cel')", result: Some("36.8") },
        Example { sql: "temperature_cel('98.6 F', 'Cel')", result: Some("37") },
        Example { sql: "temperature_cel('36.5', 'Cel')", result: Some("36.5") },
        Example { sql: "temperature_cel('98.6', '[degF]')", result: Some("37") },
        Example { sql: "temperature_cel('afebril', 'Cel')", result: None },
        Example { sql: "temperature_cel('36 kg', 'Cel')", result: None },
        Example { sql: "temperature_cel(null, 'Cel')", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    let mut units = Compiled::new(call.text(1)?, unit);
    let target = unit("Cel");
    Ok(output::decimals(call.rows, |row| {
        let (number, written) = plain_number(texts.get(row)?)?;
        let read = match written {
            "" | "°" | "º" => return convert(number, units.get(row)?, target.as_ref()?),
            "C" | "c" | "graus" | "°c" | "ºc" => unit("Cel"),
            "F" | "f" | "°f" | "ºf" => unit("[degF]"),
            _ => unit(&code(written)?),
        };
        convert(number, &read?, target.as_ref()?)
    })?)
}
