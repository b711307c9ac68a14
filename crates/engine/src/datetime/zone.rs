//! Wall clock to instant and back, by the time zone database that is compiled in.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, MappedLocalTime, Offset, TimeZone};
use chrono_tz::Tz;

use super::civil::{self, MICROS_PER_DAY, MICROS_PER_SECOND};

/// An IANA time zone.
#[derive(Debug, Clone, Copy)]
pub enum Zone {
    Utc,
    Named(&'static Table),
}

/// A zone's offsets by local day, filled in as days are asked for: the database itself is searched once a day, not
/// once a row.
#[derive(Debug)]
pub struct Table {
    zone: Tz,
    /// For days from [`FIRST`] on: seconds east of UTC that hold for the whole local day, or one of the marks below.
    offsets: Vec<AtomicI32>,
}

/// 1900-01-01, and the number of days until 2100-01-01.
const FIRST: i64 = -25_567;
const DAYS: usize = 73_049;
const UNKNOWN: i32 = i32::MIN;
/// The day has a change of clocks.
const CHANGING: i32 = i32::MAX;

/// Every zone that was ever asked for; there are some 600, so what is leaked is bounded.
static TABLES: Mutex<Option<HashMap<Tz, &'static Table>>> = Mutex::new(None);

impl Zone {
    /// `None` when the time zone database has no such name. Names are compared exactly.
    pub fn named(name: &str) -> Option<Self> {
        match Tz::from_str(name).ok()? {
            Tz::UTC => Some(Self::Utc),
            zone => Some(Self::Named(Table::of(zone))),
        }
    }

    /// The instant of a wall clock reading, both in microseconds since 1970. A reading that occurs twice (clocks set
    /// back) is its first occurrence; one that never occurred (clocks set forward) is `None`.
    #[inline]
    pub fn instant(self, local_micros: i64) -> Option<i64> {
        let Self::Named(table) = self else { return Some(local_micros) };
        let offset = table.offset(local_micros)?;
        civil::in_range(local_micros - i64::from(offset) * MICROS_PER_SECOND)
    }

    /// The wall clock's date at an instant, in days since 1970-01-01.
    pub fn local_day(self, micros: i64) -> Option<i32> {
        i32::try_from(self.local(micros)?.div_euclid(MICROS_PER_DAY)).ok()
    }

    /// The wall clock's reading at an instant, both in microseconds since 1970.
    pub fn local(self, micros: i64) -> Option<i64> {
        let offset = match self {
            Self::Utc => 0,
            Self::Named(table) => {
                let naive = DateTime::from_timestamp_micros(micros)?.naive_utc();
                table.zone.offset_from_utc_datetime(&naive).fix().local_minus_utc()
            }
        };
        micros.checked_add(i64::from(offset) * MICROS_PER_SECOND)
    }
}

impl Table {
    fn of(zone: Tz) -> &'static Self {
        let mut tables = TABLES.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || {
            let offsets = (0..DAYS).map(|_| AtomicI32::new(UNKNOWN)).collect();
            &*Box::leak(Box::new(Self { zone, offsets }))
        };
        tables.get_or_insert_default().entry(zone).or_insert_with(new)
    }

    #[inline]
    fn offset(&self, local_micros: i64) -> Option<i32> {
        let day = local_micros.div_euclid(MICROS_PER_DAY);
        let known = usize::try_from(day - FIRST).ok().and_then(|index| self.offsets.get(index));
        let Some(known) = known else { return self.search(local_micros) };
        // Two workers may both find out: they find the same.
        match known.load(Ordering::Relaxed) {
            UNKNOWN => {
                known.store(self.whole_day(day), Ordering::Relaxed);
                self.search(local_micros)
            }
            CHANGING => self.search(local_micros),
            offset => Some(offset),
        }
    }

    /// Clocks change at most once a day, so a day whose ends agree has one offset.
    fn whole_day(&self, day: i64) -> i32 {
        let start = day * MICROS_PER_DAY;
        let middle = start + MICROS_PER_DAY / 2;
        let end = start + MICROS_PER_DAY - 1;
        let single = |micros| match self.mapped(micros) {
            Some(MappedLocalTime::Single(offset)) => Some(offset),
            _ => None,
        };
        match [single(start), single(middle), single(end)] {
            [Some(one), Some(two), Some(three)] if one == two && two == three => one,
            _ => CHANGING,
        }
    }

    fn search(&self, local_micros: i64) -> Option<i32> {
        match self.mapped(local_micros)? {
            MappedLocalTime::Single(offset) => Some(offset),
            // The larger offset is the earlier instant.
            MappedLocalTime::Ambiguous(one, other) => Some(one.max(other)),
            MappedLocalTime::None => None,
        }
    }

    fn mapped(&self, local_micros: i64) -> Option<MappedLocalTime<i32>> {
        let naive = DateTime::from_timestamp_micros(local_micros)?.naive_utc();
        Some(self.zone.offset_from_local_datetime(&naive).map(|offset| offset.fix().local_minus_utc()))
    }
}
