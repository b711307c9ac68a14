//! The state machine: where each record and field ends. Both passes run it; the index pass leaves the fields out.
//!
//! Every answer depends on the bytes alone, never on how they arrived: where more bytes could change it, the answer is
//! `More`, and the caller asks again from the same record with more of them.

use chartlift_rules::LineTerminator;

use super::grammar::Grammar;
use super::scan::{Needles, Scan};

/// How a field is written: bits, so that they fit beside its place.
pub(super) const QUOTED: u8 = 1;
/// Holds a doubled quote or an escape that must be taken out.
pub(super) const ESCAPED: u8 = 2;

/// Takes the fields of a record, without their quotes.
pub(super) trait Sink {
    /// False: fields are not wanted, and delimiters need not be looked at.
    const FIELDS: bool;
    fn field(&mut self, start: usize, end: usize, shape: u8);
}

/// The index pass's sink.
pub(super) struct Boundaries;

impl Sink for Boundaries {
    const FIELDS: bool = false;
    #[inline(always)]
    fn field(&mut self, _start: usize, _end: usize, _shape: u8) {}
}

/// What comes after the bytes at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tail {
    /// Not known yet.
    Unknown,
    /// More of the input, but no more of these records: what is open here was found broken by the index pass.
    OtherChunks,
    /// The input ends.
    End,
}

/// One step of the walk. `end` leaves out the line end, `next` is where the next record may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Record {
        start: usize,
        end: usize,
        next: usize,
    },
    /// A quote went wrong: the record is its first physical line.
    Broken {
        start: usize,
        end: usize,
        next: usize,
    },
    /// The first physical line is over the limit; where it ends is not known.
    Endless {
        start: usize,
    },
    /// The record at `start` cannot be told without more bytes.
    More {
        start: usize,
    },
    /// Nothing is left.
    Done,
}

pub(super) struct Walk<'a> {
    bytes: &'a [u8],
    tail: Tail,
    grammar: &'a Grammar,
    record_bytes: usize,
    scan: Scan<'a>,
    /// No record that starts before here may hold a line end that lies before here: see the module `csv`.
    pub(super) suspect: usize,
}

/// The record being walked.
struct Open {
    start: usize,
    /// The walk stops here: the end of the bytes or of the limit.
    end: usize,
    /// Just after the first line end inside the record.
    crossed: Option<usize>,
}

/// How a field ended.
enum Cell {
    /// With a delimiter; the next field starts here.
    Next(usize),
    /// With the record.
    Last { end: usize, next: usize },
    /// Against the grammar, here.
    Wrong(usize),
    /// Not before the end of the bytes or of the limit.
    Open,
}

enum LineEnd {
    No,
    /// And the next line starts here.
    Yes(usize),
    Unknown,
}

impl<'a> Walk<'a> {
    pub(super) fn new<S: Sink>(
        bytes: &'a [u8],
        tail: Tail,
        grammar: &'a Grammar,
        record_bytes: usize,
        _for: &S,
    ) -> Self {
        let line = grammar.line_byte();
        let quote = grammar.quote.unwrap_or(line);
        let needles = match grammar.escape {
            Some(escape) => [grammar.delimiter, quote, line, escape],
            None if S::FIELDS => [grammar.delimiter, quote, line, line],
            None => [quote, line, line, line],
        };
        let scan = Scan::new(bytes, Needles(needles));
        Self { bytes, tail, grammar, record_bytes, scan, suspect: 0 }
    }

    /// The next record at or after `at`, empty lines passed over.
    #[inline(always)]
    pub(super) fn step<S: Sink>(&mut self, at: usize, sink: &mut S) -> Step {
        let mut start = at;
        loop {
            if start >= self.bytes.len() {
                return if self.tail == Tail::Unknown { Step::More { start } } else { Step::Done };
            }
            match self.line_end(start) {
                LineEnd::No => break,
                LineEnd::Yes(next) => start = next,
                LineEnd::Unknown => return Step::More { start },
            }
        }
        let end = self.bytes.len().min(start.saturating_add(self.record_bytes));
        let mut open = Open { start, end, crossed: None };
        let mut field = start;
        loop {
            let cell = if self.is_quote(field) {
                self.quoted(field, &mut open, sink)
            } else {
                self.bare(field, &mut open, sink)
            };
            match cell {
                Cell::Next(next) => field = next,
                Cell::Last { end, next } => return Step::Record { start, end, next },
                Cell::Wrong(at) => return self.broken(&open, at),
                Cell::Open => return self.unfinished(&open),
            }
        }
    }

    /// A field that does not start with a quote.
    #[inline(always)]
    fn bare<S: Sink>(&mut self, field: usize, open: &mut Open, sink: &mut S) -> Cell {
        let mut from = field;
        let mut shape = 0;
        // Escaped bytes lie before here: they end no line.
        let mut plain = field;
        loop {
            let Some(at) = self.scan.next(from, open.end) else {
                if open.end < self.bytes.len() || self.tail != Tail::End {
                    return Cell::Open;
                }
                let end = self.without_return(plain, open.end);
                sink.field(field, end, shape);
                return Cell::Last { end, next: open.end };
            };
            let byte = self.byte(at);
            if byte == Some(self.grammar.delimiter) {
                sink.field(field, at, shape);
                return Cell::Next(at + 1);
            }
            from = at + 1;
            if byte == Some(self.grammar.line_byte()) {
                if self.grammar.terminator == LineTerminator::CrLf && !self.follows_return(plain, at) {
                    if self.follows_return(open.start, at) && self.crosses(at, open) {
                        return Cell::Wrong(at);
                    }
                    continue;
                }
                let end = match self.grammar.terminator {
                    LineTerminator::Any => self.without_return(plain, at),
                    LineTerminator::CrLf => at - 1,
                    LineTerminator::Lf | LineTerminator::Cr => at,
                };
                sink.field(field, end, shape);
                return Cell::Last { end, next: at + 1 };
            }
            if byte == self.grammar.escape {
                shape = ESCAPED;
                from = at + 2;
                plain = from;
                if self.escapes_line_end(at, open.end) && self.crosses(at + 1, open) {
                    return Cell::Wrong(at + 1);
                }
            } else if !S::FIELDS && at > field && self.byte(at - 1) == Some(self.grammar.delimiter) {
                // Delimiters were not looked at: this quote follows one, so it opens a field. Where there is an
                // escape character they were, and an escaped delimiter is none.
                if self.grammar.escape.is_none() {
                    return Cell::Next(at);
                }
            }
        }
    }

    /// A field whose first byte is the quote.
    #[inline(always)]
    fn quoted<S: Sink>(&mut self, field: usize, open: &mut Open, sink: &mut S) -> Cell {
        let mut from = field + 1;
        let mut shape = QUOTED;
        loop {
            let Some(at) = self.scan.next(from, open.end) else { return Cell::Open };
            let byte = self.byte(at);
            from = at + 1;
            if byte == self.grammar.quote {
                if self.grammar.doubled && self.byte(from) == self.grammar.quote {
                    shape |= ESCAPED;
                    from += 1;
                    continue;
                }
                return self.after_quote(field + 1, at, shape, open, sink);
            }
            if byte == Some(self.grammar.line_byte()) {
                let ends_line =
                    self.grammar.terminator != LineTerminator::CrLf || self.follows_return(field, at);
                if ends_line && self.crosses(at, open) {
                    return Cell::Wrong(at);
                }
            } else if byte == self.grammar.escape {
                shape |= ESCAPED;
                from = at + 2;
                if self.escapes_line_end(at, open.end) && self.crosses(at + 1, open) {
                    return Cell::Wrong(at + 1);
                }
            }
        }
    }

    /// The quote at `at` closes: what follows must end the field.
    #[inline(always)]
    fn after_quote<S: Sink>(&self, start: usize, at: usize, shape: u8, open: &Open, sink: &mut S) -> Cell {
        let after = at + 1;
        let next = if self.byte(after) == Some(self.grammar.delimiter) && after < open.end {
            sink.field(start, at, shape);
            return Cell::Next(after + 1);
        } else if after >= open.end {
            if open.end < self.bytes.len() || self.tail != Tail::End {
                return Cell::Open;
            }
            after
        } else {
            match self.line_end(after) {
                LineEnd::Yes(next) => next,
                LineEnd::No => return Cell::Wrong(after),
                LineEnd::Unknown => return Cell::Open,
            }
        };
        sink.field(start, at, shape);
        Cell::Last { end: after, next }
    }

    /// Notes the line end at `at` inside the record; true where the record cannot hold it.
    #[inline(always)]
    fn crosses(&self, at: usize, open: &mut Open) -> bool {
        if open.crossed.is_none() {
            open.crossed = Some(at + 1);
        }
        at < self.suspect
    }

    /// The record does not end before the bytes or the limit do.
    #[cold]
    fn unfinished(&mut self, open: &Open) -> Step {
        if open.end < self.bytes.len() {
            return match open.crossed {
                Some(_) => self.broken(open, open.end),
                None => Step::Endless { start: open.start },
            };
        }
        match self.tail {
            Tail::Unknown => Step::More { start: open.start },
            Tail::OtherChunks | Tail::End => self.broken(open, open.end),
        }
    }

    /// The record failed at `at`: it is its first physical line.
    fn broken(&mut self, open: &Open, at: usize) -> Step {
        let start = open.start;
        if let Some(next) = open.crossed {
            self.suspect = self.suspect.max(at);
            return Step::Broken { start, end: self.line_content(start, next), next };
        }
        match self.line_after(at, open.start, open.end) {
            Some(next) => Step::Broken { start, end: self.line_content(start, next), next },
            None if open.end < self.bytes.len() => Step::Endless { start },
            None if self.tail == Tail::Unknown => Step::More { start },
            None => Step::Broken { start, end: self.without_return(start, open.end), next: open.end },
        }
    }

    /// Where the line after the one holding `from` starts, quotes and escapes set aside; both bounds are the caller's.
    pub(super) fn line_after(&self, from: usize, start: usize, end: usize) -> Option<usize> {
        let rest = self.bytes.get(from..end)?;
        memchr::memchr_iter(self.grammar.line_byte(), rest)
            .map(|found| from + found)
            .find(|at| self.grammar.terminator != LineTerminator::CrLf || self.follows_return(start, *at))
            .map(|at| at + 1)
    }

    /// Where the content of the line that ends just before `next` ends.
    fn line_content(&self, start: usize, next: usize) -> usize {
        let at = next.saturating_sub(1);
        match self.grammar.terminator {
            LineTerminator::Lf | LineTerminator::Cr => at,
            LineTerminator::Any | LineTerminator::CrLf => self.with_return(start, at),
        }
    }

    /// Whether a line ends at `at`, at a place where no escape reaches.
    #[inline(always)]
    fn line_end(&self, at: usize) -> LineEnd {
        let byte = self.byte(at);
        match (self.grammar.terminator, byte) {
            (LineTerminator::Any | LineTerminator::Lf, Some(b'\n')) | (LineTerminator::Cr, Some(b'\r')) => {
                LineEnd::Yes(at + 1)
            }
            (LineTerminator::Any | LineTerminator::CrLf, Some(b'\r')) => self.line_feed_after(at),
            _ => LineEnd::No,
        }
    }

    fn line_feed_after(&self, at: usize) -> LineEnd {
        match (self.byte(at + 1), self.tail) {
            (Some(b'\n'), _) => LineEnd::Yes(at + 2),
            (Some(_), _) => LineEnd::No,
            (None, Tail::Unknown) => LineEnd::Unknown,
            (None, Tail::End) if self.grammar.terminator == LineTerminator::Any => LineEnd::Yes(at + 1),
            (None, _) => LineEnd::No,
        }
    }

    /// `end`, or one less where a `\r` that belongs to an `any` line end stands before it, not before `start`.
    #[inline(always)]
    fn without_return(&self, start: usize, end: usize) -> usize {
        if self.grammar.terminator == LineTerminator::Any { self.with_return(start, end) } else { end }
    }

    #[inline(always)]
    fn with_return(&self, start: usize, end: usize) -> usize {
        if self.follows_return(start, end) { end - 1 } else { end }
    }

    /// Whether the byte before `at`, and not before `start`, is a `\r`.
    #[inline(always)]
    fn follows_return(&self, start: usize, at: usize) -> bool {
        at > start && self.byte(at - 1) == Some(b'\r')
    }

    /// Whether the escape at `at` stands before a line end of its own.
    fn escapes_line_end(&self, at: usize, end: usize) -> bool {
        at + 1 < end
            && self.grammar.terminator != LineTerminator::CrLf
            && self.byte(at + 1) == Some(self.grammar.line_byte())
    }

    #[inline(always)]
    fn is_quote(&self, at: usize) -> bool {
        self.grammar.quote.is_some() && self.byte(at) == self.grammar.quote
    }

    #[inline(always)]
    fn byte(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }
}
