//! `days_between`: counts the days from one date to another.

use arrow::array::ArrayRef;
use arrow::datatypes::Date32Type;
use datafusion::common::Result;

use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static DAYS_BETWEEN: Function = Function {
    name: "days_between",
    summary: "Counts the days from one date to another.",
    details: "Below zero where the second is earlier.",
    domain: Domain::Dates,
    parameters: &[
        Parameter { name: "from", kind: ParameterType::Date, description: "the first date" },
        Parameter { name: "to", kind: ParameterType::Date, description: "the second date" },
    ],
    repeated: 0,
    returns: ParameterType::Integer,
    fallible: false,
    examples: &[
        Example {
            sql: "days_between(parse_date('2021-02-28', 'ISO'), parse_date('2021-03-05', 'ISO'))",
            result: Some("5"),
        },
        Example {
            sql: "days_between(parse_date('2021-03-05', 'ISO'), parse_date('2021-03-04', 'ISO'))",
            result: Some("-1"),
        },
        Example { sql: "days_between(parse_date('2021-03-05', 'ISO'), null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let (from, to) = (call.values::<Date32Type>(0)?, call.values::<Date32Type>(1)?);
    Ok(output::integers(call.rows, |row| Some(i64::from(to.get(row)?) - i64::from(from.get(row)?))))
}
