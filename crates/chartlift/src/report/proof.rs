//! What others can compute again: digests, the receipt, and which versions made them.

use chartlift_engine::order::FORMAT;
use chartlift_engine::run::Account;
use chartlift_engine::statement::Stage;
use serde_json::Value;

use super::markup::{Grid, Kind::Count, Kind::Words, Markup};

pub(super) fn section(account: &Account) -> Markup {
    let mut page = Markup::default();
    receipt(account, &mut page);
    let mut stages = Grid::new("Digest of what each stage made", &[("stage", Words), ("digest", Words)]);
    for stage in &account.summary.stages {
        if let Some(digest) = &stage.digest {
            stages.row(vec![stage.stage.name().into(), Markup::code(digest)]);
        }
    }
    stages.render(&mut page);
    let mut tables =
        Grid::new("Digest of each target table, read back", &[("table", Words), ("digest", Words)]);
    for load in &account.summary.statement.loads {
        if let Some(digest) = &load.digest {
            tables.row(vec![load.table.as_str().into(), Markup::code(digest)]);
        }
    }
    tables.render(&mut page);
    let columns = [("file", Words), ("bytes", Count), ("SHA-256", Words)];
    let mut files = Grid::new("Input files as they were read", &columns);
    let latest = [Stage::Check, Stage::Identify].into_iter().find_map(|stage| account.reports.get(&stage));
    for source in latest.map(|report| report.sources.as_slice()).unwrap_or_default() {
        let hash = source.sha256.as_deref();
        files.row(vec![
            source.file.as_str().into(),
            source.bytes.into(),
            hash.map_or_else(|| "not read".into(), Markup::code),
        ]);
    }
    files.render(&mut page);
    page
}

fn receipt(account: &Account, page: &mut Markup) {
    let Some(receipt) = account.receipt() else {
        page.paragraph(
            "There is no receipt: it is made when everything was loaded, read back, and every equation closes.",
        );
        return;
    };
    let member = |path: &str| match receipt.pointer(path) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => "-".to_owned(),
        Some(other) => other.to_string(),
    };
    page.paragraph(
        "The receipt is `reports/receipt.json`. Its seal is the SHA-256 of the canonical JSON of everything else in \
         it, so anyone can compute it again.",
    );
    page.raw("<dl>");
    for (name, path) in [
        ("Seal", "/seal"),
        ("Load", "/load/id"),
        ("Committed", "/load/committed"),
        ("Log's head at the load", "/load/log_head"),
        ("Digest of what was loaded", "/load/input_digest"),
        ("Project key fingerprint", "/project_key_fingerprint"),
    ] {
        page.raw(&format!("<dt>{name}</dt><dd>{}</dd>", Markup::code(&member(path))));
    }
    page.raw("</dl>\n");
}

/// Versions, and what is left out on purpose.
pub(super) fn about(account: &Account) -> Markup {
    let mut page = Markup::default();
    let mut entries = vec![
        ("Program", format!("chartlift {}", env!("CARGO_PKG_VERSION"))),
        ("Log format", FORMAT.to_string()),
        ("Object format", account.summary.spec.clone()),
        ("Log's head now", account.order.head().to_owned()),
    ];
    for input in &account.summary.inputs {
        if let (Some(system), Some(version)) = (&input.system, &input.version) {
            entries.push(("Source pack", format!("{system} {version}")));
        }
    }
    let target =
        account.receipt().and_then(|receipt| receipt.pointer("/target")?.as_str().map(str::to_owned));
    entries.extend(target.map(|target| ("Target pack", target)));
    page.raw("<dl>");
    for (name, value) in entries {
        page.raw(&format!("<dt>{name}</dt><dd>{}</dd>", Markup::text(&value)));
    }
    page.raw("</dl>\n");
    page.paragraph(
        "No value of any row stands in this report: rows are counted, and named elsewhere by file and record number \
         or by a keyed hash. The same figures for programs are in `reports/statement.json`; the lines of each stage \
         are in `logs/`.",
    );
    page
}
