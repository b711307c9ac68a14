//! `parse_time`: reads a time of day and writes it as `HH:MM:SS`.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use crate::datetime::{civil, write_time};
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call, output};

pub(in crate::functions) static PARSE_TIME: Function = Function {
    name: "parse_time",
    summary: "Reads a time of day and writes it as `HH:MM:SS`.",
    details: "Read are `8:15`, `08:15:30`, `8h15`, `8h`, `8h15min`, `0815` and, with `AM` or `PM` \
              behind, the twelve hours. 24:00 and leap seconds are null. `date_at` makes an instant of \
              it.",
    domain: Domain::Dates,
    parameters: &[Parameter { name: "text", kind: ParameterType::Text, description: "the time as text" }],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: true,
    examples: &[
        Example { sql: "parse_time('8:15')", result: Some("08:15:00") },
        Example { sql: "parse_time('14h30')", result: Some("14:30:00") },
        Example { sql: "parse_time('0815')", result: Some("08:15:00") },
        Example { sql: "parse_time('2:30 p.m.')", result: Some("14:30:00") },
        Example { sql: "parse_time('12:05 AM')", result: Some("00:05:00") },
        Example { sql: "parse_time('24:00')", result: None },
        Example { sql: "parse_time('8')", result: None },
        Example { sql: "parse_time('noon')", result: None },
        Example { sql: "parse_time(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    let texts = call.text(0)?;
    Ok(output::write_text(call.rows, |row, time| write_time(micros(texts.get(row)?)?, time)))
}

/// Microseconds since midnight.
fn micros(text: &str) -> Option<i64> {
    let text = text.trim();
    let half = HALVES.iter().find_map(|(word, half)| Some((without_end(text, word)?.trim_end(), *half)));
    let (clock, half) = half.unwrap_or((text, Half::Whole));
    let [hour, minute, second] = parts(clock)?;
    let hour = match (half, hour) {
        (Half::Whole, _) => hour,
        (_, 0 | 13..) => return None,
        (Half::Morning, _) => hour % 12,
        (Half::Afternoon, _) => hour % 12 + 12,
    };
    Some(civil::clock(hour, minute, second)? * civil::MICROS_PER_SECOND)
}

#[derive(Debug, Clone, Copy)]
enum Half {
    Whole,
    Morning,
    Afternoon,
}

const HALVES: [(&str, Half); 4] =
    [("am", Half::Morning), ("a.m.", Half::Morning), ("pm", Half::Afternoon), ("p.m.", Half::Afternoon)];

fn without_end<'t>(text: &'t str, end: &str) -> Option<&'t str> {
    let (before, after) = text.split_at_checked(text.len().checked_sub(end.len())?)?;
    after.eq_ignore_ascii_case(end).then_some(before)
}

fn parts(clock: &str) -> Option<[u32; 3]> {
    if let [a, b, c, d] = *clock.as_bytes()
        && let (Some(hour), Some(minute)) = (civil::two_digits([a, b]), civil::two_digits([c, d]))
    {
        return Some([hour, minute, 0]);
    }
    let (hour, rest) = clock.split_once([':', 'h', 'H'])?;
    let rest = without_end(rest, "min").or_else(|| without_end(rest, "s")).unwrap_or(rest);
    let hours_alone = rest.is_empty() && !clock.ends_with(':');
    let (minute, second) = rest.split_once(':').unwrap_or((rest, "00"));
    let minute = if hours_alone { "00" } else { minute };
    (minute.len() == 2 && second.len() == 2).then_some([number(hour)?, number(minute)?, number(second)?])
}

/// One or two digits.
fn number(digits: &str) -> Option<u32> {
    match *digits.as_bytes() {
        [ones] => civil::two_digits([b'0', ones]),
        [tens, ones] => civil::two_digits([tens, ones]),
        _ => None,
    }
}
