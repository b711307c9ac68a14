//! Digits out of text, and the ways in which a last digit checks the others.

use crate::functions::output::Changed;

/// Exactly so many characters of a kind; points, hyphens, slashes and blanks between them are left out.
pub(super) fn read<const N: usize>(text: &str, is_kind: impl Fn(u8) -> bool) -> Option<[u8; N]> {
    let mut characters = [0; N];
    let mut slots = characters.iter_mut();
    for byte in text.bytes() {
        match byte {
            b'.' | b'-' | b'/' | b' ' => {}
            _ if is_kind(byte) => *slots.next()? = byte,
            _ => return None,
        }
    }
    slots.next().is_none().then_some(characters)
}

/// The digits of a text alone, where there are exactly so many and they are valid.
pub(super) fn checked<const N: usize>(text: &str, is_valid: impl Fn(&[u8; N]) -> bool) -> Changed<'_> {
    let digits = read::<N>(text, |byte| byte.is_ascii_digit()).map(|bytes| bytes.map(|byte| byte - b'0'));
    match digits {
        Some(digits) if is_valid(&digits) && text.len() == N => Changed::Same,
        Some(digits) if is_valid(&digits) => {
            Changed::To(digits.iter().map(|digit| char::from(b'0' + digit)).collect())
        }
        _ => Changed::Null,
    }
}

/// Numbers of one digit again and again fit many checks and stand for nothing.
pub(super) fn all_equal(digits: &[u8]) -> bool {
    digits.windows(2).all(|pair| matches!(pair, [one, other] if one == other))
}

pub(super) fn weighted_sum<'d>(
    digits: impl IntoIterator<Item = &'d u8>,
    weights: impl IntoIterator<Item = u32>,
) -> u32 {
    digits.into_iter().zip(weights).map(|(digit, weight)| u32::from(*digit) * weight).sum()
}

/// The check digit of a sum modulo 11, where ten and eleven are written 0.
pub(super) fn check_digit_11(sum: u32) -> u8 {
    match 11 - sum % 11 {
        10 | 11 => 0,
        // 1 to 9
        digit => digit as u8,
    }
}

/// Every second digit from the end but the last counts twice, by the sum of its digits; a valid number's sum ends
/// in 0.
pub(super) fn luhn_sum(digits: &[u8]) -> u32 {
    let doubled = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let digits = digits.iter().rev().map(|digit| u32::from(*digit));
    digits
        .zip([false, true].into_iter().cycle())
        .map(|(digit, twice)| if twice { doubled(digit) } else { digit })
        .sum()
}

/// Whether the digits of a text are valid by Luhn; other characters are passed over.
pub(super) fn is_luhn(text: &str) -> bool {
    let mut digits = [0; 32];
    let mut length = 0;
    for (slot, byte) in digits.iter_mut().zip(text.bytes().filter(u8::is_ascii_digit)) {
        *slot = byte - b'0';
        length += 1;
    }
    digits.get(..length).is_some_and(|digits| luhn_sum(digits).is_multiple_of(10))
}

/// Verhoeff's check over the dihedral group of order ten; a text of anything but digits is not valid.
pub(super) fn is_verhoeff(text: &str) -> bool {
    let permuted = |digit: u8, place: usize| (0..place % 8).fold(digit, |digit, _| permute(digit));
    let mut check = 0;
    for (place, byte) in text.bytes().rev().enumerate() {
        if !byte.is_ascii_digit() {
            return false;
        }
        check = multiply(check, permuted(byte - b'0', place));
    }
    check == 0
}

fn permute(digit: u8) -> u8 {
    match digit {
        0 => 1,
        1 => 5,
        2 => 7,
        3 => 6,
        4 => 2,
        5 => 8,
        6 => 3,
        7 => 0,
        8 => 9,
        _ => 4,
    }
}

/// Rotations are 0 to 4, reflections 5 to 9.
fn multiply(one: u8, other: u8) -> u8 {
    match (one < 5, other < 5) {
        (true, true) => (one + other) % 5,
        (true, false) => (one + other - 5) % 5 + 5,
        (false, true) => (one + 5 - other) % 5 + 5,
        (false, false) => (one + 5 - other) % 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verhoeff_finds_every_wrong_digit_and_every_swap() {
        assert!(is_verhoeff("2363"));
        let digits: Vec<u8> = "22298006".bytes().collect();
        for place in 0..digits.len() {
            for other in b'0'..=b'9' {
                let mut wrong = digits.clone();
                wrong[place] = other;
                assert_eq!(is_verhoeff(std::str::from_utf8(&wrong).unwrap()), wrong == digits);
            }
        }
        for place in 1..digits.len() {
            let mut swapped = digits.clone();
            swapped.swap(place - 1, place);
            assert_eq!(is_verhoeff(std::str::from_utf8(&swapped).unwrap()), swapped == digits);
        }
    }
}
