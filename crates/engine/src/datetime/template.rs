//! From the text of a pattern to its steps: PostgreSQL's template words, and `strptime` as Table Schema uses it.

use super::{Item, PatternError, Step};

/// Longest first, so that `MONTH` is not read as `MON` and two letters more.
const WORDS: [(&str, Item); 20] = [
    ("MONTH", Item::MonthName),
    ("HH24", Item::Hour24),
    ("HH12", Item::Hour12),
    ("YYYY", Item::Year),
    ("A.M.", Item::MeridiemDotted),
    ("P.M.", Item::MeridiemDotted),
    ("MON", Item::MonthShort),
    ("DAY", Item::DayName),
    ("TZH", Item::OffsetHours),
    ("TZM", Item::OffsetMinutes),
    ("HH", Item::Hour12),
    ("MM", Item::Month),
    ("MI", Item::Minute),
    ("MS", Item::Fraction(3)),
    ("US", Item::Fraction(6)),
    ("DD", Item::Day),
    ("DY", Item::DayShort),
    ("SS", Item::Second),
    ("AM", Item::Meridiem),
    ("PM", Item::Meridiem),
];

/// What starts like a word we know and is another one, or a slip of the hand.
const REFUSED: [&str; 4] = ["SSSSS", "SSSS", "YYYYY", "DDD"];

pub(super) fn template(text: &str) -> Result<Vec<Step>, PatternError> {
    let mut steps = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some(quoted) = rest.strip_prefix('"') {
            let end = quoted.find('"').ok_or(PatternError::UnclosedQuote)?;
            literal(&mut steps, quoted.get(..end).unwrap_or_default());
            rest = quoted.get(end + 1..).unwrap_or_default();
        } else if first.is_ascii_alphabetic() {
            let (step, after) = word(rest)?;
            match step.item {
                Item::Literal(letter) => literal(&mut steps, &letter),
                _ => steps.push(step),
            }
            rest = after;
        } else {
            let after = rest.get(first.len_utf8()..).unwrap_or_default();
            literal(&mut steps, rest.strip_suffix(after).unwrap_or_default());
            rest = after;
        }
    }
    Ok(steps)
}

/// One template word at the start of `text`, and what follows it.
fn word(text: &str) -> Result<(Step, &str), PatternError> {
    let (fill_mode, text) = match strip_word(text, "FM") {
        Some(after) => (true, after),
        None => (false, text),
    };
    if let Some(refused) = REFUSED.iter().find(|word| strip_word(text, word).is_some()) {
        return Err(PatternError::UnknownWord { word: (*refused).to_owned() });
    }
    for (word, item) in &WORDS {
        if let Some(after) = strip_word(text, word) {
            return Ok((Step { fill_mode, ..Step::from(item.clone()) }, after));
        }
    }
    // The T between date and time is so common that it needs no quotes; the zone's name (TZ) is not supported.
    if let (Some(after), None) = (text.strip_prefix('T'), strip_word(text, "TZ")) {
        return Ok((Step::from(Item::Literal("T".to_owned())), after));
    }
    if let Some(after) = text.strip_prefix('Z') {
        return Ok((Step::from(Item::Utc), after));
    }
    if let Some(after) = strip_word(text, "OF") {
        return Ok((Step::from(Item::Offset), after));
    }
    if strip_word(text, "YY").is_some() {
        return Err(PatternError::TwoDigitYear);
    }
    let word: String = text.chars().take_while(char::is_ascii_alphabetic).collect();
    Err(PatternError::UnknownWord { word })
}

/// Template words are written in any case.
fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (head, after) = text.split_at_checked(word.len())?;
    head.eq_ignore_ascii_case(word).then_some(after)
}

fn literal(steps: &mut Vec<Step>, text: &str) {
    if let Some(Step { item: Item::Literal(before), .. }) = steps.last_mut() {
        before.push_str(text);
    } else if !text.is_empty() {
        steps.push(Step::from(Item::Literal(text.to_owned())));
    }
}

/// The directives of Python's `strptime`, which Table Schema's `format` refers to.
pub(super) fn strptime(text: &str) -> Result<Vec<Step>, PatternError> {
    let mut steps = Vec::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '%' {
            literal(&mut steps, character.encode_utf8(&mut [0; 4]));
            continue;
        }
        let directive = characters.next().unwrap_or('%');
        let items: &[Item] = match directive {
            'Y' => &[Item::Year],
            'm' => &[Item::Month],
            'd' => &[Item::Day],
            'H' => &[Item::Hour24],
            'I' => &[Item::Hour12],
            'p' => &[Item::Meridiem],
            'M' => &[Item::Minute],
            'S' => &[Item::Second],
            'f' => &[Item::Fraction(6)],
            'b' => &[Item::MonthShort],
            'B' => &[Item::MonthName],
            'a' => &[Item::DayShort],
            'A' => &[Item::DayName],
            'z' => &[Item::Offset],
            'y' | 'D' | 'x' | 'c' => return Err(PatternError::TwoDigitYear),
            '%' => {
                literal(&mut steps, "%");
                continue;
            }
            other => return Err(PatternError::UnknownWord { word: format!("%{other}") }),
        };
        steps.extend(items.iter().cloned().map(Step::from));
    }
    Ok(steps)
}
