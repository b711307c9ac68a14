//! `format_date`: date to text by a pattern.

use arrow::array::ArrayRef;
use arrow::datatypes::Date32Type;
use datafusion::common::Result;

use crate::datetime::Pattern;
use crate::functions::kernel::{Call, Compiled};
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, output};

pub(in crate::functions) static FORMAT_DATE: Function = Function {
    name: "format_date",
    summary: "Writes a date by a pattern.",
    details: "Names of months and days are English. `FM` before a word leaves out its padding.",
    domain: Domain::Dates,
    parameters: &[
        Parameter { name: "date", kind: ParameterType::Date, description: "the date" },
        Parameter {
            name: "format",
            kind: ParameterType::WrittenFormat,
            description: "PostgreSQL template words (`DD/MM/YYYY`), or `ISO`",
        },
    ],
    repeated: 0,
    returns: ParameterType::Text,
    // Dates outside of the years 1 to 9999 have no text.
    fallible: true,
    examples: &[
        Example {
            sql: "format_date(parse_date('2021-03-05', 'ISO'), 'DD/MM/YYYY')",
            result: Some("05/03/2021"),
        },
        Example {
            sql: "format_date(parse_date('2021-03-05', 'ISO'), 'Dy, FMDD Month YYYY')",
            result: Some("Fri, 5 March 2021"),
        },
        Example { sql: "format_date(parse_date('', 'ISO'), 'YYYY')", result: None },
        Example { sql: "format_date(null, 'YYYY')", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let dates = call.values::<Date32Type>(0)?;
    let mut patterns = Compiled::new(call.text(1)?, |text| Pattern::compile(text).ok());
    Ok(output::write_text(call.rows, |row, text| patterns.get(row)?.format_date(dates.get(row)?, text)))
}
