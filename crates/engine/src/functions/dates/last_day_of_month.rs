//! `last_day_of_month`: gives the last day of a date's month.

use arrow::array::ArrayRef;
use arrow::datatypes::Date32Type;
use datafusion::common::Result;

use crate::datetime::civil;
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static LAST_DAY_OF_MONTH: Function = Function {
    name: "last_day_of_month",
    summary: "Gives the last day of a date's month.",
    details: "",
    domain: Domain::Dates,
    parameters: &[Parameter { name: "date", kind: ParameterType::Date, description: "the date" }],
    repeated: 0,
    returns: ParameterType::Date,
    fallible: false,
    examples: &[
        Example { sql: "last_day_of_month(parse_date('2020-02-05', 'ISO'))", result: Some("2020-02-29") },
        Example { sql: "last_day_of_month(parse_date('2020-02-29', 'ISO'))", result: Some("2020-02-29") },
        Example { sql: "last_day_of_month(parse_date('', 'ISO'))", result: None },
        Example { sql: "last_day_of_month(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let dates = call.values::<Date32Type>(0)?;
    Ok(output::dates(call.rows, |row| {
        let (year, month, _) = civil::date(dates.get(row)?)?;
        civil::days(year, month, civil::days_in_month(year, month))
    }))
}
