//! The index pass: one walk over the whole input, in order and in bounded memory, that cuts it into chunks.

use std::io::Read;
use std::ops::Range;

use sha2::{Digest, Sha256};

use super::grammar::Grammar;
use super::machine::{Boundaries, Step, Tail, Walk};
use super::utf16::{self, ByteOrder, TextReader};
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
    /// No record of the chunk may hold a line end in so many bytes from its start (in UTF-8 where the file is UTF-16): an
    /// earlier quote that never closed went over it.
    pub suspect: u64,
    pub ends: Ends,
    /// Set where the file is UTF-16.
    pub order: Option<ByteOrder>,
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
    /// The input began with a byte order mark.
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
    let mut window = Window::new(Source::new(input, hash, options), options.buffer_bytes);
    let mut cutter = Cutter::new(options);
    window.more(0)?;
    cutter.order = window.input.order();
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
                let range = window.in_file(start)..window.in_file(start + options.record_bytes);
                let next = window.skip_line(start, &grammar)?;
                cutter.endless(range, next);
            }
        }
        progress(window.in_file(0));
    }
    let total = window.in_file(window.filled);
    progress(total);
    cutter.close(total, Ends::Input);
    Ok(Index {
        header: cutter.header,
        header_fault: cutter.header_fault,
        rows: cutter.row - 1,
        chunks: cutter.chunks,
        bytes: total,
        sha256: window.input.into_hasher().map(hex),
        had_bom: cutter.had_bom,
    })
}

fn hex(hasher: Sha256) -> String {
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The input, its bytes hashed as they stand in the file.
struct Hashed<R> {
    input: R,
    hasher: Option<Sha256>,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, space: &mut [u8]) -> std::io::Result<usize> {
        let read = self.input.read(space)?;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(space.get(..read).unwrap_or_default());
        }
        Ok(read)
    }
}

/// What the walk sees: the input's own bytes, or the text of UTF-16.
enum Source<R> {
    Bytes(Hashed<R>),
    Utf16(TextReader<Hashed<R>>),
}

impl<R: Read> Source<R> {
    fn new(input: R, hash: Hash, options: &Options) -> Self {
        let hasher = match hash {
            Hash::Sha256 => Some(Sha256::new()),
            Hash::None => None,
        };
        let (input, encoding) = (Hashed { input, hasher }, options.dialect.encoding);
        match ByteOrder::of(encoding, &[]) {
            None => Self::Bytes(input),
            Some(_) => Self::Utf16(TextReader::new(input, encoding, options.buffer_bytes)),
        }
    }

    fn read(&mut self, space: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Bytes(input) => input.read(space),
            Self::Utf16(input) => input.read(space),
        }
    }

    /// Once something was read.
    fn order(&self) -> Option<ByteOrder> {
        match self {
            Self::Bytes(_) => None,
            Self::Utf16(input) => Some(input.order()),
        }
    }

    fn into_hasher(self) -> Option<Sha256> {
        match self {
            Self::Bytes(input) => input.hasher,
            Self::Utf16(input) => input.into_input().hasher,
        }
    }
}

/// The part of the input at hand.
struct Window<R> {
    input: Source<R>,
    buffer: Vec<u8>,
    filled: usize,
    /// The place of the buffer's first byte in what the walk sees.
    origin: u64,
    /// And in the file.
    file_origin: u64,
    /// The input has no more.
    ended: bool,
}

impl<R: Read> Window<R> {
    fn new(input: Source<R>, buffer_bytes: usize) -> Self {
        let buffer = vec![0; buffer_bytes.max(16)];
        Self { input, buffer, filled: 0, origin: 0, file_origin: 0, ended: false }
    }

    /// Where a place of the window stands in the file.
    fn in_file(&self, at: usize) -> u64 {
        let passed = self.bytes().get(..at).unwrap_or(self.bytes());
        let passed = match self.input {
            Source::Bytes(_) => at as u64,
            Source::Utf16(_) => utf16::file_bytes(passed),
        };
        self.file_origin + passed
    }

    fn bytes(&self) -> &[u8] {
        self.buffer.get(..self.filled).unwrap_or_default()
    }

    /// Drops what lies before `keep` and fills the buffer; grows it where the rest takes up half of it.
    fn more(&mut self, keep: usize) -> Result<(), Error> {
        let keep = keep.min(self.filled);
        self.file_origin = self.in_file(keep);
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
    order: Option<ByteOrder>,
    header: Vec<String>,
    header_fault: Option<Fault>,
    had_bom: bool,
    chunks: Vec<Chunk>,
    /// Where to go on, as the walk counts.
    at: u64,
    /// The number of the next record.
    row: u64,
    chunk: Option<Chunk>,
    /// Where the open chunk starts, as the walk counts.
    chunk_start: u64,
    suspect: u64,
}

impl Cutter {
    fn new(options: &Options) -> Self {
        Self {
            chunk_bytes: options.chunk_bytes.clamp(1, 1 << 28) as u64,
            preamble: options.dialect.header_row,
            encoding: options.dialect.encoding,
            order: None,
            header: Vec::new(),
            header_fault: None,
            had_bom: false,
            chunks: Vec::new(),
            at: 0,
            row: 1,
            chunk: None,
            chunk_start: 0,
            suspect: 0,
        }
    }

    /// A mark in a file of another encoding stays, so that its header does not match and the mistake is seen.
    fn skip_bom<R: Read>(&mut self, window: &mut Window<R>) -> Result<(), Error> {
        self.had_bom = window.bytes().starts_with(charset::BOM);
        if self.had_bom && charset::is_unicode(self.encoding) {
            window.more(charset::BOM.len())?;
            self.at = window.origin;
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
                self.record(window, start, suspect);
            }
        };
        self.at = window.origin + at as u64;
        stop
    }

    #[inline(always)]
    fn record<R: Read>(&mut self, window: &Window<R>, start: usize, suspect: usize) {
        let at = window.origin + start as u64;
        if self.chunk.is_some() && at - self.chunk_start >= self.chunk_bytes {
            self.close(window.in_file(start), Ends::Inside);
        }
        let chunk = match &mut self.chunk {
            Some(chunk) => chunk,
            none => {
                self.chunk_start = at;
                let offset = window.in_file(start);
                none.insert(Chunk {
                    range: offset..offset,
                    first_row: self.row,
                    rows: 0,
                    suspect: suspect.saturating_sub(start) as u64,
                    ends: Ends::Inside,
                    order: self.order,
                })
            }
        };
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
    fn endless(&mut self, range: Range<u64>, next: u64) {
        self.at = next;
        if self.preamble > 0 {
            self.preamble -= 1;
            if self.preamble == 0 {
                self.header_fault = Some(Fault::TooLong);
            }
            return;
        }
        self.close(range.start, Ends::Inside);
        let (first_row, order) = (self.row, self.order);
        self.chunks.push(Chunk { range, first_row, rows: 1, suspect: 0, ends: Ends::Cut, order });
        self.row += 1;
    }
}
