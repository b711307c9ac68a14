//! `rejects`: the held rows as CSV files in the order's data area, or every mark on stdout.

use std::io::Write as _;

use chartlift_engine::rejects::{write_marks, write_rows};
use serde_json::json;

use crate::args::Rejects;
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::output::{Output, grouped};

pub(super) fn run(arguments: &Rejects, config: &Config, output: &Output) -> Result<Exit, Failure> {
    let order = arguments.order.as_str();
    let store = config.store();
    if arguments.marks {
        let mut out = std::io::BufWriter::new(std::io::stdout().lock());
        let marks = write_marks(&store, order, &mut out)?;
        out.flush().map_err(Failure::file("write to", "stdout"))?;
        output.note(format_args!("{} marks", grouped(marks)));
        return Ok(Exit::Done);
    }
    let files = write_rows(&store, order)?;
    output.object(&json!({ "spec": "chartlift/v1", "order": order, "files": files }));
    if files.is_empty() {
        output.line("No row of this order is held.");
        return Ok(Exit::Done);
    }
    output.line("Held rows, with file, row number and reasons (these files hold patient data):");
    for file in &files {
        output.line(format_args!("  {}", file.display()));
    }
    Ok(Exit::Done)
}
