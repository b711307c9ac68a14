//! Nothing disappears: every table is read or ignored with a reason, every category is converted or ignored.

use std::collections::{BTreeMap, HashSet};

use super::{Schemas, rules::source_of, unknown};
use crate::diagnostic::alike;
use crate::entries::Problems;
use crate::layout::Pack;
use crate::read::Incomplete;
use crate::{
    Diagnostic, FieldValue, Ignored, Project, Rule, RuleFile, SafetyCritical, System, Target, TargetTable,
};

/// `complete`: all rule files could be read, so that what no rule reads is read by nobody.
pub(crate) fn check_system(system: &System, files: &[RuleFile], complete: bool, problems: &mut Problems) {
    let read = read_tables(files);
    let known = || system.tables.iter().map(|table| table.name.value.as_str());
    for ignored in &system.ignored_tables {
        let name = ignored.table.value.as_str();
        if system.table(name).is_none() && !name.is_empty() {
            problems.push(unknown("unknown-table", "table", &ignored.table, name, known()));
        } else if read.contains(name) {
            problems.push(used(ignored, "table", name));
        }
    }
    check_twice(&system.ignored_tables, problems);
    if complete && !read.contains("") {
        for table in &system.tables {
            let name = &table.name;
            let misspelled =
                || read.iter().any(|read| system.table(read).is_none() && alike(read, &name.value));
            if !read.contains(name.value.as_str()) && !system.ignores(&name.value) && !misspelled() {
                let message = format!("no rule reads table `{}`, and it is not ignored", name.value);
                problems.push(Diagnostic::error("unread-table", name.place, message).help(
                    "write a rule with `from` or `join` for it, or `ignore: [{ table: ..., reason: ... }]` in system.yaml",
                ));
            }
        }
    }
    check_ignored_columns(files, &[], problems);
}

pub(crate) fn check_target(
    target: &Target,
    files: &[RuleFile],
    categories: &Schemas<'_>,
    complete: bool,
    problems: &mut Problems,
) {
    let read = read_tables(files);
    for ignored in &target.ignored_categories {
        check_ignored_category(ignored, categories, &read, problems);
    }
    let (columns, whole): (Vec<Ignored>, Vec<Ignored>) =
        target.ignored_categories.iter().cloned().partition(|ignored| ignored.column.is_some());
    check_twice(&whole, problems);
    if complete && !read.contains("") {
        for table in &target.tables {
            if !files.iter().any(|file| file.into.value == table.name.value) {
                let message = format!("no rule fills table `{}`", table.name.value);
                problems.push(Diagnostic::warning("unfilled-table", table.schema.place, message).help(
                    "write `convert/` rules for it, or delete its schema if nothing is loaded into it",
                ));
            }
        }
    }
    for file in files {
        if let Some(table) = target.table(&file.into.value) {
            file.rules.iter().for_each(|rule| check_hold(rule, table, categories, problems));
        }
    }
    check_ignored_columns(files, &columns, problems);
}

/// What a system fills must be converted or ignored by every target that can take some of it: a target that shares
/// no category with a system is not meant for it.
pub(crate) fn check_pairs(project: &Project, incomplete: &Incomplete, problems: &mut Problems) {
    let whole = |target: &&Target| {
        let pack = Pack { name: target.name.clone(), version: target.version.clone() };
        !incomplete.targets.contains(&pack) && !read_tables(&target.convert).contains("")
    };
    for target in project.targets.iter().filter(whole) {
        let read = read_tables(&target.convert);
        let mut lost: BTreeMap<&str, &System> = BTreeMap::new();
        for system in &project.systems {
            if system.categorize.iter().any(|file| read.contains(file.into.value.as_str())) {
                let known = |name: &&str| project.categories.contains_key(*name);
                lost.extend(target.unconverted(system).into_iter().filter(known).map(|name| (name, system)));
            }
        }
        for (name, system) in lost {
            let message = format!(
                "no rule of target `{}` converts category `{name}`, which system `{}` fills",
                target.name, system.name
            );
            problems.push(Diagnostic::error("unconverted-category", target.place, message).help(format!(
                "write a rule with `from: {name}`, or `ignore: [{{ table: {name}, reason: ... }}]` in target.yaml"
            )));
        }
    }
}

/// The names that rules read; an empty one could not be read itself.
fn read_tables(files: &[RuleFile]) -> HashSet<&str> {
    files.iter().flat_map(|file| file.rules.iter().flat_map(Rule::reads)).collect()
}

fn used(ignored: &Ignored, what: &str, name: &str) -> Diagnostic {
    let message = format!("{what} `{name}` is ignored, and a rule reads it");
    Diagnostic::error("ignored-and-used", ignored.table.place, message)
        .help("take the `ignore` entry out, or the rule")
}

fn check_twice(ignored: &[Ignored], problems: &mut Problems) {
    let mut seen = HashSet::new();
    for each in ignored.iter().filter(|each| !each.table.value.is_empty()) {
        if !seen.insert(each.table.value.as_str()) {
            let message = format!("`{}` is ignored twice", each.table.value);
            problems.push(
                Diagnostic::error("duplicate-name", each.table.place, message).help("keep one of the two"),
            );
        }
    }
}

fn check_ignored_category(
    ignored: &Ignored,
    categories: &Schemas<'_>,
    read: &HashSet<&str>,
    problems: &mut Problems,
) {
    let name = ignored.table.value.as_str();
    let Some(schema) = categories.get(name) else {
        if !name.is_empty() {
            let known = categories.keys().copied();
            problems.push(unknown("unknown-category", "category", &ignored.table, name, known));
        }
        return;
    };
    match &ignored.column {
        None if read.contains(name) => problems.push(used(ignored, "category", name)),
        Some(column) if !schema.fields.is_empty() && schema.field(&column.value).is_none() => {
            let known = schema.fields.iter().map(|field| field.name.value.as_str());
            problems.push(unknown("unknown-field", "field", column, &column.value, known));
        }
        _ => {}
    }
}

/// A column that one rule uses and another place ignores: one of the two is wrong.
fn check_ignored_columns(files: &[RuleFile], further: &[Ignored], problems: &mut Problems) {
    let mut used: BTreeMap<(&str, &str), &Rule> = BTreeMap::new();
    for rule in files.iter().flat_map(|file| &file.rules) {
        for column in rule.shaping_columns() {
            used.entry((rule.from.value.as_str(), column)).or_insert(rule);
        }
        for field in &rule.fields {
            if let FieldValue::Column(name) | FieldValue::Lines { column: name, .. } = &field.value {
                used.entry(source_of(rule, &name.value)).or_insert(rule);
            }
        }
    }
    let own = files.iter().flat_map(|file| &file.ignored_columns);
    for ignored in own.chain(further) {
        let Some(column) = ignored.column.as_ref().filter(|_| !ignored.table.value.is_empty()) else {
            continue;
        };
        if let Some(rule) = used.get(&(ignored.table.value.as_str(), column.value.as_str())) {
            let message =
                format!("column `{}` is ignored, and rule `{}` uses it", column.value, rule.name.value);
            let problem = Diagnostic::error("ignored-and-used", column.place, message);
            problems.push(problem.help("take the `ignore` entry out, or the field of the rule"));
        }
    }
}

/// A degraded safety-critical record must show that it was degraded.
fn check_hold(rule: &Rule, table: &TargetTable, categories: &Schemas<'_>, problems: &mut Problems) {
    let Some(category) = categories.get(rule.from.value.as_str()) else { return };
    let critical = category.extension.safety_critical != SafetyCritical::No;
    if critical && table.schema.extension.hold.is_none() && !table.schema.fields.is_empty() {
        let message = format!(
            "category `{}` is safety-critical and table `{}` cannot show a hold",
            rule.from.value, table.name.value
        );
        problems.push(Diagnostic::error("missing-hold", rule.from.place, message).help(
            "name the column that shows what could not be converted: `chartlift: { hold: COLUMN }` in the table's schema",
        ));
    }
}
