//! `cep`: gives the 8 digits of a Brazilian postal code (CEP).

use arrow::array::ArrayRef;
use datafusion::common::Result;

use super::check_digits::checked;
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call};

pub(in crate::functions) static CEP: Function = Function {
    name: "cep",
    summary: "Gives the 8 digits of a Brazilian postal code (CEP).",
    details: "There is no check digit; codes begin at 01000-000. Points, hyphens, slashes and blanks are \
              left out; a lost leading zero is not added (see `pad_digits`).",
    domain: Domain::Identifiers,
    parameters: &[Parameter { name: "text", kind: ParameterType::Text, description: "the number as text" }],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: true,
    examples: &[
        Example { sql: "cep('01310-100')", result: Some("01310100") },
        Example { sql: "cep('01.310-100')", result: Some("01310100") },
        Example { sql: "cep('1310-100')", result: None },
        Example { sql: "cep('00000-000')", result: None },
        Example { sql: "cep(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    call.map_text(0, |text| checked::<8>(text, |digits| !matches!(digits, [0, 0, ..])))
}
