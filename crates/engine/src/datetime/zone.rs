//! Wall clock to instant and back, by the time zone database that is compiled in.

use std::str::FromStr;

use chrono::{DateTime, MappedLocalTime, Offset, TimeZone};
use chrono_tz::Tz;

use super::civil::{self, MICROS_PER_DAY, MICROS_PER_SECOND};

/// An IANA time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    Utc,
    Named(Tz),
}

impl Zone {
    /// `None` when the time zone database has no such name. Names are compared exactly.
    pub fn named(name: &str) -> Option<Self> {
        match Tz::from_str(name).ok()? {
            Tz::UTC => Some(Self::Utc),
            zone => Some(Self::Named(zone)),
        }
    }

    /// The instant of a wall clock reading, both in microseconds since 1970. A reading that occurs twice (clocks set
    /// back) is its first occurrence; one that never occurred (clocks set forward) is `None`.
    pub fn instant(self, local_micros: i64) -> Option<i64> {
        let Self::Named(zone) = self else { return Some(local_micros) };
        let naive = DateTime::from_timestamp_micros(local_micros)?.naive_utc();
        let offset = match zone.offset_from_local_datetime(&naive) {
            MappedLocalTime::Single(offset) => offset.fix().local_minus_utc(),
            // The larger offset is the earlier instant.
            MappedLocalTime::Ambiguous(one, other) => {
                one.fix().local_minus_utc().max(other.fix().local_minus_utc())
            }
            MappedLocalTime::None => return None,
        };
        civil::in_range(local_micros - i64::from(offset) * MICROS_PER_SECOND)
    }

    /// The wall clock's date at an instant, in days since 1970-01-01.
    pub fn local_day(self, micros: i64) -> Option<i32> {
        let offset = match self {
            Self::Utc => 0,
            Self::Named(zone) => {
                let naive = DateTime::from_timestamp_micros(micros)?.naive_utc();
                zone.offset_from_utc_datetime(&naive).fix().local_minus_utc()
            }
        };
        let local = micros.checked_add(i64::from(offset) * MICROS_PER_SECOND)?;
        i32::try_from(local.div_euclid(MICROS_PER_DAY)).ok()
    }
}
