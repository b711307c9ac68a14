//! Which system wrote the files, what speaks for it, and what else it could have been.

use chartlift_engine::identify::{Candidate, Ranking};
use chartlift_engine::run::Account;
use chartlift_engine::statement::Stage;

use super::markup::{Grid, Kind::Count, Kind::Words, Markup};

pub(super) fn section(account: &Account) -> Markup {
    let mut page = Markup::default();
    order(account, &mut page);
    let report = account.reports.get(&Stage::Identify);
    let rankings = report.map(|report| report.rankings.as_slice()).unwrap_or_default();
    if rankings.is_empty() {
        page.paragraph("The files have not been identified yet.");
    }
    for one in rankings {
        if rankings.len() > 1 {
            page.heading(&format!("Input `{}`", one.input));
        }
        if let Ok(ranking) = serde_json::from_value(one.ranking.clone()) {
            input(&ranking, &mut page);
        }
    }
    page
}

/// Why one input counts as what it does.
fn input(ranking: &Ranking, page: &mut Markup) {
    page.paragraph(&format!("Why: {}.", ranking.reason.trim_end_matches('.')));
    candidates(ranking, page);
    for (at, candidate) in ranking.candidates.iter().enumerate() {
        let chosen = ranking.chosen == Some(at);
        // Runners-up matter where nothing was chosen, or where they came near.
        if chosen || ranking.chosen.is_none() {
            evidence(candidate, chosen, page);
        }
    }
}

fn order(account: &Account, page: &mut Markup) {
    let (summary, spec) = (&account.summary, account.order.spec());
    let mut entries = vec![
        ("Order", format!("{} (series {})", summary.order, summary.series)),
        ("Created", spec.created_at.format("%Y-%m-%d %H:%M:%S UTC").to_string()),
        ("Target", summary.target.clone()),
        ("Project key", format!("fingerprint {}", spec.project_key_fingerprint)),
    ];
    for input in summary.inputs.iter().rev() {
        let system = match (&input.system, &input.version) {
            (Some(system), Some(version)) => format!("{system} {version}"),
            _ => "not identified".into(),
        };
        entries.insert(1, ("Input", format!("{}: {system}", input.name)));
    }
    page.raw("<dl>");
    for (name, value) in entries {
        page.raw(&format!("<dt>{name}</dt><dd>{}</dd>", Markup::text(&value)));
    }
    page.raw("</dl>\n");
}

fn candidates(ranking: &Ranking, page: &mut Markup) {
    let columns = [
        ("pack", Words),
        ("version", Words),
        ("score", Count),
        ("tables found", Count),
        ("required tables missing", Words),
        ("files it does not know", Words),
        ("decision", Words),
    ];
    let mut grid =
        Grid::new("Packs that claim these files, the best first; a score goes from 0 to 1", &columns);
    for (at, candidate) in ranking.candidates.iter().enumerate() {
        grid.row(vec![
            candidate.system.as_str().into(),
            candidate.version.as_str().into(),
            format!("{:.4}", candidate.score).into(),
            (candidate.tables.len() as u64).into(),
            listed(&candidate.missing),
            listed(&candidate.unknown_files),
            if ranking.chosen == Some(at) { "chosen".into() } else { "not chosen".into() },
        ]);
    }
    grid.render(page);
}

fn evidence(candidate: &Candidate, chosen: bool, page: &mut Markup) {
    let role = if chosen { "What speaks for" } else { "What was found of" };
    page.heading(&format!("{role} `{}` {}", candidate.system, candidate.version));
    page.list(&candidate.evidence);
    if !candidate.covers.is_empty() {
        page.paragraph(&format!("The same format is written by versions {}.", candidate.covers.join(", ")));
    }
    if !candidate.missing_optional.is_empty() {
        page.paragraph(&format!(
            "Tables that may be absent, and are: {}.",
            candidate.missing_optional.join(", ")
        ));
    }
}

fn listed(names: &[String]) -> Markup {
    if names.is_empty() { "none".into() } else { names.join(", ").into() }
}
