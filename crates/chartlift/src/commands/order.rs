//! `order create|list|show`.

use std::path::Path;

use chartlift_engine::order::{Creation, Event, InputSpec, Order, OrderSpec, Record};
use chartlift_rules::suggest;
use serde_json::{Value, json};

use crate::args::{OrderCommand, OrderCreate};
use crate::config::{Config, clock, current_folder};
use crate::exit::{Exit, Failure};
use crate::output::{Align::Left, Align::Right, Output, Table};

/// The folder of an order that stands in where no input is named.
const OWN_INPUT: &str = "input_files";

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
    let spec = OrderSpec {
        id: arguments.id.clone(),
        series: arguments.series.clone().unwrap_or_else(|| arguments.id.clone()),
        inputs: inputs(arguments, config)?,
        target: config.target_of_new_order()?,
        follows: None,
        project_key_fingerprint: config.key()?.fingerprint(),
        created_at: clock().now(),
    };
    let (word, order) = match config.store().create(spec)? {
        Creation::New(order) => ("created", order),
        Creation::Already(order) => ("was there already, asking for the same", order),
    };
    let (spec, options) = (order.spec(), config.options());
    output.object(&described(&order));
    output.line(format_args!("Order {} {word}: {}", spec.id, order.root().display()));
    if arguments.input.is_empty() {
        output.line(format_args!("Put its files into {}", order.subfolder(OWN_INPUT).display()));
    }
    output.line(format_args!("\nNext: run it.\n  chartlift run --order {}{options}", spec.id));
    Ok(Exit::Done)
}

fn inputs(arguments: &OrderCreate, config: &Config) -> Result<Vec<InputSpec>, Failure> {
    stated_system(arguments, config)?;
    let input = |name: &str, url: String| InputSpec {
        name: name.to_owned(),
        url,
        system: arguments.system.clone(),
        version: arguments.version.clone(),
    };
    if arguments.input.is_empty() {
        return Ok(vec![input("main", OWN_INPUT.into())]);
    }
    let [text] = arguments.input.as_slice() else {
        return Err(Failure::usage("bad-input", "an order has one input as yet")
            .hint("create one order for each input"));
    };
    let (name, path) = named(text);
    Ok(vec![input(name.unwrap_or("main"), located(path, &current_folder()?)?)])
}

/// `NAME=PATH`, or a path alone. What has a slash before its `=` is a path.
fn named(text: &str) -> (Option<&str>, &str) {
    match text.split_once('=') {
        Some((name, path)) if !name.is_empty() && !name.contains(['/', '\\', '.']) => (Some(name), path),
        _ => (None, text),
    }
}

fn located(path: &str, here: &Path) -> Result<String, Failure> {
    let local = path.strip_prefix("file://").unwrap_or(path);
    if let Some((scheme, _)) = local.split_once("://") {
        return Err(Failure::usage("bad-input", format!("inputs on `{scheme}://` are not supported"))
            .hint("expected a folder of this machine"));
    }
    let whole = here.join(local).canonicalize().map_err(|error| {
        Failure::file("find the input", local)(error).hint("expected the folder of an export")
    })?;
    if whole.is_file() {
        return Err(Failure::usage("bad-input", format!("`{local}` is a file"))
            .hint("expected the folder that holds the export's files"));
    }
    if !holds_files(&whole)? {
        return Err(Failure::new(Exit::Nothing, "no-files", format!("there is no file in `{local}`"))
            .hint("expected the folder of an export"));
    }
    let text = whole
        .to_str()
        .ok_or_else(|| Failure::usage("bad-input", format!("the path `{}` is not UTF-8", whole.display())))?;
    Ok(text.to_owned())
}

/// A folder counts when a file is in it, at its top or one folder further down.
fn holds_files(path: &Path) -> Result<bool, Failure> {
    for entry in std::fs::read_dir(path).map_err(Failure::file("read the folder", path))? {
        let inner = entry.map_err(Failure::file("read the folder", path))?.path();
        let deeper = || std::fs::read_dir(&inner).is_ok_and(|mut entries| entries.next().is_some());
        if inner.is_file() || deeper() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A system that is stated must have a pack.
fn stated_system(arguments: &OrderCreate, config: &Config) -> Result<(), Failure> {
    let Some(system) = &arguments.system else {
        return Ok(());
    };
    let packs: Vec<_> = config.project.systems.iter().filter(|pack| pack.name == *system).collect();
    if packs.is_empty() {
        let names = config.project.systems.iter().map(|pack| pack.name.as_str());
        return Err(Failure::usage("unknown-system", format!("there is no pack for the system `{system}`"))
            .hint(suggest(system, names).unwrap_or_default()));
    }
    let Some(version) = &arguments.version else {
        return Ok(());
    };
    let versions = || {
        packs.iter().flat_map(|pack| std::iter::once(&pack.version).chain(&pack.covers)).map(String::as_str)
    };
    if versions().any(|known| known == version) {
        return Ok(());
    }
    Err(Failure::usage("unknown-system", format!("no pack of `{system}` covers version `{version}`"))
        .hint(suggest(version, versions()).unwrap_or_default()))
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
        Event::RolledBack { load } => format!("load {load} rolled back"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_may_have_a_name() {
        assert_eq!(named("labs=/x"), (Some("labs"), "/x"));
        assert_eq!(named("/x"), (None, "/x"));
        assert_eq!(named("./a=b"), (None, "./a=b"));
        assert_eq!(named("=b"), (None, "=b"));
    }
}
