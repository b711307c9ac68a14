//! `report`: the order as one page for people. Reads only.

use std::path::PathBuf;

use chartlift_engine::order::replace;
use chartlift_engine::run::account;
use serde_json::json;

use crate::args::Report;
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::output::{NextStep, Output, verdict_sentence};
use crate::report;

/// In the order's `reports/`.
const PAGE: &str = "report.html";

pub(super) fn run(arguments: &Report, config: &Config, output: &Output) -> Result<Exit, Failure> {
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
