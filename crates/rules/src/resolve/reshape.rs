//! `group`, `unpivot` and `split`: do their columns exist, and are the new names new?

use super::rules::{Columns, Step};
use crate::entries::Problems;
use crate::{Diagnostic, FieldType, FieldValue, Place, Rule};

/// Adds the columns that a rule makes of others, with their types. What is unpivoted may be split again.
pub(super) fn check<'a>(rule: &'a Rule, columns: &mut Columns<'a>, problems: &mut Problems) {
    let places = [
        rule.group.as_ref().map(|group| ("group", group.place)),
        rule.unpivot.as_ref().map(|unpivot| ("unpivot", unpivot.place)),
        rule.split.as_ref().map(|split| ("split", split.place)),
    ];
    for (what, place) in places.into_iter().flatten().filter(|_| columns.step == Step::Convert) {
        let problem = Diagnostic::error("misplaced-key", place, format!("`{what}` is for categorize rules"));
        problems.push(problem.help("a category's rows have their final number: shape them in categorize"));
    }
    let lines = rule.fields.iter().find_map(|field| match &field.value {
        FieldValue::Lines { column, .. } => Some(column.place),
        _ => None,
    });
    if let (Some(place), None) = (lines, &rule.group) {
        let problem = Diagnostic::error("misplaced-key", place, "`lines` stands in a rule without `group`");
        problems.push(problem.help("say which rows belong together: `group: { by: [...], order: [...] }`"));
    }
    if let Some(group) = &rule.group {
        for column in group.by.iter().chain(&group.order) {
            columns.kind(column, problems);
        }
    }
    for (name, from) in rule.made_columns() {
        let mut kinds = Vec::new();
        for column in from {
            kinds.extend(columns.kind(column, problems));
        }
        // What is split is a piece of text, whatever the whole was.
        let split = rule.split.iter().flat_map(|split| &split.columns).any(|(piece, _)| piece == name);
        let kind = kinds.first().copied().filter(|first| !split && kinds.iter().all(|kind| kind == first));
        new_name(&name.value, name.place, columns, problems);
        columns.made.push((&name.value, name.place, kind.unwrap_or(FieldType::String)));
    }
    if let Some(number) = rule.unpivot.as_ref().and_then(|unpivot| unpivot.number.as_ref()) {
        new_name(&number.value, number.place, columns, problems);
        columns.made.push((&number.value, number.place, FieldType::String));
    }
}

fn new_name(name: &str, place: Place, columns: &Columns<'_>, problems: &mut Problems) {
    let own = columns.tables.first().is_some_and(|(_, schema)| schema.field(name).is_some());
    if own || columns.made.iter().any(|(other, ..)| *other == name) {
        let problem =
            Diagnostic::error("duplicate-name", place, format!("there is a column `{name}` already"));
        problems.push(problem.help("give what the rule makes a name of its own"));
    }
}
