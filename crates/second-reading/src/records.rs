//! Records and cells: bytes cut at line ends, delimiters and quotes, one pass, a buffer as long as the longest record.
//!
//! Lines are taken one after the other. A line that ends inside quotes is continued by the next; where that comes to
//! nothing, the record is its first line alone, is unreadable, and what was taken beyond it is read again.

use std::io::{BufRead, Read};

use crate::charset::Charset;

/// How a file is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    pub delimiter: u8,
    pub quote: Option<u8>,
    /// Two quotes inside quotes are one.
    pub doubled: bool,
    pub escape: Option<u8>,
    pub line_end: LineEnd,
    pub charset: Charset,
    /// Which record is the header, from 1; 0: none.
    pub header_row: u32,
    /// The columns of a file without a header.
    pub names: Vec<String>,
    /// How many bytes a record may have before it is given up.
    pub longest: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineEnd {
    /// `\n` or `\r\n`.
    Any,
    Lf,
    CrLf,
    Cr,
}

/// Where a cell stands in its record.
#[derive(Debug, Clone, Copy)]
struct Cell {
    start: usize,
    end: usize,
    quoted: bool,
    /// Doubled quotes or escapes have to be taken out.
    marked: bool,
}

pub(crate) struct Records<'a, R> {
    lines: Lines<R>,
    layout: &'a Layout,
    bytes: Vec<u8>,
    cells: Vec<Cell>,
    width: usize,
    number: u64,
    /// A record that starts before here and is still open at a line end before here never closes: one that did the
    /// same has been followed to the end.
    hopeless: u64,
}

/// How far a record has been cut.
#[derive(Default)]
struct Cut {
    /// Where the cell at hand starts, its quote included.
    start: usize,
    /// The next byte to look at.
    at: usize,
    inside: bool,
    marked: bool,
    /// No other line follows.
    ended: bool,
}

enum Found {
    Whole,
    /// A quote or an escape reaches over the end of the bytes.
    Open,
    /// Here something follows a closing quote.
    Wrong(usize),
}

impl<'a, R: BufRead> Records<'a, R> {
    pub(crate) fn new(input: R, layout: &'a Layout) -> Self {
        let last = if layout.line_end == LineEnd::Cr { b'\r' } else { b'\n' };
        let lines = Lines {
            input,
            last,
            pair: layout.line_end == LineEnd::CrLf,
            longest: layout.longest as u64,
            again: Vec::new(),
            from: 0,
            position: 0,
        };
        let (bytes, cells) = (Vec::new(), Vec::new());
        Self { lines, layout, bytes, cells, width: layout.names.len(), number: 0, hopeless: 0 }
    }

    /// The names of the columns.
    pub(crate) fn header(&mut self) -> std::io::Result<Vec<String>> {
        if self.layout.charset == Charset::Utf8 {
            self.lines.skip_mark()?;
        }
        if self.layout.header_row == 0 {
            return Ok(self.layout.names.clone());
        }
        for _ in 0..self.layout.header_row {
            if self.cut()?.is_none() {
                return Ok(Vec::new());
            }
        }
        self.width = self.cells.len();
        let names = (0..self.width).map(|place| {
            let mut name = String::new();
            self.cell(place, &mut name);
            name
        });
        Ok(names.collect())
    }

    /// Goes to the next record; whether it has the form of one. `None`: there is no other.
    pub(crate) fn next(&mut self) -> std::io::Result<Option<bool>> {
        let Some(sound) = self.cut()? else { return Ok(None) };
        self.number += 1;
        Ok(Some(sound && self.cells.len() == self.width))
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// The text of a cell; false where its bytes are none.
    pub(crate) fn cell(&self, place: usize, text: &mut String) -> bool {
        text.clear();
        let Some(cell) = self.cells.get(place) else { return false };
        let Some(bytes) = self.bytes.get(cell.start..cell.end) else { return false };
        if !cell.marked {
            return self.layout.charset.decode(bytes, text);
        }
        let mut plain = Vec::with_capacity(bytes.len());
        let mut bytes = bytes.iter().copied().peekable();
        while let Some(byte) = bytes.next() {
            let doubled = cell.quoted && self.layout.doubled && Some(byte) == self.layout.quote;
            if doubled && bytes.peek() == Some(&byte) {
                bytes.next();
            } else if Some(byte) == self.layout.escape
                && let Some(next) = bytes.next()
            {
                plain.push(next);
                continue;
            }
            plain.push(byte);
        }
        self.layout.charset.decode(&plain, text)
    }

    /// Cuts the next record; false where it is broken.
    fn cut(&mut self) -> std::io::Result<Option<bool>> {
        loop {
            self.bytes.clear();
            let start = self.lines.position;
            if !self.lines.take(&mut self.bytes)? {
                return Ok(None);
            }
            if self.content() == 0 {
                continue;
            }
            let first = self.bytes.len();
            self.cells.clear();
            let mut cut = Cut::default();
            loop {
                let wrong = match self.go_on(&mut cut) {
                    Found::Whole if self.bytes.len() <= self.layout.longest => return Ok(Some(true)),
                    Found::Whole => self.layout.longest,
                    Found::Wrong(at) => at,
                    Found::Open => {
                        let length = self.bytes.len();
                        let follow = length < self.layout.longest && start + length as u64 > self.hopeless;
                        if follow && self.lines.take(&mut self.bytes)? {
                            continue;
                        }
                        // An escape before the last line end needs no other line.
                        if follow && !cut.inside && !cut.ended {
                            cut.ended = true;
                            continue;
                        }
                        length
                    }
                };
                self.hopeless = self.hopeless.max(start + wrong as u64);
                self.lines.give_back(self.bytes.get(first..).unwrap_or_default());
                self.bytes.truncate(first);
                return Ok(Some(false));
            }
        }
    }

    /// Cuts cells until the record ends or the bytes do.
    fn go_on(&mut self, cut: &mut Cut) -> Found {
        let Layout { delimiter, quote, escape, doubled, .. } = *self.layout;
        let content = self.content();
        loop {
            if cut.at == cut.start && quote.is_some() && self.byte(cut.at) == quote && cut.at < content {
                cut.inside = true;
                cut.at += 1;
            }
            if cut.inside {
                let Some(byte) = self.byte(cut.at) else { return Found::Open };
                if Some(byte) == escape && Some(byte) != quote {
                    cut.marked = true;
                    cut.at += 2;
                } else if Some(byte) != quote {
                    cut.at += 1;
                } else if doubled && self.byte(cut.at + 1) == quote {
                    cut.marked = true;
                    cut.at += 2;
                } else {
                    let after = cut.at + 1;
                    let cell = Cell { start: cut.start + 1, end: cut.at, quoted: true, marked: cut.marked };
                    self.cells.push(cell);
                    if after >= content {
                        return Found::Whole;
                    }
                    if self.byte(after) != Some(delimiter) {
                        return Found::Wrong(after);
                    }
                    *cut = Cut { start: after + 1, at: after + 1, ..Cut::default() };
                }
                continue;
            }
            if cut.at >= content {
                // An escape took the line end.
                let taken = cut.at > content && cut.at >= self.bytes.len();
                if taken && !cut.ended && (content < self.bytes.len() || !self.lines.is_over()) {
                    return Found::Open;
                }
                let end = content.max(cut.at.min(self.bytes.len()));
                self.cells.push(Cell { start: cut.start, end, quoted: false, marked: cut.marked });
                return Found::Whole;
            }
            // What is neither a delimiter nor an escape is passed over at once.
            let rest = self.bytes.get(cut.at..content).unwrap_or_default();
            let plain = match escape {
                Some(escape) => rest.iter().position(|byte| *byte == delimiter || *byte == escape),
                None => rest.iter().position(|byte| *byte == delimiter),
            };
            cut.at = plain.map_or(content, |plain| cut.at + plain);
            let byte = self.byte(cut.at).filter(|_| plain.is_some());
            if byte == Some(delimiter) {
                self.cells.push(Cell { start: cut.start, end: cut.at, quoted: false, marked: cut.marked });
                *cut = Cut { start: cut.at + 1, at: cut.at + 1, ..Cut::default() };
            } else if byte.is_some() && byte == escape {
                cut.marked = true;
                cut.at += 2;
            }
        }
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    /// How many of the bytes stand before the line end.
    fn content(&self) -> usize {
        let bytes = self.bytes.as_slice();
        let without = match self.layout.line_end {
            LineEnd::Lf => bytes.strip_suffix(b"\n"),
            LineEnd::Cr => bytes.strip_suffix(b"\r"),
            LineEnd::CrLf => bytes.strip_suffix(b"\r\n"),
            LineEnd::Any => {
                let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
                Some(line.strip_suffix(b"\r").unwrap_or(line))
            }
        };
        without.unwrap_or(bytes).len()
    }
}

/// The lines of a file, with what was taken too early.
struct Lines<R> {
    input: R,
    /// The byte that ends a line.
    last: u8,
    /// Only after a `\r`.
    pair: bool,
    longest: u64,
    again: Vec<u8>,
    /// How much of `again` has been taken.
    from: usize,
    /// Where the next line starts in the file.
    position: u64,
}

impl<R: BufRead> Lines<R> {
    /// Passes over a byte order mark.
    fn skip_mark(&mut self) -> std::io::Result<()> {
        let mut start = Vec::new();
        self.input.by_ref().take(3).read_to_end(&mut start)?;
        if start == b"\xef\xbb\xbf" {
            self.position += 3;
        } else {
            self.again = start;
        }
        Ok(())
    }

    /// Appends the next line with its end; false: there is none. No more than the longest record is kept of a line.
    fn take(&mut self, bytes: &mut Vec<u8>) -> std::io::Result<bool> {
        let before = bytes.len();
        let mut dropped = 0;
        loop {
            self.take_piece(bytes)?;
            let taken = bytes.get(before..).unwrap_or_default();
            let ended = taken.last() == Some(&self.last) && (!self.pair || taken.ends_with(b"\r\n"));
            if ended || self.is_over() {
                break;
            }
            // A first line beyond the limit is no record, and nothing of it is given back.
            let kept = usize::try_from(self.longest).unwrap_or(usize::MAX).saturating_add(1);
            if before == 0 && bytes.len() > kept {
                dropped += bytes.len() - kept;
                bytes.truncate(kept);
            }
        }
        self.position += (bytes.len() - before + dropped) as u64;
        Ok(bytes.len() > before)
    }

    /// Up to the next byte that may end a line, or what is left of what was given back.
    fn take_piece(&mut self, bytes: &mut Vec<u8>) -> std::io::Result<()> {
        let rest = self.again.get(self.from..).unwrap_or_default();
        if !rest.is_empty() {
            let end = rest.iter().position(|byte| *byte == self.last).map_or(rest.len(), |at| at + 1);
            bytes.extend_from_slice(rest.get(..end).unwrap_or_default());
            self.from += end;
            return Ok(());
        }
        self.again.clear();
        self.from = 0;
        let limit = self.longest.saturating_mul(2);
        self.input.by_ref().take(limit).read_until(self.last, bytes)?;
        Ok(())
    }

    fn give_back(&mut self, bytes: &[u8]) {
        self.position -= bytes.len() as u64;
        if bytes.len() <= self.from {
            self.from -= bytes.len();
            return;
        }
        let rest = self.again.split_off(self.from);
        self.again.clear();
        self.again.extend_from_slice(bytes);
        self.again.extend_from_slice(&rest);
        self.from = 0;
    }

    /// Whether nothing is left.
    fn is_over(&mut self) -> bool {
        self.from >= self.again.len() && self.input.fill_buf().is_ok_and(<[u8]>::is_empty)
    }
}

#[cfg(test)]
mod tests {
    use super::{Layout, LineEnd, Records};
    use crate::Charset;

    fn layout(width: usize) -> Layout {
        Layout {
            delimiter: b',',
            quote: Some(b'"'),
            doubled: true,
            escape: None,
            line_end: LineEnd::Any,
            charset: Charset::Utf8,
            header_row: 0,
            names: (0..width).map(|number| number.to_string()).collect(),
            longest: 1000,
        }
    }

    /// Each record's cells, `None` for one that is broken.
    fn read(bytes: &[u8], layout: &Layout) -> Vec<Option<Vec<String>>> {
        let mut records = Records::new(bytes, layout);
        let names = records.header().unwrap();
        let mut read = Vec::new();
        while let Some(sound) = records.next().unwrap() {
            let cells = (0..names.len()).map(|place| {
                let mut text = String::new();
                records.cell(place, &mut text).then_some(text)
            });
            read.push(if sound { cells.collect() } else { None });
        }
        read
    }

    fn row(cells: &[&str]) -> Option<Vec<String>> {
        Some(cells.iter().map(|cell| (*cell).to_owned()).collect())
    }

    #[test]
    fn quotes_hold_delimiters_line_ends_and_doubled_quotes() {
        let bytes = b"a,\"b,\nc\"\r\n\n\"d\"\"\",5\" tall\n,\"\"";
        assert_eq!(
            read(bytes, &layout(2)),
            [row(&["a", "b,\nc"]), row(&["d\"", "5\" tall"]), row(&["", ""])]
        );
    }

    #[test]
    fn a_broken_quote_costs_the_line_on_which_its_record_starts() {
        assert_eq!(read(b"a,\"b\nc,d\ne,f\n", &layout(2)), [None, row(&["c", "d"]), row(&["e", "f"])]);
        assert_eq!(read(b"\"a\"x,b\nc,d", &layout(2)), [None, row(&["c", "d"])]);
        // The second quote closes; what follows it is wrong, and the line in between is read again.
        let bytes = b"1,\"a\n2,b\n3,\"c\n4,d\n";
        assert_eq!(read(bytes, &layout(2)), [None, row(&["2", "b"]), None, row(&["4", "d"])]);
    }

    #[test]
    fn records_with_too_many_or_too_few_cells_are_broken() {
        assert_eq!(read(b"a\nb,c\nd,e,f\n", &layout(2)), [None, row(&["b", "c"]), None]);
    }

    #[test]
    fn the_header_and_what_stands_before_it_are_no_records() {
        let layout = Layout { header_row: 2, ..layout(0) };
        assert_eq!(read(b"\xef\xbb\xbfexport of today\nx,y\n1,2\n", &layout), [row(&["1", "2"])]);
    }

    #[test]
    fn escapes_make_the_next_byte_ordinary() {
        let layout = Layout { escape: Some(b'\\'), doubled: false, line_end: LineEnd::Lf, ..layout(2) };
        assert_eq!(
            read(b"a\\,b,c\\\nd\n\"e\\\"\",f\n", &layout),
            [row(&["a,b", "c\nd"]), row(&["e\"", "f"])]
        );
    }

    #[test]
    fn records_beyond_the_limit_are_given_up() {
        let layout = Layout { longest: 8, ..layout(1) };
        assert_eq!(read(b"123456789\nab\n\"c\nd\ne\nf\"\n", &layout).len(), 6);
        assert_eq!(read(b"1234567890123456789\nab\n", &layout), [None, row(&["ab"])]);
    }
}
