//! Texts that a database keeps as something else, in the text that it makes of them.

use std::fmt::Write;

use chartlift_io::target::Element;

use super::json::{Json, parse};

/// The bytes that base64, or `\x` and hexadecimal digits, stand for: in hexadecimal digits. What is neither stays.
pub(super) fn write_bytes(text: &mut String, value: &str) {
    if let Some(digits) = value.strip_prefix("\\x") {
        text.push_str(&digits.to_ascii_lowercase());
        return;
    }
    let mut bits = 0_u32;
    let mut held = 0;
    for character in value.trim_end_matches('=').bytes() {
        let place = match character {
            b'A'..=b'Z' => character - 65,
            b'a'..=b'z' => character - 71,
            b'0'..=b'9' => character + 4,
            b'+' => 62,
            _ => 63,
        };
        bits = (bits << 6) | u32::from(place);
        held += 6;
        if held >= 8 {
            held -= 8;
            // Writing into a String cannot fail, here and below.
            let _ = write!(text, "{:02x}", (bits >> held) & 0xff);
        }
    }
}

/// `HH:MM:SS`, with or without a fraction.
pub(super) fn write_time(text: &mut String, value: &str) {
    let (clock, fraction) = value.split_once('.').unwrap_or((value, ""));
    let _ = write!(text, "{clock}.{fraction:0<6}");
}

/// Instants of our era have six digits of a second; those before it are as the database says them.
pub(super) fn write_instant(text: &mut String, value: &str) {
    let Some((day, time)) = value.split_once('T') else {
        text.push_str(value);
        return;
    };
    let (time, era) = time.split_once('Z').unwrap_or((time, ""));
    if era.is_empty() {
        text.push_str(day);
        text.push('T');
        write_time(text, time);
        text.push('Z');
    } else {
        let time = if time.contains('.') { time.trim_end_matches('0').trim_end_matches('.') } else { time };
        let _ = write!(text, "{day} {time}{era}");
    }
}

/// The bounds and then each element with its length in bytes; `-` for null. What is no array stays as it is.
pub(super) fn write_array(text: &mut String, value: &str, element: Element) {
    let Some(Json::Array(values)) = parse(value) else {
        text.push_str(value);
        return;
    };
    if !values.is_empty() {
        let _ = write!(text, "[1:{}]", values.len());
    }
    for (index, value) in values.iter().enumerate() {
        text.push_str(if index == 0 { "" } else { ";" });
        match element_text(value, element) {
            None => text.push('-'),
            Some(element) => {
                let _ = write!(text, "{}:{element}", element.len());
            }
        }
    }
}

fn element_text(value: &Json, element: Element) -> Option<String> {
    Some(match value {
        Json::Null => return None,
        Json::Boolean(flag) => flag.to_string(),
        Json::Number(number) if number.contains('.') => {
            number.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        Json::Number(number) => number.clone(),
        Json::Text(text) => match element {
            Element::Uuid => text.to_ascii_lowercase(),
            Element::Timestamp | Element::TimestampWithZone => {
                let mut instant = String::new();
                write_instant(&mut instant, text);
                instant
            }
            _ => text.clone(),
        },
        // No array of the database holds these.
        Json::Array(_) | Json::Object(_) => "?".to_owned(),
    })
}
