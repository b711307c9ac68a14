//! From ranked candidates to one pack, or to a question.

use chartlift_rules::Project;

use super::evidence::{missing_columns, scored};
use super::{Candidate, Decision, LEAD_NEEDED, SCORE_NEEDED};

pub(super) struct Decided {
    pub(super) chosen: Option<usize>,
    pub(super) decision: Decision,
    pub(super) reason: String,
}

type Stated<'a> = Option<(&'a str, Option<&'a str>)>;

/// True when the order names this pack, by its version or by one that it covers.
pub(super) fn names(stated: Stated<'_>, candidate: &Candidate) -> bool {
    stated.is_some_and(|(system, version)| {
        let covered = |version: &str| {
            candidate.version == version || candidate.covers.iter().any(|covered| covered == version)
        };
        candidate.system == system && version.is_none_or(covered)
    })
}

/// `candidates` are sorted, the best first.
pub(super) fn decide(candidates: &[Candidate], stated: Stated<'_>, project: &Project) -> Decided {
    match stated {
        Some((system, version)) => {
            let named = |(_, candidate): &(usize, &Candidate)| names(stated, candidate);
            let named: Vec<(usize, &Candidate)> = candidates.iter().enumerate().filter(named).collect();
            by_statement(&named, system, version, project)
        }
        None => by_evidence(candidates),
    }
}

fn by_evidence(candidates: &[Candidate]) -> Decided {
    let Some(best) = candidates.first() else {
        return undecided(Decision::Unknown, "no pack knows any of these files");
    };
    if best.score < SCORE_NEEDED {
        let lacking = if best.missing.is_empty() { "" } else { ", and files are missing" };
        let reason = format!("the nearest is {}, below {SCORE_NEEDED:.2}{lacking}", scored(best));
        return undecided(Decision::Unsure, reason);
    }
    if let Some(second) = candidates.get(1).filter(|second| best.score - second.score < LEAD_NEEDED) {
        let reason = format!("ambiguous: {} and {} fit about equally well", scored(best), scored(second));
        return undecided(Decision::Ambiguous, reason);
    }
    // Columns that a format has cannot be absent from it: this is another version, or a damaged export.
    let lacking = missing_columns(best);
    if !lacking.is_empty() {
        let reason = format!("the nearest is {}, and the files lack its {lacking}", scored(best));
        return undecided(Decision::Unsure, reason);
    }
    let next = candidates.get(1).map_or(String::new(), |second| format!("; the next is {}", scored(second)));
    let tables = best.tables.len();
    let all = tables + best.missing.len() + best.missing_optional.len();
    let reason = format!("{} fits: {tables} of {all} tables found{next}", scored(best));
    Decided { chosen: Some(0), decision: Decision::Identified, reason }
}

fn by_statement(
    named: &[(usize, &Candidate)],
    system: &str,
    version: Option<&str>,
    project: &Project,
) -> Decided {
    let stated = version.map_or(format!("`{system}`"), |version| format!("`{system}` {version}"));
    let Some((at, best)) = named.first() else {
        let known: Vec<String> =
            project.systems.iter().map(|system| format!("{} {}", system.name, system.version)).collect();
        let known = super::evidence::list(&known);
        return undecided(
            Decision::Contradicted,
            format!("the order states {stated}, for which there is no pack; there are {known}"),
        );
    };
    if best.tables.is_empty() {
        return undecided(
            Decision::Contradicted,
            format!("the order states {stated}, and none of its tables is here"),
        );
    }
    if let Some((_, second)) = named.get(1).filter(|(_, second)| best.score - second.score < LEAD_NEEDED) {
        let reason = format!(
            "ambiguous: the order states {stated}, and of its versions {} and {} fit about equally well",
            scored(best),
            scored(second)
        );
        return undecided(Decision::Ambiguous, reason);
    }
    let reason = format!("the order states {stated}; the files fit {}", scored(best));
    Decided { chosen: Some(*at), decision: Decision::Stated, reason }
}

fn undecided(decision: Decision, reason: impl Into<String>) -> Decided {
    Decided { chosen: None, decision, reason: reason.into() }
}
