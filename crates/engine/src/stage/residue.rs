//! Which columns a pack leaves alone: neither mapped nor ignored.

use std::collections::BTreeSet;

use chartlift_rules::{FieldValue, Rule, RuleFile, System};

/// Table and column of every source column that no rule names. A column named in SQL counts as mapped.
pub(crate) fn of_system(system: &System) -> Vec<(String, String)> {
    let mut residue = Vec::new();
    for table in &system.tables {
        let name = &table.name.value;
        let ignored: BTreeSet<&str> = system
            .ignored_tables
            .iter()
            .filter(|ignored| ignored.table.value == *name)
            .map(|ignored| ignored.column.as_ref().map_or("", |column| column.value.as_str()))
            .chain(system.categorize.iter().filter(|file| reads(file, name)).flat_map(|file| {
                file.ignored_columns
                    .iter()
                    .filter(|one| one.table.value.is_empty() || one.table.value == *name)
                    .filter_map(|one| one.column.as_ref().map(|column| column.value.as_str()))
            }))
            .collect();
        if ignored.contains("") {
            continue;
        }
        for field in &table.schema.fields {
            let column = field.name.value.as_str();
            let names_files = system.attachments.iter().any(|one| {
                one.table.value == *name
                    && [Some(&one.column), one.sha256.as_ref()]
                        .into_iter()
                        .flatten()
                        .any(|used| used.value == column)
            });
            let mapped = names_files
                || system.categorize.iter().flat_map(|file| &file.rules).any(|rule| maps(rule, name, column));
            if !mapped && !ignored.contains(column) && !field.extension.keep_never {
                residue.push((name.clone(), column.to_owned()));
            }
        }
    }
    residue
}

fn reads(file: &RuleFile, table: &str) -> bool {
    file.rules.iter().any(|rule| names_table(rule, table))
}

fn names_table(rule: &Rule, table: &str) -> bool {
    rule.from.value == table || rule.joins.iter().any(|join| join.table.value == table)
}

fn maps(rule: &Rule, table: &str, column: &str) -> bool {
    if !names_table(rule, table) {
        return false;
    }
    let in_sql = |sql: &str| {
        sql.split(|one: char| !(one.is_alphanumeric() || one == '_')).any(|word| word == column)
            || sql.contains(&format!("\"{column}\""))
    };
    if rule.from.value == table && rule.shaping_columns().any(|shaping| shaping == column) {
        return true;
    }
    rule.fields.iter().any(|field| match &field.value {
        FieldValue::Column(name) | FieldValue::Lines { column: name, .. } => {
            name.value == column || name.value.split_once('.').is_some_and(|(_, own)| own == column)
        }
        FieldValue::Sql(sql) => in_sql(&sql.value),
        FieldValue::Text(_) => false,
    }) || rule.checks.iter().any(|check| in_sql(&check.when.value))
        || rule.excludes.iter().any(|exclude| in_sql(&exclude.when.value))
        || rule.joins.iter().any(|join| in_sql(&join.matches.value))
}
