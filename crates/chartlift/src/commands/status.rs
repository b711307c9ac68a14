//! `status`: where an order stands. Reads only.

use chartlift_engine::run::status;
use chartlift_engine::statement::Stage;

use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::output::{NextStep, Output};

pub(super) fn run(config: &Config, output: &Output, order: &str) -> Result<Exit, Failure> {
    let mut summary = status(&config.store(), order)?;
    let exit = Exit::of_summary(&summary, Stage::Verify);
    if !output.json {
        // Nothing was run, so nothing was skipped either.
        summary.stages.iter_mut().for_each(|stage| stage.skipped = false);
    }
    output.summary(&summary, &NextStep::of(&summary, &config.options()));
    Ok(exit)
}
