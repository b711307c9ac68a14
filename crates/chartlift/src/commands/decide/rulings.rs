//! `decide conflict` and `decide absence`: rows of the order's listing, each with what is to become of it.

use std::path::Path;

use chartlift_engine::decisions::Addition;
use chartlift_rules::{RULING_COLUMNS, RulingFile};

use super::{keyed_bytes, signed};
use crate::args::decide::{By, Listed};
use crate::exit::Failure;

/// The columns that are read of a listing; it may have more, for whoever reads it.
const READ: usize = 4;

/// The lines to add; `ruling` is for those that have none of their own. No message has a cell of them.
pub(super) fn lines(
    order: &Path,
    kind: RulingFile,
    ruling: Option<String>,
    listed: &Listed,
    by: &By,
) -> Result<Addition, Failure> {
    let own = order.join("delta").join(kind.name());
    let path = listed.from.as_deref().unwrap_or(&own);
    if listed.from.is_none() && !own.exists() {
        return Err(nothing(kind));
    }
    let bytes = keyed_bytes(path)?;
    let wanted = RULING_COLUMNS.get(..READ).unwrap_or_default();
    let wrong = |at: Option<usize>| {
        let place = at.map_or_else(String::new, |at| format!(" at record {at}"));
        Failure::usage("bad-ruling", format!("`{}` cannot be used{place}", path.display()))
            .hint(format!("expected CSV in UTF-8 with the columns {}", wanted.join(",")))
    };
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let header = reader.headers().map_err(|_| wrong(None))?.clone();
    let place = |name: &&str| header.iter().position(|known| known.trim() == *name);
    let places: Vec<usize> = wanted.iter().filter_map(place).collect();
    let [table, source_key, own_ruling, seen] = places.as_slice() else { return Err(wrong(None)) };
    let mut lines = Vec::new();
    for (at, record) in (1..).zip(reader.records()) {
        let record = record.map_err(|_| wrong(Some(at)))?;
        let cell = |at: &usize| record.get(*at).unwrap_or_default();
        let of_table = listed.table.as_deref().is_none_or(|wanted| wanted == cell(table));
        let filled = Some(cell(own_ruling).trim()).filter(|ruling| !ruling.is_empty());
        let Some(ruling) = filled.or(ruling.as_deref()).filter(|_| of_table) else { continue };
        let cells = [cell(table), cell(source_key), ruling, cell(seen)];
        lines.push(signed(cells.into_iter(), by));
    }
    if lines.is_empty() {
        Err(nothing(kind))
    } else {
        Ok(Addition::Lines { columns: &RULING_COLUMNS, lines })
    }
}

fn nothing(kind: RulingFile) -> Failure {
    Failure::usage("nothing-open", format!("no line of `{}` says what to decide", kind.name()))
        .hint("run the order: it lists the rows that it waits for in the folder `delta/` of the order")
}
