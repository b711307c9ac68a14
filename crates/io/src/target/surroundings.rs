//! What the outside tells a connection: environment variables and the time. Nothing here reads them by itself, so that
//! tests are repeatable and one place decides what a program may see.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};

type Variable = dyn Fn(&str) -> Option<String> + Send + Sync;
type Now = dyn Fn() -> DateTime<Utc> + Send + Sync;

#[derive(Clone)]
pub struct Surroundings {
    variable: Arc<Variable>,
    now: Arc<Now>,
}

impl Surroundings {
    pub fn new(
        variable: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
        now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static,
    ) -> Self {
        Self { variable: Arc::new(variable), now: Arc::new(now) }
    }

    /// A variable that is set to something.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        (self.variable)(name).filter(|value| !value.is_empty())
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        (self.now)()
    }
}

/// An environment without variables, at the beginning of 1970.
impl Default for Surroundings {
    fn default() -> Self {
        Self::new(|_| None, || DateTime::UNIX_EPOCH)
    }
}

impl fmt::Debug for Surroundings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Its variables may hold secrets.
        formatter.write_str("Surroundings")
    }
}
