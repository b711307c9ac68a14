//! `parse_date`: text to date by a pattern.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use crate::datetime::Pattern;
use crate::functions::kernel::{Call, Compiled};
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, output};

pub(in crate::functions) static PARSE_DATE: Function = Function {
    name: "parse_date",
    summary: "Reads a date by a pattern.",
    details: "The whole text must fit. Years have four digits, 0001 to 9999; day and month may have one digit where \
              no digit can follow; the day must exist. A time in the pattern must be right and is left out.",
    domain: Domain::Dates,
    parameters: &[
        Parameter { name: "text", kind: ParameterType::Text, description: "the date as text" },
        Parameter {
            name: "format",
            kind: ParameterType::DateFormat,
            description: "PostgreSQL template words (`DD/MM/YYYY`), or `ISO`",
        },
    ],
    repeated: 0,
    returns: ParameterType::Date,
    fallible: true,
    examples: &[
        Example { sql: "parse_date('31/12/1999', 'DD/MM/YYYY')", result: Some("1999-12-31") },
        Example { sql: "parse_date('1/2/2020', 'DD/MM/YYYY')", result: Some("2020-02-01") },
        Example { sql: "parse_date('2020-02-29', 'ISO')", result: Some("2020-02-29") },
        Example { sql: "parse_date('Mar 5, 2021', 'Mon DD, YYYY')", result: Some("2021-03-05") },
        Example { sql: "parse_date('30/02/2020', 'DD/MM/YYYY')", result: None },
        Example { sql: "parse_date('12/31/1999', 'DD/MM/YYYY')", result: None },
        Example { sql: "parse_date('1/2/20', 'DD/MM/YYYY')", result: None },
        Example { sql: "parse_date(null, 'ISO')", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    let mut patterns = Compiled::new(call.text(1)?, |text| {
        Pattern::compile(text).ok().filter(|pattern| pattern.check_date().is_ok())
    });
    Ok(output::dates(call.rows, |row| patterns.get(row)?.parse_date(texts.get(row)?)))
}
