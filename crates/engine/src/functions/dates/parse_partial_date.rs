//! `parse_partial_date`: gives the first day of the year, the month or the day that a text says.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use super::read::{DateOrder, partial_date};
use crate::functions::kernel::{Call, Compiled};
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, output};

pub(in crate::functions) static PARSE_PARTIAL_DATE: Function = Function {
    name: "parse_partial_date",
    summary: "Gives the first day of the year, the month or the day that a text says.",
    details: "Read are `1998`, `05/1998`, `1998-05`, `31/05/1998`, `1998-05-31` and eight digits in the \
              given order, with `/`, `-`, `.` or blanks between the numbers. A day or month of `00` is \
              one that is not known. The first day is not what the text says: load `date_precision` \
              beside it.",
    domain: Domain::Dates,
    parameters: &[
        Parameter { name: "text", kind: ParameterType::Text, description: "the date as text" },
        Parameter {
            name: "order",
            kind: ParameterType::DateOrder,
            description: "`DMY`, `MDY` or `YMD`: how numbers follow each other where the year is not first",
        },
    ],
    repeated: 0,
    returns: ParameterType::Date,
    fallible: true,
    examples: &[
        Example { sql: "parse_partial_date('1998', 'DMY')", result: Some("1998-01-01") },
        Example { sql: "parse_partial_date('5/1998', 'DMY')", result: Some("1998-05-01") },
        Example { sql: "parse_partial_date('31/05/1998', 'DMY')", result: Some("1998-05-31") },
        Example { sql: "parse_partial_date('05/31/1998', 'MDY')", result: Some("1998-05-31") },
        Example { sql: "parse_partial_date('1998-05-00', 'YMD')", result: Some("1998-05-01") },
        Example { sql: "parse_partial_date('31/05/98', 'DMY')", result: None },
        Example { sql: "parse_partial_date('13/1998', 'DMY')", result: None },
        Example { sql: "parse_partial_date('maio', 'DMY')", result: None },
        Example { sql: "parse_partial_date(null, 'DMY')", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    let mut orders = Compiled::new(call.text(1)?, DateOrder::named);
    Ok(output::dates(call.rows, |row| Some(partial_date(texts.get(row)?, *orders.get(row)?)?.0)))
}
