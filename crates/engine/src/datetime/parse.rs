//! Reading text by a pattern, and writing a date by one.

use std::fmt::Write as _;

use super::civil::{self, MICROS_PER_DAY, MICROS_PER_SECOND};
use super::{Form, Item, Pattern, Step, Zone};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

impl Pattern {
    /// Days since 1970-01-01. A time of day that the pattern also reads must be right, but does not count.
    #[inline]
    pub fn parse_date(&self, text: &str) -> Option<i32> {
        let text = text.as_bytes();
        match &self.form {
            Form::Iso => civil::iso_date(text),
            Form::Steps(steps, layout) => {
                if let Some(day) = layout.as_ref().and_then(|layout| layout.date(text)) {
                    return Some(day);
                }
                let parts = Parts::read(steps, text)?;
                parts.time()?;
                parts.day()
            }
        }
    }

    /// The first day of what the text says: a year, a month or a day. How much that is must be recorded beside it.
    pub fn parse_partial_date(&self, text: &str) -> Option<i32> {
        let Some(steps) = self.steps() else { return self.parse_date(text) };
        let mut parts = Parts::read(steps, text.as_bytes())?;
        if !self.says("month") {
            parts.month = 1;
        }
        if !self.says("day") {
            parts.day = 1;
        }
        parts.day()
    }

    /// Microseconds since 1970-01-01 UTC. Where the text carries no offset, it is `zone`'s wall clock.
    #[inline]
    pub fn parse_datetime(&self, text: &str, zone: Zone) -> Option<i64> {
        let text = text.as_bytes();
        let (local, offset) = match &self.form {
            Form::Iso => civil::iso_datetime(text)?,
            Form::Steps(steps, layout) => match layout.as_ref().and_then(|layout| layout.datetime(text)) {
                Some(local) => (local, None),
                None => {
                    let parts = Parts::read(steps, text)?;
                    parts.has_time.then_some(())?;
                    (i64::from(parts.day()?) * MICROS_PER_DAY + parts.time()?, parts.offset()?)
                }
            },
        };
        match offset {
            Some(seconds) => civil::in_range(local - i64::from(seconds) * MICROS_PER_SECOND),
            None => zone.instant(local),
        }
    }

    /// Microseconds since midnight of a time of day.
    pub fn parse_time(&self, text: &str) -> Option<i64> {
        match &self.form {
            Form::Iso => civil::iso_time(text.as_bytes()),
            Form::Steps(steps, _) => {
                let parts = Parts::read(steps, text.as_bytes())?;
                parts.has_time.then_some(())?;
                parts.time()
            }
        }
    }

    /// Writes a date; `None` when it lies outside of the years 1 to 9999 or the pattern asks for a time.
    pub fn format_date(&self, days: i32, out: &mut String) -> Option<()> {
        let (year, month, day) = civil::date(days)?;
        let Some(steps) = self.steps() else {
            return write!(out, "{year:04}-{month:02}-{day:02}").ok();
        };
        for step in steps {
            let number = |out: &mut String, number: u32, digits: usize| {
                let width = if step.fill_mode { 1 } else { digits };
                write!(out, "{number:0width$}").ok()
            };
            match &step.item {
                Item::Year => number(out, year, 4)?,
                Item::Month => number(out, month, 2)?,
                Item::Day => number(out, day, 2)?,
                Item::MonthName => out.push_str(MONTHS.get(month as usize - 1)?),
                Item::MonthShort => out.push_str(MONTHS.get(month as usize - 1)?.get(..3)?),
                Item::DayName => out.push_str(WEEKDAYS.get(usize::from(civil::weekday(days)))?),
                Item::DayShort => out.push_str(WEEKDAYS.get(usize::from(civil::weekday(days)))?.get(..3)?),
                Item::Literal(text) => out.push_str(text),
                _ => return None,
            }
        }
        Some(())
    }

    /// Whether a date can be written by the pattern.
    pub fn check_writable(&self) -> Result<(), super::PatternError> {
        const DATE: [&str; 4] = ["year", "month", "day", "day of the week"];
        let mut parts = self.steps().unwrap_or_default().iter().filter_map(|step| step.item.part());
        match parts.find(|part| !DATE.contains(part)) {
            Some(_) => Err(super::PatternError::TimeOfDate),
            None => Ok(()),
        }
    }
}

/// What was read of one text, still unchecked.
#[derive(Default)]
struct Parts {
    year: u32,
    month: u32,
    day: u32,
    weekday: Option<u8>,
    hour: u32,
    afternoon: Option<bool>,
    minute: u32,
    second: u32,
    micros: u32,
    has_time: bool,
    offset_sign: Option<u8>,
    offset_hours: u32,
    offset_minutes: u32,
}

impl Parts {
    fn read(steps: &[Step], text: &[u8]) -> Option<Self> {
        let mut parts = Self::default();
        let mut rest = text;
        for step in steps {
            rest = parts.step(step, rest)?;
        }
        rest.is_empty().then_some(parts)
    }

    fn step<'a>(&mut self, step: &Step, text: &'a [u8]) -> Option<&'a [u8]> {
        let two = |text| digits(text, 2, step.short);
        let (target, (number, rest)) = match &step.item {
            Item::Literal(literal) => return text.strip_prefix(literal.as_bytes()),
            Item::Year => (&mut self.year, digits(text, 4, false)?),
            Item::Month => (&mut self.month, two(text)?),
            Item::Day => (&mut self.day, two(text)?),
            Item::Hour24 => (&mut self.hour, two(text)?),
            Item::Hour12 => {
                let (hour, rest) = two(text)?;
                // 12 is the first hour of each half.
                (1..=12).contains(&hour).then_some(())?;
                (&mut self.hour, (hour % 12, rest))
            }
            Item::Minute => {
                self.has_time = true;
                (&mut self.minute, two(text)?)
            }
            Item::Second => (&mut self.second, two(text)?),
            Item::Fraction(width) => (&mut self.micros, fraction(text, *width, step.short)?),
            Item::MonthName => {
                let (month, rest) = name(text, &MONTHS, None)?;
                (&mut self.month, (u32::from(month) + 1, rest))
            }
            Item::MonthShort => {
                let (month, rest) = name(text, &MONTHS, Some(3))?;
                (&mut self.month, (u32::from(month) + 1, rest))
            }
            Item::DayName | Item::DayShort => {
                let width = (step.item == Item::DayShort).then_some(3);
                let (weekday, rest) = name(text, &WEEKDAYS, width)?;
                self.weekday = Some(weekday);
                return Some(rest);
            }
            Item::Meridiem => return self.meridiem(text, &["am", "pm"]),
            Item::MeridiemDotted => return self.meridiem(text, &["a.m.", "p.m."]),
            _ => return self.offset_step(step, text),
        };
        *target = number;
        Some(rest)
    }

    fn meridiem<'a>(&mut self, text: &'a [u8], halves: &[&str]) -> Option<&'a [u8]> {
        let (half, rest) = name(text, halves, None)?;
        self.afternoon = Some(half == 1);
        Some(rest)
    }

    fn offset_step<'a>(&mut self, step: &Step, text: &'a [u8]) -> Option<&'a [u8]> {
        let (number, rest) = match (&step.item, text) {
            (Item::Utc | Item::Offset, [b'Z', rest @ ..]) => {
                self.offset_sign = Some(b'+');
                return Some(rest);
            }
            (Item::OffsetMinutes, _) => {
                let (minutes, rest) = digits(text, 2, false)?;
                self.offset_minutes = minutes;
                return Some(rest);
            }
            (Item::OffsetHours | Item::Offset, [sign @ (b'+' | b'-'), rest @ ..]) => {
                self.offset_sign = Some(*sign);
                digits(rest, 2, false)?
            }
            _ => return None,
        };
        self.offset_hours = number;
        if step.item == Item::OffsetHours {
            return Some(rest);
        }
        let minutes = rest.strip_prefix(b":").unwrap_or(rest);
        match digits(minutes, 2, false) {
            Some((number, after)) => {
                self.offset_minutes = number;
                Some(after)
            }
            None => Some(rest),
        }
    }

    fn day(&self) -> Option<i32> {
        let day = civil::days(self.year, self.month, self.day)?;
        // A day of the week that contradicts the date says that one of them is wrong.
        self.weekday.is_none_or(|weekday| weekday == civil::weekday(day)).then_some(day)
    }

    fn time(&self) -> Option<i64> {
        let hour = self.hour + if self.afternoon == Some(true) { 12 } else { 0 };
        let seconds = civil::clock(hour, self.minute, self.second)?;
        Some(seconds * MICROS_PER_SECOND + i64::from(self.micros))
    }

    /// The inner value is `None` when the text carries no offset.
    fn offset(&self) -> Option<Option<i32>> {
        match self.offset_sign {
            None => Some(None),
            Some(sign) => civil::signed_offset(sign, self.offset_hours, self.offset_minutes).map(Some),
        }
    }
}

/// Writes a time of day as `HH:MM:SS`, with a fraction where there is one.
pub(crate) fn write_time(micros: i64, out: &mut String) -> Option<()> {
    let (seconds, micros) = (micros / MICROS_PER_SECOND, micros % MICROS_PER_SECOND);
    write!(out, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60).ok()?;
    if micros > 0 {
        write!(out, ".{micros:06}").ok()?;
        out.truncate(out.trim_end_matches('0').len());
    }
    Some(())
}

/// A number of `width` digits, or fewer where `short` allows it.
fn digits(text: &[u8], width: usize, short: bool) -> Option<(u32, &[u8])> {
    let found = text.iter().take(width).take_while(|byte| byte.is_ascii_digit()).count();
    if found == 0 || (found < width && !short) {
        return None;
    }
    let (digits, rest) = text.split_at_checked(found)?;
    Some((digits.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0')), rest))
}

/// Digits after a decimal point, in millionths.
fn fraction(text: &[u8], width: u8, short: bool) -> Option<(u32, &[u8])> {
    let (number, rest) = digits(text, usize::from(width), short)?;
    let found = text.len() - rest.len();
    Some((number * 10_u32.pow(6_u32.saturating_sub(found as u32)), rest))
}

/// The index of the name at the start of the text, in any case.
fn name<'a>(text: &'a [u8], names: &[&str], width: Option<usize>) -> Option<(u8, &'a [u8])> {
    names.iter().zip(0..).find_map(|(name, index)| {
        let name = name.as_bytes().get(..width.unwrap_or(name.len()))?;
        let (head, rest) = text.split_at_checked(name.len())?;
        head.eq_ignore_ascii_case(name).then_some((index, rest))
    })
}
