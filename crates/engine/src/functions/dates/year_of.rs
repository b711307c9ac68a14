//! `year_of`: gives the year of a date.

use arrow::array::ArrayRef;
use arrow::datatypes::Date32Type;
use datafusion::common::Result;

use crate::datetime::civil;
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static YEAR_OF: Function = Function {
    name: "year_of",
    summary: "Gives the year of a date.",
    details: "",
    domain: Domain::Dates,
    parameters: &[Parameter { name: "date", kind: ParameterType::Date, description: "the date" }],
    repeated: 0,
    returns: ParameterType::Integer,
    fallible: false,
    examples: &[
        Example { sql: "year_of(parse_date('2021-03-05', 'ISO'))", result: Some("2021") },
        Example { sql: "year_of(parse_date('0001-01-01', 'ISO'))", result: Some("1") },
        Example { sql: "year_of(parse_date('2021-02-30', 'ISO'))", result: None },
        Example { sql: "year_of(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let dates = call.values::<Date32Type>(0)?;
    Ok(output::integers(call.rows, |row| civil::date(dates.get(row)?).map(|(year, _, _)| i64::from(year))))
}
