//! `month_of`: gives the month of a date, 1 to 12.

use arrow::array::ArrayRef;
use arrow::datatypes::Date32Type;
use datafusion::common::Result;

use crate::datetime::civil;
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static MONTH_OF: Function = Function {
    name: "month_of",
    summary: "Gives the month of a date, 1 to 12.",
    details: "",
    domain: Domain::Dates,
    parameters: &[Parameter { name: "date", kind: ParameterType::Date, description: "the date" }],
    repeated: 0,
    returns: ParameterType::Integer,
    fallible: false,
    examples: &[
        Example { sql: "month_of(parse_date('2021-03-05', 'ISO'))", result: Some("3") },
        Example { sql: "month_of(parse_date('0001-01-01', 'ISO'))", result: Some("1") },
        Example { sql: "month_of(parse_date('2021-02-30', 'ISO'))", result: None },
        Example { sql: "month_of(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let dates = call.values::<Date32Type>(0)?;
    Ok(output::integers(call.rows, |row| civil::date(dates.get(row)?).map(|(_, month, _)| i64::from(month))))
}
