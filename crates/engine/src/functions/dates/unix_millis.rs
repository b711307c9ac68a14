//! `unix_millis`: gives the instant that is so many milliseconds after 1970-01-01 in UTC.

use arrow::array::ArrayRef;
use arrow::datatypes::Int64Type;
use datafusion::common::Result;

use crate::datetime::civil;
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static UNIX_MILLIS: Function = Function {
    name: "unix_millis",
    summary: "Gives the instant that is so many milliseconds after 1970-01-01 in UTC.",
    details: "Null, with a mark, outside of the years 1 to 9999.",
    domain: Domain::Dates,
    parameters: &[Parameter {
        name: "number",
        kind: ParameterType::Integer,
        description: "the number of milliseconds",
    }],
    repeated: 0,
    returns: ParameterType::Datetime,
    fallible: true,
    examples: &[
        Example { sql: "unix_millis(1614954600000)", result: Some("2021-03-05T14:30:00Z") },
        Example { sql: "unix_millis(-1000)", result: Some("1969-12-31T23:59:59Z") },
        Example { sql: "unix_millis(parse_integer('9223372036854775807'))", result: None },
        Example { sql: "unix_millis(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let numbers = call.values::<Int64Type>(0)?;
    Ok(output::instants(call.rows, |row| civil::in_range(numbers.get(row)?.checked_mul(1_000)?)))
}
