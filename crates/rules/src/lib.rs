//! Floor 0: what a pack says. Reads rule files from text, resolves them, and reports every problem at once.
//!
//! Pure: no input or output, no async runtime, no Arrow, no DataFusion. Wrong rules are data
//! ([`Diagnostic`]), never a failure, so that one run of `lint` shows everything.

mod code;
mod decisions;
mod diagnostic;
mod entries;
mod inherit;
mod layout;
mod matching;
mod pack;
mod pattern;
mod project;
mod read;
mod resolve;
mod second_reading;
mod table_schema;
mod yaml;

pub use code::{CODES, Code, code_named, summary_in_portuguese};
pub use decisions::*;
pub use diagnostic::{Diagnostic, File, Place, Severity, render_position, suggest};
pub use matching::*;
pub use pack::*;
pub use pattern::pattern_regex;
pub use project::{compare_versions, split_target};
pub use read::{SPEC, read};
pub use second_reading::*;
pub use table_schema::*;
