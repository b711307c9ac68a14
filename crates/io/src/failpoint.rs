//! Named moments of writing at which a test ends the program as a power cut would, or holds it still.
//!
//! To add one: its name in [`NAMES`], and `failpoint::hit("name")` where it is. Programs built without debug assertions
//! do nothing there. This module reads no environment: whoever starts the program arms it.

/// Every failpoint. A test runs past each of them, so that none is forgotten by what it stands for.
pub const NAMES: &[&str] = &[
    // Preparing a target.
    "init-begun",
    "init-tables",
    "init-committing",
    "init-committed",
    // An order's log: one record.
    "log-create",
    "log-written",
    "log-synced",
    "log-linked",
    "log-durable",
    // An order's folders and attempts.
    "order-folder",
    "attempt-remove",
    "attempt-folder",
    "artefact-create",
    "artefact-written",
    "artefact-closed",
    "artefacts-sync",
    "artefacts-durable",
    // Copies for people and other programs.
    "report-written",
    "report-replaced",
    "logs-line",
    "logs-told",
    // A load.
    "load-locked",
    "load-begun",
    "copy-open",
    "copy-chunk",
    "copy-ended",
    "insert-row",
    "crosswalk-row",
    "crosswalk-open",
    "crosswalk-chunk",
    "crosswalk-sent",
    "sequences-advanced",
    "partition-made",
    "partition-attached",
    "load-finished",
    "load-committing",
    "load-committed",
    "import-committed",
    "import-analyzed",
    // Taking a load back.
    "rollback-locked",
    "rollback-rows",
    "rollback-entries",
    "rollback-record",
    "rollback-committing",
    "rollback-committed",
    "rollback-unrecorded",
    "rollback-recorded",
];

#[cfg(debug_assertions)]
pub use armed::{arm, hit};

/// The program comes by; only a build for tests cares.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub fn hit(_name: &'static str) {}

#[cfg(debug_assertions)]
mod armed {
    //! What a build for tests does at failpoints.

    use std::fs::File;
    use std::io::Write;
    use std::path::PathBuf;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use super::NAMES;

    static ARMED: OnceLock<Armed> = OnceLock::new();

    /// How long a program that is held still waits to be let go: a test that died must not leave it there for ever.
    const PATIENCE: Duration = Duration::from_secs(120);
    const LOOK_EVERY: Duration = Duration::from_millis(5);

    #[derive(Debug, Default)]
    struct Armed {
        charge: Option<Charge>,
        /// Takes one line a hit.
        trace: Option<File>,
    }

    #[derive(Debug)]
    struct Charge {
        name: String,
        /// Which hit counts, from 1.
        nth: u64,
        seen: AtomicU64,
        /// Instead of ending, makes this file and waits until somebody has removed it.
        hold: Option<PathBuf>,
    }

    /// Arms one failpoint, once a process. `charge` is `NAME`, `NAME:NTH`, or either with `=FILE`: then the program
    /// makes the file when it comes by and goes on when it is gone. `trace` is a file that gets a line for every hit.
    pub fn arm(charge: Option<&str>, trace: Option<&str>) -> Result<(), String> {
        if charge.is_none() && trace.is_none() {
            return Ok(());
        }
        let charge = charge.map(Charge::parse).transpose()?;
        let trace = trace.map(|path| File::options().append(true).create(true).open(path)).transpose();
        let trace = trace.map_err(|error| format!("the trace of failpoints: {error}"))?;
        ARMED.set(Armed { charge, trace }).map_err(|_| "failpoints are armed once".to_owned())
    }

    /// The program comes by.
    pub fn hit(name: &'static str) {
        let Some(armed) = ARMED.get() else { return };
        debug_assert!(NAMES.contains(&name), "`{name}` is not in the list of failpoints");
        if let Some(mut trace) = armed.trace.as_ref() {
            // One call, so that a line is whole; a trace that cannot be written fails the test that reads it.
            let _ = trace.write_all(format!("{name}\n").as_bytes());
        }
        let Some(charge) = armed.charge.as_ref().filter(|charge| charge.name == name) else { return };
        if charge.seen.fetch_add(1, Ordering::SeqCst) + 1 == charge.nth {
            match &charge.hold {
                // No destructor runs and no buffer is flushed, as when the machine stops.
                None => std::process::abort(),
                Some(file) => hold(file),
            }
        }
    }

    fn hold(file: &std::path::Path) {
        if File::create(file).is_err() {
            std::process::abort();
        }
        let mut waited = Duration::ZERO;
        while file.exists() {
            if waited > PATIENCE {
                std::process::abort();
            }
            std::thread::sleep(LOOK_EVERY);
            waited += LOOK_EVERY;
        }
    }

    impl Charge {
        fn parse(text: &str) -> Result<Self, String> {
            let (moment, hold) = match text.split_once('=') {
                Some((moment, file)) => (moment, Some(PathBuf::from(file))),
                None => (text, None),
            };
            let (name, nth) = moment.split_once(':').unwrap_or((moment, "1"));
            if !NAMES.contains(&name) {
                return Err(format!("there is no failpoint `{name}`"));
            }
            let nth = nth.parse().map_err(|_| format!("`{nth}` is no number of a hit"))?;
            Ok(Self { name: name.to_owned(), nth, seen: AtomicU64::new(0), hold })
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn charges_are_read() {
            let charge = Charge::parse("copy-chunk:3=/tmp/held").unwrap();
            assert_eq!((charge.name.as_str(), charge.nth), ("copy-chunk", 3));
            assert_eq!(charge.hold, Some(PathBuf::from("/tmp/held")));
            assert_eq!(Charge::parse("log-create").unwrap().nth, 1);
            assert!(Charge::parse("nowhere").is_err());
            assert!(Charge::parse("log-create:x").is_err());
        }

        #[test]
        fn names_stand_once() {
            let mut names = NAMES.to_vec();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), NAMES.len());
        }
    }
}
