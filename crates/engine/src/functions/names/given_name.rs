//! `given_name`: gives the first given name of a person.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use super::words::{Name, Words, write_words};
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static GIVEN_NAME: Function = Function {
    name: "given_name",
    summary: "Gives the first given name of a person.",
    details: "A form of address before it (`Dr.`, `Sra.`) is left out. `SILVA, Ana` is read as Ana \
              Silva.",
    domain: Domain::Names,
    parameters: &[Parameter { name: "name", kind: ParameterType::Text, description: "the whole name" }],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: true,
    examples: &[
        Example { sql: "given_name('Dra. Ana Maria da Silva')", result: Some("Ana") },
        Example { sql: "given_name('SILVA, Ana Maria')", result: Some("Ana") },
        Example { sql: "given_name('Ana')", result: Some("Ana") },
        Example { sql: "given_name('Dr.')", result: None },
        Example { sql: "given_name('')", result: None },
        Example { sql: "given_name(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    Ok(output::write_text(call.rows, |row, part| {
        let mut words = Words::default();
        let name = Name::read(texts.get(row)?, &mut words)?;
        write_words(name.given(), part)
    }))
}
