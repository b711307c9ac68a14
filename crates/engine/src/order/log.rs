//! The append-only log in `log/00000000.json ...`: the only record of an order's progress.
//!
//! Reading verifies the whole chain; a reader needs no lock, because a record appears complete or not at all.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::event::{Event, FORMAT, NO_PREVIOUS, Record};
use super::files;
use crate::Error;

/// The largest record that is written or read.
const RECORD_BYTES_LIMIT: u64 = 64 << 20;

#[derive(Debug)]
pub(super) struct Log {
    folder: PathBuf,
    records: Vec<Record>,
    head: String,
}

impl Log {
    /// Reads and verifies every record. A folder without records gives an empty log.
    pub(super) fn open(folder: &Path) -> Result<Self, Error> {
        let mut log =
            Self { folder: folder.to_path_buf(), records: Vec::new(), head: NO_PREVIOUS.to_owned() };
        log.refresh()?;
        Ok(log)
    }

    /// Reads the records that were added since.
    pub(super) fn refresh(&mut self) -> Result<(), Error> {
        loop {
            let name = file_name(self.records.len());
            let path = self.folder.join(&name);
            if let Some(bytes) = files::read(&path, RECORD_BYTES_LIMIT)? {
                let record = read_record(&path, &bytes, &self.head)?;
                self.head = sha256_hex(&bytes);
                self.records.push(record);
            } else if let Some(stray) = self.stray_name()? {
                // Another process may have added several records between the two looks.
                if !path.exists() {
                    return Err(broken(&self.folder.join(stray), &format!("`{name}` before it is missing")));
                }
            } else {
                return Ok(());
            }
        }
    }

    pub(super) fn records(&self) -> &[Record] {
        &self.records
    }

    /// SHA-256 of the last record's bytes, in hex.
    pub(super) fn head(&self) -> &str {
        &self.head
    }

    /// Adds a record; it is durable when this returns. Only under the order's lock.
    pub(super) fn append(&mut self, event: Event, time: DateTime<Utc>, actor: &str) -> Result<(), Error> {
        let record =
            Record { format: FORMAT, previous: self.head.clone(), time, actor: actor.to_owned(), event };
        let name = file_name(self.records.len());
        let path = self.folder.join(&name);
        let mut bytes = serde_json::to_vec(&record)
            .map_err(|source| Error::file("write", &path)(std::io::Error::from(source)))?;
        // The newline is the record's end mark: no proper prefix of a record is a record.
        bytes.push(b'\n');
        if bytes.len() as u64 > RECORD_BYTES_LIMIT {
            return Err(Error::file("write", &path)(std::io::Error::from(std::io::ErrorKind::FileTooLarge)));
        }
        if !files::publish(&self.folder, &name, &bytes)? {
            return Err(Error::Conflict {
                code: "log-conflict",
                message: format!("another process wrote `{}` first", path.display()),
                hint: "look at `chartlift status`, then try again".to_owned(),
            });
        }
        self.head = sha256_hex(&bytes);
        self.records.push(record);
        Ok(())
    }

    /// A visible name in the folder that is not one of the records read.
    fn stray_name(&self) -> Result<Option<String>, Error> {
        let read = self.records.len();
        Ok(files::names(&self.folder)?
            .into_iter()
            .filter(|name| !name.starts_with('.'))
            .find(|name| number_of(name).is_none_or(|number| number >= read)))
    }
}

pub(super) fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn file_name(number: usize) -> String {
    format!("{number:08}.json")
}

fn number_of(name: &str) -> Option<usize> {
    let number = name.strip_suffix(".json")?.parse().ok()?;
    (file_name(number) == name).then_some(number)
}

/// What every format shares, so that a newer one is told from a broken one.
#[derive(Deserialize)]
struct Envelope {
    format: u32,
    #[serde(default)]
    kind: String,
}

fn read_record(path: &Path, bytes: &[u8], previous: &str) -> Result<Record, Error> {
    // The one newline is the end mark: without it the record is cut, with another something was added.
    if bytes.iter().position(|byte| *byte == b'\n') != bytes.len().checked_sub(1) {
        return Err(broken(path, "it is not one line"));
    }
    let envelope: Envelope =
        serde_json::from_slice(bytes).map_err(|_unreadable| broken(path, "it is not a record"))?;
    if envelope.format > FORMAT {
        return Err(newer(
            path,
            &format!("format {}, and this program reads up to {FORMAT}", envelope.format),
        ));
    }
    if envelope.format == 0 {
        return Err(broken(path, "format 0 does not exist"));
    }
    if !Event::KINDS.contains(&envelope.kind.as_str()) {
        return Err(newer(path, &format!("an event of the unknown kind `{}`", envelope.kind)));
    }
    let record: Record = serde_json::from_slice(bytes)
        .map_err(|source| broken(path, &format!("it does not read as `{}`: {source}", envelope.kind)))?;
    if record.previous != previous {
        return Err(broken(path, "it does not follow the record before it, one of the two was changed"));
    }
    Ok(record)
}

fn newer(path: &Path, what: &str) -> Error {
    Error::Broken {
        code: "log-newer",
        message: format!("`{}` was written by a newer chartlift ({what})", path.display()),
        hint: "use the newer chartlift for this order".to_owned(),
    }
}

fn broken(path: &Path, what: &str) -> Error {
    Error::Broken {
        code: "log-broken",
        message: format!("the order's log is broken at `{}`: {what}", path.display()),
        hint: "restore the order's log/ folder from a backup; it must never be edited".to_owned(),
    }
}
