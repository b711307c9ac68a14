//! What an import would do, found out by doing it: everything in the real target, looked at, and then undone.

use std::collections::BTreeMap;

use chartlift_io::target::{Begun, Catalog, Merged, Path, TablePlan};
use chartlift_rules::{Target, TargetTable, TriggerRule};
use serde::Serialize;

use super::delta::Delta;
use super::load_order::{self, LoadOrder};
use super::loadable::table_spec;
use super::{Work, import};
use crate::Error;
use crate::catalog;
use crate::statement::{LoadBalance, Stage, Trouble};

/// What would happen, and what happened all the same.
#[derive(Debug, Serialize)]
pub struct Rehearsal {
    /// In load order.
    pub tables: Vec<Rehearsed>,
    pub triggers: Vec<Fires>,
    pub deferred: Vec<Waits>,
    /// Columns that are filled in once all tables are in.
    pub late: Vec<Late>,
    /// What cannot be undone.
    pub stays: Vec<String>,
    /// What somebody has to decide before the import goes through.
    pub suspends: Option<Trouble>,
}

#[derive(Debug, Serialize)]
pub struct Rehearsed {
    pub table: String,
    pub mode: &'static str,
    /// `direct` or `staged`.
    pub path: &'static str,
    pub why: Vec<Why>,
    pub converted: u64,
    pub held: u64,
    pub inserted: u64,
    pub updated: u64,
    pub unchanged: u64,
    pub matched: u64,
    pub kept: u64,
    /// Of the matched.
    pub filled: u64,
}

#[derive(Debug, Serialize)]
pub struct Why {
    pub code: &'static str,
    pub because: &'static str,
}

/// A trigger, and whether it fires.
#[derive(Debug, Serialize)]
pub struct Fires {
    pub table: String,
    pub trigger: String,
    pub when: String,
    pub calls: String,
    /// `false`: disabled for the load.
    pub fires: bool,
}

/// Constraints that are looked at when the load ends.
#[derive(Debug, Serialize)]
pub struct Waits {
    pub table: String,
    pub constraint: String,
    /// What the server keeps of it until then, all constraints of the table together.
    pub memory_bytes: u64,
}

#[derive(Debug, Serialize)]
pub struct Late {
    pub table: String,
    pub column: String,
}

pub(crate) async fn run(work: &Work<'_>) -> Result<Rehearsal, Error> {
    let target = work.target()?;
    let loads = &work.report(Stage::Validate)?.loads;
    let connection = work.connect().await?;
    let names: Vec<String> = target.tables.iter().map(|table| table.database_name().to_owned()).collect();
    let live = connection.catalog(&names).await?;
    // Such a trigger may do what no rollback takes back.
    if let Some((_, trouble)) = catalog::stops(&catalog::undecided(target, &live)) {
        let code = "trigger-undecided";
        return Err(Error::Usage { code, message: trouble.message, hint: trouble.hint });
    }
    let order = load_order::of(target, &live)?;
    let input_digest = import::with_rulings(work, work.loaded_digest()?);
    let mut delta = Delta::of(work, &input_digest)?;
    let mut load = match connection.begin(&import::header(work, &input_digest)?).await? {
        Begun::Open(load) => load,
        Begun::Already(_) => {
            return Err(Error::Conflict {
                code: "order-loaded",
                message: format!("order `{}` is in the target already", work.order.spec().id),
                hint: "`chartlift verify` compares it, `chartlift rollback` takes it back".into(),
            });
        }
    };
    let mut plans = BTreeMap::new();
    for table in &order.tables {
        let plan = load.plan(&table_spec(target, table, "")).await?;
        plans.insert(table.name.value.as_str(), plan);
    }
    let written = import::write_all(work, load.as_mut(), live.clone(), &order, loads, &mut delta).await?;
    let suspends = delta.and_then(Delta::into_trouble);
    // What nobody has decided yet is in no sum.
    if suspends.is_none() {
        if let Some(trouble) = import::unbalanced(target, loads, &written).and_then(|one| one.report.trouble)
        {
            let code = "load-unbalanced";
            return Err(Error::Broken { code, message: trouble.message, hint: trouble.hint });
        }
        load.check().await?;
    }
    drop(load);
    Ok(Rehearsal { suspends, ..told(target, &live, &order, &plans, loads, &written) })
}

fn told(
    target: &Target,
    live: &Catalog,
    order: &LoadOrder<'_>,
    plans: &BTreeMap<&str, TablePlan>,
    loads: &[LoadBalance],
    written: &[(String, Merged)],
) -> Rehearsal {
    let mut rehearsal = Rehearsal {
        tables: Vec::new(),
        triggers: Vec::new(),
        deferred: Vec::new(),
        late: Vec::new(),
        stays: Vec::new(),
        suspends: None,
    };
    for table in &order.tables {
        let name = &table.name.value;
        let load = loads.iter().find(|load| load.table == *name).cloned().unwrap_or_default();
        let came_to = written.iter().find(|(written, _)| written == table.database_name());
        let came_to = came_to.map(|(_, came_to)| *came_to).unwrap_or_default();
        let plan = plans.get(name.as_str()).cloned().unwrap_or_default();
        let why = plan.why.iter().map(|why| Why { code: why.code(), because: why.because() });
        rehearsal.tables.push(Rehearsed {
            table: name.clone(),
            mode: table_spec(target, table, "").mode.name(),
            path: if plan.path == Path::Direct { "direct" } else { "staged" },
            why: why.collect(),
            converted: load.converted,
            held: load.held,
            inserted: came_to.inserted,
            updated: came_to.updated,
            unchanged: came_to.unchanged,
            matched: load.matched + came_to.matched,
            kept: came_to.kept,
            filled: came_to.filled,
        });
        add_facts(&mut rehearsal, table, live, came_to);
    }
    let late = order.late.iter().map(|(table, column)| Late { table: table.clone(), column: column.clone() });
    rehearsal.late = late.collect();
    if rehearsal.triggers.iter().any(|trigger| trigger.fires) {
        rehearsal.stays.push("whatever triggers do outside the database".to_owned());
    }
    rehearsal
}

fn add_facts(rehearsal: &mut Rehearsal, table: &TargetTable, live: &Catalog, came_to: Merged) {
    let Some(known) = live.table(table.database_name()) else { return };
    let name = &table.name.value;
    for trigger in catalog::firing(table, known).filter(|_| came_to.inserted + came_to.updated > 0) {
        rehearsal.triggers.push(Fires {
            table: name.clone(),
            trigger: trigger.name.clone(),
            when: trigger.fires.clone(),
            calls: trigger.function.clone(),
            fires: catalog::decided(table, &trigger.name) != Some(TriggerRule::Disable),
        });
    }
    for one in known.facts.deferred.iter().filter(|one| one.initially) {
        rehearsal.deferred.push(Waits {
            table: name.clone(),
            constraint: one.constraint.clone(),
            memory_bytes: known.facts.pending_bytes(came_to.inserted + came_to.updated),
        });
    }
    for sequence in known.facts.sequences.iter().filter(|_| came_to.inserted > 0) {
        rehearsal.stays.push(format!("numbers that the sequence {} has given", sequence.name));
    }
}
