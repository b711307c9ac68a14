//! The short way through a pattern of digits: numbers at known places.

use super::civil::{self, MICROS_PER_DAY, MICROS_PER_SECOND};
use super::{Item, Step};

/// Where everything stands in a text in which every number has its full width: most texts, read without looking at
/// the steps. Whatever does not fit is left to the steps.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    length: usize,
    literals: Vec<(usize, u8)>,
    year: usize,
    month: usize,
    day: usize,
    /// Hour and minute.
    clock: Option<(usize, usize)>,
    second: Option<usize>,
}

impl Layout {
    /// `None` when the pattern has more than a date and a time in digits.
    pub(super) fn of(steps: &[Step]) -> Option<Self> {
        let (mut length, mut literals) = (0, Vec::new());
        let [mut year, mut month, mut day, mut hour, mut minute, mut second] = [None; 6];
        for step in steps {
            let (place, width) = match &step.item {
                Item::Year => (&mut year, 4),
                Item::Month => (&mut month, 2),
                Item::Day => (&mut day, 2),
                Item::Hour24 => (&mut hour, 2),
                Item::Minute => (&mut minute, 2),
                Item::Second => (&mut second, 2),
                Item::Literal(text) => {
                    literals.extend((length..).zip(text.bytes()));
                    length += text.len();
                    continue;
                }
                _ => return None,
            };
            *place = Some(length);
            length += width;
        }
        Some(Self {
            length,
            literals,
            year: year?,
            month: month?,
            day: day?,
            clock: hour.zip(minute),
            second,
        })
    }

    #[inline]
    pub(super) fn date(&self, text: &[u8]) -> Option<i32> {
        if self.clock.is_some() || self.second.is_some() {
            return None;
        }
        self.day(text)
    }

    #[inline]
    pub(super) fn datetime(&self, text: &[u8]) -> Option<i64> {
        let (hour, minute) = self.clock?;
        let day = self.day(text)?;
        let second = match self.second {
            Some(at) => two_at(text, at)?,
            None => 0,
        };
        let seconds = civil::clock(two_at(text, hour)?, two_at(text, minute)?, second)?;
        Some(i64::from(day) * MICROS_PER_DAY + seconds * MICROS_PER_SECOND)
    }

    #[inline]
    fn day(&self, text: &[u8]) -> Option<i32> {
        let fits = text.len() == self.length
            && self.literals.iter().all(|(at, byte)| text.get(*at).is_some_and(|found| found == byte));
        fits.then_some(())?;
        let year = civil::four_digits(*text.get(self.year..)?.first_chunk()?)?;
        civil::days(year, two_at(text, self.month)?, two_at(text, self.day)?)
    }
}

#[inline]
fn two_at(text: &[u8], at: usize) -> Option<u32> {
    civil::two_digits(*text.get(at..)?.first_chunk()?)
}
