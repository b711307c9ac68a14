//! `name_suffix`: gives the generation that a name ends with.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use super::words::{Name, Words, write_words};
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static NAME_SUFFIX: Function = Function {
    name: "name_suffix",
    summary: "Gives the generation that a name ends with.",
    details: "`Jr.`, `Sr.`, `II` to `VIII`, `Filho`, `Filha`, `Neto`, `Neta`, `Sobrinho`, `Sobrinha`, \
              `Júnior`, `Segundo`, `Terceiro`, as they are written. Null where there is none; that is no \
              loss. Two words are the least a name has before it: `Ana Neto` has none.",
    domain: Domain::Names,
    parameters: &[Parameter { name: "name", kind: ParameterType::Text, description: "the whole name" }],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: false,
    examples: &[
        Example { sql: "name_suffix('João Silva Júnior')", result: Some("Júnior") },
        Example { sql: "name_suffix('Martin King, Jr.')", result: Some("Jr.") },
        Example { sql: "name_suffix('Henry Ford III')", result: Some("III") },
        Example { sql: "name_suffix('Ana Neto')", result: None },
        Example { sql: "name_suffix('Ana Silva')", result: None },
        Example { sql: "name_suffix(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    Ok(output::write_text(call.rows, |row, part| {
        let mut words = Words::default();
        let name = Name::read(texts.get(row)?, &mut words)?;
        write_words(name.suffix(), part)
    }))
}
