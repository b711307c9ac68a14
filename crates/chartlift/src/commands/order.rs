//! `order create|list|show`.

mod inputs;

use chartlift_engine::decisions::carry_over;
use chartlift_engine::order::{Creation, Event, Order, OrderSpec, Record};
use chartlift_engine::rollback::charts_kept;
use serde_json::{Value, json};

use crate::args::{OrderCommand, OrderCreate};
use crate::config::{Config, clock};
use crate::exit::{Exit, Failure};
use crate::output::{Align::Left, Align::Right, Output, Table, grouped};

pub(super) fn run(command: &OrderCommand, config: &Config, output: &Output) -> Result<Exit, Failure> {
    match command {
        OrderCommand::Create(create) => self::create(create, config, output),
        OrderCommand::List => list(config, output),
        OrderCommand::Show(show) => {
            self::show(show.id.as_deref().or(show.order.as_deref()).unwrap_or_default(), config, output)
        }
    }
}

fn create(arguments: &OrderCreate, config: &Config, output: &Output) -> Result<Exit, Failure> {
    let earlier = followed(arguments, config)?;
    let series = earlier.as_ref().map(|earlier| earlier.series.clone()).or_else(|| arguments.series.clone());
    let spec = OrderSpec {
        id: arguments.id.clone(),
        series: series.unwrap_or_else(|| arguments.id.clone()),
        inputs: inputs::of(arguments, config)?,
        target: config.target_of_new_order(earlier.as_ref().map(|earlier| earlier.target.as_str()))?,
        follows: arguments.follows.clone(),
        project_key_fingerprint: config.key()?.fingerprint(),
        created_at: clock().now(),
    };
    let store = config.store();
    let (word, order) = match store.create(spec)? {
        Creation::New(order) => ("created", order),
        Creation::Already(order) => ("was there already, asking for the same", order),
    };
    if let Some(earlier) = &order.spec().follows
        && order.records().len() == 1
    {
        // Also where it was there already: whoever made it may have been stopped before it had them.
        carry_over(&store.open(earlier)?, &store.open(&order.spec().id)?.lock()?)?;
    }
    let (spec, options) = (order.spec(), config.options());
    output.object(&described(&order));
    output.line(format_args!("Order {} {word}: {}", spec.id, order.root().display()));
    if arguments.input.is_empty() {
        output.line(format_args!("Put its files into {}", order.subfolder(inputs::OWN).display()));
    }
    output.line(format_args!("\nNext: run it.\n  chartlift run --order {}{options}", spec.id));
    Ok(Exit::Done)
}

/// The order that this one follows: of the same series, made with the same key.
fn followed(arguments: &OrderCreate, config: &Config) -> Result<Option<OrderSpec>, Failure> {
    let Some(id) = &arguments.follows else { return Ok(None) };
    let earlier = config.store().open(id)?.spec().clone();
    if let Some(series) = arguments.series.as_ref().filter(|series| **series != earlier.series) {
        let message =
            format!("order `{id}` is of the series `{}`, this one would be of `{series}`", earlier.series);
        return Err(Failure::usage("other-series", message)
            .hint("leave out --series: an order is of the series of the one it follows"));
    }
    if earlier.project_key_fingerprint != config.key()?.fingerprint() {
        let message = format!("order `{id}` was created with another project key");
        return Err(Failure::usage("wrong-project-key", message)
            .hint("give the key that `chartlift init` wrote for this project"));
    }
    Ok(Some(earlier))
}

fn list(config: &Config, output: &Output) -> Result<Exit, Failure> {
    let store = config.store();
    let mut table = Table::new(&[
        ("order", Left),
        ("series", Left),
        ("created", Left),
        ("target", Left),
        ("events", Right),
    ]);
    let mut orders = Vec::new();
    for id in store.list()? {
        match store.open(&id) {
            Ok(order) => {
                let spec = order.spec();
                orders.push(described(&order));
                table.row(vec![
                    id,
                    spec.series.clone(),
                    spec.created_at.format("%Y-%m-%d %H:%M").to_string(),
                    spec.target.split('=').next().unwrap_or_default().to_owned(),
                    order.records().len().to_string(),
                ]);
            }
            // One broken order hides no other.
            Err(error) => {
                let failure = Failure::from(error);
                orders.push(json!({ "spec": "chartlift/v1", "order": id, "error": failure.trouble() }));
                table.row(vec![id, String::new(), failure.code, String::new(), String::new()]);
            }
        }
    }
    output.object(&json!({ "spec": "chartlift/v1", "orders": orders }));
    if table.is_empty() {
        output.line(format_args!("There is no order in {}.", config.storage.display()));
        return Ok(Exit::Done);
    }
    output.line(table.rendered("").trim_end());
    Ok(Exit::Done)
}

fn show(id: &str, config: &Config, output: &Output) -> Result<Exit, Failure> {
    let order = config.store().open(id)?;
    let spec = order.spec();
    let mut object = described(&order);
    if let Some(members) = object.as_object_mut() {
        members.insert("log".into(), json!(order.records()));
    }
    output.object(&object);
    output.line(format_args!("Order    {} (series {})", spec.id, spec.series));
    if let Some(earlier) = &spec.follows {
        output.line(format_args!("Follows  {earlier}"));
    }
    output.line(format_args!("Created  {}", spec.created_at.format("%Y-%m-%d %H:%M:%S UTC")));
    for input in &spec.inputs {
        let stated =
            [&input.system, &input.version].into_iter().flatten().cloned().collect::<Vec<_>>().join(" ");
        let stated = if stated.is_empty() { stated } else { format!(" (stated: {stated})") };
        output.line(format_args!("Input    {}: {}{stated}", input.name, order.input_path(input).display()));
    }
    output.line(format_args!("Target   {}", spec.target));
    output.line(format_args!("Key      {}", spec.project_key_fingerprint));
    output.line(format_args!("Folder   {}\n", order.root().display()));
    let mut table = Table::new(&[("time", Left), ("actor", Left), ("event", Left)]);
    for record in order.records() {
        let time = record.time.format("%Y-%m-%d %H:%M:%S").to_string();
        table.row(vec![time, record.actor.clone(), event(record)]);
    }
    output.line(table.rendered("").trim_end());
    Ok(Exit::Done)
}

/// An order as JSON: what it was created with, and where it is.
fn described(order: &Order) -> Value {
    let spec = order.spec();
    json!({
        "spec": "chartlift/v1",
        "order": spec.id,
        "series": spec.series,
        "follows": spec.follows,
        "target": spec.target,
        "inputs": spec.inputs,
        "created_at": spec.created_at,
        "project_key_fingerprint": spec.project_key_fingerprint,
        "folder": order.root(),
        "events": order.records().len(),
        "head": order.head(),
    })
}

fn event(record: &Record) -> String {
    match &record.event {
        Event::Created(_) => "created".into(),
        Event::Started { stage, attempt } => format!("{} started, attempt {attempt}", stage.name()),
        Event::Done(done) => {
            let verdict = crate::output::verdict_name(done.verdict);
            match done.judged_anew {
                true => format!("{} judged anew: {verdict}", done.stage.name()),
                false => format!("{} done: {verdict}, {:.2} s", done.stage.name(), done.seconds),
            }
        }
        Event::Failed { stage, attempt, code, .. } => {
            format!("{} failed, attempt {attempt}: {code}", stage.name())
        }
        Event::RolledBack { load, report } => match charts_kept(report.as_ref()) {
            0 => format!("load {load} rolled back"),
            kept => format!("load {load} rolled back, {} charts stayed", grouped(kept)),
        },
    }
}
