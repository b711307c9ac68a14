//! `phone_national`: gives a phone number as its own country writes it: `(11) 98765-4321`.

use std::fmt::Write as _;

use arrow::array::ArrayRef;
use datafusion::common::Result;
use phonenumber::Mode;

use super::phone::{phone, region};
use crate::functions::kernel::{Call, Compiled};
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, output};

pub(in crate::functions) static PHONE_NATIONAL: Function = Function {
    name: "phone_national",
    summary: "Gives a phone number as its own country writes it: `(11) 98765-4321`.",
    details: "By the numbering plans of Google's libphonenumber; a number of another country loses its \
              country, so use `phone_e164` where there are some. Null, with a mark, where `phone_valid` \
              is false.",
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
        Example { sql: "phone_national('11987654321', 'BR')", result: Some("(11) 98765-4321") },
        Example { sql: "phone_national('+16502530000', 'US')", result: Some("(650) 253-0000") },
        Example { sql: "phone_national('123', 'BR')", result: None },
        Example { sql: "phone_national(null, 'BR')", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    let mut regions = Compiled::new(call.text(1)?, region);
    Ok(output::write_text(call.rows, |row, number| {
        let phone = phone(texts.get(row)?, *regions.get(row)?)?;
        write!(number, "{}", phone.format().mode(Mode::National)).ok()
    }))
}
