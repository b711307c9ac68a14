//! `date_precision`: says how much of a date a text gives: `Y`, `M` or `D`.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use super::read::{DateOrder, partial_date};
use crate::functions::kernel::{Call, Compiled};
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, output};

pub(in crate::functions) static DATE_PRECISION: Function = Function {
    name: "date_precision",
    summary: "Says how much of a date a text gives: `Y`, `M` or `D`.",
    details: "For the texts that `parse_partial_date` reads; null, with a mark, for any other.",
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
    returns: ParameterType::Text,
    fallible: true,
    examples: &[
        Example { sql: "date_precision('1998', 'DMY')", result: Some("Y") },
        Example { sql: "date_precision('00/05/1998', 'DMY')", result: Some("M") },
        Example { sql: "date_precision('31/05/1998', 'DMY')", result: Some("D") },
        Example { sql: "date_precision('31/02/1998', 'DMY')", result: None },
        Example { sql: "date_precision(null, 'DMY')", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    let mut orders = Compiled::new(call.text(1)?, DateOrder::named);
    Ok(output::write_text(call.rows, |row, text| {
        text.push_str(partial_date(texts.get(row)?, *orders.get(row)?)?.1);
        Some(())
    }))
}
