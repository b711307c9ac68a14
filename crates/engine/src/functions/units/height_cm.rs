//! `height_cm`: reads the height of a person and gives it in centimetres.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use super::quantity::plain_number;
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};
use crate::numeral::SCALE;

pub(in crate::functions) static HEIGHT_CM: Function = Function {
    name: "height_cm",
    summary: "Reads the height of a person and gives it in centimetres.",
    details: "`1,75 m`, `1m75`, `175 cm`, `175`, `1.75`, `5'9\"`, `5 ft 9 in`. Without a unit a number \
              below 3 is metres and one from 20 on is centimetres; no person is between. Null, with a \
              mark, outside of 20 cm to 3 m.",
    domain: Domain::Units,
    parameters: &[Parameter { name: "text", kind: ParameterType::Text, description: "the height as text" }],
    repeated: 0,
    returns: ParameterType::Number,
    fallible: true,
    examples: &[
        Example { sql: "height_cm('1,75 m')", result: Some("175") },
        Example { sql: "height_cm('1m75')", result: Some("175") },
        Example { sql: "height_cm('175')", result: Some("175") },
        Example { sql: "height_cm('1.7')", result: Some("170") },
        Example { sql: "height_cm('5''9\"')", result: Some("175.26") },
        Example { sql: "height_cm('5 ft 9 in')", result: Some("175.26") },
        Example { sql: "height_cm('17')", result: None },
        Example { sql: "height_cm('70 kg')", result: None },
        Example { sql: "height_cm(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    Ok(output::decimals(call.rows, |row| {
        let height = height(texts.get(row)?)?;
        (20 * ONE..=300 * ONE).contains(&height).then_some(height)
    })?)
}

/// In units of 10^-18 centimetres.
fn height(text: &str) -> Option<i128> {
    let (number, rest) = plain_number(text)?;
    let metres = |number: i128| (number < 3 * ONE).then(|| number * 100);
    let lower = rest.to_lowercase();
    match lower.as_str() {
        "" => metres(number).or(Some(number)),
        "m" | "m." | "mt" | "mts" | "metro" | "metros" => metres(number),
        "cm" | "cm." | "centimetros" | "centímetros" => Some(number),
        "mm" => Some(number / 10),
        _ => metres_and_centimetres(number, &lower).or_else(|| feet_and_inches(number, &lower)),
    }
}

/// `1m75`
fn metres_and_centimetres(metres: i128, rest: &str) -> Option<i128> {
    let (centimetres, unit) = plain_number(rest.strip_prefix('m')?)?;
    let whole = metres % ONE == 0 && centimetres % ONE == 0 && (10 * ONE..100 * ONE).contains(&centimetres);
    (whole && matches!(unit, "" | "cm")).then(|| metres * 100 + centimetres)
}

/// `5'9"`, `5 ft 9 in`, `5'`, `69 in`
fn feet_and_inches(number: i128, rest: &str) -> Option<i128> {
    let inches = |unit: &str| {
        matches!(unit.trim_end_matches('.'), "in" | "inch" | "inches" | "\"" | "''" | "”" | "″" | "")
    };
    let inch = |number: i128| number.checked_mul(254).map(|number| number / 100);
    let Some(behind) = FEET.iter().find_map(|feet| rest.strip_prefix(feet)) else {
        return inch(number).filter(|_| inches(rest) && !rest.is_empty());
    };
    if behind.trim().is_empty() {
        return inch(number.checked_mul(12)?);
    }
    let (more, unit) = plain_number(behind)?;
    (number % ONE == 0 && more < 12 * ONE && inches(unit))
        .then(|| inch(number.checked_mul(12)?.checked_add(more)?))?
}

/// Longest first; two apostrophes are inches.
const FEET: [&str; 7] = ["feet", "foot", "ft.", "ft", "’", "′", "'"];
const ONE: i128 = 10_i128.pow(SCALE as u32);
