//! The proleptic Gregorian calendar in integers, and ISO 8601 read byte by byte.
//!
//! Every row of every file passes through here, so nothing allocates and nothing is read twice.
//! The day arithmetic is Howard Hinnant's (<https://howardhinnant.github.io/date_algorithms.html>).

pub(crate) const MICROS_PER_SECOND: i64 = 1_000_000;
pub(crate) const SECONDS_PER_DAY: i64 = 86_400;
pub(crate) const MICROS_PER_DAY: i64 = SECONDS_PER_DAY * MICROS_PER_SECOND;

/// 0001-01-01 and 9999-12-31 in days since 1970-01-01.
pub(crate) const FIRST_DAY: i32 = -719_162;
pub(crate) const LAST_DAY: i32 = 2_932_896;

/// Days since 1970-01-01 of a date that exists, years 1 to 9999.
#[inline]
pub(crate) fn days(year: u32, month: u32, day: u32) -> Option<i32> {
    if year == 0 || year > 9999 || day == 0 || day > days_in_month(year, month) {
        return None;
    }
    // The year starts in March, so that the leap day is its last.
    let shifted = if month > 2 { year } else { year - 1 };
    let month = if month > 2 { month - 3 } else { month + 9 };
    let era = shifted / 400;
    let year_of_era = shifted - era * 400;
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some((era * 146_097 + day_of_era) as i32 - 719_468)
}

/// Year, month and day of a day within the years 1 to 9999.
pub(crate) fn date(days: i32) -> Option<(u32, u32, u32)> {
    if !(FIRST_DAY..=LAST_DAY).contains(&days) {
        return None;
    }
    let shifted = (days + 719_468) as u32;
    let era = shifted / 146_097;
    let day_of_era = shifted - era * 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    Some((year_of_era + era * 400 + u32::from(month <= 2), month, day))
}

/// 0 is Monday.
pub(crate) fn weekday(days: i32) -> u8 {
    (days + 3).rem_euclid(7) as u8
}

/// 0 for a month that does not exist, so that no day fits it.
#[inline]
pub(crate) fn days_in_month(year: u32, month: u32) -> u32 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 0,
    }
}

/// Microseconds of an instant whose day lies within the years 1 to 9999.
pub(crate) fn in_range(micros: i64) -> Option<i64> {
    let first = i64::from(FIRST_DAY) * MICROS_PER_DAY;
    let end = (i64::from(LAST_DAY) + 1) * MICROS_PER_DAY;
    (first..end).contains(&micros).then_some(micros)
}

#[inline]
pub(crate) fn two_digits([tens, ones]: [u8; 2]) -> Option<u32> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens <= 9 && ones <= 9).then(|| u32::from(tens) * 10 + u32::from(ones))
}

#[inline]
pub(crate) fn four_digits([a, b, c, d]: [u8; 4]) -> Option<u32> {
    Some(two_digits([a, b])? * 100 + two_digits([c, d])?)
}

/// `YYYY-MM-DD`, exactly.
#[inline]
pub(crate) fn iso_date(text: &[u8]) -> Option<i32> {
    let &[a, b, c, d, b'-', e, f, b'-', g, h] = text else { return None };
    days(four_digits([a, b, c, d])?, two_digits([e, f])?, two_digits([g, h])?)
}

/// `HH:MM`, `HH:MM:SS` or `HH:MM:SS.ffffff` in microseconds since midnight, and what follows.
#[inline]
fn iso_clock(text: &[u8]) -> Option<(i64, &[u8])> {
    let (&[a, b, b':', c, d], rest) = text.split_first_chunk()? else { return None };
    let (hour, minute) = (two_digits([a, b])?, two_digits([c, d])?);
    let (second, rest) = match rest {
        [b':', e, f, rest @ ..] => (two_digits([*e, *f])?, rest),
        _ => (0, rest),
    };
    let seconds = clock(hour, minute, second)?;
    let (micros, rest) = match (rest, text.get(5)) {
        // A fraction belongs to seconds, never to minutes.
        ([b'.' | b',', rest @ ..], Some(b':')) => fraction(rest)?,
        _ => (0, rest),
    };
    Some((seconds * MICROS_PER_SECOND + micros, rest))
}

/// Seconds since midnight; 24:00 and leap seconds are refused because they name another instant.
#[inline]
pub(crate) fn clock(hour: u32, minute: u32, second: u32) -> Option<i64> {
    (hour < 24 && minute < 60 && second < 60).then(|| i64::from(hour * 3600 + minute * 60 + second))
}

/// One digit or more; beyond microseconds only zeros, which lose nothing.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let (mut micros, mut worth, mut rest) = (0, 100_000, text);
    while let [digit @ b'0'..=b'9', after @ ..] = rest {
        if worth == 0 && *digit != b'0' {
            return None;
        }
        micros += i64::from(digit - b'0') * worth;
        worth /= 10;
        rest = after;
    }
    (rest.len() < text.len()).then_some((micros, rest))
}

/// `Z`, `+HH`, `+HH:MM` or `+HHMM` in seconds east of UTC.
pub(crate) fn offset(text: &[u8]) -> Option<i32> {
    let (sign, hours, minutes) = match *text {
        [b'Z'] => return Some(0),
        [sign, a, b] => (sign, two_digits([a, b])?, 0),
        [sign, a, b, b':', c, d] | [sign, a, b, c, d] => (sign, two_digits([a, b])?, two_digits([c, d])?),
        _ => return None,
    };
    signed_offset(sign, hours, minutes)
}

/// The widest offset in use is below 16 hours (PostgreSQL draws the line there, too).
pub(crate) fn signed_offset(sign: u8, hours: u32, minutes: u32) -> Option<i32> {
    if hours > 15 || minutes > 59 {
        return None;
    }
    let seconds = (hours * 3600 + minutes * 60) as i32;
    match sign {
        b'+' => Some(seconds),
        b'-' => Some(-seconds),
        _ => None,
    }
}

/// A time of day without offset, in microseconds since midnight.
pub(crate) fn iso_time(text: &[u8]) -> Option<i64> {
    let (micros, rest) = iso_clock(text)?;
    rest.is_empty().then_some(micros)
}

/// `YYYY-MM-DDTHH:MM[:SS[.f]]` with or without an offset: local microseconds, and the offset in seconds.
#[inline]
pub(crate) fn iso_datetime(text: &[u8]) -> Option<(i64, Option<i32>)> {
    let (date, rest) = text.split_at_checked(10)?;
    let day = iso_date(date)?;
    let [b'T', rest @ ..] = rest else { return None };
    let (micros, rest) = iso_clock(rest)?;
    let offset = if rest.is_empty() { None } else { Some(offset(rest)?) };
    Some((i64::from(day) * MICROS_PER_DAY + micros, offset))
}
