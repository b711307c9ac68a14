//! `weight_kg`: reads a weight and gives it in kilograms.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use super::quantity::plain_number;
use super::spellings::code;
use super::ucum::{convert, unit};
use crate::functions::kernel::{Call, Compiled};
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, output};

pub(in crate::functions) static WEIGHT_KG: Function = Function {
    name: "weight_kg",
    summary: "Reads a weight and gives it in kilograms.",
    details: "Units are read as `unit_code` reads them, `quilos` and `gramas`, too; a text without a \
              unit has the unit of the rule. The decimal character may be `.` or `,`; with three digits \
              behind it (`3.500 g`) it could stand for thousands, so that is null, with a mark.",
    domain: Domain::Units,
    parameters: &[
        Parameter { name: "text", kind: ParameterType::Text, description: "the weight as text" },
        Parameter {
            name: "unit",
            kind: ParameterType::Unit,
            description: "the unit of texts that carry none: `kg`, `g`, `[lb_av]`",
        },
    ],
    repeated: 0,
    returns: ParameterType::Number,
    fallible: true,
    examples: &[
        Example { sql: "weight_kg('70,5 kg', 'kg')", result: Some("70.5") },
        Example { sql: "weight_kg('3500 g', 'kg')", result: Some("3.5") },
        Example { sql: "weight_kg('154 lb', 'kg')", result: Some("69.85322498") },
        Example { sql: "weight_kg('70', 'kg')", result: Some("70") },
        Example { sql: "weight_kg('3.500 g', 'kg')", result: None },
        Example { sql: "weight_kg('0', 'kg')", result: None },
        Example { sql: "weight_kg('175 cm', 'kg')", result: None },
        Example { sql: "weight_kg(null, 'kg')", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    let mut units = Compiled::new(call.text(1)?, unit);
    let target = unit("kg");
    Ok(output::decimals(call.rows, |row| {
        let (number, written) = plain_number(texts.get(row)?)?;
        if number <= 0 {
            return None;
        }
        match written {
            "" => convert(number, units.get(row)?, target.as_ref()?),
            _ => convert(number, &unit(&code(written)?)?, target.as_ref()?),
        }
    })?)
}
