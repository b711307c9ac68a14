//! Dates as exports write them, read by a pattern of digits and nothing cleverer.

/// What a pattern found, as far as it looks.
#[derive(Default)]
struct Parts {
    year: u32,
    month: Option<u32>,
    day: Option<u32>,
    hour: Option<u32>,
    minute: u32,
    second: u32,
}

/// A date as `YYYY`, `YYYY-MM` or `YYYY-MM-DD`, as much as the pattern has.
pub(crate) fn date(text: &str, pattern: &str) -> Option<String> {
    let parts = parts(text, pattern)?;
    Some(match (parts.month, parts.day) {
        (Some(month), Some(day)) => format!("{:04}-{month:02}-{day:02}", parts.year),
        (Some(month), None) => format!("{:04}-{month:02}", parts.year),
        (None, _) => format!("{:04}", parts.year),
    })
}

/// An instant as `YYYY-MM-DDTHH:MM:SS`.
pub(crate) fn instant(text: &str, pattern: &str) -> Option<String> {
    let parts = parts(text, pattern)?;
    let (month, day, hour) = (parts.month?, parts.day?, parts.hour?);
    let Parts { year, minute, second, .. } = parts;
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"))
}

const WORDS: [&str; 6] = ["YYYY", "MM", "DD", "HH", "MI", "SS"];

/// `YYYY MM DD HH MI SS` stand for digits, `*` for whatever follows; all else stands for itself.
fn parts(text: &str, pattern: &str) -> Option<Parts> {
    let mut parts = Parts::default();
    let (mut text, mut pattern) = (text.trim(), pattern);
    while let Some(first) = pattern.chars().next() {
        if pattern == "*" {
            text = "";
            break;
        }
        let Some(word) = WORDS.into_iter().find(|word| pattern.starts_with(word)) else {
            text = text.strip_prefix(first)?;
            pattern = pattern.get(first.len_utf8()..)?;
            continue;
        };
        let digits = text.bytes().take(word.len()).take_while(u8::is_ascii_digit).count();
        let number = text.get(..digits)?.parse::<u32>().ok()?;
        match word {
            "YYYY" if digits == 4 => parts.year = number,
            "MM" => parts.month = Some(number),
            "DD" => parts.day = Some(number),
            "HH" => parts.hour = Some(number),
            "MI" => parts.minute = number,
            "SS" => parts.second = number,
            _ => return None,
        }
        text = text.get(digits..)?;
        pattern = pattern.get(word.len()..)?;
    }
    (text.is_empty() && exists(&parts)).then_some(parts)
}

fn exists(parts: &Parts) -> bool {
    let leap =
        parts.year.is_multiple_of(4) && (!parts.year.is_multiple_of(100) || parts.year.is_multiple_of(400));
    let days = match parts.month {
        Some(4 | 6 | 9 | 11) => 30,
        Some(2) if leap => 29,
        Some(2) => 28,
        _ => 31,
    };
    parts.month.is_none_or(|month| (1..=12).contains(&month))
        && parts.day.is_none_or(|day| (1..=days).contains(&day))
        && parts.hour.is_none_or(|hour| hour < 24)
        && parts.minute < 60
        && parts.second < 61
}

#[cfg(test)]
mod tests {
    use super::{date, instant};

    #[test]
    fn dates_are_read_as_far_as_the_pattern_goes() {
        for (text, pattern, read) in [
            ("1980-02-29", "YYYY-MM-DD", Some("1980-02-29")),
            ("1981-02-29", "YYYY-MM-DD", None),
            (" 3/7/1980 ", "DD/MM/YYYY", Some("1980-07-03")),
            ("31/04/1980", "DD/MM/YYYY", None),
            ("07/1980", "MM/YYYY", Some("1980-07")),
            ("1980", "YYYY", Some("1980")),
            ("80", "YYYY", None),
            ("1980-02-01T10:00:00Z", "YYYY-MM-DD*", Some("1980-02-01")),
            ("1980-02-01x", "YYYY-MM-DD", None),
            ("", "YYYY", None),
            ("1900-02-29", "YYYY-MM-DD", None),
            ("2000-02-29", "YYYY-MM-DD", Some("2000-02-29")),
        ] {
            assert_eq!(date(text, pattern).as_deref(), read, "{text} by {pattern}");
        }
    }

    #[test]
    fn instants_need_a_day_and_an_hour() {
        let pattern = "YYYY-MM-DDTHH:MI:SSZ";
        assert_eq!(instant("2010-05-05T00:26:23Z", pattern).as_deref(), Some("2010-05-05T00:26:23"));
        assert_eq!(instant("2010-05-05T24:26:23Z", pattern), None);
        assert_eq!(instant("2010-05-05", "YYYY-MM-DD"), None);
        assert_eq!(instant("05/05/2010 7:30", "DD/MM/YYYY HH:MI").as_deref(), Some("2010-05-05T07:30:00"));
    }
}
