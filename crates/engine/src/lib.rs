//! Floor 2: rules become plans, plans run as stages, and everything that happens is accounted for.
//!
//! No HTTP, no command line, no cluster in here.

pub mod constraints;
pub mod datetime;
pub mod digest;
pub mod error;
pub mod functions;
pub mod identify;
pub mod keys;
pub mod numeral;
pub mod order;
pub mod statement;

pub use error::Error;
