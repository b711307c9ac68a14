//! Takes an order's load back, if nobody has touched it since: then the target is as it was before.

use std::collections::BTreeMap;

use chartlift_io::failpoint;
use chartlift_io::target::LoadRecord;
use serde::Serialize;

use crate::Error;
use crate::keys::Pool;
use crate::order::Locked;
use crate::run::{Environment, KEY_BYTES, TargetChoice, check_key, keep_reports, read_report};
use crate::stage::{self, Before, Work, in_load_order, table_spec};
use crate::statement::{Stage, Verdict};

/// What went, or would go.
#[derive(Debug, Serialize)]
pub struct RolledBack {
    pub load: i64,
    pub tables: Vec<TableRows>,
}

#[derive(Debug, Serialize)]
pub struct TableRows {
    pub table: String,
    pub rows: u64,
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
        order.rolled_back(done.load)?;
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
    let work = Work {
        environment,
        order,
        target_name: target.name.clone(),
        target_url: target.url.clone(),
        pool: Pool::new(KEY_BYTES, order.root()),
        earlier: &earlier,
        nth: 0,
    };
    let connection = work.connect().await?;
    let Some(load) = connection.find_load(&order.spec().id).await? else {
        // Killed between the target's commit and the log: the target says that it is done.
        let imported =
            order.latest(Stage::Import).map(read_report).transpose()?.and_then(|report| report.load);
        let gone = connection.find_rolled_back(&order.spec().id).await?;
        if let Some(load) = imported.filter(|load| Some(*load) == gone) {
            return Ok(RolledBack { load, tables: Vec::new() });
        }
        return Err(Error::Usage {
            code: "not-loaded",
            message: format!("order `{}` is not in {}", order.spec().id, connection.describe()),
            hint: "there is nothing to roll back".into(),
        });
    };
    untouched(&work, &load).await?;
    let pack = work.target()?;
    let mut tables = in_load_order(pack);
    // Children before their parents.
    tables.reverse();
    let systems = work.system_names()?;
    let specs: Vec<_> = tables
        .iter()
        .flat_map(|table| systems.iter().map(|system| table_spec(pack, table, system)))
        .collect();
    let rows = connection.roll_back(&load, &specs, dry_run).await?;
    // One entry a table, whatever systems its rows come from.
    let tables = tables.iter().zip(rows.chunks(systems.len().max(1)));
    let tables =
        tables.map(|(table, rows)| TableRows { table: table.name.value.clone(), rows: rows.iter().sum() });
    Ok(RolledBack { load: load.id, tables: tables.filter(|table| table.rows > 0).collect() })
}

/// What somebody has written into a loaded row since would go with it: then nothing goes.
async fn untouched(work: &Work<'_>, load: &LoadRecord) -> Result<(), Error> {
    if work.report(Stage::Import).is_err() {
        return Err(Error::Conflict {
            code: "order-loaded",
            message: format!("load {} is in the target, and the log does not tell what it wrote", load.id),
            hint: "run the order to its end first: it finds its load again".into(),
        });
    }
    let verified = stage::verify(work).await?;
    if verified.verdict == Verdict::Pass {
        return Ok(());
    }
    let rows: u64 = verified.report.loads.iter().map(|load| load.loaded - load.verified).sum();
    // Rows that were there before are not this load's: what became of them does not keep it from going.
    if rows == 0 {
        return Ok(());
    }
    Err(Error::Conflict {
        code: "edited-since-load",
        message: format!("{rows} loaded rows are no longer as they were loaded"),
        hint: "`chartlift verify` names them; rolling back would take away what was written since".into(),
    })
}
