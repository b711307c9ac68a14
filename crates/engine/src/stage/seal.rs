//! What convert and validate wrote is loaded as it is or not at all: a seal over the bytes of their files.
//!
//! A seal is no digest of the rows: it only shows that nobody has touched the files since. Which rows they hold is
//! told by the digests, which do not depend on how rows were cut into files.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use chartlift_rules::Disposition;
use sha2::{Digest, Sha256};

use super::{Finished, Work};
use crate::Error;
use crate::project_key::{hex, sha256_of};
use crate::report::StageReport;
use crate::statement::{Finding, Stage, Trouble, Verdict};

/// One SHA-256 for each folder of Parquet files under a stage's folder, by the folder's name; what stands in the
/// stage's folder itself has the empty name.
pub(crate) fn seals(folder: &Path, threads: usize) -> Result<BTreeMap<String, String>, Error> {
    let mut files = parquet_files(folder)?;
    files.sort();
    let hashes = hashes(&files, threads)?;
    let mut parts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, hash) in files.iter().zip(hashes) {
        let within = path.strip_prefix(folder).unwrap_or(path);
        let table = within.parent().map(|parent| parent.to_string_lossy().into_owned()).unwrap_or_default();
        parts.entry(table).or_default().extend([within.to_string_lossy().into_owned(), hash]);
    }
    Ok(parts
        .into_iter()
        .map(|(table, parts)| (table, sha256_of(parts.iter().map(String::as_bytes))))
        .collect())
}

fn parquet_files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(Error::file("list", folder))? {
        let path = entry.map_err(Error::file("list", folder))?.path();
        if path.is_dir() {
            files.extend(parquet_files(&path)?);
        } else if path.extension().is_some_and(|ending| ending == "parquet") {
            files.push(path);
        }
    }
    Ok(files)
}

/// In the order of the files.
fn hashes(files: &[PathBuf], threads: usize) -> Result<Vec<String>, Error> {
    let share = files.len().div_ceil(threads.max(1)).max(1);
    std::thread::scope(|scope| {
        let work: Vec<_> = files
            .chunks(share)
            .map(|files| {
                scope.spawn(move || files.iter().map(|file| hash(file)).collect::<Result<Vec<_>, _>>())
            })
            .collect();
        let mut hashes = Vec::with_capacity(files.len());
        for one in work {
            match one.join() {
                Ok(some) => hashes.extend(some?),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok(hashes)
    })
}

fn hash(path: &Path) -> Result<String, Error> {
    let mut file = File::open(path).map_err(Error::file("open", path))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 256 << 10];
    loop {
        let read = file.read(&mut buffer).map_err(Error::file("read", path))?;
        if read == 0 {
            return Ok(hex(&hasher.finalize()));
        }
        hasher.update(buffer.get(..read).unwrap_or_default());
    }
}

/// The stage's failure where a file that one of the earlier stages wrote is not as it was. Orders of before there
/// were seals have none.
pub(super) fn broken(work: &Work<'_>, at: Stage, stages: &[Stage]) -> Result<Option<Finished>, Error> {
    let mut findings = Vec::new();
    for stage in stages {
        let sealed = &work.report(*stage)?.seals;
        if sealed.is_empty() {
            continue;
        }
        let folder = work.stage_folder(*stage)?;
        let found = tokio::task::block_in_place(|| seals(&folder, work.environment.threads))?;
        let mut tables: Vec<&String> = sealed.keys().chain(found.keys()).collect();
        tables.sort();
        tables.dedup();
        for table in tables.into_iter().filter(|table| sealed.get(*table) != found.get(*table)) {
            findings.push(finding(work, at, *stage, table));
        }
    }
    let Some(first) = findings.first() else { return Ok(None) };
    let trouble = Trouble {
        code: "artefact-changed".into(),
        message: format!("{}: nothing was loaded", first.message.clone().unwrap_or_default()),
        hint: "find out who writes into the order's folder, then run the export as a new order".into(),
    };
    let report = StageReport { findings, trouble: Some(trouble), ..StageReport::default() };
    Ok(Some(Finished { report, verdict: Verdict::Fail, digest: String::new() }))
}

fn finding(work: &Work<'_>, at: Stage, wrote: Stage, folder: &str) -> Finding {
    let (system, table) = folder.split_once('/').unwrap_or((folder, ""));
    let what = if table.is_empty() { "its own files".to_owned() } else { format!("`{table}`") };
    Finding {
        code: "artefact-changed".into(),
        severity: "error".into(),
        disposition: Disposition::Block.name().into(),
        stage: at,
        system: work.label().map(|_| system.to_owned()),
        table: (!table.is_empty()).then(|| table.to_owned()),
        column: None,
        rows: 0,
        message: Some(format!("what {} wrote of {what} was changed since", wrote.name())),
    }
}
