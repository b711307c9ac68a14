//! `two_digit_year_date`: reads a date whose year has two digits, by a pivot that the rule states.

use arrow::array::ArrayRef;
use arrow::datatypes::Int64Type;
use datafusion::common::Result;

use super::read::{DateOrder, short_year_date};
use crate::functions::kernel::{Call, Compiled};
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, output};

pub(in crate::functions) static TWO_DIGIT_YEAR_DATE: Function = Function {
    name: "two_digit_year_date",
    summary: "Reads a date whose year has two digits, by a pivot that the rule states.",
    details: "Years below the pivot are 20xx, the others 19xx: for birth dates the last two digits of \
              the year after the export are a good pivot where nobody can be older than a hundred, and \
              no pivot is good where somebody can. Numbers are divided by `/`, `-`, `.` or blanks. Null, \
              with a mark, for a year of four digits: `coalesce(parse_date(...), \
              two_digit_year_date(...))` reads both.",
    domain: Domain::Dates,
    parameters: &[
        Parameter { name: "text", kind: ParameterType::Text, description: "the date as text" },
        Parameter {
            name: "order",
            kind: ParameterType::DateOrder,
            description: "`DMY`, `MDY` or `YMD`: how numbers follow each other where the year is not first",
        },
        Parameter {
            name: "pivot",
            kind: ParameterType::Length,
            description: "the first year of 19xx, 0 to 100",
        },
    ],
    repeated: 0,
    returns: ParameterType::Date,
    fallible: true,
    examples: &[
        Example { sql: "two_digit_year_date('31/12/99', 'DMY', 27)", result: Some("1999-12-31") },
        Example { sql: "two_digit_year_date('12-31-26', 'MDY', 27)", result: Some("2026-12-31") },
        Example { sql: "two_digit_year_date('26.1.5', 'YMD', 27)", result: Some("2026-01-05") },
        Example { sql: "two_digit_year_date('31/12/1999', 'DMY', 27)", result: None },
        Example { sql: "two_digit_year_date('31/02/99', 'DMY', 27)", result: None },
        Example { sql: "two_digit_year_date(null, 'DMY', 27)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    let mut orders = Compiled::new(call.text(1)?, DateOrder::named);
    let pivots = call.values::<Int64Type>(2)?;
    Ok(output::dates(call.rows, |row| {
        let pivot = u32::try_from(pivots.get(row)?).ok().filter(|pivot| *pivot <= 100)?;
        short_year_date(texts.get(row)?, *orders.get(row)?, pivot)
    }))
}
