//! One file of the demo's export: records, the defects planted in them, and the bytes an old Windows program writes.

use std::fs;
use std::io;
use std::path::Path;

use encoding_rs::WINDOWS_1252;

use super::Defect;

pub(super) struct Table {
    file: &'static str,
    columns: usize,
    bytes: Vec<u8>,
    records: u64,
    defects: Vec<Defect>,
}

impl Table {
    pub(super) fn new(file: &'static str, header: &[&str]) -> Self {
        let mut table =
            Self { file, columns: header.len(), bytes: Vec::new(), records: 0, defects: Vec::new() };
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

    /// A record with a byte that Windows-1252 does not define, at the end of its second cell.
    pub(super) fn push_undecodable<T: AsRef<str>>(&mut self, cells: &[T]) {
        let start = self.bytes.len();
        self.line(cells);
        let ends =
            self.bytes.iter().enumerate().skip(start).filter(|(_, byte)| **byte == b';').map(|(at, _)| at);
        let at = ends.take(2).last().unwrap_or(start);
        self.bytes.insert(at, 0x81);
        self.records += 1;
        self.label("encoding-error");
    }

    /// A record whose last cell is quoted and has quotes inside that nobody doubled.
    pub(super) fn push_stray_quote<T: AsRef<str>>(&mut self, cells: &[T], word: &str) {
        let start = self.bytes.len();
        self.line(cells);
        self.bytes.truncate(self.bytes.len().saturating_sub(2).max(start));
        self.text(&format!(";\"paciente refere \"{word}\" há dias\"\r\n"));
        self.records += 1;
        self.label("quote-error");
    }

    fn label(&mut self, code: &'static str) {
        self.defects.push(Defect { file: self.file, row: self.records, code });
    }

    fn line<T: AsRef<str>>(&mut self, cells: &[T]) {
        let quoted: Vec<String> = cells.iter().map(|cell| quote(cell.as_ref())).collect();
        self.text(&quoted.join(";"));
        self.text("\r\n");
    }

    fn text(&mut self, text: &str) {
        let (bytes, _, lost) = WINDOWS_1252.encode(text);
        debug_assert!(!lost, "the demo's texts fit Windows-1252");
        self.bytes.extend_from_slice(&bytes);
    }

    pub(super) fn write(self, folder: &Path) -> io::Result<Vec<Defect>> {
        fs::write(folder.join(self.file), &self.bytes)?;
        Ok(self.defects)
    }
}

fn quote(cell: &str) -> String {
    if cell.contains([';', '"', '\r', '\n']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}
