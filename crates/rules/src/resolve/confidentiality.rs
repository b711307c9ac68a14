//! Confidentiality fails closed: no restriction of a chart or a record is lost because nobody thought of it.
//!
//! What is looked at are categories of a patient's data with a field `confidentiality`. A null there is no statement, so
//! that a restriction which becomes null is a restriction that is gone.

use super::{Schemas, rules::source_of};
use crate::entries::Problems;
use crate::{Diagnostic, Failed, FieldRule, FieldValue, Project, Rule, RuleFile, TableSchema, Target};

const FIELD: &str = "confidentiality";

/// The category's field, where its rows are of patients and say how confidential they are.
fn marked(category: Option<&&TableSchema>) -> bool {
    category.is_some_and(|schema| schema.extension.patient.is_some() && schema.field(FIELD).is_some())
}

/// A code that nobody foresaw must restrict the record or hold it; with the usual answer of a map it would do neither.
pub(crate) fn check_system(
    files: &[RuleFile],
    categories: &Schemas<'_>,
    project: &Project,
    problems: &mut Problems,
) {
    let filled = files.iter().filter(|file| marked(categories.get(file.into.value.as_str())));
    // A union's rule stands once for each of its tables.
    let rules = filled.flat_map(|file| &file.rules).filter(|rule| rule.alias == rule.from.value);
    for field in rules.flat_map(|rule| &rule.fields).filter(|field| field.field.value == FIELD) {
        check_map(field, project, problems);
    }
}

fn check_map(field: &FieldRule, project: &Project, problems: &mut Problems) {
    let Some(name) = &field.map else { return };
    if !matches!(field.unmapped, Some(Failed::HoldRow | Failed::Stop)) {
        let message = "a code that no map has would leave the record without any confidentiality";
        let problem = Diagnostic::error("open-confidentiality", name.place, message);
        problems.push(problem.help(
            "add `unmapped: hold_row`, or `{ sql: \"case when COLUMN = 'N' then 'N' when COLUMN is not null then 'V' end\" }`",
        ));
    }
    let gives_none = |map: &crate::CodeMap| map.entries.iter().any(|entry| entry.target.is_empty());
    if project.maps.get(&name.value).is_some_and(gives_none) {
        let message = format!("map `{}` gives some marks of confidentiality no value", name.value);
        let problem = Diagnostic::error("open-confidentiality", name.place, message);
        problems.push(problem.help("give each code `N`, `R` or `V`; one that nobody can explain is `V`"));
    }
}

/// A table that takes a patient's records takes their restriction too, or the target says why it does not.
pub(crate) fn check_target(
    target: &Target,
    files: &[RuleFile],
    categories: &Schemas<'_>,
    problems: &mut Problems,
) {
    for rule in files.iter().flat_map(|file| &file.rules) {
        let category = rule.from.value.as_str();
        let ignored = target.ignored_categories.iter().any(|ignored| {
            ignored.table.value == category
                && ignored.column.as_ref().is_some_and(|column| column.value == FIELD)
        });
        if marked(categories.get(category)) && !ignored && !rule.fields.iter().any(|field| uses(rule, field))
        {
            let message = format!(
                "rule `{}` drops `{FIELD}` of category `{category}`: a restricted record would be as open as any",
                rule.name.value
            );
            let help = format!(
                "fill the column that restricts who may read the row, or add `ignore: [{{ table: {category}, column: \
                 {FIELD}, reason: ... }}]` to target.yaml"
            );
            problems
                .push(Diagnostic::error("unconverted-confidentiality", rule.from.place, message).help(help));
        }
    }
}

fn uses(rule: &Rule, field: &FieldRule) -> bool {
    match &field.value {
        FieldValue::Column(name) => {
            name.value.is_empty() || source_of(rule, &name.value) == (rule.from.value.as_str(), FIELD)
        }
        FieldValue::Sql(sql) => sql.value.is_empty() || sql.value.contains(FIELD),
        FieldValue::Text(_) | FieldValue::Lines { .. } => false,
    }
}
