//! Floor 1: the edges. Sources turn bytes into batches of text, targets turn batches into rows of a database.
//!
//! Arrow, but no query engine.

mod copy;
mod error;
pub mod failpoint;
pub mod hash;
pub mod source;
pub mod target;

pub use error::{Error, Refusal};
