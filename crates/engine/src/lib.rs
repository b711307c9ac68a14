//! Floor 2: rules become plans, plans run as stages, and everything that happens is accounted for.
//!
//! No HTTP, no command line, no cluster in here.

pub mod approval;
pub mod archive;
pub mod catalog;
pub mod clinical;
pub mod compile;
pub mod constraints;
pub mod datetime;
pub mod decisions;
pub mod digest;
pub mod error;
pub mod functions;
pub mod identify;
pub mod keys;
pub mod numeral;
pub mod order;
pub mod progress;
pub mod project_key;
pub mod rehearsal;
pub mod rejects;
pub mod report;
pub mod rollback;
pub mod run;
pub mod session;
pub mod statement;

mod duplicates;
mod gates;
mod land;
mod layer;
mod marks;
mod matching;
mod produce;
mod reshape;
mod stage;
mod summary;

pub use error::Error;
