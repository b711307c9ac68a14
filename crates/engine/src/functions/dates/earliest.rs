//! `earliest`: gives the earliest of some dates.

use arrow::array::ArrayRef;
use arrow::datatypes::Date32Type;
use datafusion::common::Result;

use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static EARLIEST: Function = Function {
    name: "earliest",
    summary: "Gives the earliest of some dates.",
    details: "Dates that are null do not count; null where all are.",
    domain: Domain::Dates,
    parameters: &[Parameter {
        name: "date",
        kind: ParameterType::Date,
        description: "a date; any number of them",
    }],
    repeated: 1,
    returns: ParameterType::Date,
    fallible: false,
    examples: &[
        Example {
            sql: "earliest(parse_date('2021-03-05', 'ISO'), parse_date('2020-03-05', 'ISO'))",
            result: Some("2020-03-05"),
        },
        Example { sql: "earliest(null, parse_date('2021-03-05', 'ISO'))", result: Some("2021-03-05") },
        Example { sql: "earliest(parse_date('2021-02-30', 'ISO'), null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let dates: Vec<_> =
        (0..call.len()).map(|index| call.values::<Date32Type>(index)).collect::<Result<_>>()?;
    Ok(output::dates(call.rows, |row| dates.iter().filter_map(|dates| dates.get(row)).min()))
}
