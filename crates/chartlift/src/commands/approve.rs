//! `approve`: somebody has seen what would be loaded, and that may be loaded.

use chartlift_engine::approval;
use chartlift_rules::Decided;
use serde_json::{Map, json};

use super::decide::{author, today};
use super::stage::{block_on, decided_environment};
use crate::args::decide::Approve;
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::output::Output;

pub(super) fn run(arguments: &Approve, config: &Config, output: &Output) -> Result<Exit, Failure> {
    config.sound()?;
    let order = arguments.order.as_str();
    let opened = config.store().open(order)?;
    let target = config.target(Some(opened.spec()))?;
    let environment = decided_environment(config, output, &opened)?;
    let decided = Decided {
        author: author(arguments.author.as_ref()),
        date: today(),
        reason: arguments.reason.clone().unwrap_or_default(),
    };
    let approved = block_on(config.threads(), approval::approve(&environment, order, &target, &decided))??;
    let binds: Map<_, _> =
        approved.binds.parts().into_iter().map(|(part, digest)| (part.to_owned(), json!(digest))).collect();
    output.object(&json!({
        "spec": "chartlift/v1", "order": order, "approval": approved.number, "file": approved.path, "binds": binds,
    }));
    output.line(format_args!("Order {order} is approved: {}", approved.path.display()));
    output.line(format_args!(
        "\nNext: import it.\n  chartlift run --order {order}{}",
        config.options_with_target()
    ));
    Ok(Exit::Done)
}
