//! `add_months`: gives the date so many months later, or earlier.

use arrow::array::ArrayRef;
use arrow::datatypes::Date32Type;
use arrow::datatypes::Int64Type;
use datafusion::common::Result;

use crate::datetime::civil;
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static ADD_MONTHS: Function = Function {
    name: "add_months",
    summary: "Gives the date so many months later, or earlier.",
    details: "Where the month is too short for the day it is the month's last: a month after 31 January \
              is the end of February. Twelve months are a year.",
    domain: Domain::Dates,
    parameters: &[
        Parameter { name: "date", kind: ParameterType::Date, description: "the date" },
        Parameter {
            name: "months",
            kind: ParameterType::Integer,
            description: "how many months; below zero: earlier",
        },
    ],
    repeated: 0,
    returns: ParameterType::Date,
    fallible: true,
    examples: &[
        Example { sql: "add_months(parse_date('2021-01-31', 'ISO'), 1)", result: Some("2021-02-28") },
        Example { sql: "add_months(parse_date('2020-02-29', 'ISO'), -12)", result: Some("2019-02-28") },
        Example { sql: "add_months(parse_date('2021-12-05', 'ISO'), 1)", result: Some("2022-01-05") },
        Example { sql: "add_months(parse_date('9999-12-31', 'ISO'), 1)", result: None },
        Example { sql: "add_months(null, 1)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let dates = call.values::<Date32Type>(0)?;
    let months = call.values::<Int64Type>(1)?;
    Ok(output::dates(call.rows, |row| {
        let (year, month, day) = civil::date(dates.get(row)?)?;
        let months = (i64::from(year) * 12 + i64::from(month) - 1).checked_add(months.get(row)?)?;
        let year = u32::try_from(months.div_euclid(12)).ok()?;
        let month = u32::try_from(months.rem_euclid(12)).ok()? + 1;
        civil::days(year, month, day.min(civil::days_in_month(year, month)))
    }))
}
