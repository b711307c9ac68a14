//! `age_years`: gives the age in completed years at a date.

use arrow::array::ArrayRef;
use arrow::datatypes::Date32Type;
use datafusion::common::Result;

use crate::datetime::civil;
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static AGE_YEARS: Function = Function {
    name: "age_years",
    summary: "Gives the age in completed years at a date.",
    details: "Who was born on 29 February completes a year on 1 March of other years. Null, with a mark, \
              before birth.",
    domain: Domain::Dates,
    parameters: &[
        Parameter { name: "birth", kind: ParameterType::Date, description: "the date of birth" },
        Parameter {
            name: "at",
            kind: ParameterType::Date,
            description: "the date at which the age is asked",
        },
    ],
    repeated: 0,
    returns: ParameterType::Integer,
    fallible: true,
    examples: &[
        Example {
            sql: "age_years(parse_date('1980-05-31', 'ISO'), parse_date('2021-05-30', 'ISO'))",
            result: Some("40"),
        },
        Example {
            sql: "age_years(parse_date('1980-05-31', 'ISO'), parse_date('2021-05-31', 'ISO'))",
            result: Some("41"),
        },
        Example {
            sql: "age_years(parse_date('2020-02-29', 'ISO'), parse_date('2021-02-28', 'ISO'))",
            result: Some("0"),
        },
        Example {
            sql: "age_years(parse_date('2021-01-02', 'ISO'), parse_date('2021-01-01', 'ISO'))",
            result: None,
        },
        Example { sql: "age_years(null, parse_date('2021-01-01', 'ISO'))", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let (births, at) = (call.values::<Date32Type>(0)?, call.values::<Date32Type>(1)?);
    Ok(output::integers(call.rows, |row| {
        let (born, birth_month, birth_day) = civil::date(births.get(row)?)?;
        let (year, month, day) = civil::date(at.get(row)?)?;
        let years = i64::from(year) - i64::from(born);
        let age = years - i64::from((month, day) < (birth_month, birth_day));
        (age >= 0).then_some(age)
    }))
}
