//! Functions that make keys.

pub(super) mod compose_key;
pub(super) mod hash_key;
