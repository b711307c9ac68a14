//! `day_of`: gives the day of the month of a date, 1 to 31.

use arrow::array::ArrayRef;
use arrow::datatypes::Date32Type;
use datafusion::common::Result;

use crate::datetime::civil;
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static DAY_OF: Function = Function {
    name: "day_of",
    summary: "Gives the day of the month of a date, 1 to 31.",
    details: "",
    domain: Domain::Dates,
    parameters: &[Parameter { name: "date", kind: ParameterType::Date, description: "the date" }],
    repeated: 0,
    returns: ParameterType::Integer,
    fallible: false,
    examples: &[
        Example { sql: "day_of(parse_date('2021-03-05', 'ISO'))", result: Some("5") },
        Example { sql: "day_of(parse_date('0001-01-01', 'ISO'))", result: Some("1") },
        Example { sql: "day_of(parse_date('2021-02-30', 'ISO'))", result: None },
        Example { sql: "day_of(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let dates = call.values::<Date32Type>(0)?;
    Ok(output::integers(call.rows, |row| civil::date(dates.get(row)?).map(|(_, _, day)| i64::from(day))))
}
