//! `convert_unit`: converts a number from one UCUM unit to another.

use arrow::array::ArrayRef;
use arrow::datatypes::Decimal128Type;
use datafusion::common::Result;

use super::ucum::{convert, unit};
use crate::functions::kernel::{Call, Compiled};
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, output};

pub(in crate::functions) static CONVERT_UNIT: Function = Function {
    name: "convert_unit",
    summary: "Converts a number from one UCUM unit to another.",
    details: "Exact in 28 digits, then rounded to 18 after the point. Null, with a mark, where a unit is \
              not one of UCUM, where they measure different things (`mmol/L` to `mg/dL` needs the molar \
              mass of the substance: it is not a conversion of units), for logarithmic units (`[pH]`, \
              `dB`) and where the result has more than 20 digits before the point.",
    domain: Domain::Units,
    parameters: &[
        Parameter { name: "value", kind: ParameterType::Number, description: "the number" },
        Parameter { name: "from", kind: ParameterType::Unit, description: "its unit" },
        Parameter { name: "to", kind: ParameterType::Unit, description: "the unit of the result" },
    ],
    repeated: 0,
    returns: ParameterType::Number,
    fallible: true,
    examples: &[
        Example {
            sql: "convert_unit(parse_number('154', '.'), '[lb_av]', 'kg')",
            result: Some("69.85322498"),
        },
        Example { sql: "convert_unit(parse_number('98.6', '.'), '[degF]', 'Cel')", result: Some("37") },
        Example { sql: "convert_unit(parse_number('1.75', '.'), 'm', 'cm')", result: Some("175") },
        Example { sql: "convert_unit(parse_number('1.2', '.'), 'g/L', 'mg/dL')", result: Some("120") },
        Example { sql: "convert_unit(parse_number('5.5', '.'), 'mmol/L', 'mg/dL')", result: None },
        Example { sql: "convert_unit(parse_number('1', '.'), 'kg', 'm')", result: None },
        Example { sql: "convert_unit(null, 'm', 'cm')", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let numbers = call.values::<Decimal128Type>(0)?;
    let mut from = Compiled::new(call.text(1)?, unit);
    let mut to = Compiled::new(call.text(2)?, unit);
    Ok(output::decimals(call.rows, |row| convert(numbers.get(row)?, from.get(row)?, to.get(row)?))?)
}
