//! How far a stage has come: a bar with a true denominator on a terminal, plain lines elsewhere.

use std::io::IsTerminal as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chartlift_engine::progress::Progress;
use chartlift_engine::statement::Stage;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::to_stderr;

/// What fits this run: nothing with `--quiet`, a bar on a terminal, lines otherwise.
pub(crate) fn progress(quiet: bool) -> Arc<dyn Progress> {
    if quiet {
        Arc::new(Silent)
    } else if std::io::stderr().is_terminal() {
        Arc::new(Bar { current: Mutex::new(None) })
    } else {
        Arc::new(Lines)
    }
}

struct Silent;

impl Progress for Silent {
    fn begin(&self, _stage: Stage, _what: &str, _total: u64) {}
    fn advance(&self, _by: u64) {}
    fn end(&self) {}
}

struct Lines;

impl Progress for Lines {
    fn begin(&self, stage: Stage, what: &str, _total: u64) {
        to_stderr(format_args!("{}: {what}\n", stage.name()));
    }
    fn advance(&self, _by: u64) {}
    fn end(&self) {}
}

struct Bar {
    current: Mutex<Option<ProgressBar>>,
}

impl Bar {
    // A poisoned lock only means that another thread died while drawing.
    fn lock(&self) -> MutexGuard<'_, Option<ProgressBar>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for Bar {
    fn begin(&self, stage: Stage, what: &str, total: u64) {
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(8));
        let template = if total == 0 {
            "{prefix:>10} {spinner} {msg}"
        } else {
            "{prefix:>10} [{bar:30}] {percent:>3} % {msg}"
        };
        // The template is a constant; should it ever be wrong, a plain bar is still progress.
        bar.set_style(
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        bar.set_prefix(stage.name());
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(250));
        if let Some(before) = self.lock().replace(bar) {
            before.finish_and_clear();
        }
    }

    fn advance(&self, by: u64) {
        if let Some(bar) = self.lock().as_ref() {
            bar.inc(by);
        }
    }

    fn end(&self) {
        if let Some(bar) = self.lock().take() {
            bar.finish_and_clear();
        }
    }
}
