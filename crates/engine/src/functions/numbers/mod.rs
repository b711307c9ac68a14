//! Functions that read and write numbers and booleans.

pub(super) mod parse_boolean;
pub(super) mod parse_integer;
pub(super) mod parse_number;
