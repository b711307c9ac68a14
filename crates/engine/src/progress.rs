//! How long work shows itself. The binary draws it; the engine only says how far it is.

use crate::statement::Stage;

/// `total` and `by` share a unit (bytes or rows), so that the share shown is true.
pub trait Progress: Send + Sync {
    fn begin(&self, stage: Stage, what: &str, total: u64);
    fn advance(&self, by: u64);
    fn end(&self);
}

/// Shows nothing.
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _: Stage, _: &str, _: u64) {}
    fn advance(&self, _: u64) {}
    fn end(&self) {}
}
