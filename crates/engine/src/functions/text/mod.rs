//! Functions on text.

pub(super) mod digits;
pub(super) mod fold_accents;
pub(super) mod join_text;
pub(super) mod null_if_blank;
pub(super) mod squeeze;
