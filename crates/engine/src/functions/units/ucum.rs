//! Units by UCUM, and exact conversion between them.

use octofhir_ucum::{EvalResult, Number, SpecialKind, evaluate, parse_expression};

use crate::numeral::{SCALE, in_range};

/// What a unit stands for; `None` where UCUM has no such unit.
pub(in crate::functions) fn unit(text: &str) -> Option<EvalResult> {
    evaluate(&parse_expression(text).ok()?).ok()
}

/// A number in units of 10^-18, from one unit to another; `None` where they do not measure the same.
pub(super) fn convert(number: i128, from: &EvalResult, to: &EvalResult) -> Option<i128> {
    if !from.is_commensurable(to) {
        return None;
    }
    let ((from_scale, from_offset), (to_scale, to_offset)) = (linear(from)?, linear(to)?);
    // The value itself would be rounded to 28 digits on the way in.
    if from == to {
        return Some(number);
    }
    let base =
        number_of(number)?.checked_mul(from_scale)?.checked_add(from_offset)?.checked_mul(from.factor)?;
    let value = base.checked_div(to.factor)?.checked_sub(to_offset)?.checked_div(to_scale)?;
    rounded(value)
}

/// A value times the scale plus the offset counts units of the factor; `None` for logarithms and the like.
fn linear(unit: &EvalResult) -> Option<(Number, Number)> {
    let Some(special) = &unit.special else { return Some((Number::ONE, Number::ZERO)) };
    let offset = match special.unit.special {
        SpecialKind::Celsius => "273.15",
        SpecialKind::Fahrenheit => "459.67",
        SpecialKind::Reaumur => "218.52",
        _ => return None,
    };
    Some((special.scale, Number::parse(offset)?))
}

fn number_of(number: i128) -> Option<Number> {
    // As text, since the library makes numbers of 64 bits or of text only.
    Number::parse(&format!("{number}e-{SCALE}"))
}

/// In units of 10^-18; halves go away from zero.
fn rounded(value: Number) -> Option<i128> {
    let (digits, exponent) = value.to_integer_and_exponent();
    let shift = exponent.checked_add(i32::from(SCALE))?;
    let magnitude = digits.unsigned_abs();
    let shifted = match u32::try_from(shift) {
        Ok(_) if magnitude == 0 => 0,
        Ok(shift) => magnitude.checked_mul(10_u128.checked_pow(shift)?)?,
        // Beyond 38 digits nothing is left.
        Err(_) => match 10_u128.checked_pow(shift.unsigned_abs()) {
            Some(unit) => magnitude / unit + u128::from(magnitude % unit * 2 >= unit),
            None => 0,
        },
    };
    let number = in_range(shifted)?;
    Some(if digits < 0 { -number } else { number })
}
