//! Numbers and dates as a language writes them, so that nobody takes a day for a month.

use chartlift_engine::clinical::Cell;
use chartlift_rules::FieldType;

use super::words::{Words, fill};

/// A number with its thousands apart.
pub(super) fn number(words: &Words, number: u64) -> String {
    crate::output::grouped(number).replace(',', words.thousands)
}

/// A share in percent to two places, never less than it is.
pub(super) fn percent_at_most(words: &Words, part: u64, whole: u64) -> String {
    if whole == 0 {
        return String::new();
    }
    let hundredths = (u128::from(part) * 10_000).div_ceil(u128::from(whole));
    format!("{}{}{:02} %", hundredths / 100, words.decimal, hundredths % 100)
}

/// A value of the new system in the language's form.
pub(super) fn value(words: &Words, cell: &Cell) -> String {
    match cell.kind {
        FieldType::Date => date(words, &cell.text),
        FieldType::Datetime => instant(words, &cell.text),
        FieldType::Boolean => match cell.text.as_str() {
            "true" => words.yes.to_owned(),
            "false" => words.no.to_owned(),
            other => other.to_owned(),
        },
        FieldType::Number => cell.text.replace('.', words.decimal),
        FieldType::String | FieldType::Integer | FieldType::Time => cell.text.clone(),
    }
}

/// `1980-02-29`, `1980-02` or `1980`, with the month as a word; anything else as it is.
pub(super) fn date(words: &Words, text: &str) -> String {
    let mut parts = text.split('-');
    let (Some(year), month, day, None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return text.to_owned();
    };
    let Some(number) = month else { return text.to_owned() };
    let number = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    let Some(month) = number.and_then(|number| words.months.split(' ').nth(number)) else {
        return text.to_owned();
    };
    match day {
        Some(day) => {
            fill(words.date_form, &[("day", day.trim_start_matches('0')), ("month", month), ("year", year)])
        }
        None => fill(words.month_form, &[("month", month), ("year", year)]),
    }
}

/// An instant in ISO 8601, to the minute; `Z` says that it is UTC's.
pub(super) fn instant(words: &Words, text: &str) -> String {
    let Some((day, time)) = text.split_once('T') else { return text.to_owned() };
    let minutes = time.get(.."HH:MM".len()).unwrap_or(time);
    let universal = time.ends_with('Z') || time.ends_with("+00:00");
    let minutes = if universal { format!("{minutes} UTC") } else { minutes.to_owned() };
    fill(words.time_form, &[("date", &date(words, day)), ("time", &minutes)])
}

#[cfg(test)]
mod tests {
    use super::super::words::Language;
    use super::*;

    #[test]
    fn dates_and_numbers_cannot_be_misread() {
        let (english, portuguese) = (Language::English.words(), Language::BrazilianPortuguese.words());
        for (text, en, pt) in [
            ("1980-02-09", "9 February 1980", "9 de fevereiro de 1980"),
            ("1980-12", "December 1980", "dezembro de 1980"),
            ("1980", "1980", "1980"),
            ("1980-13-01", "1980-13-01", "1980-13-01"),
            ("unknown", "unknown", "unknown"),
        ] {
            assert_eq!(date(english, text), en);
            assert_eq!(date(portuguese, text), pt);
        }
        assert_eq!(instant(english, "2026-11-23T14:05:00Z"), "23 November 2026, 14:05 UTC");
        assert_eq!(instant(portuguese, "2026-11-23T14:05:00Z"), "23 de novembro de 2026, 14:05 UTC");
        assert_eq!(instant(english, "2026-11-23T14:05:00"), "23 November 2026, 14:05");
        assert_eq!(number(english, 1_234_567), "1,234,567");
        assert_eq!(number(portuguese, 1_234_567), "1.234.567");
        assert_eq!(percent_at_most(english, 1, 163), "0.62 %");
        assert_eq!(percent_at_most(portuguese, 1, 163), "0,62 %");
        assert_eq!(percent_at_most(english, 163, 163), "100.00 %");
        assert_eq!(percent_at_most(english, 0, 0), "");
        let cell = |kind, text: &str| Cell { name: String::new(), text: text.into(), kind };
        assert_eq!(value(portuguese, &cell(FieldType::Number, "80.5")), "80,5");
        assert_eq!(value(portuguese, &cell(FieldType::String, "80.5")), "80.5");
        assert_eq!(value(english, &cell(FieldType::Boolean, "false")), "no");
    }
}
