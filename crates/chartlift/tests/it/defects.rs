//! The demo plants labelled defects; each must be found at its row.

use crate::Test;

pub(crate) const TESTS: &[Test] = &[];
