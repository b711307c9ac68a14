//! Takes an order's load back, chart by chart: what nobody has touched since becomes as it was before the load, what
//! somebody has stays whole and is listed.

mod charts;

use std::collections::BTreeMap;

use chartlift_io::failpoint;
use chartlift_io::target::{Elsewhere, LoadRecord, SlowReference, TableBack, TakenBack, Target as Database};
use serde::Serialize;

use crate::Error;
use crate::catalog;
use crate::order::Locked;
use crate::project_key::sha256_of;
use crate::run::{Environment, TargetChoice, check_key, keep_reports, read_report};
use crate::stage::{Before, Work, in_load_order, table_spec};
use crate::statement::Stage;
use charts::{Charts, Place};

pub use charts::KeptChart;

/// Charts that are listed; all are counted.
const MOST_LISTED: usize = 1000;

/// What went, or would go, and what stayed. Holds no value of a row.
#[derive(Debug, Serialize)]
pub struct RolledBack {
    pub load: i64,
    pub tables: Vec<TableRows>,
    /// How many charts stay; the first of them are listed.
    pub charts_kept: u64,
    pub kept: Vec<KeptChart>,
    /// Over all rows that the load had changed or deleted: as it had found them.
    pub digest_before: String,
    /// The same rows as they are now.
    pub digest_after: String,
    /// What a rollback cannot undo, and what makes it slow.
    pub facts: Vec<Fact>,
}

#[derive(Debug, Serialize)]
pub struct TableRows {
    pub table: String,
    /// Rows that the load had created.
    pub removed: u64,
    /// Rows that the load had changed.
    pub restored: u64,
    /// Rows that the load had deleted.
    pub returned: u64,
    /// Rows that stay as they are.
    pub kept: u64,
}

#[derive(Debug, Serialize)]
pub struct Fact {
    pub code: &'static str,
    /// `*` where the database does not say which.
    pub table: String,
    pub message: String,
}

/// How many charts an event of the log says stayed.
pub fn charts_kept(report: Option<&serde_json::Value>) -> u64 {
    report.and_then(|report| report.get("charts_kept")?.as_u64()).unwrap_or_default()
}

/// Rolls an order's load back; with `dry_run` everything is done in the target and undone again.
pub async fn roll_back(
    environment: &Environment,
    order: &str,
    target: &TargetChoice,
    dry_run: bool,
) -> Result<RolledBack, Error> {
    let order = environment.store().open(order)?;
    check_key(environment, &order)?;
    let mut order = order.lock()?;
    let taken = take_back(environment, &order, target, dry_run).await;
    if taken.is_err() && !dry_run {
        // A rollback that was killed after its record left reports that still tell of the load.
        keep_reports(&order, &[])?;
    }
    let done = taken?;
    if !dry_run {
        failpoint::hit("rollback-unrecorded");
        order.rolled_back(done.load, serde_json::to_value(&done).unwrap_or_default())?;
        failpoint::hit("rollback-recorded");
        keep_reports(&order, &[])?;
    }
    Ok(done)
}

async fn take_back(
    environment: &Environment,
    order: &Locked,
    target: &TargetChoice,
    dry_run: bool,
) -> Result<RolledBack, Error> {
    let mut earlier = BTreeMap::new();
    for done in order.chain() {
        let folder = order.folder(done.stage);
        let before = Before { report: read_report(&done)?, folder, digest: done.digest.clone() };
        earlier.insert(done.stage, before);
    }
    let work = Work::new(environment, order, target, order.root(), &earlier);
    let connection = work.connect().await?;
    let load = match find(&work, connection.as_ref()).await? {
        Found::Load(load) => load,
        Found::Gone(load) => return Ok(reported(load, &[], &TakenBack::default(), Vec::new())),
    };
    let mut places = Vec::new();
    for table in in_load_order(work.target()?) {
        for one in work.systems()? {
            let spec = table_spec(work.target()?, table, &one.system()?.name);
            places.push(Place { work: one, table, spec });
        }
    }
    let specs: Vec<_> = places.iter().map(|place| place.spec.clone()).collect();
    let names: Vec<String> = specs.iter().map(|spec| spec.name.clone()).collect();
    let live = connection.catalog(&names).await?;
    let mut open = connection.begin_roll_back(&load, &specs).await?;
    for (table, triggers) in catalog::to_disable(work.target()?, &live, true) {
        open.disable_triggers(&table_spec(work.target()?, table, ""), &triggers).await?;
    }
    let standing = open.standing().await?;
    let mut kept = Vec::new();
    if !standing.is_empty() {
        demand_layers(&work, &load)?;
        kept = Charts::new(&places).keep(open.as_mut(), standing).await?;
    }
    let done = open.finish(dry_run).await?;
    Ok(reported(load.id, &places, &done, kept))
}

enum Found {
    Load(Box<LoadRecord>),
    /// Killed between the target's commit and the log: the target says that it is done.
    Gone(i64),
}

async fn find(work: &Work<'_>, connection: &dyn Database) -> Result<Found, Error> {
    let id = &work.order.spec().id;
    if let Some(load) = connection.find_load(id).await? {
        return Ok(Found::Load(Box::new(load)));
    }
    let imported = work.order.latest(Stage::Import).map(read_report).transpose()?;
    let imported = imported.and_then(|report| report.load);
    let partly = connection.find_partly_rolled_back(id).await?;
    let gone = connection.find_rolled_back(id).await?.max(partly.as_ref().map(|load| load.id));
    let stays = partly.as_ref().is_some_and(|partly| Some(partly.id) == gone);
    if let Some(load) = imported.filter(|load| Some(*load) == gone && !stays) {
        return Ok(Found::Gone(load));
    }
    // What an earlier rollback left standing may be free by now; one that was not recorded says again what stays.
    partly.map(|load| Found::Load(Box::new(load))).ok_or_else(|| Error::Usage {
        code: "not-loaded",
        message: format!("order `{id}` is not in {}", connection.describe()),
        hint: "there is nothing to roll back".into(),
    })
}

/// Whose chart a row is, the converted rows say, if they are those that were loaded.
fn demand_layers(work: &Work<'_>, load: &LoadRecord) -> Result<(), Error> {
    if work.loaded_digest().is_ok_and(|digest| digest == load.input_digest) {
        return Ok(());
    }
    Err(Error::Conflict {
        code: "charts-unknown",
        message: format!(
            "rows of load {} were edited since, and the converted rows that it was made from are not there",
            load.id
        ),
        hint:
            "put rules and decisions back as they were, run the order with `--until validate`, then roll back"
                .into(),
    })
}

fn reported(load: i64, places: &[Place<'_>], done: &TakenBack, mut kept: Vec<KeptChart>) -> RolledBack {
    let mut tables: Vec<TableRows> = Vec::new();
    let (mut before, mut after) = (Vec::new(), Vec::new());
    let mut facts: Vec<Fact> = done.slow.iter().map(slow_reference).collect();
    facts.extend(done.elsewhere.iter().map(trigger_effects));
    // Children are what a reader looks for last and what goes first.
    for (place, back) in places.iter().zip(&done.tables).rev() {
        let name = &place.table.name.value;
        before.push(sum_of(&place.spec.system, name, back, back.digest_before));
        after.push(sum_of(&place.spec.system, name, back, back.digest_after));
        if back.removed > 0 && place.table.schema.extension.key == chartlift_rules::TargetKey::Identity {
            let message = "the numbers that the target gave to these rows are not given again".to_owned();
            facts.push(Fact { code: "numbers-used", table: name.clone(), message });
        }
        // One entry a table, whatever systems its rows come from.
        match tables.iter_mut().find(|table| table.table == *name) {
            Some(table) => table.add(back),
            None => {
                let mut table =
                    TableRows { table: name.clone(), removed: 0, restored: 0, returned: 0, kept: 0 };
                table.add(back);
                tables.push(table);
            }
        }
    }
    tables.retain(|table| table.removed + table.restored + table.returned + table.kept > 0);
    let charts_kept = kept.len() as u64;
    kept.truncate(MOST_LISTED);
    let digest = |sums: &[String]| sha256_of(sums.iter().map(String::as_bytes));
    RolledBack {
        load,
        tables,
        charts_kept,
        kept,
        digest_before: digest(&before),
        digest_after: digest(&after),
        facts,
    }
}

fn sum_of(system: &str, table: &str, back: &TableBack, sum: i128) -> String {
    format!("{system} {table} {} {sum}", back.restored + back.returned)
}

impl TableRows {
    fn add(&mut self, back: &TableBack) {
        self.removed += back.removed;
        self.restored += back.restored;
        self.returned += back.returned;
        self.kept += back.kept;
    }
}

fn slow_reference(one: &SlowReference) -> Fact {
    let columns = one.columns.join(", ");
    let then = if one.indexed_meanwhile {
        "one is made for the time of the rollback"
    } else {
        "it is read as a whole for each row that goes, since only its owner may make one"
    };
    let message = format!("its columns {columns} refer to rows of the load and have no index: {then}");
    Fact { code: "slow-reference", table: one.table.clone(), message }
}

fn trigger_effects(one: &Elsewhere) -> Fact {
    let Elsewhere { table, inserted, updated, deleted } = one;
    let message = format!("triggers inserted {inserted} rows, updated {updated} and deleted {deleted}");
    Fact { code: "trigger-effects", table: table.clone(), message }
}
