//! The rows that an order waits for, as files that a person fills: `delta/conflicts.csv` and `delta/absences.csv`.

use std::collections::BTreeMap;

use chartlift_rules::{RULING_COLUMNS, RulingFile};

use super::Work;
use crate::Error;
use crate::order::{Order, make_folder, replace};

const FOLDER: &str = "delta";

/// Rows that are open, by the file they belong into. Values: they stay in the order's data area.
#[derive(Default)]
pub(super) struct Listing(BTreeMap<RulingFile, Vec<Line>>);

/// One row that is open.
pub(super) struct Line {
    table: String,
    source_key: String,
    seen: String,
    /// What is to be known of it: the columns that differ, or that it was edited or is gone.
    about: String,
    /// As reports name the row.
    row_key_hash: String,
}

impl Line {
    pub(super) fn of(work: &Work<'_>, table: &str, key: &str, seen: &str, about: String) -> Self {
        let row_key_hash = work.environment.key.hash_row_key(table, key);
        Self { table: table.into(), source_key: key.into(), seen: seen.into(), about, row_key_hash }
    }
}

impl Listing {
    pub(super) fn add(&mut self, file: RulingFile, line: Line) {
        self.0.entry(file).or_default().push(line);
    }

    /// Writes both files anew; one with nothing to say is removed.
    pub(super) fn write(&self, order: &Order) -> Result<(), Error> {
        let folder = order.subfolder(FOLDER);
        for file in [RulingFile::Conflicts, RulingFile::Absences] {
            let path = folder.join(file.name());
            match self.0.get(&file) {
                Some(lines) => {
                    make_folder(&folder)?;
                    replace(
                        &path,
                        &text(lines).map_err(|error| {
                            Error::file("write", &path)(std::io::Error::other(error.to_string()))
                        })?,
                    )?;
                }
                None if path.exists() => {
                    std::fs::remove_file(&path).map_err(Error::file("remove", &path))?;
                }
                None => {}
            }
        }
        Ok(())
    }
}

fn text(lines: &[Line]) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let [table, source_key, ruling, seen, ..] = RULING_COLUMNS;
    writer.write_record([table, source_key, ruling, seen, "about", "row_key_hash"])?;
    for line in lines {
        writer.write_record([
            &line.table,
            &line.source_key,
            "",
            &line.seen,
            &line.about,
            &line.row_key_hash,
        ])?;
    }
    Ok(writer.into_inner()?)
}
