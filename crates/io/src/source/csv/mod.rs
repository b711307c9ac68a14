//! The landing reader for delimited text: nothing is guessed, nothing is lost, nothing stops the scan.
//!
//! Two passes over the same bytes share one state machine (`machine`), so they cannot disagree about where a record ends:
//! [`index`] walks the file once, in order and in bounded memory, and cuts it into chunks of whole records;
//! [`parse`] turns one chunk into Arrow batches and can run on any number of chunks at once, on any thread.
//!
//! # What a record is
//!
//! - A field is quoted when its **first** byte is the quote. A quote further in (`5" tall`) is an ordinary character.
//! - In a quoted field everything is data up to the closing quote; a doubled quote (where the dialect has it) is one quote.
//!   After the closing quote only a delimiter or a line end may follow.
//! - The escape character, where the dialect has one, makes the next byte ordinary, in and outside quotes. At the very end
//!   of the input it stands for itself.
//! - An empty field is null; a quoted empty field is an empty text.
//! - An empty line is not a record, also in files of one column (Python's `csv` gives an empty list for it, which its
//!   readers skip). A line of blanks is a record.
//! - UTF-16 is turned into text first (`utf16`), so that all of this holds for its characters; offsets and the bytes of
//!   damaged records are those of the file. A surrogate without its partner and half a code unit do not decode.
//! - `lineTerminator: any` ends a record at `\n` or `\r\n`; a `\r` alone is data there, except as the last byte of the input.
//!
//! # What becomes of damage
//!
//! Each damaged record is a [`Reject`] with its bytes and a code, and the scan goes on:
//!
//! | code | when | what it costs |
//! | --- | --- | --- |
//! | `quote-error` | text after a closing quote, or a quote that never closes | the physical line on which the record starts |
//! | `extra-cell`, `missing-cell` | more or fewer fields than columns | the record |
//! | `field-too-long` | a field over [`Options::field_bytes`], or a line over [`Options::record_bytes`] | the record |
//! | `encoding-error` | bytes that the declared encoding does not have | the record |
//!
//! After a `quote-error` the scan resumes at the physical line after the record's start, so that one bad quote costs one
//! row. A quote that never closes is only known at the end of the input, or [`Options::record_bytes`] further on. To keep
//! that linear where every line has one: two scans that are both inside quotes at the same line end have the same future.
//! So once a record has failed at some position, no record that starts before that position can hold a line end that
//! lies before it: it would fail at the same place, and is given up at that line end. Each byte is thus looked at no more than
//! three times, whatever the input, and memory stays below [`Options::record_bytes`] and a buffer.

mod batch;
mod charset;
mod fields;
mod grammar;
mod index;
mod machine;
mod parse;
mod sample;
mod scan;
mod utf16;

use bytes::Bytes;
use chartlift_rules::Dialect;

pub use batch::{OFFSET, ROW, landed_schema};
pub use index::{Chunk, Ends, Hash, Index, index};
pub use parse::{Parsed, parse};
pub use sample::{Extent, Sample, sample};
pub use utf16::ByteOrder;

/// How a file is written, and the reader's limits.
#[derive(Debug, Clone)]
pub struct Options {
    pub dialect: Dialect,
    /// The longest field, in bytes as they stand in the file, without its quotes. This and the next two count a file of
    /// UTF-16 by the bytes its text has in UTF-8.
    pub field_bytes: usize,
    /// How far a record may reach before it is given up: bounds memory, and how far a stray quote is followed.
    pub record_bytes: usize,
    /// A chunk is cut at the first record start this many bytes after its own.
    pub chunk_bytes: usize,
    /// How much the index pass reads at once.
    pub buffer_bytes: usize,
    /// The most rows of one batch.
    pub batch_rows: usize,
}

impl Options {
    pub fn new(dialect: Dialect, field_bytes: usize) -> Self {
        Self {
            dialect,
            field_bytes,
            record_bytes: field_bytes.saturating_mul(2).clamp(1 << 20, 1 << 30),
            chunk_bytes: 8 << 20,
            buffer_bytes: 256 << 10,
            batch_rows: 8192,
        }
    }
}

/// What is wrong with a record that cannot be landed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    Quote,
    ExtraCell,
    MissingCell,
    TooLong,
    Encoding,
}

impl Fault {
    /// The finding's code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Quote => "quote-error",
            Self::ExtraCell => "extra-cell",
            Self::MissingCell => "missing-cell",
            Self::TooLong => "field-too-long",
            Self::Encoding => "encoding-error",
        }
    }
}

/// A record that could not be landed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// The 1-based record number, without the header.
    pub row: u64,
    /// Where the record starts in the file.
    pub offset: u64,
    /// The record without its line end; for a `quote-error` the physical line. A slice of the chunk: copy it to keep it
    /// longer than the chunk. A record over [`Options::record_bytes`] is cut there.
    pub bytes: Bytes,
    pub fault: Fault,
    /// How to read the bytes where they are UTF-16.
    pub order: Option<ByteOrder>,
}

impl Reject {
    pub fn code(&self) -> &'static str {
        self.fault.code()
    }

    /// The fields as far as they can be told, so that a damaged row's keys can still be read: a quote that never closes
    /// ends with the record, text after a closing quote belongs to its field, and what cannot be decoded becomes U+FFFD.
    pub fn fields(&self, options: &Options) -> Vec<Option<String>> {
        match self.order {
            None => fields::split(&self.bytes, &options.dialect),
            Some(order) => fields::split(&utf16::text_of(&self.bytes, order), &options.dialect),
        }
    }
}

/// `_row` of a record: the file's index in the manifest above the record number.
pub fn row_id(file: u32, row: u64) -> i64 {
    (i64::from(file) << 40) | i64::try_from(row).unwrap_or(i64::MAX)
}
