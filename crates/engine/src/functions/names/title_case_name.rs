//! `title_case_name`: writes a name with capital first letters and small particles.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use super::words::write_title_case;
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static TITLE_CASE_NAME: Function = Function {
    name: "title_case_name",
    summary: "Writes a name with capital first letters and small particles.",
    details: "`de`, `da`, `dos`, `e`, `van`, `von`, `bin` and their like are small inside of a name; \
              `O'Neill`, `McDonald` and `Ana-Maria` get their inner capitals; `II` to `VIII` stay. A \
              word of mixed letters (`DiCaprio`) stays as it is, and white space becomes single spaces.",
    domain: Domain::Names,
    parameters: &[Parameter { name: "name", kind: ParameterType::Text, description: "the whole name" }],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: false,
    examples: &[
        Example { sql: "title_case_name('MARIA DA SILVA E SOUZA')", result: Some("Maria da Silva e Souza") },
        Example { sql: "title_case_name('ludwig van beethoven')", result: Some("Ludwig van Beethoven") },
        Example {
            sql: "title_case_name('PATRICK O''NEILL-MCDONALD')",
            result: Some("Patrick O'Neill-McDonald"),
        },
        Example { sql: "title_case_name('Leonardo DiCaprio')", result: Some("Leonardo DiCaprio") },
        Example { sql: "title_case_name('DA SILVA, JOÃO II')", result: Some("Da Silva, João II") },
        Example { sql: "title_case_name('LE BIN')", result: Some("Le Bin") },
        Example { sql: "title_case_name('VI NGUYEN')", result: Some("Vi Nguyen") },
        Example { sql: "title_case_name('')", result: Some("") },
        Example { sql: "title_case_name(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    Ok(output::write_text(call.rows, |row, name| {
        write_title_case(texts.get(row)?, name);
        Some(())
    }))
}
