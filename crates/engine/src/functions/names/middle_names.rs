//! `middle_names`: gives what stands between the first given name and the family name.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use super::words::{Name, Words, write_words};
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static MIDDLE_NAMES: Function = Function {
    name: "middle_names",
    summary: "Gives what stands between the first given name and the family name.",
    details: "Second given names and, where a person has several family names, all but the last. Null \
              where there is nothing; that is no loss.",
    domain: Domain::Names,
    parameters: &[Parameter { name: "name", kind: ParameterType::Text, description: "the whole name" }],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: false,
    examples: &[
        Example { sql: "middle_names('Ana Maria Souza da Silva')", result: Some("Maria Souza") },
        Example { sql: "middle_names('SILVA, Ana Maria')", result: Some("Maria") },
        Example { sql: "middle_names('Ana Silva')", result: None },
        Example { sql: "middle_names(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    Ok(output::write_text(call.rows, |row, part| {
        let mut words = Words::default();
        let name = Name::read(texts.get(row)?, &mut words)?;
        write_words(name.middle(), part)
    }))
}
