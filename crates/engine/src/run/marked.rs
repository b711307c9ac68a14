//! The marks of a stage one by one, rejected records included, and where the rows they name stand.

use std::path::Path;

use crate::Error;
use crate::land::read_rejects;
use crate::layer;
use crate::marks::{Mark, read_all};
use crate::statement::Stage;

/// Bits of a row number that count records; the ones above name the file.
pub(crate) const RECORD_BITS: u32 = 40;

/// Who marked a row.
pub(crate) enum By {
    /// A check, by its number in the stage's report.
    Check(usize),
    /// The reader, which could not make a row of it.
    Reject { code: String, table: String },
}

pub(crate) struct Marked {
    pub(crate) row: i64,
    pub(crate) part: i32,
    pub(crate) by: By,
}

/// Where a row stands in the input.
pub(crate) struct Place {
    /// The file's number in the order.
    pub(crate) file: Option<usize>,
    /// The record's number in the file, from 1.
    pub(crate) record: i64,
}

pub(crate) fn place(row: i64) -> Place {
    Place { file: usize::try_from(row >> RECORD_BITS).ok(), record: row & ((1 << RECORD_BITS) - 1) }
}

/// Reads the marks in a stage's folder, system by system and table by table, holding a batch of them at a time.
pub(crate) fn each(stage: Stage, folder: &Path, mut each: impl FnMut(Marked)) -> Result<(), Error> {
    let mut layers = Vec::new();
    for system in layer::folders(folder)? {
        let tables = layer::folders(&system)?;
        layers.push(system);
        layers.extend(tables);
    }
    for layer in layers {
        read_all(&layer, |Mark { id, check }| {
            if let Ok(check) = usize::try_from(check) {
                each(Marked { row: id.row, part: id.part, by: By::Check(check) });
            }
        })?;
        if stage == Stage::Check {
            let table = layer.file_name().unwrap_or_default().to_string_lossy().into_owned();
            read_rejects(&layer, |one| {
                let by = By::Reject { code: one.code, table: table.clone() };
                each(Marked { row: one.row, part: 0, by });
            })?;
        }
    }
    Ok(())
}
