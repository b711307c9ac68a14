//! `import --dry-run`: what an import would do, found out by doing it and undoing it.

use chartlift_engine::rehearsal::{Rehearsal, Rehearsed, rehearse};
use serde_json::json;

use super::stage::{block_on, decided_environment};
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::output::table::{Align::Left, Align::Right, Table};
use crate::output::{Output, grouped};

pub(super) fn run(order: &str, config: &Config, output: &Output) -> Result<Exit, Failure> {
    config.sound()?;
    let opened = config.store().open(order)?;
    let target = config.target(Some(opened.spec()))?;
    let environment = decided_environment(config, output, &opened)?;
    let done = block_on(config.threads(), rehearse(&environment, order, &target))??;
    output.object(&json!({
        "spec": "chartlift/v1", "order": order, "dry_run": true, "tables": done.tables, "triggers": done.triggers,
        "deferred": done.deferred, "late": done.late, "stays": done.stays, "suspends": done.suspends,
    }));
    output.line(format_args!("Order {order} would be loaded like this; all of it was done and undone.\n"));
    output.line(rows(&done.tables).rendered("  "));
    tell(&done, output);
    output.line("\nNothing was changed, in the target or in the order.");
    if let Some(trouble) = &done.suspends {
        output.line(format_args!("\nThe import would wait for a person: {}", trouble.message));
        output.line(format_args!("  {}", trouble.hint));
        return Ok(Exit::Suspended);
    }
    output.line(format_args!("  chartlift import --order {order}    does it"));
    Ok(Exit::Done)
}

fn rows(tables: &[Rehearsed]) -> Table {
    let columns = [
        ("table", Left),
        ("mode", Left),
        ("path", Left),
        ("inserted", Right),
        ("updated", Right),
        ("unchanged", Right),
        ("matched", Right),
        ("filled", Right),
        ("kept", Right),
        ("held", Right),
    ];
    let mut table = Table::new(&columns);
    for one in tables {
        let figures = [one.inserted, one.updated, one.unchanged, one.matched, one.filled, one.kept, one.held];
        let words = [one.table.clone(), one.mode.to_owned(), one.path.to_owned()];
        table.row(words.into_iter().chain(figures.map(grouped)).collect());
    }
    table
}

fn tell(done: &Rehearsal, output: &Output) {
    for table in &done.tables {
        for why in &table.why {
            output.line(format_args!("{} is staged: {}", table.table, why.because));
        }
    }
    for late in &done.late {
        output.line(format_args!("{}.{} is filled in once all tables are in", late.table, late.column));
    }
    for trigger in &done.triggers {
        let does = if trigger.fires { "fires" } else { "is disabled for the load" };
        output.line(format_args!("{}: trigger {} {does} ({})", trigger.table, trigger.trigger, trigger.when));
    }
    for wait in &done.deferred {
        output.line(format_args!(
            "{}: constraint {} is looked at when the load ends; the server keeps some {} bytes until then",
            wait.table,
            wait.constraint,
            grouped(wait.memory_bytes)
        ));
    }
    for stays in &done.stays {
        output.line(format_args!("cannot be undone: {stays}"));
    }
}
