//! import: one transaction with the rows, the crosswalk and the load record; the second run changes nothing.

use arrow::array::{RecordBatch, new_null_array};
use chartlift_io::failpoint;
use chartlift_io::target::{
    Begun, Catalog, ColumnSpec, Load, LoadHeader, LoadOutcome, LoadRecord, Merged, Role, Rulings, SYSTEMS,
    TableSpec, WriteMode,
};
use chartlift_rules::{Disposition, Target, TargetTable};

use super::delta::Delta;
use super::gathered::{gathered, in_key_order};
use super::ids::{FurtherNames, Ids};
use super::linked::Assigned;
use super::load_order::{self, LoadOrder};
use super::loadable::{Loadable, table_spec};
use super::{Finished, Work, filled, matched, seal, second_reading};
use crate::Error;
use crate::approval;
use crate::catalog;
use crate::project_key::sha256_of;
use crate::report::StageReport;
use crate::run::rulings;
use crate::statement::{Finding, LoadBalance, Stage, Trouble, Verdict};

pub(super) async fn run(work: &Work<'_>) -> Result<Finished, Error> {
    let target = work.target()?;
    let input_digest = with_rulings(work, work.loaded_digest()?);
    let loads = work.report(Stage::Validate)?.loads.clone();
    if let Some(mut refused) = seal::broken(work, Stage::Import, &[Stage::Convert, Stage::Validate])? {
        refused.report.loads = loads;
        return Ok(refused);
    }
    let read_twice = second_reading::run(work)?;
    if read_twice.trouble.is_some() {
        let verdict = read_twice.second_reading.iter().map(|one| one.verdict).max().unwrap_or(Verdict::Fail);
        let report = StageReport { loads, ..read_twice };
        return Ok(Finished { report, verdict, digest: String::new() });
    }
    let connection = work.connect().await?;
    if let Some(stopped) = approval::stop(work, connection.as_ref()).await? {
        return Ok(stopped);
    }
    let spec = work.order.spec();
    let header = header(work, &input_digest)?;
    let mut delta = Delta::of(work, &input_digest)?;
    let names: Vec<String> = target.tables.iter().map(|table| table.database_name().to_owned()).collect();
    let live = connection.catalog(&names).await?;
    // Validate has seen them, but the pack or the target may have changed since.
    if let Some((verdict, trouble)) = catalog::stops(&catalog::undecided(target, &live)) {
        let report = StageReport { loads, trouble: Some(trouble), ..read_twice };
        return Ok(Finished { report, verdict, digest: String::new() });
    }
    let order = load_order::of(target, &live)?;
    let record = match connection.begin(&header).await? {
        Begun::Already(record) => record,
        Begun::Open(mut load) => {
            let tables = write_all(work, load.as_mut(), live, &order, &loads, &mut delta).await?;
            if let Some(waiting) =
                delta.as_mut().map(|delta| delta.suspended(work, &loads)).transpose()?.flatten()
            {
                drop(load);
                return Ok(waiting);
            }
            // Said before the commit: what is not whole is undone, by letting go of it.
            if let Some(unbalanced) = unbalanced(target, &loads, &tables) {
                drop(load);
                return Ok(unbalanced);
            }
            let at = work.environment.clock.now().to_rfc3339();
            let tables = tables.into_iter().map(|(table, came_to)| (table, came_to.loaded())).collect();
            let outcome = LoadOutcome { tables, log_head: work.order.head().to_owned(), at };
            let record = load.commit(&outcome).await?;
            failpoint::hit("import-committed");
            record
        }
    };
    if record.input_digest != input_digest {
        return Err(Error::Conflict {
            code: "order-loaded",
            message: format!("order `{}` is in the target already, made from other files or rules", spec.id),
            hint: "roll back first, or follow it with a new order".into(),
        });
    }
    let mut finished = finished(work, loads, &record, read_twice);
    let written = record.tables.iter().filter(|table| table.rows > 0).map(|table| table.name.clone());
    let left = connection.analyze(&written.collect::<Vec<_>>()).await;
    failpoint::hit("import-analyzed");
    finished.report.findings.extend(not_analyzed(left));
    finished.report.findings.extend(delta.map(|mut delta| delta.findings()).unwrap_or_default());
    Ok(finished)
}

/// What the target is told of the load before its first row.
pub(super) fn header(work: &Work<'_>, input_digest: &str) -> Result<LoadHeader, Error> {
    let (spec, target) = (work.order.spec(), work.target()?);
    Ok(LoadHeader {
        order: spec.id.clone(),
        series: spec.series.clone(),
        system: work.system_names()?.join(SYSTEMS),
        target: format!("{} {}", target.name, target.version),
        input_digest: input_digest.to_owned(),
        log_head: work.order.head().to_owned(),
        at: work.environment.clock.now().to_rfc3339(),
    })
}

/// A load without statistics is a load all the same: the next queries are only slower.
fn not_analyzed(left: Result<Vec<String>, chartlift_io::Error>) -> Vec<Finding> {
    let message = match left {
        Ok(tables) if tables.is_empty() => return Vec::new(),
        Ok(tables) => format!("the role may not gather statistics of {}", tables.join(", ")),
        Err(error) => format!("no statistics were gathered: {}", error.code()),
    };
    vec![Finding {
        code: "not-analyzed".into(),
        severity: "note".into(),
        disposition: Disposition::Note.name().into(),
        stage: Stage::Import,
        system: None,
        table: None,
        column: None,
        rows: 0,
        message: Some(message),
    }]
}

/// What is loaded depends on what was decided about single rows too, where anything was.
pub(super) fn with_rulings(work: &Work<'_>, digest: String) -> String {
    let rulings = rulings(&work.environment.decisions);
    if rulings.is_empty() {
        return digest;
    }
    sha256_of(std::iter::once(digest.as_bytes()).chain(rulings.iter().map(String::as_bytes)))
}

/// Writes every table's rows, and links those that are there already; answers what each table's rows came to.
pub(super) async fn write_all(
    work: &Work<'_>,
    load: &mut dyn Load,
    live: Catalog,
    order: &LoadOrder<'_>,
    loads: &[LoadBalance],
    delta: &mut Option<Delta>,
) -> Result<Vec<(String, Merged)>, Error> {
    let (systems, target) = (work.systems()?, work.target()?);
    let total = loads.iter().map(|load| load.converted - load.held - load.matched).sum();
    work.environment.progress.begin(Stage::Import, "importing", total);
    for (table, triggers) in catalog::to_disable(target, &live) {
        load.disable_triggers(&table_spec(target, table, ""), &triggers).await?;
    }
    if delta.is_some() {
        order.demand_nothing_late()?;
        load.follow().await?;
    }
    load.defer(&order.deferred).await?;
    let mut tables = Vec::new();
    let again = matched::find_again(work, target, load).await?;
    let links = again.iter().map(|(table, again)| (table.as_str(), &again.links)).collect();
    let assigned = Assigned::all(work, target, live, load, &links).await?;
    for table in order.tables.iter().copied() {
        let late = order.late_of(table);
        let again = again.get(&table.name.value);
        let mut further = FurtherNames::of(&systems, table)?;
        let mut came_to = Merged::default();
        for one in &systems {
            write(one, table, load, &mut further, (&assigned, again, &late)).await?;
            let spec = table_spec(target, table, &one.system()?.name);
            let rulings = match delta.as_mut() {
                Some(delta) => delta.settle(one, table, &spec, load).await?,
                None => Rulings::default(),
            };
            came_to += load.merge(&spec, &rulings).await?;
            if let Some(again) = again {
                came_to += filled::write(one, table, load, &assigned, &again.links).await?;
            }
        }
        further.link(&systems, table, load).await?;
        tables.push((table.database_name().to_owned(), came_to));
    }
    for table in &order.tables {
        let late = order.late_of(table);
        for one in systems.iter().filter(|_| !late.is_empty()) {
            write_late(one, table, load, &assigned, &late).await?;
        }
    }
    if let Some(delta) = delta {
        delta.remove(work, load).await?;
    }
    work.environment.progress.end();
    Ok(tables)
}

/// Writes the rows of a table that come from one system, after those that are there `again`: these have no other.
async fn write(
    work: &Work<'_>,
    table: &TargetTable,
    load: &mut dyn Load,
    further: &mut FurtherNames,
    (assigned, again, late): (&Assigned, Option<&matched::Again>, &[&str]),
) -> Result<(), Error> {
    let spec = table_spec(work.target()?, table, &work.system()?.name);
    if let Some(again) = again {
        load.link(&spec, &again.fresh, again.known).await?;
    }
    let ids = Ids::new(work, &spec, assigned)?;
    let loadable = Loadable::open(work, table)?;
    for batch in gathered(loadable.batches()) {
        let batch = in_key_order(table, &spec, ids.resolve(&spec, &batch?)?)?;
        let batch = without(&spec, batch, late)?;
        further.see(work.nth, &batch);
        if batch.num_rows() > 0 {
            load.write(&spec, &batch).await?;
            work.environment.progress.advance(batch.num_rows() as u64);
        }
    }
    Ok(())
}

/// The batch with these columns empty.
fn without(spec: &TableSpec, batch: RecordBatch, columns: &[&str]) -> Result<RecordBatch, Error> {
    if columns.is_empty() {
        return Ok(batch);
    }
    let mut arrays = batch.columns().to_vec();
    for (column, array) in spec.columns.iter().zip(&mut arrays) {
        if columns.contains(&column.name.as_str()) {
            *array = new_null_array(array.data_type(), batch.num_rows());
        }
    }
    RecordBatch::try_new(batch.schema(), arrays)
        .map_err(|error| Error::query("leaving references for later")(error.into()))
}

/// Writes the columns that had to wait for rows of other tables.
async fn write_late(
    work: &Work<'_>,
    table: &TargetTable,
    load: &mut dyn Load,
    assigned: &Assigned,
    late: &[&str],
) -> Result<(), Error> {
    let whole = table_spec(work.target()?, table, &work.system()?.name);
    let ids = Ids::new(work, &whole, assigned)?;
    let waits =
        |column: &ColumnSpec| matches!(column.role, Role::Key(_)) || late.contains(&column.name.as_str());
    let places: Vec<usize> =
        whole.columns.iter().enumerate().filter(|(_, column)| waits(column)).map(|(at, _)| at).collect();
    let columns = whole.columns.iter().filter(|column| waits(column)).cloned().collect();
    let spec = TableSpec { columns, mode: WriteMode::Late, ..whole.clone() };
    for batch in Loadable::open(work, table)?.batches() {
        let batch = ids.resolve(&whole, &batch?)?;
        let places: Vec<usize> = places.iter().copied().chain([whole.columns.len()]).collect();
        let batch =
            batch.project(&places).map_err(|error| Error::query("filling in references")(error.into()))?;
        if batch.num_rows() > 0 {
            load.write(&spec, &batch).await?;
        }
    }
    load.merge(&spec, &Rulings::default()).await?;
    Ok(())
}

fn finished(
    work: &Work<'_>,
    loads: Vec<LoadBalance>,
    record: &LoadRecord,
    read_twice: StageReport,
) -> Finished {
    let mut report = StageReport { load: Some(record.id), ..read_twice };
    let Ok(target) = work.target() else {
        return Finished { report, verdict: Verdict::NotRun, digest: String::new() };
    };
    for mut load in loads {
        let name = database_name(target, &load);
        if let Some(table) = record.tables.iter().find(|table| table.name == name) {
            load.loaded = table.rows;
            load.updated = table.updated;
            load.unchanged = table.unchanged;
            load.matched = table.matched;
            load.kept = table.kept;
            load.absent = table.absent;
            load.deleted = table.deleted;
            load.filled = table.filled;
        }
        report.loads.push(load);
    }
    Finished { report, verdict: Verdict::Pass, digest: record.input_digest.clone() }
}

fn database_name<'a>(target: &'a Target, load: &'a LoadBalance) -> &'a str {
    let table = target.tables.iter().find(|table| table.name.value == load.table);
    table.map_or(load.table.as_str(), TargetTable::database_name)
}

/// The first table of which the target did not take all rows, as a failed stage that has loaded nothing.
pub(super) fn unbalanced(
    target: &Target,
    loads: &[LoadBalance],
    written: &[(String, Merged)],
) -> Option<Finished> {
    let rows = |load: &LoadBalance| {
        let name = database_name(target, load);
        let found = written.iter().find(|(table, _)| table == name);
        found.map_or(0, |(_, came_to)| came_to.loaded() + came_to.matched + came_to.kept)
    };
    let wanted = |load: &LoadBalance| load.converted - load.held - load.matched;
    let short = loads.iter().find(|load| rows(load) != wanted(load))?;
    let trouble = Trouble {
        code: "load-unbalanced".into(),
        message: format!(
            "`{}` took {} rows of {}: nothing was loaded",
            short.table,
            rows(short),
            wanted(short)
        ),
        hint: "look for a trigger or a rule of the table that leaves rows out".into(),
    };
    let report = StageReport { loads: loads.to_vec(), trouble: Some(trouble), ..StageReport::default() };
    Some(Finished { report, verdict: Verdict::Fail, digest: String::new() })
}
