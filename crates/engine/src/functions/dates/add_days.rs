//! `add_days`: gives the date so many days later, or earlier.

use arrow::array::ArrayRef;
use arrow::datatypes::Date32Type;
use arrow::datatypes::Int64Type;
use datafusion::common::Result;

use crate::datetime::civil;
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static ADD_DAYS: Function = Function {
    name: "add_days",
    summary: "Gives the date so many days later, or earlier.",
    details: "",
    domain: Domain::Dates,
    parameters: &[
        Parameter { name: "date", kind: ParameterType::Date, description: "the date" },
        Parameter {
            name: "days",
            kind: ParameterType::Integer,
            description: "how many days; below zero: earlier",
        },
    ],
    repeated: 0,
    returns: ParameterType::Date,
    fallible: true,
    examples: &[
        Example { sql: "add_days(parse_date('2021-02-28', 'ISO'), 1)", result: Some("2021-03-01") },
        Example { sql: "add_days(parse_date('2021-01-01', 'ISO'), -366)", result: Some("2020-01-01") },
        Example { sql: "add_days(parse_date('9999-12-31', 'ISO'), 1)", result: None },
        Example { sql: "add_days(null, 1)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let dates = call.values::<Date32Type>(0)?;
    let days = call.values::<Int64Type>(1)?;
    Ok(output::dates(call.rows, |row| {
        let day = i32::try_from(i64::from(dates.get(row)?).checked_add(days.get(row)?)?).ok()?;
        civil::date(day).map(|_| day)
    }))
}
