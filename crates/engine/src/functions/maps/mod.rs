//! Functions on codes.

pub(super) mod map_code;
