//! What the functions on numbers share: how numbers are written, and how they are rounded.

use crate::numeral::{Exponent, Notation, SCALE, in_range};

/// The notation with this decimal character; the other one of `.` and `,` groups thousands.
pub(in crate::functions) fn notation(decimal: &str) -> Option<Notation> {
    let (decimal, group) = match decimal {
        "." => ('.', ','),
        "," => (',', '.'),
        _ => return None,
    };
    Some(Notation { decimal, group: Some(group), exponent: Exponent::Refused })
}

/// Where a half goes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Half {
    AwayFromZero,
    ToEven,
}

/// A number in units of 10^-18 with so many digits after the point, 0 to 18.
pub(super) fn rounded(number: i128, digits: i64, half: Half) -> Option<i128> {
    let dropped = u32::from(SCALE).checked_sub(u32::try_from(digits).ok()?)?;
    let unit = 10_u128.pow(dropped);
    let (kept, rest) = (number.unsigned_abs() / unit, number.unsigned_abs() % unit);
    let up = match (rest * 2).cmp(&unit) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Greater => true,
        std::cmp::Ordering::Equal => matches!(half, Half::AwayFromZero) || !kept.is_multiple_of(2),
    };
    let rounded = in_range((kept + u128::from(up)).checked_mul(unit)?)?;
    Some(if number < 0 { -rounded } else { rounded })
}
