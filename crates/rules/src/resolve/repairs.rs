//! `repair: [leading_zeros]`: does the column say how many digits it has, and do its short values get so far?

use super::rules::{Columns, Step};
use crate::entries::Problems;
use crate::{Diagnostic, Field, FieldRule, FieldValue, Located, Repair, Rule, TableSchema};

pub(super) fn check(rule: &Rule, columns: &Columns<'_>, problems: &mut Problems) {
    for field in &rule.fields {
        for repair in field.repairs.iter().filter(|repair| repair.value == Repair::LeadingZeros) {
            if columns.step == Step::Convert {
                let message = "`leading_zeros` is for categorize rules";
                let problem = Diagnostic::error("misplaced-key", repair.place, message);
                problems.push(problem.help("the columns that show whether zeros were lost are the source's"));
            } else {
                zeros(field, repair, columns, problems);
            }
        }
    }
}

fn zeros(given: &FieldRule, repair: &Located<Repair>, columns: &Columns<'_>, problems: &mut Problems) {
    let FieldValue::Column(name) = &given.value else {
        let message = "`leading_zeros` needs a source column, and this is not one";
        let problem = Diagnostic::error("no-fixed-digits", repair.place, message);
        problems.push(problem.help("write `column: NAME`; in `sql` use pad_digits(text, width)"));
        return;
    };
    // A column that does not exist is reported elsewhere.
    let Some((schema, field)) = column(&name.value, columns) else {
        if columns.made.iter().any(|(made, ..)| *made == name.value) {
            let message =
                format!("`{}` is made by the rule: no column shows whether it lost zeros", name.value);
            problems.push(Diagnostic::error("no-fixed-digits", repair.place, message));
        }
        return;
    };
    if field.fixed_digits().is_none() {
        let message = format!("nothing says how many digits `{}` has", name.value);
        let problem = Diagnostic::error("no-fixed-digits", repair.place, message);
        problems.push(problem.help(
            "give the column of the source schema `type: string` and `constraints: { pattern: '[0-9]{5}' }`, or \
             equal `minLength` and `maxLength`",
        ));
        return;
    }
    for constraint in ["pattern", "minLength"] {
        if schema.failed(Some(field), constraint).is_some_and(|means| means.holds()) {
            let message = format!(
                "the source schema holds rows whose `{}` fails `{constraint}`: what is short never gets here",
                name.value
            );
            let problem = Diagnostic::error("unreachable-repair", repair.place, message);
            problems
                .push(problem.help("leave the constraint a note there, and put it on the category's field"));
        }
    }
}

fn column<'a>(name: &str, columns: &Columns<'a>) -> Option<(&'a TableSchema, &'a Field)> {
    let own = columns.tables.first().and_then(|(_, schema)| Some((*schema, schema.field(name)?)));
    own.or_else(|| {
        let (alias, column) = name.split_once('.')?;
        let (_, schema) = columns.tables.iter().find(|(name, _)| *name == alias)?;
        Some((*schema, schema.field(column)?))
    })
}
