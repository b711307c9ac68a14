//! `functions`: what rules may call, from what the functions say of themselves.

use chartlift_engine::functions::{FUNCTIONS, Function, documentation, find};
use chartlift_rules::suggest;
use serde_json::{Value, json};

use crate::args::Functions;
use crate::exit::{Exit, Failure};
use crate::output::{Align, Output, Table};

pub(super) fn run(arguments: &Functions, output: &Output) -> Result<Exit, Failure> {
    if let Some(name) = &arguments.name {
        return one(name, output);
    }
    let all: Vec<Value> = FUNCTIONS.iter().map(|function| described(function)).collect();
    output.object(&json!({ "spec": "chartlift/v1", "functions": all }));
    if arguments.docs {
        output.line(documentation().trim_end());
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&[("function", Align::Left), ("what it does", Align::Left)]);
    for function in FUNCTIONS {
        table.row(vec![function.signature(), function.summary.into()]);
    }
    output.line(table.rendered("").trim_end());
    output.line("\nOne in detail: chartlift functions NAME");
    Ok(Exit::Done)
}

fn one(name: &str, output: &Output) -> Result<Exit, Failure> {
    let Some(function) = find(name) else {
        let names = FUNCTIONS.iter().map(|function| function.name);
        return Err(Failure::usage(
            "unknown-function",
            format!("there is no function `{}`", name.escape_debug()),
        )
        .hint(suggest(name, names).unwrap_or_default())
        .hint("see all functions with `chartlift functions`"));
    };
    output.object(&described(function));
    output.line(function.documentation().trim_end());
    Ok(Exit::Done)
}

fn described(function: &Function) -> Value {
    let parameters = function.parameters.iter().map(|parameter| {
        json!({ "name": parameter.name, "type": parameter.kind.name(), "description": parameter.description })
    });
    let examples =
        function.examples.iter().map(|example| json!({ "sql": example.sql, "result": example.result }));
    json!({
        "name": function.name,
        "signature": function.signature(),
        "summary": function.summary,
        "details": function.details,
        "parameters": parameters.collect::<Vec<_>>(),
        "returns": function.returns.name(),
        "fallible": function.fallible,
        "examples": examples.collect::<Vec<_>>(),
    })
}
