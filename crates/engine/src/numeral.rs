//! Numbers in text, read exactly: integers, and decimals of 38 digits with 18 after the point.

/// Digits after the point of every decimal number.
pub const SCALE: u8 = 18;
/// Digits of every decimal number.
pub const PRECISION: u8 = 38;
/// One above the largest number, in units of the last digit.
const END: u128 = 10_u128.pow(PRECISION as u32);

/// How numbers are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notation {
    pub decimal: char,
    /// Between groups of three digits before the decimal point; all groups have it, or none.
    pub group: Option<char>,
    /// Whether `1.5E3` is a number (in standards it is, in what people type it is a code).
    pub exponent: Exponent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exponent {
    Allowed,
    Refused,
}

impl Notation {
    /// A decimal in units of 10^-18. `None`: not a number in this notation, too large, or more than 18 digits after
    /// the point (exactly or not at all).
    pub fn parse(&self, text: &str) -> Option<i128> {
        let (negative, unsigned) = split_sign(text);
        let (mantissa, exponent) = match (self.exponent, unsigned.find(['e', 'E'])) {
            (Exponent::Allowed, Some(at)) => {
                let exponent = parse_integer(unsigned.get(at + 1..)?)?;
                (unsigned.get(..at)?, i32::try_from(exponent).ok()?)
            }
            _ => (unsigned, 0),
        };
        let (number, fraction_digits) = self.mantissa(mantissa)?;
        let shift = i32::from(SCALE).checked_add(exponent)?.checked_sub(fraction_digits)?;
        let number = match u32::try_from(shift) {
            Ok(_) if number == 0 => 0,
            Ok(shift) => number.checked_mul(10_u128.checked_pow(shift)?)?,
            Err(_) => return None,
        };
        let number = in_range(number)?;
        Some(if negative { -number } else { number })
    }

    /// The digits as one number, and how many of them stand after the decimal point.
    fn mantissa(&self, text: &str) -> Option<(u128, i32)> {
        let (whole, fraction) = match text.find(self.decimal) {
            Some(at) => (text.get(..at)?, text.get(at + self.decimal.len_utf8()..)?),
            None => (text, ""),
        };
        let mut number = 0;
        let mut found = 0;
        match self.group {
            Some(group) if whole.contains(group) => {
                for (index, part) in whole.split(group).enumerate() {
                    let wanted = if index == 0 { 1..=3 } else { 3..=3 };
                    wanted.contains(&part.len()).then_some(())?;
                    number = append(number, part)?;
                }
                found += 1;
            }
            _ => number = append(number, whole)?,
        }
        found += whole.len() + fraction.len();
        number = append(number, fraction)?;
        (found > 0).then_some((number, i32::try_from(fraction.len()).ok()?))
    }
}

/// A number in units of 10^-18 that has at most 38 digits.
pub(crate) fn in_range(number: u128) -> Option<i128> {
    i128::try_from(Some(number).filter(|number| *number < END)?).ok()
}

fn append(number: u128, digits: &str) -> Option<u128> {
    digits.bytes().try_fold(number, |number, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit <= 9).then_some(())?;
        // Most numbers are short; only long ones pay for the check.
        if number < 1 << 64 {
            return Some(number * 10 + u128::from(digit));
        }
        number.checked_mul(10)?.checked_add(u128::from(digit))
    })
}

fn split_sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(unsigned) => (true, unsigned),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// An optional sign and digits.
pub fn parse_integer(text: &str) -> Option<i64> {
    let (negative, digits) = split_sign(text);
    // 18 digits always fit, so only longer ones pay for the check.
    if (1..=18).contains(&digits.len()) {
        let number = digits.bytes().try_fold(0_i64, |number, byte| {
            let digit = byte.wrapping_sub(b'0');
            (digit <= 9).then(|| number * 10 + i64::from(digit))
        })?;
        return Some(if negative { -number } else { number });
    }
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// An integer whose thousands may be grouped.
pub fn parse_grouped_integer(text: &str, group: char) -> Option<i64> {
    if !text.contains(group) {
        return parse_integer(text);
    }
    let (negative, unsigned) = split_sign(text);
    // No decimal point: the group character itself cannot follow a complete number.
    let notation = Notation { decimal: '\0', group: Some(group), exponent: Exponent::Refused };
    let (number, 0) = notation.mantissa(unsigned)? else { return None };
    let number = i128::try_from(number).ok()?;
    i64::try_from(if negative { -number } else { number }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, decimal: char, group: Option<char>, expect: Option<&str>) {
        let notation = Notation { decimal, group, exponent: Exponent::Allowed };
        let shown = notation.parse(text).map(|number| {
            arrow::datatypes::Decimal128Type::format_decimal(number, PRECISION, SCALE as i8)
                .trim_end_matches('0')
                .trim_end_matches('.')
                .to_owned()
        });
        assert_eq!(shown.as_deref(), expect, "{text}");
    }

    use arrow::datatypes::DecimalType as _;

    #[test]
    fn decimals_are_exact_or_nothing() {
        for (text, expect) in [
            ("1", Some("1")),
            ("-1.50", Some("-1.5")),
            ("+.5", Some("0.5")),
            ("5.", Some("5")),
            ("1.0E7", Some("10000000")),
            ("1.5e-3", Some("0.0015")),
            ("0.000000000000000001", Some("0.000000000000000001")),
            ("99999999999999999999", Some("99999999999999999999")),
            ("0.0000000000000000001", None),
            ("100000000000000000000", None),
            ("1e20", None),
            ("0e99", Some("0")),
            ("1e-19", None),
            ("1e", None),
            ("", None),
            ("-", None),
            (".", None),
            ("1,5", None),
            ("1.2.3", None),
            (" 1", None),
            ("１", None),
            ("NaN", None),
            ("INF", None),
        ] {
            check(text, '.', None, expect);
        }
    }

    #[test]
    fn thousands_are_grouped_rightly_or_not_at_all() {
        for (text, expect) in [
            ("1.234.567,89", Some("1234567.89")),
            ("1234567,89", Some("1234567.89")),
            ("12.345", Some("12345")),
            ("1.23", None),
            ("1234.567", None),
            (".123", None),
            ("1..234", None),
            ("1,234.567", None),
            ("1.234.", None),
        ] {
            check(text, ',', Some('.'), expect);
        }
        check("1\u{a0}234,5", ',', Some('\u{a0}'), Some("1234.5"));
    }

    #[test]
    fn integers() {
        for (text, expect) in [
            ("007", Some(7)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775807", Some(i64::MAX)),
            ("+5", Some(5)),
            ("9223372036854775808", None),
            ("1.0", None),
            ("", None),
            ("+", None),
            ("--1", None),
        ] {
            assert_eq!(parse_integer(text), expect, "{text}");
        }
        assert_eq!(parse_grouped_integer("-1,234,567", ','), Some(-1_234_567));
        assert_eq!(parse_grouped_integer("1,23", ','), None);
    }
}
