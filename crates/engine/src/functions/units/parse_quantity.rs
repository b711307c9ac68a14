//! `parse_quantity`: reads the number of a quantity with its unit: `70 kg`, `1.234,5 mL`.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use super::quantity::number_and_unit;
use crate::functions::kernel::{Call, Compiled};
use crate::functions::numbers::written::notation;
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, output};

pub(in crate::functions) static PARSE_QUANTITY: Function = Function {
    name: "parse_quantity",
    summary: "Reads the number of a quantity with its unit: `70 kg`, `1.234,5 mL`.",
    details: "`quantity_unit` gives the unit. Null, with a mark, where no number comes first, where it \
              is a range (`5-10 mg`) or has a comparator (`<0,5`; see `quantity_comparator`): its number \
              alone would say something else.",
    domain: Domain::Units,
    parameters: &[
        Parameter { name: "text", kind: ParameterType::Text, description: "the quantity as text" },
        Parameter { name: "decimal_char", kind: ParameterType::DecimalChar, description: "`.` or `,`" },
    ],
    repeated: 0,
    returns: ParameterType::Number,
    fallible: true,
    examples: &[
        Example { sql: "parse_quantity('70 kg', ',')", result: Some("70") },
        Example { sql: "parse_quantity('1.234,5mL', ',')", result: Some("1234.5") },
        Example { sql: "parse_quantity('98', '.')", result: Some("98") },
        Example { sql: "parse_quantity('<0,5 mg/L', ',')", result: None },
        Example { sql: "parse_quantity('5-10 mg', ',')", result: None },
        Example { sql: "parse_quantity('kg', ',')", result: None },
        Example { sql: "parse_quantity(null, ',')", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    let mut notations = Compiled::new(call.text(1)?, notation);
    Ok(output::decimals(call.rows, |row| {
        let (number, _) = number_and_unit(texts.get(row)?)?;
        notations.get(row)?.parse(number)
    })?)
}
