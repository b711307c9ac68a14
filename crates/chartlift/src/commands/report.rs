//! `report`: the order as one page for people. Changes nothing of the order.

mod clinical;

use std::path::PathBuf;

use chartlift_engine::order::replace;
use chartlift_engine::run::account;
use serde_json::json;

use crate::args::{Edition, Report};
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::output::{NextStep, Output, verdict_sentence};
use crate::report;

/// In the order's `reports/`.
const PAGE: &str = "report.html";

pub(super) fn run(arguments: &Report, config: &Config, output: &Output) -> Result<Exit, Failure> {
    match arguments.edition {
        Edition::Operator => operator(arguments, config, output),
        Edition::Clinical => clinical::run(arguments, config, output),
    }
}

fn operator(arguments: &Report, config: &Config, output: &Output) -> Result<Exit, Failure> {
    refuse_clinical_options(arguments)?;
    let account = account(&config.store(), &arguments.order)?;
    let path: PathBuf =
        arguments.out.clone().unwrap_or_else(|| account.order.subfolder("reports").join(PAGE));
    let page = report::page(&account, &NextStep::of(&account.summary, &config.options()));
    replace(&path, page.as_bytes())?;
    let summary = &account.summary;
    output.object(&json!({
        "spec": "chartlift/v1",
        "order": summary.order,
        "verdict": summary.verdict,
        "balanced": summary.statement.balanced,
        "report": path,
        "seal": account.receipt().and_then(|receipt| receipt.get("seal").cloned()),
    }));
    let (sentence, _) = verdict_sentence(summary);
    output.line(format_args!("{sentence}\nReport: {}", path.display()));
    Ok(Exit::Done)
}

/// Who asks for a sample wants a page that names patients, and should get no other one in silence.
fn refuse_clinical_options(arguments: &Report) -> Result<(), Failure> {
    let given = [
        ("--language", arguments.language.is_some()),
        ("--sample", arguments.sample.is_some()),
        ("--seed", arguments.seed.is_some()),
        ("--identified", arguments.identified),
    ];
    let Some((option, _)) = given.into_iter().find(|(_, given)| *given) else { return Ok(()) };
    let message = format!("`{option}` belongs to the clinical edition, and the operator's was asked for");
    Err(Failure::usage("clinical-only", message).hint("add `--edition clinical`, which names patients"))
}
