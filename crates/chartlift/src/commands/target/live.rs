//! What the live tables have that a load should know of: triggers, late checks, policies, partitions.

use chartlift_engine::catalog::{decided, firing};
use chartlift_io::target::{Catalog, CatalogTable};
use chartlift_rules::{Target, TargetTable, TriggerRule};
use serde_json::{Value, json};

/// So many rows the memory of late checks is told for.
const ROWS: u64 = 1_000_000;

/// For the JSON object: the tables that have something to tell.
pub(super) fn objects(pack: &Target, live: &Catalog) -> Vec<Value> {
    with_facts(pack, live)
        .map(|(table, known)| {
            let facts = &known.facts;
            let triggers: Vec<Value> = facts
                .triggers
                .iter()
                .map(|trigger| {
                    json!({
                        "name": trigger.name, "fires": trigger.fires, "function": trigger.function,
                        "enabled": trigger.enabled, "decided": said(table, &trigger.name),
                    })
                })
                .collect();
            let deferred: Vec<&str> = facts
                .deferred
                .iter()
                .filter(|one| one.initially)
                .map(|one| one.constraint.as_str())
                .collect();
            json!({
                "table": table.name.value, "triggers": triggers, "deferred": deferred,
                "pending_bytes_per_million_rows": facts.pending_bytes(ROWS),
                "row_security": facts.row_security, "partitioned": facts.partitioned,
            })
        })
        .collect()
}

/// The same as lines for people.
pub(super) fn lines(pack: &Target, live: &Catalog) -> Vec<String> {
    let mut lines = Vec::new();
    for (table, known) in with_facts(pack, live) {
        let (name, facts) = (&table.name.value, &known.facts);
        for trigger in &facts.triggers {
            let fires = firing(table, known).any(|one| one == trigger);
            let becomes = match said(table, &trigger.name) {
                _ if !trigger.enabled => "is disabled",
                _ if !fires => "does not fire for this mode",
                Some(word) => word,
                None => "is undecided",
            };
            let calls = match trigger.function.as_str() {
                "" => String::new(),
                function => format!(", calls {function}"),
            };
            lines.push(format!("{name}: trigger {} ({}{calls}): {becomes}", trigger.name, trigger.fires));
        }
        for one in facts.deferred.iter().filter(|one| one.initially) {
            lines.push(format!(
                "{name}: constraint {} is checked at the commit; the server holds some {} MB for a million rows",
                one.constraint,
                facts.pending_bytes(ROWS) / 1_000_000
            ));
        }
        if facts.row_security {
            lines.push(format!(
                "{name}: row level security is on for this role: rows that its policies hide cannot be proved"
            ));
        }
        if facts.partitioned {
            lines.push(format!("{name}: partitioned"));
        }
    }
    lines
}

fn with_facts<'a>(
    pack: &'a Target,
    live: &'a Catalog,
) -> impl Iterator<Item = (&'a TargetTable, &'a CatalogTable)> {
    let known = |table: &'a TargetTable| Some((table, live.table(table.database_name())?));
    pack.tables.iter().filter_map(known).filter(|(_, known)| {
        let facts = &known.facts;
        let deferred = facts.deferred.iter().any(|one| one.initially);
        !facts.triggers.is_empty() || deferred || facts.row_security || facts.partitioned
    })
}

/// What the pack says of a trigger.
fn said(table: &TargetTable, trigger: &str) -> Option<&'static str> {
    decided(table, trigger).map(|rule| match rule {
        TriggerRule::Fire => "fires",
        TriggerRule::Disable => "is disabled for the load",
    })
}
