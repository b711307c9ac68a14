//! `weekday_of`: gives the day of the week of a date: 1 is Monday, 7 is Sunday.

use arrow::array::ArrayRef;
use arrow::datatypes::Date32Type;
use datafusion::common::Result;

use crate::datetime::civil;
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static WEEKDAY_OF: Function = Function {
    name: "weekday_of",
    summary: "Gives the day of the week of a date: 1 is Monday, 7 is Sunday.",
    details: "As ISO 8601 counts.",
    domain: Domain::Dates,
    parameters: &[Parameter { name: "date", kind: ParameterType::Date, description: "the date" }],
    repeated: 0,
    returns: ParameterType::Integer,
    fallible: false,
    examples: &[
        Example { sql: "weekday_of(parse_date('2021-03-05', 'ISO'))", result: Some("5") },
        Example { sql: "weekday_of(parse_date('0001-01-01', 'ISO'))", result: Some("1") },
        Example { sql: "weekday_of(parse_date('2021-02-30', 'ISO'))", result: None },
        Example { sql: "weekday_of(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let dates = call.values::<Date32Type>(0)?;
    Ok(output::integers(call.rows, |row| Some(i64::from(civil::weekday(dates.get(row)?)) + 1)))
}
