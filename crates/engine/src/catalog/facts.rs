//! What a live table has besides columns, beside what the pack says of it: triggers and privileges.

use chartlift_io::target::{Catalog, CatalogTable, Trigger};
use chartlift_rules::{LoadMode, Target, TargetKey, TargetTable, TriggerRule};

use super::{database_name, problem};
use crate::statement::Finding;

/// The triggers of a table that would fire while its rows are loaded.
pub fn firing<'a>(table: &'a TargetTable, known: &'a CatalogTable) -> impl Iterator<Item = &'a Trigger> {
    // Only a load that inserts and nothing else leaves what is there alone.
    let updates = table.schema.extension.mode != LoadMode::Insert;
    known
        .facts
        .triggers
        .iter()
        .filter(move |trigger| trigger.enabled && (trigger.on_insert || (updates && trigger.on_update)))
}

/// What the pack says of a trigger.
pub fn decided(table: &TargetTable, trigger: &str) -> Option<TriggerRule> {
    let rules = &table.schema.extension.triggers;
    rules.iter().find(|(name, _)| name.value == trigger).map(|(_, rule)| *rule)
}

/// Tables, by their names in the pack, and the triggers that are to be disabled in them.
pub(crate) fn to_disable<'a>(target: &'a Target, live: &Catalog) -> Vec<(&'a TargetTable, Vec<String>)> {
    let of = |table: &'a TargetTable| {
        let known = live.table(database_name(table))?;
        let names: Vec<String> = firing(table, known)
            .filter(|trigger| decided(table, &trigger.name) == Some(TriggerRule::Disable))
            .map(|trigger| trigger.name.clone())
            .collect();
        (!names.is_empty()).then_some((table, names))
    };
    target.tables.iter().filter_map(of).collect()
}

/// Triggers of which nobody has said whether they fire.
pub(crate) fn undecided(target: &Target, live: &Catalog) -> Vec<Finding> {
    let mut findings = Vec::new();
    for table in &target.tables {
        let Some(known) = live.table(database_name(table)) else { continue };
        for trigger in firing(table, known).filter(|trigger| decided(table, &trigger.name).is_none()) {
            let calls = match trigger.function.as_str() {
                "" => String::new(),
                function => format!(", calls `{function}`"),
            };
            let message = format!("trigger `{}` would fire ({}{calls})", trigger.name, trigger.fires);
            findings.push(problem("trigger-undecided", table, None, message));
        }
    }
    findings
}

/// Every privilege that the load needs and the role lacks, by name.
pub(super) fn lacking(table: &TargetTable, known: &CatalogTable) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut lacks = |column: Option<&str>, what: String| {
        findings.push(problem("missing-privilege", table, column, format!("the role lacks {what}")));
    };
    let (name, facts) = (&known.name, &known.facts);
    facts.lacks.iter().for_each(|what| lacks(None, what.clone()));
    let fields = || table.schema.fields.iter().map(|field| field.name.value.as_str());
    let columns = || fields().filter_map(|field| known.column(field));
    for privilege in ["SELECT", "INSERT"] {
        let without = columns().filter(|column| column.lacks.contains(&privilege));
        let without: Vec<&str> = without.map(|column| column.name.as_str()).collect();
        match without.as_slice() {
            [] => {}
            all if all.len() == columns().count() => lacks(None, format!("{privilege} on table {name}")),
            some => some
                .iter()
                .for_each(|column| lacks(Some(column), format!("{privilege} on column {column} of {name}"))),
        }
    }
    let extension = &table.schema.extension;
    let locks = extension.mode != LoadMode::Insert || extension.key == TargetKey::Identity;
    if locks && !facts.may_lock {
        lacks(
            None,
            format!("UPDATE or DELETE on table {name}, to keep others from writing while it matches"),
        );
    }
    for sequence in
        facts.sequences.iter().filter(|one| !one.usable && fields().any(|field| field == one.column))
    {
        lacks(Some(&sequence.column), format!("USAGE on sequence {}", sequence.name));
    }
    let disables = |trigger: &&Trigger| decided(table, &trigger.name) == Some(TriggerRule::Disable);
    for trigger in firing(table, known).filter(disables).filter(|_| !facts.owned) {
        lacks(None, format!("ownership of table {name}, to disable trigger {}", trigger.name));
    }
    findings
}
