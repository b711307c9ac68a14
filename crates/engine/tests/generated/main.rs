//! Generated rule sets and dirty data, each played by the engine and by a plain interpreter: every figure of the
//! statement, every finding and every loaded row must be the same.
//!
//! A case is a system, its export, categories, a target and their rules, made of the case's number. A part of the
//! suite's time decides how many run (`CASES`); in the environment of the test
//!
//! - `CHARTLIFT_CASES=10000` runs that many: quarter of an hour on two cores, built with `--release`
//! - `CHARTLIFT_FIRST_CASE=5000` begins there, `CHARTLIFT_CASE=123` runs one and prints it
//! - `CHARTLIFT_SHRINK=0` tells of failures as they are
//!
//! A case that differs is made smaller while it differs; its project is kept in a folder that the message names.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    reason = "a test says what is wrong by failing; nothing here reaches a user"
)]

mod facts;
mod generate;
mod interpret;
mod model;
mod play;
mod random;
mod render;
mod shrink;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use model::Case;

/// What fits into the suite.
const CASES: u64 = 150;
/// Failures that are told of; then it ends.
const MOST_FAILURES: usize = 8;
const WORKERS: usize = 2;
const STACK_BYTES: usize = 16 << 20;

/// Memory is faster than a disk, where there is such a folder.
fn place() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() { memory } else { std::env::temp_dir() }
}

/// The differences between the engine and the interpreter.
fn differences(runtime: &tokio::runtime::Runtime, case: &Case, folder: &Path) -> Vec<String> {
    play::write(case, folder);
    let found = runtime.block_on(play::play(case, folder));
    match found.stopped() {
        Some(why) => vec![why],
        None => interpret::interpret(case).differences(&found),
    }
}

fn in_a_new_folder(runtime: &tokio::runtime::Runtime, case: &Case) -> Vec<String> {
    let folder = tempfile::tempdir_in(place()).expect("a folder");
    differences(runtime, case, folder.path())
}

/// Makes a case smaller while it still differs, and says what is left.
fn report(runtime: &tokio::runtime::Runtime, number: u64, case: Case) -> String {
    let before = in_a_new_folder(runtime, &case);
    if setting("CHARTLIFT_SHRINK") == Some(0) {
        return format!("case {number}: {} differences\n  {}", before.len(), before.join("\n  "));
    }
    let what = |line: &String| line.split(' ').take(2).map(str::to_owned).collect::<Vec<_>>();
    let kind = before.first().map(what);
    let case = shrink::shrink(case, |smaller| in_a_new_folder(runtime, smaller).first().map(what) == kind);
    let kept = tempfile::tempdir().expect("a folder").keep();
    let found = differences(runtime, &case, &kept);
    format!(
        "case {number}: {} differences, kept in {}\n  {}",
        found.len(),
        kept.display(),
        found.join("\n  ")
    )
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_stack_size(STACK_BYTES)
        .enable_all()
        .build()
        .expect("a runtime")
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

#[test]
fn generated_cases_come_to_the_same() {
    let (first, cases) = match setting("CHARTLIFT_CASE") {
        Some(only) => (only, 1),
        None => (setting("CHARTLIFT_FIRST_CASE").unwrap_or(0), setting("CHARTLIFT_CASES").unwrap_or(CASES)),
    };
    let next = AtomicU64::new(first);
    let whole = AtomicU64::new(0);
    let failures: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let started = Instant::now();
    let work = || {
        let runtime = runtime();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= first + cases || failures.lock().expect("no panic").len() >= MOST_FAILURES {
                return;
            }
            let case = generate::generate(number);
            if cases == 1 {
                eprintln!("{case:#?}");
            }
            let expected = interpret::interpret(&case);
            if expected.0.contains_key("balanced") {
                whole.fetch_add(1, Ordering::Relaxed);
            }
            if !in_a_new_folder(&runtime, &case).is_empty() {
                let said = report(&runtime, number, case);
                failures.lock().expect("no panic").push(said);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            let builder = std::thread::Builder::new().stack_size(STACK_BYTES);
            builder.spawn_scoped(scope, work).expect("a thread");
        }
    });
    let seconds = started.elapsed().as_secs_f64();
    let done = next.load(Ordering::Relaxed).min(first + cases) - first;
    let whole = whole.load(Ordering::Relaxed);
    eprintln!("{done} cases in {seconds:.0} s, {whole} of them to the end");
    let failures = failures.into_inner().expect("no panic");
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    // Cases that all stop early would prove little.
    assert!(cases < 20 || whole * 2 > done, "{whole} of {done} cases came to the end");
}
