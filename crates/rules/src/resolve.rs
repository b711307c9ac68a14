//! Resolves names across the files of a project: tables, fields, categories, maps.
//!
//! An empty name could not be read and is already reported; a schema without fields likewise. Both are skipped,
//! so that one slip gives one message.

mod attachments;
mod confidentiality;
mod coverage;
mod matching;
mod patients;
mod repairs;
mod reshape;
mod rules;
mod schemas;
mod second_reading;

use std::collections::BTreeMap;

use crate::entries::Problems;
use crate::layout::Pack;
use crate::read::Incomplete;
use crate::{
    Diagnostic, Located, Project, Says, System, TableSchema, compare_versions, split_target, suggest,
};
use rules::{Scope, Step};

/// Tables or categories by name.
pub(crate) type Schemas<'a> = BTreeMap<&'a str, &'a TableSchema>;

pub(crate) fn resolve(project: &mut Project, incomplete: &Incomplete, problems: &mut Problems) {
    let mut systems = std::mem::take(&mut project.systems);
    let mut targets = std::mem::take(&mut project.targets);
    let categories: Schemas<'_> =
        project.categories.iter().map(|(name, schema)| (name.as_str(), schema)).collect();
    schemas::check_all(&categories, "category", problems);
    for system in &mut systems {
        attachments::resolve(system, problems);
        let mut files = std::mem::take(&mut system.categorize);
        let tables: Schemas<'_> =
            system.tables.iter().map(|table| (table.name.value.as_str(), &table.schema)).collect();
        schemas::check_all(&tables, "table", problems);
        let scope = Scope {
            step: Step::Categorize,
            sources: &tables,
            destinations: &categories,
            maps: &project.maps,
        };
        rules::resolve_files(&mut files, &scope, problems);
        let pack = Pack { name: system.name.clone(), version: system.version.clone() };
        let complete = !incomplete.systems.contains(&pack);
        check_fingerprints(system, &tables, problems);
        coverage::check_system(system, &files, complete, problems);
        confidentiality::check_system(&files, &categories, project, problems);
        second_reading::check_system(system, &files, &categories, complete, problems);
        system.categorize = files;
    }
    for target in &mut targets {
        let mut files = std::mem::take(&mut target.convert);
        let tables: Schemas<'_> =
            target.tables.iter().map(|table| (table.name.value.as_str(), &table.schema)).collect();
        schemas::check_all(&tables, "table", problems);
        schemas::check_target(target, problems);
        let scope =
            Scope { step: Step::Convert, sources: &categories, destinations: &tables, maps: &project.maps };
        rules::resolve_files(&mut files, &scope, problems);
        let pack = Pack { name: target.name.clone(), version: target.version.clone() };
        let complete = !incomplete.targets.contains(&pack);
        coverage::check_target(target, &files, &categories, complete, problems);
        confidentiality::check_target(target, &files, &categories, problems);
        second_reading::check_target(target, &files, &categories, problems);
        target.convert = files;
    }
    systems.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| compare_versions(&a.version, &b.version)));
    targets.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| compare_versions(&a.version, &b.version)));
    project.systems = systems;
    project.targets = targets;
    coverage::check_pairs(project, incomplete, problems);
    check_settings(project, problems);
    patients::check(project, problems);
}

fn check_fingerprints(system: &System, tables: &Schemas<'_>, problems: &mut Problems) {
    let mut check = |table: &Located<String>, column: &Located<String>| {
        let Some(schema) = tables.get(table.value.as_str()) else {
            if !table.value.is_empty() {
                problems.push(unknown("unknown-table", "table", table, &table.value, tables.keys().copied()));
            }
            return;
        };
        if schema.field(&column.value).is_none() && !schema.fields.is_empty() && !column.value.is_empty() {
            let known = schema.fields.iter().map(|field| field.name.value.as_str());
            problems.push(unknown("unknown-column", "column", column, &column.value, known));
        }
    };
    for one in &system.fingerprints {
        check(&one.table, &one.column);
        if let Says::AllIn { table, column } = &one.says {
            check(table, column);
        }
    }
}

fn check_settings(project: &Project, problems: &mut Problems) {
    if let Some(target) = &project.settings.target {
        let (name, _) = split_target(&target.value);
        if project.target(name).is_none() {
            let known = project.targets.iter().map(|target| target.name.as_str());
            problems.push(unknown("unknown-target", "target", target, name, known));
        }
    }
    let known = project.gated();
    for gate in &project.settings.gates {
        let name = &gate.applies_to;
        if !name.value.is_empty() && !known.contains(&name.value.as_str()) {
            let what = "table or category";
            problems.push(unknown("unknown-table", what, name, &name.value, known.iter().copied()));
        }
    }
    let tables =
        || project.targets.iter().flat_map(|target| &target.tables).map(|table| table.name.value.as_str());
    for limit in &project.settings.absences {
        let name = &limit.table;
        if !name.value.is_empty() && !tables().any(|known| known == name.value) {
            problems.push(unknown("unknown-table", "target table", name, &name.value, tables()));
        }
    }
}

/// "unknown table `x`", with the name that was probably meant.
pub(crate) fn unknown<'a>(
    code: &'static str,
    what: &str,
    at: &Located<String>,
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Diagnostic {
    let problem = Diagnostic::error(code, at.place, format!("unknown {what} `{name}`"));
    match suggest(name, known) {
        Some(help) => problem.help(help),
        None => problem,
    }
}
