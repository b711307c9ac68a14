//! Where a target column's references come from: has the source's own schema vouched that the parent exists?

use chartlift_rules::{FieldValue, RuleFile, System, TargetTable};

use super::Work;

/// True when every rule on the way copies a source column that has a foreign key. Then a parent that is
/// missing in the target was held on the way, and its child is not at fault.
pub(super) fn vouched(work: &Work<'_>, table: &TargetTable, column: &str) -> bool {
    let (Ok(target), Ok(system)) = (work.target(), work.system()) else { return false };
    let mut files = target.convert.iter().filter(|file| file.into.value == table.name.value).peekable();
    files.peek().is_some()
        && files.all(|file| {
            copied(file, column).is_some_and(|sources| {
                sources.iter().all(|(category, field)| source_vouches(system, category, field))
            })
        })
}

fn source_vouches(system: &System, category: &str, field: &str) -> bool {
    // A category that this system does not fill has no rows that could dangle.
    system.categorize.iter().filter(|file| file.into.value == category).all(|file| {
        copied(file, field).is_some_and(|sources| {
            sources.iter().all(|(table, column)| {
                system.tables.iter().find(|one| one.name.value == *table).is_some_and(|table| {
                    table
                        .schema
                        .foreign_keys
                        .iter()
                        .any(|foreign| foreign.fields.iter().any(|field| field.value == *column))
                        || table.schema.primary_key.iter().any(|key| key.value == *column)
                })
            })
        })
    })
}

/// The table and column each rule copies into `field`; none where a rule computes it. A rule that leaves the
/// field empty refers to nothing.
fn copied<'a>(file: &'a RuleFile, field: &str) -> Option<Vec<(&'a str, &'a str)>> {
    let mut sources = Vec::new();
    for rule in &file.rules {
        let Some(given) = rule.fields.iter().find(|one| one.field.value == field) else { continue };
        match &given.value {
            FieldValue::Column(name) => match name.value.split_once('.') {
                Some((alias, column)) => {
                    let join = rule.joins.iter().find(|join| join.alias == alias)?;
                    sources.push((join.table.value.as_str(), column));
                }
                None => sources.push((rule.from.value.as_str(), name.value.as_str())),
            },
            FieldValue::Text(_) | FieldValue::Sql(_) | FieldValue::Lines { .. } => return None,
        }
    }
    Some(sources)
}
