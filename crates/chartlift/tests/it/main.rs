//! The tests of the program as its users meet it: scenarios found at run time, kills, real exports, and the house rules.
//!
//! One test binary, so that everything is linked once. Scenarios live in `tests/scenarios/`; their README says how to
//! write one.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test says what is wrong by failing; nothing here reaches a user"
)]

use libtest_mimic::{Arguments, Trial};

mod canary;
mod database;
mod defects;
mod expect;
mod guide;
mod hostile_cells;
mod interrupted;
mod json_path;
mod kill;
mod located;
mod lock;
mod matched_data;
mod mutations;
mod outage;
mod reports;
mod rollback_sweep;
mod scenario;
mod script;
mod shared_data;
mod sweep;
mod tidy;
mod workspace;

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for (module, tests) in [
        ("tidy", tidy::TESTS),
        ("kill", kill::TESTS),
        ("located", located::TESTS),
        ("lock", lock::TESTS),
        ("sweep", sweep::TESTS),
        ("outage", outage::TESTS),
        ("mutations", mutations::TESTS),
        ("reports", reports::TESTS),
        ("rollback_sweep", rollback_sweep::TESTS),
        ("guide", guide::TESTS),
        ("defects", defects::TESTS),
        ("canary", canary::TESTS),
        ("hostile_cells", hostile_cells::TESTS),
        ("shared_data", shared_data::TESTS),
        ("json_path", json_path::TESTS),
    ] {
        trials.extend(tests.iter().map(|(name, test)| trial(format!("{module}::{name}"), *test)));
    }
    trials.extend(scenario::trials());
    libtest_mimic::run(&arguments, trials).exit();
}

/// A named test written in Rust.
type Test = (&'static str, fn() -> anyhow::Result<()>);

fn trial(name: String, test: impl FnOnce() -> anyhow::Result<()> + Send + 'static) -> Trial {
    Trial::test(name, move || test().map_err(|error| format!("{error:#}").into()))
}
