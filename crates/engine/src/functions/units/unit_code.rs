//! `unit_code`: gives the UCUM code of a unit as people write it: `mmHg`, `°C`, `mcg`, `UI`, `cc`.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use super::spellings::code;
use crate::functions::kernel::{Call, Compiled};
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, output};

pub(in crate::functions) static UNIT_CODE: Function = Function {
    name: "unit_code",
    summary: "Gives the UCUM code of a unit as people write it: `mmHg`, `°C`, `mcg`, `UI`, `cc`.",
    details: "Usual spellings come first, in any case: `ft` is feet, although UCUM reads a femtotonne. Other texts \
              that are UCUM codes stay; white space and points at the ends are left out; the parts of a quotient \
              are read one by one. Null, with a mark, for any other, and for capitals that may be a slip of the \
              hand: `Mg`, `G`, `M`, `MM`, `MUI`.",
    domain: Domain::Units,
    parameters: &[Parameter { name: "text", kind: ParameterType::Text, description: "the unit" }],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: true,
    examples: &[
        Example { sql: "unit_code('mmHg')", result: Some("mm[Hg]") },
        Example { sql: "unit_code('°C')", result: Some("Cel") },
        Example { sql: "unit_code('mcg')", result: Some("ug") },
        Example { sql: "unit_code('UI/mL')", result: Some("[IU]/mL") },
        Example { sql: "unit_code('kg.')", result: Some("kg") },
        Example { sql: "unit_code('MG')", result: Some("mg") },
        Example { sql: "unit_code('mg/dL')", result: Some("mg/dL") },
        Example { sql: "unit_code('bpm')", result: Some("/min") },
        Example { sql: "unit_code('mg/kg/dia')", result: Some("mg/kg/d") },
        Example { sql: "unit_code('Mg')", result: None },
        Example { sql: "unit_code('/')", result: None },
        Example { sql: "unit_code('comprimido')", result: None },
        Example { sql: "unit_code('')", result: None },
        Example { sql: "unit_code(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    let mut codes = Compiled::new(texts, code);
    Ok(output::write_text(call.rows, |row, text| {
        text.push_str(codes.get(row)?);
        Some(())
    }))
}
