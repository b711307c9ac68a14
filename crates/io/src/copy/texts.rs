//! Texts that a column keeps as something else, in the form in which PostgreSQL receives it.

use crate::target::values::{DATE_RANGE, DAY_US, OUT_OF_RANGE, Problem};

use super::{EPOCH_DAYS, EPOCH_US, UNFIT};

/// PostgreSQL's days and instants reach back to 4713 BC.
const FIRST_YEAR: i64 = -4712;

const NO_DAY: Problem = "is no day as YYYY-MM-DD, `infinity` or `-infinity`";
const NO_INSTANT: Problem = "is no instant as YYYY-MM-DDTHH:MM:SSZ, `infinity` or `-infinity`";

/// With hyphens, in either case: other writings that PostgreSQL would take are not read back the same.
pub(crate) fn parse_uuid(text: &str) -> Option<[u8; 16]> {
    if text.len() != 36 {
        return None;
    }
    let mut bytes = [0_u8; 16];
    let mut place = bytes.iter_mut();
    let mut high: Option<u8> = None;
    for (index, character) in text.bytes().enumerate() {
        if matches!(index, 8 | 13 | 18 | 23) {
            if character != b'-' {
                return None;
            }
            continue;
        }
        let digit = char::from(character).to_digit(16)? as u8;
        match high.take() {
            None => high = Some(digit),
            Some(high) => *place.next()? = high << 4 | digit,
        }
    }
    Some(bytes)
}

/// `HH:MM:SS`, with up to 6 digits after a point, as microseconds.
pub(super) fn parse_time(text: &str) -> Option<i64> {
    let (clock, fraction) = match text.split_once('.') {
        Some((clock, fraction)) => (clock, fraction),
        None => (text, "0"),
    };
    let mut parts = clock.split(':').map(|part| {
        let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| part.parse::<i64>().ok()).flatten()
    });
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    if fraction.is_empty() || fraction.len() > 6 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let scale = 10_i64.pow(6 - fraction.len() as u32);
    Some(((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction.parse::<i64>().ok()? * scale)
}

/// Days as the server counts them.
pub(super) fn date(days: i32) -> Result<i32, Problem> {
    if !DATE_RANGE.contains(&days) {
        return Err(OUT_OF_RANGE);
    }
    Ok(days - EPOCH_DAYS)
}

/// Microseconds as the server counts them; `step` is the smallest part of a second that the column keeps.
pub(super) fn instant(micros: i64, step: i64) -> Result<i64, Problem> {
    let days = i32::try_from(micros.div_euclid(DAY_US)).map_err(|_| OUT_OF_RANGE)?;
    if !DATE_RANGE.contains(&days) {
        return Err(OUT_OF_RANGE);
    }
    if step > 1 && micros % step != 0 {
        return Err(UNFIT);
    }
    Ok(micros - EPOCH_US)
}

/// The same of a text: a day of the years 1 to 9999, one that ends in ` BC`, or an infinite one.
pub(super) fn date_in_words(text: &str) -> Result<i32, Problem> {
    match text {
        "infinity" => return Ok(i32::MAX),
        "-infinity" => return Ok(i32::MIN),
        _ => {}
    }
    let (day, bc) = without_era(text);
    let days = parse_day(day, bc).ok_or(NO_DAY)?;
    i32::try_from(days).map(|days| days - EPOCH_DAYS).map_err(|_| OUT_OF_RANGE)
}

pub(super) fn instant_in_words(text: &str, step: i64) -> Result<i64, Problem> {
    match text {
        "infinity" => return Ok(i64::MAX),
        "-infinity" => return Ok(i64::MIN),
        _ => {}
    }
    let (instant, bc) = without_era(text);
    let parsed = || {
        let (day, time) = instant.strip_suffix('Z')?.split_once('T')?;
        Some(parse_day(day, bc)? * DAY_US + parse_time(time)?)
    };
    let micros = parsed().ok_or(NO_INSTANT)?;
    if step > 1 && micros % step != 0 {
        return Err(UNFIT);
    }
    Ok(micros - EPOCH_US)
}

fn without_era(text: &str) -> (&str, bool) {
    match text.strip_suffix(" BC") {
        Some(rest) => (rest, true),
        None => (text, false),
    }
}

/// Days since 1970 of `YYYY-MM-DD`; the year before 1 is 1 BC.
fn parse_day(text: &str, bc: bool) -> Option<i64> {
    let number = |range: std::ops::Range<usize>| -> Option<i64> {
        let digits = text.get(range)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
    };
    let hyphens = text.len() == 10 && text.get(4..5) == Some("-") && text.get(7..8) == Some("-");
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    if !hyphens || year == 0 || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let year = if bc { 1 - year } else { year };
    if year < FIRST_YEAR {
        return None;
    }
    let days = days_from_civil(year, month, day);
    // A day that the month does not have is one of the next month.
    let next = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    (days < days_from_civil(next.0, next.1, 1)).then_some(days)
}

/// Howard Hinnant's `days_from_civil`, <https://howardhinnant.github.io/date_algorithms.html>.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Base64 with its padding (RFC 4648, section 4: what Data Package's `format: binary` and FHIR's `base64Binary` are),
/// or `\x` and hexadecimal digits, as PostgreSQL shows bytes. No text is both: base64 has no backslash.
pub(crate) fn parse_bytes(text: &str) -> Option<Vec<u8>> {
    if let Some(digits) = text.strip_prefix("\\x") {
        let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
        let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
        let bytes = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?));
        return if rest.is_empty() { bytes.collect() } else { None };
    }
    let (groups, rest) = text.as_bytes().as_chunks::<4>();
    if !rest.is_empty() {
        return None;
    }
    let mut bytes = Vec::with_capacity(groups.len() * 3);
    for (index, group) in groups.iter().enumerate() {
        let padding = group.iter().rev().take_while(|byte| **byte == b'=').count();
        if padding > 2 || (padding > 0 && index + 1 != groups.len()) {
            return None;
        }
        let mut bits = 0_u32;
        for byte in group {
            let value = match byte {
                b'A'..=b'Z' => byte - b'A',
                b'a'..=b'z' => byte - b'a' + 26,
                b'0'..=b'9' => byte - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                b'=' => 0,
                _ => return None,
            };
            bits = bits << 6 | u32::from(value);
        }
        // An equals sign anywhere but at the end.
        if group.iter().filter(|byte| **byte == b'=').count() != padding {
            return None;
        }
        let [_, first, second, third] = bits.to_be_bytes();
        let whole = [first, second, third];
        let (kept, lost) = whole.split_at(3 - padding);
        // Bits that no byte has: another text for the same bytes.
        if lost.iter().any(|byte| *byte != 0) {
            return None;
        }
        bytes.extend_from_slice(kept);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_base64_or_hexadecimal() {
        let cases: [(&str, Option<&[u8]>); 14] = [
            ("", Some(b"")),
            ("Zg==", Some(b"f")),
            ("Zm8=", Some(b"fo")),
            ("Zm9v", Some(b"foo")),
            ("Zm9vYg==", Some(b"foob")),
            ("+/+/", Some(&[0xfb, 0xff, 0xbf])),
            ("\\x", Some(b"")),
            ("\\x00fF", Some(&[0, 255])),
            ("\\x0", None),
            ("Zg", None),
            ("Zh==", None),
            ("Zg==Zg==", None),
            ("Z===", None),
            ("Zm9 v", None),
        ];
        for (text, bytes) in cases {
            assert_eq!(parse_bytes(text).as_deref(), bytes, "{text}");
        }
    }

    #[test]
    fn days_in_words() {
        assert_eq!(date_in_words("2000-01-01"), Ok(0));
        assert_eq!(date_in_words("infinity"), Ok(i32::MAX));
        assert_eq!(date_in_words("0001-12-31 BC"), Ok(DATE_RANGE.start() - 1 - EPOCH_DAYS));
        for text in
            ["2023-02-29", "0000-01-01", "1-1-1", "4714-01-01 BC", "2000-01-01 AD", "Infinity", "2000-13-01"]
        {
            assert_eq!(date_in_words(text), Err(NO_DAY), "{text}");
        }
        assert_eq!(instant_in_words("2000-01-01T00:00:00.5Z", 1), Ok(500_000));
        assert_eq!(instant_in_words("2000-01-01T00:00:00.5Z", 1_000_000), Err(UNFIT));
        assert_eq!(instant_in_words("2000-01-01 00:00:00", 1), Err(NO_INSTANT));
    }
}
