//! Functions that make keys, and that take lists and JSON apart.

pub(super) mod compose_key;
pub(super) mod hash_key;
pub(super) mod json_text;
pub(super) mod key_with_prefix;
pub(super) mod list_count;
pub(super) mod list_item;
pub(super) mod list_unique;
pub(super) mod lists;
pub(super) mod sort_list;
