//! What a stage reads, as one digest: while it is equal there is nothing to do.
//!
//! Gates and waivers are no part of it: a stage is judged by them without being done again.

use chartlift_rules::{Decisions, MapDecision, MatchPart, MatchTo, RowRuling, Rule, RuleFile, ScopeOf};

use super::{Environment, TargetChoice};
use crate::Error;
use crate::order::Order;
use crate::project_key::sha256_of;
use crate::stage;
use crate::statement::Stage;

/// Raised when an artefact's format changes, so that older ones count as stale.
const ENGINE_FORMAT: &str = "2";

pub(super) fn fingerprint(
    environment: &Environment,
    order: &Order,
    stage: Stage,
    before: &str,
    target: &TargetChoice,
) -> Result<String, Error> {
    let mut parts: Vec<String> = vec![ENGINE_FORMAT.into(), stage.name().into(), before.into()];
    parts.push(environment.key.fingerprint());
    match stage {
        Stage::Identify => {
            parts.push(stage::listing(order)?);
            parts.push(stage::followed(environment, order)?);
            parts.push(rule_files(environment, &["systems/"], &["/system.yaml", "/schemas/"]));
        }
        Stage::Check => {
            parts.push(stage::listing(order)?);
            parts.push(format!("{:?}", environment.project.settings.limits));
            parts.push(rule_files(environment, &["systems/"], &["/system.yaml", "/schemas/"]));
        }
        Stage::Categorize => {
            parts.push(matching(environment));
            parts.push(rule_files(environment, &["systems/", "canonical/", "maps/"], &[""]));
        }
        Stage::Convert => {
            parts.push(target.name.clone());
            parts.push(rule_files(environment, &["targets/", "canonical/", "maps/"], &[""]));
        }
        Stage::Validate => {
            parts.push(target.url.clone().unwrap_or_default());
            parts.push(rule_files(environment, &["targets/"], &["/target.yaml", "/schemas/"]));
        }
        Stage::Import | Stage::Verify => parts.push(target.url.clone().unwrap_or_default()),
    }
    parts.extend(decided(environment, stage));
    Ok(sha256_of(parts.iter().map(String::as_bytes)))
}

/// What makes patients of two systems one person.
fn matching(environment: &Environment) -> String {
    let Some(patients) = &environment.project.settings.patients else { return String::new() };
    let part = |part: &MatchPart| match part {
        MatchPart::Field(name) => format!("field {}", name.value),
        MatchPart::Identifier(kind) => format!("identifier {}", kind.value),
    };
    let alternatives: Vec<Vec<String>> =
        patients.alternatives.iter().map(|parts| parts.iter().map(part).collect()).collect();
    format!("{alternatives:?} {:?}", patients.keep)
}

/// What was decided about what the stage reads; who decided it and why changes nothing.
fn decided(environment: &Environment, stage: Stage) -> Vec<String> {
    let Decisions { systems, undecided, formats, scopes, maps, matches, .. } = &environment.decisions;
    let project = &environment.project;
    let (of_systems, of_targets): (Vec<&RuleFile>, Vec<&RuleFile>) = (
        project.systems.iter().flat_map(|system| &system.categorize).collect(),
        project.targets.iter().flat_map(|target| &target.convert).collect(),
    );
    let mut parts = Vec::new();
    if stage <= Stage::Categorize {
        let version = |version: &Option<chartlift_rules::Located<String>>| {
            version.as_ref().map(|version| version.value.clone())
        };
        let chosen = systems.iter().map(|one| (&one.input, &one.system.value, version(&one.version)));
        parts.extend(chosen.map(|one| format!("system {one:?}")));
        parts.extend(formats.iter().map(|one| format!("format {}", one.effect())));
    }
    let files = match stage {
        Stage::Categorize => of_systems,
        Stage::Convert => of_targets,
        Stage::Import => return rulings(&environment.decisions),
        Stage::Validate => {
            parts.extend(matches.iter().map(|one| {
                let to = match &one.target {
                    MatchTo::New => None,
                    MatchTo::Row(key) => Some(key),
                };
                format!("match {:?}", (&one.table.value, &one.source_key, to))
            }));
            return parts;
        }
        _ => return parts,
    };
    let rules = || files.iter().flat_map(|file| &file.rules);
    let here = |of: &ScopeOf| matches!(of, ScopeOf::Table(_)) == (stage == Stage::Categorize);
    parts.extend(scopes.iter().filter(|one| here(&one.of)).map(|one| format!("scope {}", one.effect())));
    let answered = |name: &str| rules().any(|rule| rule.name.value == name);
    parts.extend(
        undecided
            .iter()
            .filter(|one| answered(&one.rule.value))
            .map(|one| format!("undecided {}", one.effect())),
    );
    let entry = |one: &MapDecision| {
        (one.entry.source.clone(), one.entry.target.clone(), one.entry.equivalence.clone())
    };
    for (name, entries) in maps.iter().filter(|(name, _)| rules().any(|rule| uses(rule, name))) {
        parts.push(format!("map {name} {:?}", entries.iter().map(entry).collect::<Vec<_>>()));
    }
    parts
}

/// What was decided about single rows of earlier loads.
pub(crate) fn rulings(decisions: &Decisions) -> Vec<String> {
    let ruling = |one: &RowRuling| {
        format!("ruling {:?}", (&one.table.value, &one.source_key, one.ruling.word(), &one.seen))
    };
    decisions.conflicts.iter().chain(&decisions.absences).map(ruling).collect()
}

fn uses(rule: &Rule, map: &str) -> bool {
    rule.fields.iter().any(|field| field.map.as_ref().is_some_and(|named| named.value == map))
}

/// Digest of the rule files under some folders.
pub(crate) fn rule_files(environment: &Environment, folders: &[&str], kinds: &[&str]) -> String {
    let mut files: Vec<(String, &str)> = environment
        .project
        .files
        .iter()
        .map(|file| (file.path.to_string_lossy().replace('\\', "/"), file.text.as_str()))
        .filter(|(path, _)| folders.iter().any(|folder| path.starts_with(folder)))
        .filter(|(path, _)| kinds.iter().any(|kind| path.contains(kind)))
        .collect();
    files.sort();
    sha256_of(files.iter().flat_map(|(path, text)| [path.as_bytes(), text.as_bytes()]))
}
