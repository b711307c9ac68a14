//! `uf`: gives the two letters of a Brazilian state.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use super::states::state;
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static UF: Function = Function {
    name: "uf",
    summary: "Gives the two letters of a Brazilian state.",
    details: "Read are the letters, the name with or without accents, and the number that IBGE gives it, \
              in any case.",
    domain: Domain::Identifiers,
    parameters: &[Parameter { name: "text", kind: ParameterType::Text, description: "the state" }],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: true,
    examples: &[
        Example { sql: "uf('São Paulo')", result: Some("SP") },
        Example { sql: "uf('rio grande do sul')", result: Some("RS") },
        Example { sql: "uf('sp')", result: Some("SP") },
        Example { sql: "uf('35')", result: Some("SP") },
        Example { sql: "uf('XX')", result: None },
        Example { sql: "uf('')", result: None },
        Example { sql: "uf(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    Ok(output::write_text(call.rows, |row, letters| {
        letters.push_str(state(texts.get(row)?.trim())?);
        Some(())
    }))
}
