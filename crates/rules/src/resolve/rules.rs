//! Names inside rules: what they read, what they fill, and whether the types agree.

use std::collections::{BTreeMap, HashSet};

use super::{Schemas, repairs, reshape, unknown};
use crate::entries::Problems;
use crate::read::is_date;
use crate::{
    CodeMap, Diagnostic, FieldRule, FieldType, FieldValue, Located, Place, Rule, RuleFile, TableSchema,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// From source tables, whose rows are text and have the pseudo-column `_key`, to categories.
    Categorize,
    /// From categories, whose rows are typed, to target tables.
    Convert,
}

impl Step {
    fn source(self) -> (&'static str, &'static str) {
        match self {
            Self::Categorize => ("unknown-table", "table"),
            Self::Convert => ("unknown-category", "category"),
        }
    }

    fn destination(self) -> (&'static str, &'static str) {
        match self {
            Self::Categorize => ("unknown-category", "category"),
            Self::Convert => ("unknown-table", "table"),
        }
    }
}

pub(crate) struct Scope<'a> {
    pub(crate) step: Step,
    pub(crate) sources: &'a Schemas<'a>,
    pub(crate) destinations: &'a Schemas<'a>,
    pub(crate) maps: &'a BTreeMap<String, CodeMap>,
}

/// The pseudo-column that names a source row.
const KEY: &str = "_key";

pub(crate) fn resolve_files(files: &mut [RuleFile], scope: &Scope<'_>, problems: &mut Problems) {
    for file in &mut *files {
        let destination = scope.destinations.get(file.into.value.as_str()).copied();
        if destination.is_none() {
            let (code, noun) = scope.step.destination();
            let known = scope.destinations.keys().copied();
            problems.push(unknown(code, noun, &file.into, &file.into.value, known));
        }
        // A union's rule stands once for each of its tables.
        let first = |rule: &&Rule| rule.alias == rule.from.value;
        check_names(file.rules.iter().filter(first).map(|rule| &rule.name), "rule", problems);
        if let (Some(merge), Some(schema)) = (&file.merge, destination) {
            for name in merge.order.iter().filter(|name| schema.field(&name.value).is_none()) {
                let known = schema.fields.iter().map(|field| field.name.value.as_str());
                problems.push(unknown("unknown-field", "field", name, &name.value, known));
            }
        }
        for rule in &file.rules {
            check_rule(rule, destination, scope, problems);
        }
        place_ignored(file, scope, problems);
    }
}

fn check_names<'a>(names: impl Iterator<Item = &'a Located<String>>, what: &str, problems: &mut Problems) {
    let mut seen = HashSet::new();
    for name in names.filter(|name| !name.value.is_empty()) {
        if !seen.insert(name.value.as_str()) {
            let message = format!("two {what}s are named `{}`", name.value);
            problems.push(
                Diagnostic::error("duplicate-name", name.place, message).help("give each its own name"),
            );
        }
    }
}

/// What a rule's columns can refer to: the driving table, then the joined ones.
pub(super) struct Columns<'a> {
    pub(super) step: Step,
    pub(super) tables: Vec<(&'a str, &'a TableSchema)>,
    /// Columns that `unpivot` and `split` make: where they are named, and their type.
    pub(super) made: Vec<(&'a str, Place, FieldType)>,
    /// All of them are known, so that a column which is not found does not exist.
    complete: bool,
}

fn check_rule(rule: &Rule, destination: Option<&TableSchema>, scope: &Scope<'_>, problems: &mut Problems) {
    let (code, noun) = scope.step.source();
    let mut columns = Columns { step: scope.step, tables: Vec::new(), made: Vec::new(), complete: true };
    let joined = rule.joins.iter().map(|join| (&join.table, join.alias.as_str()));
    for (table, alias) in std::iter::once((&rule.from, rule.alias.as_str())).chain(joined) {
        match scope.sources.get(table.value.as_str()) {
            Some(schema) if !schema.fields.is_empty() => {
                if columns.tables.iter().any(|(name, _)| *name == alias) {
                    let message = format!("`{alias}` already names another table of this rule");
                    problems.push(
                        Diagnostic::error("duplicate-name", table.place, message)
                            .help("add `as: other_name`"),
                    );
                }
                columns.tables.push((alias, schema));
            }
            Some(_) => columns.complete = false,
            None => {
                columns.complete = false;
                if !table.value.is_empty() {
                    problems.push(unknown(code, noun, table, &table.value, scope.sources.keys().copied()));
                }
            }
        }
    }
    reshape::check(rule, &mut columns, problems);
    repairs::check(rule, &columns, problems);
    check_names(rule.checks.iter().map(|check| &check.check), "check", problems);
    check_names(rule.excludes.iter().map(|exclude| &exclude.rule), "`exclude` entry", problems);
    for field in &rule.fields {
        check_field(field, &columns, destination, scope, problems);
    }
    if let Some(schema) = destination
        && !rule.fields.is_empty()
    {
        check_required(rule, schema, problems);
    }
}

fn check_required(rule: &Rule, schema: &TableSchema, problems: &mut Problems) {
    let hold = schema.extension.hold.as_ref().map(|hold| hold.value.as_str());
    let missing: Vec<String> = schema
        .fields
        .iter()
        .filter(|field| schema.requires(field) && hold != Some(field.name.value.as_str()))
        .filter(|field| !field.name.value.is_empty() && rule.field(&field.name.value).is_none())
        .map(|field| format!("`{}`", field.name.value))
        .collect();
    if !missing.is_empty() {
        let message = format!("rule `{}` gives no {}", rule.name.value, missing.join(", "));
        problems.push(
            Diagnostic::error("missing-field", rule.place, message)
                .help("every rule fills the required fields and the primary key of what it produces"),
        );
    }
}

fn check_field(
    rule: &FieldRule,
    columns: &Columns<'_>,
    destination: Option<&TableSchema>,
    scope: &Scope<'_>,
    problems: &mut Problems,
) {
    if let Some(map) = &rule.map
        && !scope.maps.contains_key(&map.value)
    {
        problems.push(unknown("unknown-map", "map", map, &map.value, scope.maps.keys().map(String::as_str)));
    }
    let source = match &rule.value {
        FieldValue::Column(name) if !name.value.is_empty() => columns.kind(name, problems),
        FieldValue::Lines { column, .. } if !column.value.is_empty() => columns.kind(column, problems),
        _ => None,
    };
    let Some(schema) = destination.filter(|schema| !schema.fields.is_empty()) else { return };
    let Some(field) = schema.field(&rule.field.value) else {
        let known = schema.fields.iter().map(|field| field.name.value.as_str());
        problems.push(unknown("unknown-field", "field", &rule.field, &rule.field.value, known));
        return;
    };
    if problems.untyped.contains(&field.name.place) {
        return;
    }
    if schema.extension.hold.as_ref().is_some_and(|hold| hold.value == rule.field.value) {
        let message = format!("`{}` shows what was degraded and is filled by Chartlift", rule.field.value);
        problems
            .push(Diagnostic::error("misplaced-key", rule.field.place, message).help("take the field out"));
    }
    check_kind(rule, source, field.kind, scope.step, problems);
}

fn check_kind(
    rule: &FieldRule,
    source: Option<FieldType>,
    wanted: FieldType,
    step: Step,
    problems: &mut Problems,
) {
    let temporal = matches!(wanted, FieldType::Date | FieldType::Datetime);
    let name = &rule.field.value;
    if let Some(first) = rule.formats.first() {
        if !temporal {
            let message = format!("`formats` read dates, and `{name}` is {}", wanted.phrase());
            problems
                .push(Diagnostic::error("misplaced-key", first.place, message).help("take `formats` out"));
        }
        return;
    }
    if let Some(map) = &rule.map {
        if wanted != FieldType::String {
            let message = format!("a map gives text, and `{name}` is {}", wanted.phrase());
            problems.push(
                Diagnostic::error("type-mismatch", map.place, message).help("use `sql` with a function"),
            );
        }
        return;
    }
    match &rule.value {
        FieldValue::Text(text) if !constant_fits(&text.value, wanted) => {
            let message = format!("the constant is not {}", wanted.phrase());
            problems.push(Diagnostic::error("type-mismatch", text.place, message).help(
                "dates are written YYYY-MM-DD, instants 2026-11-22T09:00:00Z, booleans `true` or `false`",
            ));
        }
        FieldValue::Column(column) => {
            let Some(source) = source.filter(|source| !agrees(*source, wanted, step)) else { return };
            let message = format!(
                "column `{}` is {} and field `{name}` {}",
                column.value,
                source.phrase(),
                wanted.phrase()
            );
            let problem = Diagnostic::error("type-mismatch", column.place, message);
            problems.push(problem.help(conversion_help(wanted, step)));
        }
        _ => {}
    }
}

fn agrees(source: FieldType, wanted: FieldType, step: Step) -> bool {
    let text = |kind| matches!(kind, FieldType::String | FieldType::Time);
    match step {
        // Source rows are text, whatever their schema says of it.
        Step::Categorize => source == wanted || wanted == FieldType::String,
        // A time of day is text in every typed layer.
        Step::Convert => source == wanted || (text(source) && text(wanted)),
    }
}

fn conversion_help(wanted: FieldType, step: Step) -> String {
    let word = wanted.name();
    match (step, wanted) {
        (Step::Convert, _) => "nothing is converted in silence: use `sql` with a function".to_owned(),
        (_, FieldType::Date | FieldType::Datetime) => {
            format!(
                "declare `type: {word}` and its `format` in the source schema, or add `formats: [...]` here"
            )
        }
        (_, FieldType::Integer | FieldType::Number | FieldType::Boolean) => {
            format!("declare `type: {word}` in the source schema, or use `sql: \"parse_{word}(...)\"`")
        }
        _ => format!("declare `type: {word}` in the source schema, or use `sql`"),
    }
}

fn constant_fits(text: &str, kind: FieldType) -> bool {
    match kind {
        FieldType::String => true,
        FieldType::Integer => text.parse::<i64>().is_ok(),
        FieldType::Number => text.parse::<f64>().is_ok_and(f64::is_finite),
        FieldType::Boolean => matches!(text, "true" | "false"),
        FieldType::Date => is_date(text),
        FieldType::Datetime => text.get(..10).is_some_and(is_date) && text.contains('T'),
        FieldType::Time => text.len() == 8 && text.split(':').all(|part| part.parse::<u8>().is_ok()),
    }
}

impl Columns<'_> {
    /// The declared type of a column, `None` after reporting one that does not exist.
    pub(super) fn kind(&self, name: &Located<String>, problems: &mut Problems) -> Option<FieldType> {
        let found = self.find(&name.value);
        if found.is_some() || !self.complete {
            return found.filter(|(place, _)| !problems.untyped.contains(place)).map(|(_, kind)| kind);
        }
        let mut known: Vec<String> = Vec::new();
        for (index, (alias, schema)) in self.tables.iter().enumerate() {
            let names = schema.fields.iter().map(|field| field.name.value.as_str());
            known.extend(
                names.map(|name| if index == 0 { name.to_owned() } else { format!("{alias}.{name}") }),
            );
        }
        known.extend(self.made.iter().map(|(name, ..)| (*name).to_owned()));
        let what = match self.step {
            Step::Categorize => "column",
            Step::Convert => "field",
        };
        problems.push(unknown("unknown-column", what, name, &name.value, known.iter().map(String::as_str)));
        None
    }

    /// The place that declares a column, and its type. A name may itself contain a dot, so the driving table is
    /// asked first.
    fn find(&self, name: &str) -> Option<(Place, FieldType)> {
        if let Some((_, place, kind)) = self.made.iter().find(|(made, ..)| *made == name) {
            return Some((*place, *kind));
        }
        let own = self.tables.first().and_then(|(_, schema)| self.in_table(schema, name));
        own.or_else(|| {
            let (alias, column) = name.split_once('.')?;
            let (_, schema) = self.tables.iter().find(|(each, _)| *each == alias)?;
            self.in_table(schema, column)
        })
    }

    fn in_table(&self, schema: &TableSchema, name: &str) -> Option<(Place, FieldType)> {
        if name == KEY && self.step == Step::Categorize {
            return Some((schema.place, FieldType::String));
        }
        schema.field(name).map(|field| (field.name.place, field.kind))
    }
}

/// Finds the table of every ignored column: stated, or the one table of the file's rules that has it.
fn place_ignored(file: &mut RuleFile, scope: &Scope<'_>, problems: &mut Problems) {
    let read: Vec<String> = {
        let mut seen = HashSet::new();
        let all = file.rules.iter().flat_map(Rule::reads);
        all.filter(|name| seen.insert(*name)).map(str::to_owned).collect()
    };
    for ignored in &mut file.ignored_columns {
        let Some(column) = ignored.column.as_ref().filter(|column| !column.value.is_empty()) else {
            continue;
        };
        let has = |table: &str| {
            scope.sources.get(table).is_some_and(|schema| schema.field(&column.value).is_some())
        };
        let opaque = |table: &str| scope.sources.get(table).is_none_or(|schema| schema.fields.is_empty());
        let (code, noun) = scope.step.source();
        if !ignored.table.value.is_empty() {
            let table = ignored.table.value.as_str();
            if !scope.sources.contains_key(table) {
                problems.push(unknown(code, noun, &ignored.table, table, scope.sources.keys().copied()));
            } else if !has(table) && !opaque(table) {
                problems.push(unknown_column(column, &[table], scope));
            }
            continue;
        }
        let mut holders = read.iter().filter(|table| has(table));
        match (holders.next(), holders.next()) {
            (Some(only), None) => ignored.table.value.clone_from(only),
            (Some(one), Some(other)) => {
                let message = format!("`{one}` and `{other}` both have a column `{}`", column.value);
                let problem = Diagnostic::error("ambiguous-column", column.place, message);
                problems
                    .push(problem.help(format!("say which: `{{ table: {one}, column: {} }}`", column.value)));
            }
            (None, _) if read.iter().any(|table| opaque(table)) => {}
            (None, _) => {
                let tables: Vec<&str> = read.iter().map(String::as_str).collect();
                problems.push(unknown_column(column, &tables, scope));
            }
        }
    }
}

fn unknown_column(column: &Located<String>, tables: &[&str], scope: &Scope<'_>) -> Diagnostic {
    let schemas = tables.iter().filter_map(|table| scope.sources.get(table));
    let known = schemas.flat_map(|schema| schema.fields.iter().map(|field| field.name.value.as_str()));
    unknown("unknown-column", "column", column, &column.value, known)
}

/// The table and column that a plain column name of a rule refers to.
pub(crate) fn source_of<'a>(rule: &'a Rule, name: &'a str) -> (&'a str, &'a str) {
    let joined = name.split_once('.').and_then(|(alias, column)| {
        let join = rule.joins.iter().find(|join| join.alias == alias);
        let own = (alias == rule.alias).then_some(rule.from.value.as_str());
        join.map(|join| join.table.value.as_str()).or(own).map(|table| (table, column))
    });
    joined.unwrap_or((rule.from.value.as_str(), name))
}
