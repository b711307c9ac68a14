//! `phone_e164`: gives a phone number as `+5511987654321`.

use std::fmt::Write as _;

use arrow::array::ArrayRef;
use datafusion::common::Result;
use phonenumber::Mode;

use super::phone::{phone, region};
use crate::functions::kernel::{Call, Compiled};
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, output};

pub(in crate::functions) static PHONE_E164: Function = Function {
    name: "phone_e164",
    summary: "Gives a phone number as `+5511987654321`.",
    details: "By the numbering plans of Google's libphonenumber. Null, with a mark, for a number that \
              the plan does not have, for two numbers in one text and for one with an extension, which \
              the result could not hold.",
    domain: Domain::Identifiers,
    parameters: &[
        Parameter { name: "text", kind: ParameterType::Text, description: "the number as text" },
        Parameter {
            name: "region",
            kind: ParameterType::Region,
            description: "the country of numbers that say none (`BR`)",
        },
    ],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: true,
    examples: &[
        Example { sql: "phone_e164('(11) 98765-4321', 'BR')", result: Some("+5511987654321") },
        Example { sql: "phone_e164('+1 650 253 0000', 'BR')", result: Some("+16502530000") },
        Example { sql: "phone_e164('98765-4321', 'BR')", result: None },
        Example { sql: "phone_e164('nenhum', 'BR')", result: None },
        Example { sql: "phone_e164(null, 'BR')", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    let mut regions = Compiled::new(call.text(1)?, region);
    Ok(output::write_text(call.rows, |row, number| {
        let phone = phone(texts.get(row)?, *regions.get(row)?).filter(|phone| phone.extension().is_none())?;
        write!(number, "{}", phone.format().mode(Mode::E164)).ok()
    }))
}
