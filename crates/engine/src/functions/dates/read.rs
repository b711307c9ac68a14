//! What the functions on dates share: orders of day, month and year, partial dates, names of months, day numbers.

use crate::datetime::civil;
use crate::numeral::{Exponent, Notation, SCALE};

/// How day, month and year follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::functions) enum DateOrder {
    Dmy,
    Mdy,
    Ymd,
}

impl DateOrder {
    pub(in crate::functions) fn named(name: &str) -> Option<Self> {
        match name {
            "DMY" => Some(Self::Dmy),
            "MDY" => Some(Self::Mdy),
            "YMD" => Some(Self::Ymd),
            _ => None,
        }
    }

    /// Year, month and day of three parts.
    fn arranged<T>(self, [a, b, c]: [T; 3]) -> [T; 3] {
        match self {
            Self::Dmy => [c, b, a],
            Self::Mdy => [c, a, b],
            Self::Ymd => [a, b, c],
        }
    }
}

/// A language whose month names are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::functions) enum Language {
    English,
    Spanish,
    Portuguese,
}

impl Language {
    pub(in crate::functions) fn named(name: &str) -> Option<Self> {
        match name {
            "en" => Some(Self::English),
            "es" => Some(Self::Spanish),
            "pt" => Some(Self::Portuguese),
            _ => None,
        }
    }

    /// 1 to 12, by the name in full or its first three letters.
    pub(super) fn month(self, word: &str) -> Option<u32> {
        let names = match self {
            Self::English => &ENGLISH,
            Self::Spanish => &SPANISH,
            Self::Portuguese => &PORTUGUESE,
        };
        let is = |name: &str| word.chars().flat_map(char::to_lowercase).map(plain).eq(name.chars());
        let found = names.iter().zip(1..).find(|(name, _)| is(name) || name.get(..3).is_some_and(is));
        match (found, self) {
            (Some((_, month)), _) => Some(month),
            (None, Self::English | Self::Spanish) if is("sept") => Some(9),
            (None, Self::Spanish) if is("setiembre") => Some(9),
            _ => None,
        }
    }

    /// Words and endings of numbers that stand between the parts of a date.
    pub(super) fn is_small_word(self, word: &str) -> bool {
        let words: &[&str] = match self {
            Self::English => &["of", "the", "st", "nd", "rd", "th"],
            Self::Spanish => &["de", "del", "º", "°"],
            Self::Portuguese => &["de", "do", "º", "°"],
        };
        words.iter().any(|small| word.chars().flat_map(char::to_lowercase).eq(small.chars()))
    }
}

fn plain(letter: char) -> char {
    if letter == 'ç' { 'c' } else { letter }
}

const ENGLISH: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const SPANISH: [&str; 12] = [
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
];
const PORTUGUESE: [&str; 12] = [
    "janeiro",
    "fevereiro",
    "marco",
    "abril",
    "maio",
    "junho",
    "julho",
    "agosto",
    "setembro",
    "outubro",
    "novembro",
    "dezembro",
];

/// The first day of what a text says, and how much it says: `Y`, `M` or `D`.
pub(super) fn partial_date(text: &str, order: DateOrder) -> Option<(i32, &'static str)> {
    let text = text.trim();
    let mut parts = text.split(['/', '-', '.', ' ']);
    let [year, month, day] = match (parts.next()?, parts.next(), parts.next(), parts.next()) {
        (year, None, None, None) if year.len() == 4 => [year, "", ""],
        (digits, None, None, None) if digits.len() == 8 => eight_digits(digits, order)?,
        (year, Some(month), None, None) if year.len() == 4 => [year, month, ""],
        (month, Some(year), None, None) if year.len() == 4 => [year, month, ""],
        (year, Some(month), Some(day), None) if year.len() == 4 => [year, month, day],
        (one, Some(two), Some(year), None) if year.len() == 4 && order != DateOrder::Ymd => {
            order.arranged([one, two, year])
        }
        _ => return None,
    };
    let (month, day) = (short(month)?, short(day)?);
    let precision = match (month, day) {
        (0, 0) => "Y",
        // A day without its month says nothing.
        (0, _) => return None,
        (_, 0) => "M",
        _ => "D",
    };
    Some((civil::days(digits(year)?, month.max(1), day.max(1))?, precision))
}

fn eight_digits(text: &str, order: DateOrder) -> Option<[&str; 3]> {
    let widths = if order == DateOrder::Ymd { [4, 2] } else { [2, 2] };
    let (first, rest) = text.split_at_checked(widths[0])?;
    let (second, third) = rest.split_at_checked(widths[1])?;
    Some(order.arranged([first, second, third]))
}

/// A date with a year of two digits; those below the pivot are 20xx.
pub(super) fn short_year_date(text: &str, order: DateOrder, pivot: u32) -> Option<i32> {
    let mut parts = text.trim().split(['/', '-', '.', ' ']);
    let given = [parts.next()?, parts.next()?, parts.next()?];
    if parts.next().is_some() {
        return None;
    }
    let [year, month, day] = order.arranged(given);
    let short_year = digits(year).filter(|_| year.len() == 2)?;
    let century = if short_year < pivot { 2000 } else { 1900 };
    civil::days(century + short_year, short(month)?, short(day)?)
}

/// At most two digits; no digit at all is 0.
fn short(text: &str) -> Option<u32> {
    if text.is_empty() {
        return Some(0);
    }
    digits(text).filter(|_| text.len() <= 2)
}

fn digits(text: &str) -> Option<u32> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// 1970-01-01 as Excel counts, and its 29 February 1900, which never was.
const EXCEL_1970: i64 = 25_569;
const EXCEL_LEAP_DAY: i64 = 60;

/// The day of a spreadsheet's number in days since 1970-01-01, and the milliseconds of its time of day.
pub(super) fn excel_serial(text: &str) -> Option<(i32, i64)> {
    const ONE: i128 = 10_i128.pow(SCALE as u32);
    let notation = Notation { decimal: '.', group: None, exponent: Exponent::Refused };
    let number = notation.parse(text.trim())?;
    let millis_of_day = civil::MICROS_PER_DAY / 1000;
    let millis = i64::try_from((number % ONE * i128::from(millis_of_day) + ONE / 2) / ONE).ok()?;
    let serial = i64::try_from(number / ONE).ok()? + millis / millis_of_day;
    let day = match serial {
        1..EXCEL_LEAP_DAY => serial - EXCEL_1970 + 1,
        EXCEL_LEAP_DAY => return None,
        _ if serial > EXCEL_LEAP_DAY => serial - EXCEL_1970,
        _ => return None,
    };
    let day = i32::try_from(day).ok()?;
    civil::date(day).map(|_| (day, millis % millis_of_day))
}
