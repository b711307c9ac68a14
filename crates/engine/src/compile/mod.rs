//! Rules become plans. A pack compiles whole before a byte of patient data is read.

mod expression;
mod field;
mod join;
mod origin;
mod reading;
mod repair;
mod rule;

use std::collections::BTreeMap;

use chartlift_rules::{Diagnostic, Keep, Project, RuleFile, TableSchema};

pub use expression::type_name;
pub(crate) use origin::{FILES, STAND_INS, column_of, files_schema, read_parts};
pub use origin::{Level, Origin, Rows, Which, arrow_type, column, layer_schema};
pub use rule::{CompiledRule, OutputField, Reached, RuleInput, compile};

use crate::constraints;
use crate::produce::{MOST_CONVERT_RULES, MOST_RULES};
use crate::session::{self, Limits};

/// Everything that is wrong with a project's expressions, types and constraints.
pub async fn lint(project: &Project) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for system in &project.systems {
        for table in &system.tables {
            problems.extend(constraints::text_checks(&table.schema, &system.timezone).1);
        }
        let origins = Origin::checked(system);
        let into: BTreeMap<&str, &TableSchema> =
            project.categories.iter().map(|(name, schema)| (name.as_str(), schema)).collect();
        lint_files(project, &system.categorize, &origins, &into, &system.timezone, &mut problems).await;
    }
    for schema in project.categories.values() {
        problems.extend(constraints::typed_checks(schema).1);
    }
    let origins = Origin::categorized(project);
    for target in &project.targets {
        for table in &target.tables {
            problems.extend(constraints::typed_checks(&table.schema).1);
        }
        let into: BTreeMap<&str, &TableSchema> =
            target.tables.iter().map(|table| (table.name.value.as_str(), &table.schema)).collect();
        lint_files(project, &target.convert, &origins, &into, "UTC", &mut problems).await;
    }
    problems
}

async fn lint_files(
    project: &Project,
    files: &[RuleFile],
    origins: &[Origin<'_>],
    into: &BTreeMap<&str, &TableSchema>,
    timezone: &str,
    problems: &mut Vec<Diagnostic>,
) {
    let Ok(context) = session::session(Limits { threads: 1, memory_bytes: 64 << 20 }) else { return };
    for file in files {
        // A name that does not resolve is already reported by the reader of the rule files.
        let Some(into) = into.get(file.into.value.as_str()) else { continue };
        let most = if origins.iter().any(|origin| origin.level == Level::Checked) {
            MOST_RULES
        } else {
            MOST_CONVERT_RULES
        };
        // Rows that are made of several are numbered as if by one rule more.
        let made = file.merge.as_ref().is_some_and(|merge| merge.keep == Keep::Fill);
        let most = most - usize::from(made);
        if file.rules.len() > most {
            let message = format!("{} rules, at most {most} may produce one table", file.rules.len());
            problems.push(Diagnostic::error("too-many-rules", file.into.place, message));
        }
        for rule in &file.rules {
            if !origins.iter().any(|origin| origin.name == rule.from.value) {
                continue;
            }
            let input = RuleInput {
                context: &context,
                project,
                rule,
                origins,
                into,
                timezone,
                reshaped: None,
                driving: None,
            };
            if let Err(found) = compile(&input).await {
                problems.extend(found);
            }
        }
    }
}
