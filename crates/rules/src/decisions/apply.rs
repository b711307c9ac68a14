//! Lays an order's decisions over the project's rules, in memory, and says which of them fit nothing.

use std::path::PathBuf;

use super::{DECISIONS, Decisions, FormatAnswer, MapDecision, Scope, ScopeOf, UndecidedAnswer, read, tables};
use crate::entries::Problems;
use crate::read::dialect;
use crate::resolve::unknown;
use crate::{CodeMap, Diagnostic, Exclude, File, Located, Project, Rule, RuleFile};

/// Files whose lines hold keys of rows.
const KEYED: [&str; 3] = ["matches.csv", "conflicts.csv", "absences.csv"];

/// The project with an order's decisions over it, the decisions themselves, and what is wrong with them.
///
/// `files` are those of the order's `decisions/`, their paths beginning with that folder. They are added to the
/// project's files, so that problems can be underlined; of those that name rows only the first line, for keys are values.
pub fn with_decisions(
    mut project: Project,
    files: &[(PathBuf, String)],
) -> (Project, Decisions, Vec<Diagnostic>) {
    let first = u32::try_from(project.files.len()).unwrap_or(u32::MAX);
    let mut problems = Problems::default();
    let decisions = read::read(files, first, &mut problems);
    project.files.extend(files.iter().map(|(path, text)| {
        let keyed = KEYED.iter().any(|name| path.ends_with(format!("{DECISIONS}/{name}")));
        File { path: path.clone(), text: if keyed { tables::masked(text) } else { text.clone() } }
    }));
    waivers(&project, &decisions, &mut problems);
    systems(&project, &decisions, &mut problems);
    named_tables(&project, &decisions, &mut problems);
    decisions.formats.iter().for_each(|answer| format(&mut project, answer, &mut problems));
    for (name, entries) in &decisions.maps {
        map(&mut project, name, entries, &mut problems);
    }
    for (at, scope) in decisions.scopes.iter().enumerate() {
        let earlier = decisions.scopes.get(..at).unwrap_or_default();
        let taken = earlier
            .iter()
            .any(|other| other.name.value == scope.name.value && other.of_what() == scope.of_what());
        if taken && !scope.name.value.is_empty() {
            let message = format!("scope `{}` stands twice for `{}`", scope.name.value, scope.of_what());
            problems.push(
                Diagnostic::error("duplicate-name", scope.name.place, message)
                    .help("join the two conditions with `or`"),
            );
        } else {
            leave_out(&mut project, scope, &mut problems);
        }
    }
    decisions.undecided.iter().for_each(|answer| undecided(&mut project, answer, &mut problems));
    let mut problems = problems.list;
    problems.sort_by_key(|problem| (problem.place.file, problem.place.start, problem.code));
    problems.dedup();
    (project, decisions, problems)
}

impl Scope {
    fn of_what(&self) -> &str {
        match &self.of {
            ScopeOf::Table(name) | ScopeOf::Category(name) => &name.value,
        }
    }
}

fn waivers(project: &Project, decisions: &Decisions, problems: &mut Problems) {
    let known = project.gated();
    for waiver in &decisions.waivers {
        let name = &waiver.applies_to;
        if name.value.is_empty() {
            continue;
        }
        if !known.contains(&name.value.as_str()) {
            let what = "table or category";
            problems.push(unknown("unknown-table", what, name, &name.value, known.iter().copied()));
        } else if let Some(stage) = waiver.stage.as_deref()
            && !measured_at(project, stage, waiver.code.is_some()).contains(&name.value.as_str())
        {
            let message = format!("nothing of `{}` is held at {stage}", name.value);
            problems.push(Diagnostic::error("bad-decision", name.place, message).help(
                "check holds rows of source tables, categorize records of categories, convert and validate rows of target tables",
            ));
        }
    }
}

/// The names that gates have at a stage; with a code also those that findings have.
fn measured_at<'a>(project: &'a Project, stage: &str, with_code: bool) -> Vec<&'a str> {
    let sources = project.systems.iter().flat_map(|system| &system.tables).map(|table| &table.name.value);
    let categories = project.categories.keys();
    let loaded = project.targets.iter().flat_map(|target| &target.tables).map(|table| &table.name.value);
    let names: Vec<&String> = match (stage, with_code) {
        ("check", _) => sources.collect(),
        ("categorize", false) => categories.collect(),
        ("categorize", true) => categories.chain(sources).collect(),
        ("convert", true) => loaded.chain(categories).collect(),
        _ => loaded.collect(),
    };
    names.into_iter().map(String::as_str).collect()
}

fn systems(project: &Project, decisions: &Decisions, problems: &mut Problems) {
    for answer in decisions.systems.iter().filter(|answer| !answer.system.value.is_empty()) {
        let name = &answer.system;
        let packs = || project.systems.iter().filter(|system| system.name == name.value);
        if packs().next().is_none() {
            let known = project.systems.iter().map(|system| system.name.as_str());
            problems.push(unknown("unknown-system", "system", name, &name.value, known));
        } else if let Some(version) = &answer.version {
            let versions = || packs().flat_map(|pack| std::iter::once(&pack.version).chain(&pack.covers));
            if !versions().any(|known| *known == version.value) {
                let known = versions().map(String::as_str);
                problems.push(unknown("unknown-system", "version", version, &version.value, known));
            }
        }
    }
}

/// The tables of lines about rows.
fn named_tables(project: &Project, decisions: &Decisions, problems: &mut Problems) {
    let tables =
        || project.targets.iter().flat_map(|target| &target.tables).map(|table| table.name.value.as_str());
    let ruled = decisions.conflicts.iter().chain(&decisions.absences).map(|one| &one.table);
    for named in decisions.matches.iter().map(|one| &one.table).chain(ruled) {
        if !tables().any(|table| table == named.value) {
            // The cell may hold what belongs into another column: it is not repeated.
            let problem = Diagnostic::error(
                "unknown-table",
                named.place,
                "no target has the table that this line names",
            );
            let mut known: Vec<&str> = tables().collect();
            known.sort_unstable();
            known.dedup();
            let known: Vec<String> = known.into_iter().take(20).map(|name| format!("`{name}`")).collect();
            problems.push(problem.help(format!("known are {}", known.join(", "))));
        }
    }
}

fn format(project: &mut Project, answer: &FormatAnswer, problems: &mut Problems) {
    if let Some(zone) = &answer.timezone {
        project.systems.iter_mut().for_each(|system| system.timezone.clone_from(&zone.value));
    }
    let Some(name) = &answer.table else { return };
    let mut found = false;
    let mut typed = false;
    for table in project.systems.iter_mut().flat_map(|system| &mut system.tables) {
        if table.name.value != name.value {
            continue;
        }
        found = true;
        if let Some(node) = &answer.dialect {
            table.dialect = dialect(node, &table.dialect, problems);
        }
        if let (Some(column), Some(format)) = (&answer.column, &answer.format) {
            let fields = table.schema.fields.iter_mut().filter(|field| field.name.value == column.value);
            fields.for_each(|field| {
                typed = true;
                field.format = Some(format.clone());
            });
        }
    }
    let tables = || project.systems.iter().flat_map(|system| &system.tables);
    if !found {
        let known = tables().map(|table| table.name.value.as_str());
        problems.push(unknown("unknown-table", "table", name, &name.value, known));
    } else if let Some(column) = answer.column.as_ref().filter(|_| !typed) {
        let own = tables().filter(|table| table.name.value == name.value);
        let known = own.flat_map(|table| &table.schema.fields).map(|field| field.name.value.as_str());
        problems.push(unknown("unknown-column", "column", column, &column.value, known));
    }
}

fn map(project: &mut Project, name: &str, entries: &[MapDecision], problems: &mut Problems) {
    let known: Vec<String> = project.maps.keys().cloned().collect();
    let Some(map) = project.maps.get_mut(name) else {
        if let Some(first) = entries.first() {
            let at = Located { value: name.to_owned(), place: first.place };
            problems.push(unknown("unknown-map", "map", &at, name, known.iter().map(String::as_str)));
        }
        return;
    };
    for decision in entries {
        overlay(map, decision, problems);
    }
}

fn overlay(map: &mut CodeMap, decision: &MapDecision, problems: &mut Problems) {
    let entry = &decision.entry;
    let Some(known) = map.entries.iter_mut().find(|known| known.source == entry.source) else {
        map.entries.push(entry.clone());
        return;
    };
    let same = (&known.target, &known.equivalence) == (&entry.target, &entry.equivalence);
    if !same && !decision.replaces {
        let message = format!("map `{}` has another target for `{}`", map.name, entry.source);
        problems.push(
            Diagnostic::error("map-contradicts", decision.place, message)
                .help("write `yes` under `replaces` if this order is to use another code on purpose"),
        );
        return;
    }
    known.clone_from(entry);
}

fn leave_out(project: &mut Project, scope: &Scope, problems: &mut Problems) {
    if scope.name.value.is_empty() {
        return;
    }
    let exclude = Exclude {
        rule: scope.name.clone(),
        when: scope.when.clone().unwrap_or_else(|| Located { value: "true".into(), place: scope.name.place }),
        unknown: scope.unknown,
        own_columns: true,
    };
    let (at, files): (&Located<String>, Vec<&mut RuleFile>) = match &scope.of {
        ScopeOf::Table(table) => {
            (table, project.systems.iter_mut().flat_map(|system| &mut system.categorize).collect())
        }
        ScopeOf::Category(category) => {
            (category, project.targets.iter_mut().flat_map(|target| &mut target.convert).collect())
        }
    };
    let mut read = false;
    for rule in files.into_iter().flat_map(|file| &mut file.rules).filter(|rule| rule.from.value == at.value)
    {
        read = true;
        if rule.excludes.iter().any(|other| other.rule.value == exclude.rule.value) {
            let message =
                format!("rule `{}` has an exclusion `{}` already", rule.name.value, scope.name.value);
            problems.push(
                Diagnostic::error("duplicate-name", scope.name.place, message).help("choose another name"),
            );
            continue;
        }
        rule.excludes.push(exclude.clone());
    }
    if !read {
        unread(project, scope, at, problems);
    }
}

/// A table or category that no rule starts from: unknown, or only looked up by others.
fn unread(project: &Project, scope: &Scope, at: &Located<String>, problems: &mut Problems) {
    let (what, code, known): (_, _, Vec<&str>) = match scope.of {
        ScopeOf::Table(_) => {
            let tables = project.systems.iter().flat_map(|system| &system.tables);
            ("table", "unknown-table", tables.map(|table| table.name.value.as_str()).collect())
        }
        ScopeOf::Category(_) => {
            ("category", "unknown-category", project.categories.keys().map(String::as_str).collect())
        }
    };
    if !known.contains(&at.value.as_str()) {
        problems.push(unknown(code, what, at, &at.value, known));
        return;
    }
    let message = format!("no rule starts from {what} `{}`: there is nothing to leave out", at.value);
    problems.push(
        Diagnostic::error("scope-unread", at.place, message)
            .help("name the table that the rule's `from` names, not one that it joins"),
    );
}

fn undecided(project: &mut Project, answer: &UndecidedAnswer, problems: &mut Problems) {
    if answer.rule.value.is_empty() || answer.exclude.value.is_empty() {
        return;
    }
    let named = |rule: &Rule| rule.name.value == answer.rule.value;
    let into = |file: &RuleFile| answer.into.as_ref().is_none_or(|into| into.value == file.into.value);
    let of_systems = project.systems.iter_mut().flat_map(|system| &mut system.categorize);
    let of_targets = project.targets.iter_mut().flat_map(|target| &mut target.convert);
    let (mut rules, mut excludes): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    let mut found = false;
    for rule in of_systems.chain(of_targets).filter(|file| into(file)).flat_map(|file| &mut file.rules) {
        rules.push(rule.name.value.clone());
        if !named(rule) {
            continue;
        }
        for exclude in &mut rule.excludes {
            if exclude.rule.value == answer.exclude.value {
                exclude.unknown = answer.unknown;
                found = true;
            }
            excludes.push(exclude.rule.value.clone());
        }
    }
    let known = |names: &[String]| -> Vec<String> {
        let mut names = names.to_vec();
        names.sort();
        names.dedup();
        names
    };
    if !rules.contains(&answer.rule.value) {
        let rules = known(&rules);
        problems.push(unknown(
            "unknown-rule",
            "rule",
            &answer.rule,
            &answer.rule.value,
            rules.iter().map(String::as_str),
        ));
    } else if !found {
        let excludes = known(&excludes);
        let what = "exclusion";
        problems.push(unknown(
            "unknown-rule",
            what,
            &answer.exclude,
            &answer.exclude.value,
            excludes.iter().map(String::as_str),
        ));
    }
}

impl Project {
    /// The names that gates and waivers may be about: source tables, categories, target tables.
    pub(crate) fn gated(&self) -> Vec<&str> {
        let tables =
            self.systems.iter().flat_map(|system| system.tables.iter().map(|table| &table.name.value));
        let loaded =
            self.targets.iter().flat_map(|target| target.tables.iter().map(|table| &table.name.value));
        let mut known: Vec<&str> =
            tables.chain(self.categories.keys()).chain(loaded).map(String::as_str).collect();
        known.sort_unstable();
        known.dedup();
        known
    }
}
