//! A second reading of an export: the few columns that a pack declares, straight from the raw bytes.
//!
//! It is there to disagree. Whatever landing, the rules or an engine under them get wrong, this reader does not get
//! wrong in the same way, because it shares no line with them and depends on nothing but the standard library. It is
//! small and plain on purpose, and knows one thing: which facts a record states about which patient.

mod charset;
mod dates;
mod facts;
mod records;
mod utf16;

use std::io::{BufRead, BufReader};

pub use charset::Charset;
pub use facts::{Entry, Fact, Instead, Kind, Reading, Unless, digits, number, squeezed, told};
pub use records::{Layout, LineEnd};

/// Why a file cannot be read a second time.
#[derive(Debug)]
pub enum Fault {
    Io(std::io::Error),
    /// The file has no column of this name.
    NoColumn(String),
}

/// What stands in one record.
#[derive(Debug, PartialEq, Eq)]
pub enum Seen<'a> {
    /// It has not the form of a record, or its text is not of the declared encoding.
    Unreadable,
    /// What it states: as many as its lists have pieces, one where nothing is split.
    Entries(&'a [Entry<'a>]),
}

/// Reads a file record by record. `each` gets the record's number, from 1 and without the header.
pub fn read(
    input: impl BufRead,
    layout: &Layout,
    reading: &Reading,
    each: impl FnMut(u64, Seen<'_>),
) -> Result<(), Fault> {
    match utf16::Order::of(layout.charset) {
        None => read_bytes(input, layout, reading, each),
        Some(order) => {
            let layout = Layout { charset: Charset::Utf8, ..layout.clone() };
            read_bytes(BufReader::new(utf16::Text::new(input, order)), &layout, reading, each)
        }
    }
}

fn read_bytes(
    input: impl BufRead,
    layout: &Layout,
    reading: &Reading,
    mut each: impl FnMut(u64, Seen<'_>),
) -> Result<(), Fault> {
    let mut records = records::Records::new(input, layout);
    let columns = reading.columns();
    let header = records.header().map_err(Fault::Io)?;
    let mut places = Vec::with_capacity(columns.len());
    for column in &columns {
        let place = header.iter().position(|name| name == column);
        places.push(place.ok_or_else(|| Fault::NoColumn((*column).to_owned()))?);
    }
    let mut cells = vec![String::new(); columns.len()];
    while let Some(sound) = records.next().map_err(Fault::Io)? {
        let sound = sound && places.iter().zip(&mut cells).all(|(place, cell)| records.cell(*place, cell));
        if sound {
            each(records.number(), Seen::Entries(&reading.entries(&columns, &cells)));
        } else {
            each(records.number(), Seen::Unreadable);
        }
    }
    Ok(())
}
