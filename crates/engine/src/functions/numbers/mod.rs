//! Functions that read and write numbers and booleans.

pub(super) mod format_number;
pub(super) mod parse_boolean;
pub(super) mod parse_decimal_comma;
pub(super) mod parse_fraction;
pub(super) mod parse_integer;
pub(super) mod parse_money;
pub(super) mod parse_number;
pub(super) mod parse_percent;
pub(super) mod parse_yes_no;
pub(super) mod round_half_even;
pub(super) mod round_to;
pub(super) mod written;
