//! Functions on dates, times and instants.

pub(super) mod date_at;
pub(super) mod format_date;
pub(super) mod local_date;
pub(super) mod parse_date;
pub(super) mod parse_datetime;
