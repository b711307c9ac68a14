//! Functions that take the text out of formatted notes.

pub(super) mod html;
pub(super) mod html_to_text;
pub(super) mod rtf;
pub(super) mod rtf_to_text;
pub(super) mod windows_1252;
