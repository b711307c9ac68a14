//! `pad_digits`: fills a number written in digits with leading zeros.

use arrow::array::ArrayRef;
use arrow::datatypes::Int64Type;
use datafusion::common::Result;

use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static PAD_DIGITS: Function = Function {
    name: "pad_digits",
    summary: "Fills a number written in digits with leading zeros.",
    details: "For codes that lost their zeros in a spreadsheet. White space at the ends is left out. \
              Null, with a mark, for text that is longer or holds anything but digits.",
    domain: Domain::Text,
    parameters: &[
        Parameter { name: "text", kind: ParameterType::Text, description: "the text" },
        Parameter { name: "width", kind: ParameterType::Length, description: "how many digits it has then" },
    ],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: true,
    examples: &[
        Example { sql: "pad_digits('42', 6)", result: Some("000042") },
        Example { sql: "pad_digits(' 000042 ', 6)", result: Some("000042") },
        Example { sql: "pad_digits('1234567', 6)", result: None },
        Example { sql: "pad_digits('4a', 6)", result: None },
        Example { sql: "pad_digits('', 6)", result: None },
        Example { sql: "pad_digits(null, 6)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    let widths = call.values::<Int64Type>(1)?;
    Ok(output::write_text(call.rows, |row, padded| {
        let digits = texts.get(row)?.trim();
        let width = usize::try_from(widths.get(row)?).ok()?;
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        padded.extend(std::iter::repeat_n('0', width.checked_sub(digits.len())?));
        padded.push_str(digits);
        Some(())
    }))
}
