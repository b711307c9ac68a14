//! `rollback`: an order's load goes out of the target again, chart by chart; charts that somebody edited since stay.

use std::collections::BTreeMap;

use chartlift_engine::rollback::{RolledBack, roll_back};
use serde_json::json;

use super::stage::{block_on, environment};
use crate::args::Rollback;
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::output::{Align::Left, Align::Right, Output, Table, grouped};

pub(super) fn run(arguments: &Rollback, config: &Config, output: &Output) -> Result<Exit, Failure> {
    config.sound()?;
    let order = arguments.order.as_str();
    let opened = config.store().open(order)?;
    let target = config.target(Some(opened.spec()))?;
    let environment = environment(config, output, config.key()?);
    let dry_run = arguments.dry_run;
    let done = block_on(config.threads(), roll_back(&environment, order, &target, dry_run))??;
    let mut object = json!({ "spec": "chartlift/v1", "order": order, "dry_run": dry_run });
    if let (Some(object), Ok(serde_json::Value::Object(done))) =
        (object.as_object_mut(), serde_json::to_value(&done))
    {
        object.extend(done);
    }
    output.object(&object);
    tell(&done, order, dry_run, output);
    Ok(Exit::Done)
}

fn tell(done: &RolledBack, order: &str, dry_run: bool, output: &Output) {
    let (back, stay) =
        if dry_run { ("would be taken back", "would stay") } else { ("is taken back", "stay") };
    output.line(format_args!("Load {} of order {order} {back}.\n", done.load));
    let titles =
        [("table", Left), ("removed", Right), ("restored", Right), ("returned", Right), ("kept", Right)];
    let mut table = Table::new(&titles);
    for one in &done.tables {
        let counts = [one.removed, one.restored, one.returned, one.kept].map(grouped);
        let [removed, restored, returned, kept] = counts;
        table.row(vec![one.table.clone(), removed, restored, returned, kept]);
    }
    output.line(table.rendered("  "));
    if done.tables.iter().any(|table| table.restored + table.returned > 0) {
        output.line(format_args!("Rows as the load had found them  {}", done.digest_before));
        output.line(format_args!("The same rows now                {}\n", done.digest_after));
    }
    if done.charts_kept > 0 {
        output.line(format_args!(
            "{} charts {stay} whole, for somebody has worked on them since:",
            grouped(done.charts_kept)
        ));
        let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
        for chart in &done.kept {
            *reasons.entry(chart.reason).or_default() += 1;
            output.line(format_args!("  {}  {}  {}", chart.row_key_hash, chart.table, chart.reason));
        }
        let reasons: Vec<String> =
            reasons.iter().map(|(reason, charts)| format!("{} {reason}", grouped(*charts))).collect();
        output.line(format_args!("  ({})\n", reasons.join(", ")));
    }
    for fact in &done.facts {
        output.line(format_args!("{}: `{}`: {}", fact.code, fact.table, fact.message));
    }
    if !dry_run {
        output.line("\nThe order's files and layers are still there.");
        output.line(format_args!("  chartlift run --order {order}    loads it again"));
    }
}
