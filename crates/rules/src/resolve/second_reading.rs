//! Safety-critical facts are read a second time, or a pack says why not; what it names for that is there.

use super::{Schemas, unknown};
use crate::entries::Problems;
use crate::{
    AtMost, Carried, Diagnostic, FactKind, Keep, Located, ReadTable, Rule, RuleFile, SafetyCritical,
    SecondReading, System, TableSchema, Target, TargetTable,
};

/// `complete`: all rule files could be read.
pub(crate) fn check_system(
    system: &System,
    files: &[RuleFile],
    categories: &Schemas<'_>,
    complete: bool,
    problems: &mut Problems,
) {
    for reading in &system.second_reading {
        let name = &reading.category;
        let Some(schema) = categories.get(name.value.as_str()) else {
            problems.push(unknown(
                "unknown-category",
                "category",
                name,
                &name.value,
                categories.keys().copied(),
            ));
            continue;
        };
        let file = files.iter().find(|file| file.into.value == name.value);
        if file.is_none() && complete {
            problems.push(bad(name, format!("no rule of this system fills `{}`", name.value)));
        }
        for table in &reading.tables {
            check_table(system, schema, table, problems);
            if let Some(file) = file {
                check_rule(system, file, table, problems);
            }
        }
    }
    if !complete {
        return;
    }
    for file in files.iter().filter(|file| critical(categories, &file.into.value)) {
        let category = &file.into;
        match system.second_reading.iter().find(|reading| reading.category.value == category.value) {
            Some(reading) => check_all_rules(system, file, reading, problems),
            None => {
                let message = format!("nothing reads the facts of `{}` a second time", category.value);
                problems.push(Diagnostic::warning("second-reading-missing", category.place, message).help(format!(
                    "declare in system.yaml which columns state them, under `second_reading: {{ {0}: ... }}`, or \
                     `second_reading: {{ {0}: {{ none: REASON }} }}`",
                    category.value
                )));
            }
        }
    }
}

fn critical(categories: &Schemas<'_>, name: &str) -> bool {
    categories.get(name).is_some_and(|one| one.extension.safety_critical == SafetyCritical::Yes)
}

fn bad(at: &Located<String>, message: String) -> Diagnostic {
    Diagnostic::error("bad-second-reading", at.place, message)
}

fn check_table(system: &System, category: &TableSchema, table: &ReadTable, problems: &mut Problems) {
    let name = &table.table;
    let Some(source) = system.table(&name.value) else {
        if !name.value.is_empty() {
            let known = system.tables.iter().map(|table| table.name.value.as_str());
            problems.push(unknown("unknown-table", "table", name, &name.value, known));
        }
        return;
    };
    let unless = table.facts.iter().flat_map(|fact| &fact.unless).map(|unless| &unless.column);
    let lists = table.split.iter().flat_map(|split| &split.columns);
    let columns = std::iter::once(&table.patient).chain(table.facts.iter().map(|fact| &fact.column));
    for column in columns.chain(unless).chain(lists) {
        check_name("unknown-column", "column", column, &source.schema, problems);
        if source.schema.field(&column.value).is_some_and(|field| field.extension.keep_never) {
            problems.push(bad(column, format!("`{}` is a credential and never read", column.value)));
        }
    }
    for fact in &table.facts {
        check_name("unknown-field", "field", &fact.field, category, problems);
        if let FactKind::Date(patterns) | FactKind::Instant(patterns) = &fact.kind
            && !patterns.iter().all(|pattern| pattern.contains("YYYY"))
        {
            let problem = bad(&fact.column, "a pattern needs a year of four digits".into());
            problems
                .push(problem.help("`YYYY MM DD HH MI SS` stand for digits, a final `*` for what follows"));
        }
    }
}

fn check_name(
    code: &'static str,
    what: &str,
    name: &Located<String>,
    schema: &TableSchema,
    problems: &mut Problems,
) {
    if schema.fields.is_empty() || name.value.is_empty() || schema.field(&name.value).is_some() {
        return;
    }
    let known = schema.fields.iter().map(|field| field.name.value.as_str());
    problems.push(unknown(code, what, name, &name.value, known));
}

/// The rules that may make the entries that a second reading finds in a table.
fn rules_of<'a>(file: &'a RuleFile, table: &ReadTable) -> Vec<&'a Rule> {
    let named = |rule: &&Rule| table.rule.as_ref().is_none_or(|name| name.value == rule.name.value);
    file.rules.iter().filter(|rule| rule.from.value == table.table.value).filter(named).collect()
}

fn check_rule(system: &System, file: &RuleFile, table: &ReadTable, problems: &mut Problems) {
    let rule = match rules_of(file, table).as_slice() {
        [rule] => *rule,
        // What reads an unknown table may be what is meant here.
        [] if file.rules.iter().any(|rule| system.table(&rule.from.value).is_none()) => return,
        [] => {
            let message = format!("no rule of `{}` reads table `{}` so", file.into.value, table.table.value);
            problems.push(bad(&table.table, message).help("name a table and a rule that the category has"));
            return;
        }
        _ => {
            let message =
                format!("several rules of `{}` read table `{}`", file.into.value, table.table.value);
            problems.push(bad(&table.table, message).help("say which one: `rule: NAME`, one entry for each"));
            return;
        }
    };
    let many = rule.joins.iter().any(|join| join.at_most == AtMost::Many);
    let fills = file.merge.as_ref().is_some_and(|merge| merge.keep == Keep::Fill);
    if rule.group.is_some() || rule.unpivot.is_some() || many || fills {
        let message = format!("what rule `{}` makes of a row cannot be read a second time", rule.name.value);
        problems.push(bad(&table.table, message).help(
            "`group`, `unpivot`, `at_most: many` and `keep: fill` have no second reading: say `none: REASON`",
        ));
    }
    let mut own: Vec<&str> =
        table.split.iter().flat_map(|split| &split.columns).map(|one| one.value.as_str()).collect();
    let mut made: Vec<&str> =
        rule.split.iter().flat_map(|split| &split.columns).map(|(_, from)| from.value.as_str()).collect();
    own.sort_unstable();
    made.sort_unstable();
    let separators = (
        table.split.as_ref().map(|split| &split.separator),
        rule.split.as_ref().map(|split| &split.separator),
    );
    if own != made || separators.0 != separators.1 {
        let message = format!("rule `{}` does not split its rows like this", rule.name.value);
        problems.push(bad(&table.table, message).help("`split` has the rule's columns and separator"));
    }
}

fn check_all_rules(system: &System, file: &RuleFile, reading: &SecondReading, problems: &mut Problems) {
    if reading.none.is_some() {
        return;
    }
    for rule in file.rules.iter().filter(|rule| system.table(&rule.from.value).is_some()) {
        let read = reading.tables.iter().any(|table| {
            rules_of(file, table).iter().any(|one| std::ptr::eq(*one, rule)) || table.table.value.is_empty()
        });
        if !read {
            let message = format!(
                "nothing reads a second time what rule `{}` makes of `{}`",
                rule.name.value, rule.from.value
            );
            problems.push(
                Diagnostic::warning("second-reading-missing", reading.category.place, message)
                    .help("add an entry with `table` and, where several rules read it, `rule`"),
            );
        }
    }
}

/// A target's tables say which of their columns carry the facts.
pub(crate) fn check_target(
    target: &Target,
    files: &[RuleFile],
    categories: &Schemas<'_>,
    problems: &mut Problems,
) {
    for table in &target.tables {
        let from =
            || files.iter().filter(|file| file.into.value == table.name.value).flat_map(|file| &file.rules);
        if let Some(carried) = &table.schema.extension.second_reading {
            check_carried(table, carried, categories, problems);
            if !from().any(|rule| rule.from.value == carried.category.value) && from().next().is_some() {
                let message = format!("no rule of this table reads `{}`", carried.category.value);
                problems.push(bad(&carried.category, message));
            }
        }
        let carried = table.schema.extension.second_reading.as_ref().map(|one| one.category.value.as_str());
        let silent = from().find(|rule| {
            critical(categories, &rule.from.value) && carried.is_none_or(|carried| carried != rule.from.value)
        });
        if let Some(rule) = silent.filter(|_| !table.schema.fields.is_empty()) {
            let message = format!(
                "table `{}` does not say which columns carry the facts of `{}`",
                table.name.value, rule.from.value
            );
            problems.push(Diagnostic::warning("second-reading-missing", rule.from.place, message).help(format!(
                "in the table's schema: `chartlift: {{ second_reading: {{ category: {}, facts: {{ FIELD: COLUMN }} }} }}`, \
                 or `none: REASON` instead of `facts`",
                rule.from.value
            )));
        }
    }
}

fn check_carried(table: &TargetTable, carried: &Carried, categories: &Schemas<'_>, problems: &mut Problems) {
    let name = &carried.category;
    let Some(category) = categories.get(name.value.as_str()) else {
        if !name.value.is_empty() {
            problems.push(unknown(
                "unknown-category",
                "category",
                name,
                &name.value,
                categories.keys().copied(),
            ));
        }
        return;
    };
    if table.schema.extension.patient.is_none() && carried.none.is_none() {
        problems.push(
            bad(name, "the table does not say which column is the patient's".into())
                .help("`chartlift: { patient: COLUMN }`: facts are compared patient by patient"),
        );
    }
    for fact in &carried.facts {
        check_name("unknown-field", "field", &fact.field, category, problems);
        for column in std::iter::once(&fact.column).chain(&fact.precision) {
            check_name("unknown-column", "column", column, &table.schema, problems);
        }
    }
}
