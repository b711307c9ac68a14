//! `attachments`: do the tables and columns exist? Then their rules may read what was found out about the files.

use super::unknown;
use crate::entries::Problems;
use crate::{Attachments, Diagnostic, Field, Located, System};

pub(super) fn resolve(system: &mut System, problems: &mut Problems) {
    let declared = std::mem::take(&mut system.attachments);
    for one in &declared {
        let Some(table) = system.tables.iter_mut().find(|table| table.name.value == one.table.value) else {
            if !one.table.value.is_empty() {
                let known = system.tables.iter().map(|table| table.name.value.as_str());
                problems.push(unknown("unknown-table", "table", &one.table, &one.table.value, known));
            }
            continue;
        };
        let schema = &mut table.schema;
        for column in [Some(&one.column), one.sha256.as_ref()].into_iter().flatten() {
            let known = schema.fields.iter().map(|field| field.name.value.as_str());
            if !schema.fields.is_empty() && !column.value.is_empty() && schema.field(&column.value).is_none()
            {
                problems.push(unknown("unknown-column", "column", column, &column.value, known));
            }
        }
        if !schema.made.is_empty() {
            let message = format!("the rows of `{}` name files by another column already", one.table.value);
            let problem = Diagnostic::error("duplicate-name", one.table.place, message);
            problems.push(
                problem.help("one column of a table names files; put the others into a table of their own"),
            );
            continue;
        }
        let made = Attachments::COLUMNS.map(|(name, kind)| {
            Field::plain(Located { value: name.to_owned(), place: one.column.place }, kind)
        });
        schema.made = made.to_vec();
    }
    system.attachments = declared;
}
