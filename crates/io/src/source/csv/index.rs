//! The index pass: one walk over the whole input, in order and in bounded memory, that cuts it into chunks.

use std::io::Read;
use std::ops::Range;

use sha2::{Digest, Sha256};

use super::grammar::Grammar;
use super::machine::{Boundaries, Step, Tail, Walk};
use super::{Fault, Options, charset, fields};
use crate::Error;
use chartlift_rules::Encoding;

/// A run of whole records: the unit of parallel work, of retry and of ranged reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// The bytes that [`super::parse`] wants.
    pub range: Range<u64>,
    /// The 1-based number of its first record, without the header.
    pub first_row: u64,
    /// Records, sound and damaged.
    pub rows: u64,
    /// No record of the chunk may hold a line end before this offset: an earlier quote that never closed went over it.
    pub suspect_until: u64,
    pub ends: Ends,
}

/// Where a chunk ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// At a line end inside the input.
    Inside,
    /// With the input.
    Input,
    /// Inside its only record, whose first line is over [`Options::record_bytes`].
    Cut,
}

/// Whether the index pass also takes the digest of the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hash {
    Sha256,
    None,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// The labels of the header record; empty without one.
    pub header: Vec<String>,
    /// What is wrong with the header record; its labels are then what could be read of it.
    pub header_fault: Option<Fault>,
    pub chunks: Vec<Chunk>,
    /// Records without the header and what stands before it, sound and damaged.
    pub rows: u64,
    pub bytes: u64,
    /// Lower-case hexadecimal digits.
    pub sha256: Option<String>,
    /// The input began with a UTF-8 byte order mark.
    pub had_bom: bool,
}

/// Reads the input to its end. `progress` hears how many bytes are done.
///
/// # Errors
///
/// Where the input cannot be read or the dialect contradicts itself; never for what the bytes are.
pub fn index(
    input: impl Read,
    options: &Options,
    hash: Hash,
    progress: &mut dyn FnMut(u64),
) -> Result<Index, Error> {
    let grammar = Grammar::new(&options.dialect)?;
    let mut window = Window::new(input, hash, options.buffer_bytes);
    let mut cutter = Cutter::new(options);
    window.more(0)?;
    cutter.skip_bom(&mut window)?;
    loop {
        let tail = if window.ended { Tail::End } else { Tail::Unknown };
        let mut walk = Walk::new(window.bytes(), tail, &grammar, options.record_bytes, &Boundaries);
        walk.suspect = usize::try_from(cutter.suspect.saturating_sub(window.origin)).unwrap_or(usize::MAX);
        let stop = cutter.run(&mut walk, &window, options);
        cutter.suspect = cutter.suspect.max(window.origin + walk.suspect as u64);
        match stop {
            Stop::Done => break,
            Stop::More(start) => {
                window.more(start)?;
            }
            Stop::Endless(start) => {
                let start_offset = window.origin + start as u64;
                let next = window.skip_line(start, &grammar)?;
                cutter.endless(start_offset, next, options);
            }
        }
        progress(window.origin);
    }
    let total = window.origin + window.bytes().len() as u64;
    progress(total);
    cutter.close(total, Ends::Input);
    Ok(Index {
        header: cutter.header,
        header_fault: cutter.header_fault,
        rows: cutter.row - 1,
        chunks: cutter.chunks,
        bytes: total,
        sha256: window.hasher.map(hex),
        had_bom: cutter.had_bom,
    })
}

fn hex(hasher: Sha256) -> String {
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The part of the input at hand.
struct Window<R> {
    input: R,
    buffer: Vec<u8>,
    filled: usize,
    /// The offset of the buffer's first byte.
    origin: u64,
    /// The input has no more.
    ended: bool,
    hasher: Option<Sha256>,
}

impl<R: Read> Window<R> {
    fn new(input: R, hash: Hash, buffer_bytes: usize) -> Self {
        let hasher = match hash {
            Hash::Sha256 => Some(Sha256::new()),
            Hash::None => None,
        };
        Self { input, buffer: vec![0; buffer_bytes.max(16)], filled: 0, origin: 0, ended: false, hasher }
    }

    fn bytes(&self) -> &[u8] {
        self.buffer.get(..self.filled).unwrap_or_default()
    }

    /// Drops what lies before `keep` and fills the buffer; grows it where the rest takes up half of it.
    fn more(&mut self, keep: usize) -> Result<(), Error> {
        let keep = keep.min(self.filled);
        self.buffer.copy_within(keep..self.filled, 0);
        self.filled -= keep;
        self.origin += keep as u64;
        if self.filled > self.buffer.len() / 2 {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        while let Some(space) = self.buffer.get_mut(self.filled..).filter(|space| !space.is_empty()) {
            let read = match self.input.read(space) {
                Ok(read) => read,
                Err(source) if source.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(source) => return Err(Error::Read { source }),
            };
            if read == 0 {
                self.ended = true;
                break;
            }
            if let Some(hasher) = &mut self.hasher {
                hasher.update(space.get(..read).unwrap_or_default());
            }
            self.filled += read;
        }
        Ok(())
    }

    /// Passes over the line that holds `from`, keeping none of it; the offset of the next line is in the window.
    fn skip_line(&mut self, from: usize, grammar: &Grammar) -> Result<u64, Error> {
        let mut from = from;
        loop {
            let walk = Walk::new(self.bytes(), Tail::Unknown, grammar, usize::MAX, &Boundaries);
            if let Some(next) = walk.line_after(from, from, self.filled) {
                return Ok(self.origin + next as u64);
            }
            if self.ended {
                return Ok(self.origin + self.filled as u64);
            }
            // The last byte may be the first half of a line end.
            self.more(self.filled.saturating_sub(1))?;
            from = 0;
        }
    }
}

enum Stop {
    Done,
    /// The record here needs more bytes.
    More(usize),
    /// The line here is over the limit.
    Endless(usize),
}

/// Counts records and cuts chunks.
struct Cutter {
    chunk_bytes: u64,
    /// Records to pass over, the header being the last of them.
    preamble: u32,
    encoding: Encoding,
    header: Vec<String>,
    header_fault: Option<Fault>,
    had_bom: bool,
    chunks: Vec<Chunk>,
    /// The offset at which to go on.
    at: u64,
    /// The number of the next record.
    row: u64,
    chunk: Option<Chunk>,
    suspect: u64,
}

impl Cutter {
    fn new(options: &Options) -> Self {
        Self {
            chunk_bytes: options.chunk_bytes.clamp(1, 1 << 28) as u64,
            preamble: options.dialect.header_row,
            encoding: options.dialect.encoding,
            header: Vec::new(),
            header_fault: None,
            had_bom: false,
            chunks: Vec::new(),
            at: 0,
            row: 1,
            chunk: None,
            suspect: 0,
        }
    }

    /// A mark in a file of another encoding stays, so that its header does not match and the mistake is seen.
    fn skip_bom<R: Read>(&mut self, window: &mut Window<R>) -> Result<(), Error> {
        self.had_bom = window.bytes().starts_with(b"\xef\xbb\xbf");
        if self.had_bom && self.encoding == Encoding::Utf8 {
            window.more(3)?;
            self.at = 3;
        }
        Ok(())
    }

    fn run<R: Read>(&mut self, walk: &mut Walk<'_>, window: &Window<R>, options: &Options) -> Stop {
        let mut at = usize::try_from(self.at.saturating_sub(window.origin)).unwrap_or(usize::MAX);
        let stop = loop {
            let suspect = walk.suspect;
            let (start, end, next, fault) = match walk.step(at, &mut Boundaries) {
                Step::Record { start, end, next } => (start, end, next, None),
                Step::Broken { start, end, next } => (start, end, next, Some(Fault::Quote)),
                Step::Endless { start } => break Stop::Endless(start),
                Step::More { start } => {
                    at = start;
                    break Stop::More(start);
                }
                Step::Done => break Stop::Done,
            };
            at = next;
            if self.preamble > 0 {
                let record = window.bytes().get(start..end).unwrap_or_default();
                self.head(record, fault, options);
            } else {
                self.record(window.origin + start as u64, window.origin + suspect as u64);
            }
        };
        self.at = window.origin + at as u64;
        stop
    }

    #[inline(always)]
    fn record(&mut self, offset: u64, suspect: u64) {
        let full = |chunk: &Chunk| offset - chunk.range.start >= self.chunk_bytes;
        if self.chunk.as_ref().is_some_and(full) {
            self.close(offset, Ends::Inside);
        }
        let row = self.row;
        let chunk = self.chunk.get_or_insert(Chunk {
            range: offset..offset,
            first_row: row,
            rows: 0,
            suspect_until: if suspect > offset { suspect } else { 0 },
            ends: Ends::Inside,
        });
        chunk.rows += 1;
        self.row += 1;
    }

    fn close(&mut self, offset: u64, ends: Ends) {
        if let Some(mut chunk) = self.chunk.take() {
            chunk.range.end = offset;
            chunk.ends = ends;
            self.chunks.push(chunk);
        }
    }

    /// A record of the header, or of what stands before it.
    fn head(&mut self, record: &[u8], fault: Option<Fault>, options: &Options) {
        self.preamble -= 1;
        if self.preamble == 0 {
            let labels = fields::split(record, &options.dialect);
            self.header = labels.into_iter().map(Option::unwrap_or_default).collect();
            let decodes = charset::decodes(record, self.encoding);
            self.header_fault = fault.or((!decodes).then_some(Fault::Encoding));
        }
    }

    /// A record whose first line is over the limit.
    fn endless(&mut self, offset: u64, next: u64, options: &Options) {
        self.at = next;
        if self.preamble > 0 {
            self.preamble -= 1;
            if self.preamble == 0 {
                self.header_fault = Some(Fault::TooLong);
            }
            return;
        }
        self.close(offset, Ends::Inside);
        let end = offset + options.record_bytes as u64;
        let range = offset..end;
        self.chunks.push(Chunk { range, first_row: self.row, rows: 1, suspect_until: 0, ends: Ends::Cut });
        self.row += 1;
    }
}
