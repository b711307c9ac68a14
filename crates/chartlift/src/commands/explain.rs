//! `explain CODE`: what a code means and what to do about it.

use chartlift_rules::{CODES, code_named, suggest};
use serde_json::json;

use crate::args::Explain;
use crate::exit::{Exit, Failure};
use crate::output::{Align, Output, Table};

pub(super) fn run(arguments: &Explain, output: &Output) -> Result<Exit, Failure> {
    let Some(name) = &arguments.code else {
        return Ok(list(output));
    };
    let Some(code) = code_named(name) else {
        let names = CODES.iter().map(|code| code.name);
        return Err(Failure::usage("unknown-code", format!("there is no code `{}`", name.escape_debug()))
            .hint(suggest(name, names).unwrap_or_default())
            .hint("see all codes with `chartlift explain`"));
    };
    output.line(format_args!("{}: {}\n\n{}", code.name, code.summary, code.explanation));
    output.object(&json!({
        "spec": "chartlift/v1", "code": code.name, "summary": code.summary, "explanation": code.explanation,
    }));
    Ok(Exit::Done)
}

fn list(output: &Output) -> Exit {
    let mut table = Table::new(&[("code", Align::Left), ("meaning", Align::Left)]);
    for code in CODES {
        table.row(vec![code.name.into(), code.summary.into()]);
    }
    output.line(table.rendered("").trim_end());
    let codes: Vec<_> =
        CODES.iter().map(|code| json!({ "code": code.name, "summary": code.summary })).collect();
    output.object(&json!({ "spec": "chartlift/v1", "codes": codes }));
    Exit::Done
}
