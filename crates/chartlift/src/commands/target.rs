//! `target init|check`: prepare a target, and compare its catalogue with the rules.

mod live;

use chartlift_engine::catalog::compare;
use chartlift_engine::run::TargetChoice;
use chartlift_io::target::{Bookkeeping, connect_with};
use chartlift_rules::Target;
use serde_json::json;

use super::stage::block_on;
use crate::args::{OfTarget, TargetCommand, TargetInit};
use crate::config::{Config, required_url};
use crate::exit::{Exit, Failure};
use crate::output::{Align::Left, Output, Table};

pub(super) fn run(command: &TargetCommand, config: &Config, output: &Output) -> Result<Exit, Failure> {
    match command {
        TargetCommand::Init(init) => self::init(init, config, output),
        TargetCommand::Check(of) => check(of, config, output),
    }
}

fn init(arguments: &TargetInit, config: &Config, output: &Output) -> Result<Exit, Failure> {
    config.sound()?;
    let address = address(&arguments.of, config)?;
    let made = block_on(config.threads(), prepare(config, &address, arguments.with_tables))??;
    output.object(&json!({
        "spec": "chartlift/v1", "target": address.name, "tables": arguments.with_tables, "address": made,
    }));
    let tables =
        if arguments.with_tables { "the bookkeeping and the pack's tables" } else { "the bookkeeping" };
    output.line(format_args!("Target {} at {made} has {tables}.", address.name));
    Ok(Exit::Done)
}

/// Makes the bookkeeping tables and, where asked, the pack's own. Answers where that was.
pub(super) async fn prepare(
    config: &Config,
    address: &TargetChoice,
    with_tables: bool,
) -> Result<String, Failure> {
    let target = connect_with(required_url(address)?, &config.connection()).await?;
    let mut ddl = match with_tables {
        true => Some(ddl(pack(config, &address.name)?, target.dialect())?),
        false => None,
    };
    if ddl.is_some() && has_tables(pack(config, &address.name)?, target.as_ref()).await? {
        // Made by this command before, maybe one whose answer was lost.
        ddl = None;
    }
    target.init(ddl).await?;
    Ok(target.describe())
}

/// Whether all of the pack's tables are there. They are made in one transaction.
async fn has_tables(pack: &Target, target: &dyn chartlift_io::target::Target) -> Result<bool, Failure> {
    let names: Vec<String> = pack.tables.iter().map(|table| table.database_name().to_owned()).collect();
    Ok(target.catalog(&names).await?.tables.iter().all(|table| table.exists))
}

fn check(arguments: &OfTarget, config: &Config, output: &Output) -> Result<Exit, Failure> {
    config.sound()?;
    let address = address(arguments, config)?;
    let url = required_url(&address)?;
    let pack = pack(config, &address.name)?;
    let tables: Vec<String> = pack.tables.iter().map(|table| table.database_name().to_owned()).collect();
    let (bookkeeping, live) = block_on(config.threads(), async {
        let target = connect_with(url, &config.connection()).await?;
        let live = target.catalog(&tables).await?;
        live.demand_writes(target.describe())?;
        Ok::<_, Failure>((target.bookkeeping().await?, live))
    })??;
    let findings = compare(pack, &live);
    let ready = matches!(bookkeeping, Bookkeeping::Ready { .. });
    output.object(&json!({
        "spec": "chartlift/v1", "target": address.name, "bookkeeping": ready, "findings": findings,
        "tables": live::objects(pack, &live),
    }));
    let mut table = Table::new(&[("code", Left), ("severity", Left), ("where", Left), ("", Left)]);
    for finding in &findings {
        let place =
            [&finding.table, &finding.column].into_iter().flatten().cloned().collect::<Vec<_>>().join(".");
        let message = finding.message.clone().unwrap_or_default();
        table.row(vec![finding.code.clone(), finding.severity.clone(), place, message]);
    }
    if !table.is_empty() {
        output.line(table.rendered("").trim_end());
    }
    for line in live::lines(pack, &live) {
        output.line(format_args!("{line}"));
    }
    if !ready {
        output.line(format_args!(
            "The bookkeeping tables are missing: chartlift target init --target {}=...{}",
            address.name,
            config.options()
        ));
    }
    let errors = findings.iter().filter(|finding| finding.severity == "error").count();
    if errors == 0 && ready {
        output.line(format_args!("Target {} fits its rules.", address.name));
        return Ok(Exit::Done);
    }
    Ok(Exit::Failed)
}

fn address(arguments: &OfTarget, config: &Config) -> Result<TargetChoice, Failure> {
    let order = match &arguments.order {
        Some(id) => Some(config.store().open(id)?),
        None => None,
    };
    config.target(order.as_ref().map(|order| order.spec()))
}

fn pack<'a>(config: &'a Config, name: &str) -> Result<&'a Target, Failure> {
    let found = config.project.targets.iter().find(|target| target.name == name);
    found.ok_or_else(|| Failure::usage("unknown-target", format!("there is no target pack `{name}`")))
}

fn ddl<'a>(pack: &'a Target, dialect: &str) -> Result<&'a str, Failure> {
    pack.ddl.get(dialect).map(String::as_str).ok_or_else(|| {
        Failure::usage("no-tables", format!("target pack `{}` has no tables for {dialect}", pack.name))
            .hint(format!("add `targets/{}/{}/ddl/{dialect}.sql`", pack.name, pack.version))
    })
}
