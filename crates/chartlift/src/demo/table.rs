//! One file of the demo's export: records, the defects planted in them, and the bytes an old Windows program writes.

use std::fs;
use std::io;
use std::path::Path;

use encoding_rs::{UTF_8, WINDOWS_1252};

use super::Defect;

/// How a system's files are written. Lines end with CR LF; a cell with a delimiter, a quote or a line end is quoted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Format {
    pub(super) delimiter: char,
    /// UTF-8; otherwise Windows-1252.
    pub(super) unicode: bool,
}

impl Format {
    /// A byte that stands in no text of the encoding.
    pub(super) fn impossible(self) -> u8 {
        if self.unicode { 0xff } else { 0x81 }
    }
}

pub(super) struct Table {
    file: &'static str,
    format: Format,
    columns: usize,
    bytes: Vec<u8>,
    records: u64,
    defects: Vec<Defect>,
}

impl Table {
    pub(super) fn new(file: &'static str, format: Format, header: &[&str]) -> Self {
        let columns = header.len();
        let mut table = Self { file, format, columns, bytes: Vec::new(), records: 0, defects: Vec::new() };
        table.line(header);
        table
    }

    /// A sound record.
    pub(super) fn push<T: AsRef<str>>(&mut self, cells: &[T]) {
        debug_assert_eq!(
            cells.len(),
            self.columns,
            "a record of {} has as many cells as its header",
            self.file
        );
        self.line(cells);
        self.records += 1;
    }

    /// A record that a finding, a merge or an exclusion is expected for.
    pub(super) fn push_defect<T: AsRef<str>>(&mut self, code: &'static str, cells: &[T]) {
        self.line(cells);
        self.records += 1;
        self.label(code);
    }

    /// A record as sound as any, or labelled with `code` where there is one.
    pub(super) fn push_labelled<T: AsRef<str>>(&mut self, code: Option<&'static str>, cells: &[T]) {
        match code {
            Some(code) => self.push_defect(code, cells),
            None => self.push(cells),
        }
    }

    /// A sound record, and the same once more.
    pub(super) fn push_twice<T: AsRef<str>>(&mut self, cells: &[T]) {
        self.push(cells);
        self.push_defect("duplicate-row", cells);
    }

    /// A record with a byte that the encoding does not have, at the end of its second cell.
    pub(super) fn push_undecodable<T: AsRef<str>>(&mut self, cells: &[T]) {
        let start = self.bytes.len();
        self.line(cells);
        let is_delimiter = |byte: &u8| char::from(*byte) == self.format.delimiter;
        let ends = self.bytes.iter().enumerate().skip(start).filter(|(_, byte)| is_delimiter(byte));
        let at = ends.map(|(at, _)| at).take(2).last().unwrap_or(start);
        self.bytes.insert(at, self.format.impossible());
        self.records += 1;
        self.label("encoding-error");
    }

    /// A record whose last cell is quoted and has quotes inside that nobody doubled.
    pub(super) fn push_stray_quote<T: AsRef<str>>(&mut self, cells: &[T], last: &str) {
        let start = self.bytes.len();
        self.line(cells);
        self.bytes.truncate(self.bytes.len().saturating_sub(2).max(start));
        self.text(&format!("{}\"{last}\"\r\n", self.format.delimiter));
        self.records += 1;
        self.label("quote-error");
    }

    fn label(&mut self, code: &'static str) {
        self.defects.push(Defect { file: self.file, row: self.records, code });
    }

    fn line<T: AsRef<str>>(&mut self, cells: &[T]) {
        let quoted: Vec<String> = cells.iter().map(|cell| self.quoted(cell.as_ref())).collect();
        self.text(&quoted.join(&self.format.delimiter.to_string()));
        self.text("\r\n");
    }

    fn quoted(&self, cell: &str) -> String {
        if cell.contains([self.format.delimiter, '"', '\r', '\n']) {
            format!("\"{}\"", cell.replace('"', "\"\""))
        } else {
            cell.to_owned()
        }
    }

    fn text(&mut self, text: &str) {
        let encoding = if self.format.unicode { UTF_8 } else { WINDOWS_1252 };
        let (bytes, _, lost) = encoding.encode(text);
        debug_assert!(!lost, "the demo's texts fit their encoding");
        self.bytes.extend_from_slice(&bytes);
    }

    pub(super) fn write(self, folder: &Path) -> io::Result<Vec<Defect>> {
        fs::write(folder.join(self.file), &self.bytes)?;
        Ok(self.defects)
    }
}

/// The cells with one of them replaced.
pub(super) fn with(mut cells: Vec<String>, at: usize, value: &str) -> Vec<String> {
    if let Some(cell) = cells.get_mut(at) {
        value.clone_into(cell);
    }
    cells
}
