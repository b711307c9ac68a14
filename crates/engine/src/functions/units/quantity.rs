//! Numbers with their unit, and blood pressures, as people write them.

use crate::numeral::{Exponent, Notation, SCALE};

/// The number at the start and what follows it, both without white space around.
pub(super) fn number_and_unit(text: &str) -> Option<(&str, &str)> {
    let text = text.trim();
    let unsigned = text.trim_start_matches(['-', '+']);
    if text.len() - unsigned.len() > 1 {
        return None;
    }
    let part = |character: char| character.is_ascii_digit() || matches!(character, '.' | ',');
    let length = unsigned.find(|character| !part(character)).unwrap_or(unsigned.len());
    let number = text.get(..text.len() - unsigned.len() + length)?.trim_end_matches(['.', ',']);
    let unit = text.get(number.len()..)?.trim();
    // A digit behind the number is a second one: a range, a fraction, thousands divided by a blank.
    let second = unit.trim_start_matches(['-', '–', '/', '.', ',', ' ', 'a', 'x']);
    let plain = number.ends_with(|last: char| last.is_ascii_digit());
    (plain && !second.starts_with(|first: char| first.is_ascii_digit())).then_some((number, unit))
}

/// A number without groups and with either decimal character, and the text behind it. Three digits behind the
/// character could be thousands: that is no number here.
pub(super) fn plain_number(text: &str) -> Option<(i128, &str)> {
    let text = text.trim();
    let end = text.find(|character: char| !character.is_ascii_digit() && !matches!(character, '.' | ','));
    let (number, rest) = text.split_at_checked(end.unwrap_or(text.len()))?;
    let decimal = if number.contains(',') { ',' } else { '.' };
    if number.split_once(decimal).is_some_and(|(_, fraction)| fraction.is_empty() || fraction.len() == 3) {
        return None;
    }
    let notation = Notation { decimal, group: None, exponent: Exponent::Refused };
    Some((notation.parse(number)?, rest.trim()))
}

/// Both numbers in mm[Hg].
pub(super) fn blood_pressure(text: &str) -> Option<(i64, i64)> {
    const ONE: i128 = 10_i128.pow(SCALE as u32);
    let (first, rest) = plain_number(without_label(text.trim()))?;
    let second = SEPARATORS.iter().find_map(|separator| rest.strip_prefix(separator))?;
    let (second, unit) = plain_number(second)?;
    let lower = unit.to_lowercase();
    let scale = match (lower.as_str(), first < 30 * ONE) {
        ("" | "mmhg" | "mm hg" | "mm[hg]" | "cmhg", true) => 10,
        ("" | "mmhg" | "mm hg" | "mm[hg]", false) => 1,
        _ => return None,
    };
    let whole = |number: i128| {
        let scaled = number.checked_mul(scale)?;
        (scaled % ONE == 0).then(|| i64::try_from(scaled / ONE).ok())?
    };
    let (systolic, diastolic) = (whole(first)?, whole(second)?);
    let likely = (40..=350).contains(&systolic) && (10..=250).contains(&diastolic) && diastolic < systolic;
    likely.then_some((systolic, diastolic))
}

const SEPARATORS: [&str; 6] = ["/", "x", "X", "×", "por", "\\"];

/// Without `PA`, `PA:`, `BP` before the numbers.
fn without_label(text: &str) -> &str {
    let label = ["PA", "P.A.", "BP", "pa", "TA"].iter().find_map(|label| text.strip_prefix(label));
    label.map_or(text, |rest| rest.trim_start_matches([':', '=', ' ']))
}
