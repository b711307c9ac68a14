//! `lint`: every problem in every rule file, the packs compiled in and the project's own, and in an order's decisions.

use std::collections::HashSet;

use chartlift_engine::decisions;
use chartlift_rules::Severity;

use super::stage::block_on;
use crate::args::Lint;
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::output::{Located, Output};

pub(super) fn run(arguments: &Lint, config: &Config, output: &Output) -> Result<Exit, Failure> {
    let mut problems = config.diagnostics.clone();
    problems.extend(block_on(1, chartlift_engine::compile::lint(&config.project))?);
    let mut project = config.project.clone();
    if let Some(order) = &arguments.order {
        let order = config.store().open(order)?;
        let (decided, decisions, found) = decisions::read(&config.project, &order)?;
        let systems = decisions::known_systems(&order, &decisions)?;
        problems.extend(found);
        problems.extend(block_on(1, decisions::lint(&decided, &decisions, &systems))?);
        project = decided;
    }
    // A name that does not resolve is found by the reader and again by the compiler: the first says it better.
    let mut seen = HashSet::new();
    problems.retain(|problem| seen.insert(problem.place));
    problems.sort_by_key(|problem| (problem.place.file, problem.place.start));
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
    let warnings = problems.len() - errors;
    if output.json {
        let located: Vec<Located> = problems.iter().map(|problem| Located::of(&project, problem)).collect();
        output.object(&located);
    } else {
        output.diagnostics(&project, &problems);
        output.line(format_args!(
            "{} rule files: {}, {}",
            project.files.len(),
            counted(errors, "error"),
            counted(warnings, "warning")
        ));
    }
    Ok(if errors > 0 { Exit::Usage } else { Exit::Done })
}

fn counted(count: usize, what: &str) -> String {
    match count {
        0 => format!("no {what}s"),
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}
