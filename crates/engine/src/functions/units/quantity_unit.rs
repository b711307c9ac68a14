//! `quantity_unit`: gives the unit of a quantity as it is written: `70 kg` gives `kg`.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use super::quantity::number_and_unit;
use crate::functions::output::Changed;
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call};

pub(in crate::functions) static QUANTITY_UNIT: Function = Function {
    name: "quantity_unit",
    summary: "Gives the unit of a quantity as it is written: `70 kg` gives `kg`.",
    details: "`unit_code` makes a UCUM code of it. Null where there is no unit; that is no loss. Null, \
              too, where `parse_quantity` reads no number.",
    domain: Domain::Units,
    parameters: &[Parameter { name: "text", kind: ParameterType::Text, description: "the quantity as text" }],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: false,
    examples: &[
        Example { sql: "quantity_unit('70 kg')", result: Some("kg") },
        Example { sql: "quantity_unit('1.234,5mL')", result: Some("mL") },
        Example { sql: "quantity_unit('98')", result: None },
        Example { sql: "quantity_unit('kg')", result: None },
        Example { sql: "quantity_unit(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    call.map_text(0, |text| {
        let unit = number_and_unit(text).map(|(_, unit)| unit).filter(|unit| !unit.is_empty());
        Changed::part_or_null(text, unit)
    })
}
