//! `family_name`: gives the last family name of a person with its particles.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use super::words::{Name, Words, write_words};
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static FAMILY_NAME: Function = Function {
    name: "family_name",
    summary: "Gives the last family name of a person with its particles.",
    details: "`da Silva`, `van der Berg`; a suffix (`Jr.`, `Neto`, `III`) is left out. The words before \
              it are `middle_names`. A name of one word has no family name: null, with a mark. `SILVA, \
              Ana` is read as Ana Silva, and the whole of what stands before the comma is the family \
              name.",
    domain: Domain::Names,
    parameters: &[Parameter { name: "name", kind: ParameterType::Text, description: "the whole name" }],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: true,
    examples: &[
        Example { sql: "family_name('Ana Maria Souza da Silva')", result: Some("da Silva") },
        Example { sql: "family_name('João Silva Júnior')", result: Some("Silva") },
        Example { sql: "family_name('Jan van der Berg')", result: Some("van der Berg") },
        Example { sql: "family_name('SOUZA LIMA, Ana')", result: Some("SOUZA LIMA") },
        Example { sql: "family_name('Ana')", result: None },
        Example { sql: "family_name(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    Ok(output::write_text(call.rows, |row, part| {
        let mut words = Words::default();
        let name = Name::read(texts.get(row)?, &mut words)?;
        write_words(name.family(), part)
    }))
}
