//! `rollback`: an order's load goes out of the target again, whole or not at all.

use chartlift_engine::rollback::roll_back;
use serde_json::json;

use super::stage::{block_on, environment};
use crate::args::Rollback;
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::output::{Output, grouped};

pub(super) fn run(arguments: &Rollback, config: &Config, output: &Output) -> Result<Exit, Failure> {
    config.sound()?;
    let order = arguments.order.as_str();
    let opened = config.store().open(order)?;
    let target = config.target(Some(opened.spec()))?;
    let environment = environment(config, output, config.key()?);
    let dry_run = arguments.dry_run;
    let done = block_on(config.threads(), roll_back(&environment, order, &target, dry_run))??;
    output.object(&json!({
        "spec": "chartlift/v1", "order": order, "dry_run": dry_run, "load": done.load, "tables": done.tables,
    }));
    let would = if dry_run { "would go" } else { "are gone" };
    output.line(format_args!("Load {} of order {order}: these rows {would} from the target.", done.load));
    for table in &done.tables {
        output.line(format_args!("  {:>14}  {}", grouped(table.rows), table.table));
    }
    if !dry_run {
        output.line("\nThe order's files and layers are still there.");
        output.line(format_args!("  chartlift run --order {order}    loads it again"));
    }
    Ok(Exit::Done)
}
