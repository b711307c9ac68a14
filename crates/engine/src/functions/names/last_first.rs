//! `last_first`: turns a name that starts with the family name around: `SILVA, Ana` is Ana Silva.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use super::words::write_title_case;
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static LAST_FIRST: Function = Function {
    name: "last_first",
    summary: "Turns a name that starts with the family name around: `SILVA, Ana` is Ana Silva.",
    details: "Words in capitals or in small letters only are written as `title_case_name` writes them. A \
              name without a comma keeps its order. `Silva, Ana, Jr.` is Ana Silva Jr. Null, with a \
              mark, where nothing stands on one side of the comma, or more than three parts.",
    domain: Domain::Names,
    parameters: &[Parameter { name: "name", kind: ParameterType::Text, description: "the whole name" }],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: true,
    examples: &[
        Example { sql: "last_first('SILVA, Ana')", result: Some("Ana Silva") },
        Example { sql: "last_first('da Silva, Ana Maria')", result: Some("Ana Maria da Silva") },
        Example { sql: "last_first('King, Martin, Jr.')", result: Some("Martin King Jr.") },
        Example { sql: "last_first('Ana Silva')", result: Some("Ana Silva") },
        Example { sql: "last_first('SILVA,')", result: None },
        Example { sql: "last_first(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    let mut turned = String::new();
    Ok(output::write_text(call.rows, |row, name| {
        let text = texts.get(row)?;
        let mut parts = text.split(',').map(str::trim);
        let (family, given, suffix) = (parts.next()?, parts.next(), parts.next());
        let extra = parts.next().is_some();
        if extra || (given.is_some() && family.is_empty()) || [given, suffix].contains(&Some("")) {
            return None;
        }
        turned.clear();
        for part in [given, Some(family), suffix].into_iter().flatten() {
            turned.push_str(part);
            turned.push(' ');
        }
        write_title_case(&turned, name);
        Some(())
    }))
}
