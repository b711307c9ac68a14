//! `round_half_even`: rounds a number to some digits after the point; halves go to the even digit.

use arrow::array::ArrayRef;
use arrow::datatypes::Decimal128Type;
use arrow::datatypes::Int64Type;
use datafusion::common::Result;

use super::written::{Half, rounded};
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static ROUND_HALF_EVEN: Function = Function {
    name: "round_half_even",
    summary: "Rounds a number to some digits after the point; halves go to the even digit.",
    details: "The least is 0 digits, the most 18. Null, with a mark, where the result has more than 20 \
              digits before the point.",
    domain: Domain::Numbers,
    parameters: &[
        Parameter { name: "number", kind: ParameterType::Number, description: "the number" },
        Parameter {
            name: "digits",
            kind: ParameterType::Length,
            description: "how many digits stay behind the point, 0 to 18",
        },
    ],
    repeated: 0,
    returns: ParameterType::Number,
    fallible: true,
    examples: &[
        Example { sql: "round_half_even(parse_number('2.25', '.'), 1)", result: Some("2.2") },
        Example { sql: "round_half_even(parse_number('-2.5', '.'), 0)", result: Some("-2") },
        Example { sql: "round_half_even(parse_number('2.678', '.'), 2)", result: Some("2.68") },
        Example { sql: "round_half_even(parse_number('1', '.'), 19)", result: None },
        Example { sql: "round_half_even(parse_number('99999999999999999999.9', '.'), 0)", result: None },
        Example { sql: "round_half_even(null, 0)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let numbers = call.values::<Decimal128Type>(0)?;
    let digits = call.values::<Int64Type>(1)?;
    Ok(output::decimals(call.rows, |row| rounded(numbers.get(row)?, digits.get(row)?, Half::ToEven))?)
}
