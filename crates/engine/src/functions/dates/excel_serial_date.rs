//! `excel_serial_date`: gives the date of a spreadsheet's day number.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use super::read::excel_serial;
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static EXCEL_SERIAL_DATE: Function = Function {
    name: "excel_serial_date",
    summary: "Gives the date of a spreadsheet's day number.",
    details: "Day 1 is 1900-01-01, as Excel counts; its day 60, a 29 February that never was, is null. A \
              time of day (`44260.5`) is null, with a mark: use `excel_serial_datetime`. Files of old \
              Macintoshes count from 1904; add 1462 days.",
    domain: Domain::Dates,
    parameters: &[Parameter { name: "text", kind: ParameterType::Text, description: "the number as text" }],
    repeated: 0,
    returns: ParameterType::Date,
    fallible: true,
    examples: &[
        Example { sql: "excel_serial_date('44260')", result: Some("2021-03-05") },
        Example { sql: "excel_serial_date('1')", result: Some("1900-01-01") },
        Example { sql: "excel_serial_date('44260.0')", result: Some("2021-03-05") },
        Example { sql: "excel_serial_date('60')", result: None },
        Example { sql: "excel_serial_date('44260.5')", result: None },
        Example { sql: "excel_serial_date('05/03/2021')", result: None },
        Example { sql: "excel_serial_date(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    Ok(output::dates(call.rows, |row| {
        let (day, millis) = excel_serial(texts.get(row)?)?;
        (millis == 0).then_some(day)
    }))
}
