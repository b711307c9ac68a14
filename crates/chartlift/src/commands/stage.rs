//! `run` and each stage alone: what is missing is done, what is done and unchanged is skipped.

use std::future::Future;

use chartlift_engine::decisions;
use chartlift_engine::order::Order;
use chartlift_engine::project_key::ProjectKey;
use chartlift_engine::run::{Environment, Stages, advance, status};
use chartlift_engine::statement::{Stage, Summary, Verdict};

use chartlift_rules::{Decisions, Severity};

use crate::STACK_BYTES;
use crate::config::{Config, actor, clock};
use crate::exit::{Exit, Failure};
use crate::output::{NextStep, Output};
use crate::progress::progress;

pub(super) fn until(config: &Config, output: &Output, order: &str, last: Stage) -> Result<Exit, Failure> {
    work(config, output, order, Stages::Until(last), last)
}

pub(super) fn only(config: &Config, output: &Output, order: &str, stage: Stage) -> Result<Exit, Failure> {
    work(config, output, order, Stages::Only(stage), stage)
}

fn work(config: &Config, output: &Output, order: &str, stages: Stages, last: Stage) -> Result<Exit, Failure> {
    config.sound()?;
    let opened = config.store().open(order)?;
    let target = config.target(Some(opened.spec()))?;
    let environment = decided_environment(config, output, &opened)?;
    let summary = match block_on(config.threads(), advance(&environment, order, stages, &target))? {
        Ok(summary) => summary,
        Err(error) => return stopped(&environment, output, order, error.into()),
    };
    if let Some(failure) = too_early(&summary, stages) {
        return Err(failure);
    }
    output.summary(&summary, &NextStep::of(&summary, &config.options_with_target()));
    Ok(Exit::of_summary(&summary, last))
}

/// A stage alone needs the ones before it done, with the files and rules of now.
fn too_early(summary: &Summary, stages: Stages) -> Option<Failure> {
    let Stages::Only(wanted) = stages else {
        return None;
    };
    let missing = summary.stages.iter().find(|stage| stage.verdict == Verdict::NotRun)?.stage;
    let done = summary.stages.iter().filter(|stage| stage.stage < missing);
    if missing >= wanted || done.map(|stage| stage.verdict).any(|verdict| verdict != Verdict::Pass) {
        return None;
    }
    let message = format!(
        "`{}` reads what `{}` writes, and that is missing or no longer fits its files and rules",
        wanted.name(),
        missing.name()
    );
    let hint =
        format!("do what is missing: `chartlift run --order {} --until {}`", summary.order, wanted.name());
    Some(Failure::usage("stage-too-early", message).hint(hint))
}

/// What an order needs beside its own folder.
pub(super) fn environment(config: &Config, output: &Output, key: ProjectKey) -> Environment {
    Environment {
        project: config.project.clone(),
        decisions: Decisions::default(),
        key,
        storage: config.storage.clone(),
        clock: clock(),
        progress: progress(output.quiet),
        actor: actor(),
        threads: config.threads(),
        connection: config.connection(),
    }
}

/// The same for running an order: its decisions lie over the rules. Wrong ones stop everything before a row is read.
pub(super) fn decided_environment(
    config: &Config,
    output: &Output,
    order: &Order,
) -> Result<Environment, Failure> {
    let (project, decisions, mut problems) = decisions::read(&config.project, order)?;
    let systems = decisions::known_systems(order, &decisions)?;
    problems.extend(block_on(1, decisions::lint(&project, &decisions, &systems))?);
    let errors = || problems.iter().filter(|problem| problem.severity == Severity::Error);
    if let Some(first) = errors().next() {
        if !output.json {
            output.diagnostics(&project, &problems);
        }
        let id = &order.spec().id;
        let count = errors().count();
        let more = if count == 1 { String::new() } else { format!(", and {} more problems", count - 1) };
        let message = format!("the decisions of order `{id}` have errors: {}{more}", first.message);
        return Err(Failure::usage("rule-errors", message)
            .hint(format!("see all of them with `chartlift lint --order {id}`")));
    }
    Ok(Environment { project, decisions, ..environment(config, output, config.key()?) })
}

/// The world got in the way. With `--json` the order's state is still told, the error beside it.
fn stopped(
    environment: &Environment,
    output: &Output,
    order: &str,
    failure: Failure,
) -> Result<Exit, Failure> {
    if output.json
        && let Ok(mut summary) = status(&environment.store(), order)
    {
        summary.error = Some(failure.trouble());
        output.object(&summary);
        return Ok(failure.exit);
    }
    Err(failure)
}

/// Runs to the end on this thread, which has a deep stack, with as many workers as the project allows.
pub(super) fn block_on<F: Future>(threads: usize, future: F) -> Result<F::Output, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_stack_size(STACK_BYTES)
        .enable_all()
        .build()
        .map_err(Failure::file("start the worker threads of", "chartlift"))?;
    Ok(runtime.block_on(future))
}
