//! `name_prefix`: gives the form of address that a name starts with.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use super::words::{Name, Words, write_words};
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static NAME_PREFIX: Function = Function {
    name: "name_prefix",
    summary: "Gives the form of address that a name starts with.",
    details: "`Dr.`, `Dra`, `Sr.`, `Sra.`, `Prof.`, `Mr`, `Mrs`, `Ms`, `Miss`, `Dona`, `Rev.` and their \
              like, as they are written. Null where there is none; that is no loss.",
    domain: Domain::Names,
    parameters: &[Parameter { name: "name", kind: ParameterType::Text, description: "the whole name" }],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: false,
    examples: &[
        Example { sql: "name_prefix('Dra. Ana Silva')", result: Some("Dra.") },
        Example { sql: "name_prefix('Prof. Dr. João Lima')", result: Some("Prof. Dr.") },
        Example { sql: "name_prefix('Ana Silva')", result: None },
        Example { sql: "name_prefix('')", result: None },
        Example { sql: "name_prefix(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    Ok(output::write_text(call.rows, |row, part| {
        let mut words = Words::default();
        let name = Name::read(texts.get(row)?, &mut words)?;
        write_words(name.prefix(), part)
    }))
}
