//! The one binary. Reads the arguments, runs one command, and answers with an exit code that means something.

mod args;
mod commands;
mod config;
mod demo;
mod exit;
mod output;
mod packs;
mod progress;
mod report;

use std::panic::PanicHookInfo;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Parser as _;

use crate::exit::{Exit, Failure};
use crate::output::Output;

/// Plans of deep expressions recurse deeply, above all without optimisation.
pub(crate) const STACK_BYTES: usize = 64 << 20;

/// A panic on any thread makes the whole run a failure, whatever a library made of it.
static PANICKED: AtomicBool = AtomicBool::new(false);

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(say_where));
    let work = std::thread::Builder::new().name("main".into()).stack_size(STACK_BYTES).spawn(run);
    let exit = match work.map(std::thread::JoinHandle::join) {
        Ok(Ok(exit)) if !PANICKED.load(Ordering::SeqCst) => exit,
        _ => Exit::Bug,
    };
    ExitCode::from(exit.code())
}

fn run() -> Exit {
    let arguments = match args::Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return not_understood(&error),
    };
    let output = Output::new(&arguments.global, config::plain());
    #[cfg(debug_assertions)]
    if let Err(failure) = config::arm_failpoints() {
        output.failure(&failure);
        return failure.exit;
    }
    let answer = std::panic::catch_unwind(|| commands::run(&arguments, &output));
    match answer {
        Ok(Ok(exit)) if !PANICKED.load(Ordering::SeqCst) => exit,
        Ok(Err(failure)) if !PANICKED.load(Ordering::SeqCst) => {
            output.failure(&failure);
            failure.exit
        }
        _ => {
            output.failure(&bug());
            Exit::Bug
        }
    }
}

fn bug() -> Failure {
    Failure::new(Exit::Bug, "internal-error", "the program failed in a way it should not")
        .hint("please report the place printed above with the version and the command; it holds no data")
}

/// Help and version are answers; everything else is a usage error, as JSON where that was asked for.
fn not_understood(error: &clap::Error) -> Exit {
    // The arguments did not parse, so the wish for JSON is looked for by hand.
    let json = std::env::args_os().any(|argument| argument == "--json");
    if json && error.use_stderr() {
        let text = error.to_string();
        let first = text.lines().next().unwrap_or_default();
        let global = args::Global { json: true, ..args::Global::default() };
        let failure = Failure::usage("usage", first.strip_prefix("error: ").unwrap_or(first))
            .hint("see `chartlift --help`");
        Output::new(&global, true).failure(&failure);
    } else if error.print().is_err() {
        return Exit::Usage;
    }
    if error.use_stderr() { Exit::Usage } else { Exit::Done }
}

/// Says where, never what: a panic's message may quote data.
fn say_where(info: &PanicHookInfo<'_>) {
    PANICKED.store(true, Ordering::SeqCst);
    let version = env!("CARGO_PKG_VERSION");
    match info.location() {
        Some(place) => output::to_stderr(format_args!(
            "chartlift {version} failed at {}:{}\n",
            place.file(),
            place.line()
        )),
        None => output::to_stderr(format_args!("chartlift {version} failed at an unknown place\n")),
    }
}
