//! `archive`: residue as pages for people, a patient each. Reads the order, and replaces an earlier archive as a whole.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use chartlift_engine::archive::residue;
use chartlift_engine::order::replace;
use serde_json::json;

use super::stage::block_on;
use crate::args::Archive;
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::output::{Output, grouped};
use crate::report::{Counts, Pages};

/// Says that a folder is an archive, which the next one may replace.
const MANIFEST: &str = "archive.json";

pub(super) fn run(arguments: &Archive, config: &Config, output: &Output) -> Result<Exit, Failure> {
    config.sound()?;
    let order = arguments.order.as_str();
    let opened = config.store().open(order)?;
    let folder = arguments.out.clone().unwrap_or_else(|| opened.subfolder("archive"));
    refuse_other(&folder)?;
    let parent = match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    };
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let draft = parent.join(format!(".{name}.{}.draft", std::process::id()));
    remove(&draft)?;
    let counts = write(config, order, &draft);
    let placed = counts
        .and_then(|counts| place(&draft, &folder, &parent.join(format!(".{name}.old"))).map(|()| counts));
    if placed.is_err() {
        remove(&draft)?;
    }
    let counts = placed?;
    output.object(&json!({
        "spec": "chartlift/v1", "order": order, "archive": folder,
        "patients": counts.patients, "rows": counts.rows, "unowned": counts.unowned,
    }));
    output.line(format_args!(
        "Residue of {} patients, {} rows ({} of no patient). These pages hold patient data:\n  {}",
        grouped(counts.patients),
        grouped(counts.rows),
        grouped(counts.unowned),
        folder.join("index.html").display()
    ));
    Ok(Exit::Done)
}

/// Writes a whole archive into a new folder.
fn write(config: &Config, order: &str, draft: &Path) -> Result<Counts, Failure> {
    let mut pages = Pages::create(draft, order)?;
    let scratch = draft.join("scratch");
    fs::create_dir(&scratch).map_err(Failure::file("create the folder", &scratch))?;
    let store = config.store();
    let handed = residue(&config.project, &store, order, config.threads(), &scratch, &mut pages);
    block_on(config.threads(), handed)??;
    remove(&scratch)?;
    let counts = pages.finish()?;
    let manifest = json!({
        "spec": "chartlift/archive/v1", "order": order,
        "patients": counts.patients, "rows": counts.rows, "unowned": counts.unowned,
    });
    replace(&draft.join(MANIFEST), format!("{manifest}\n").as_bytes())?;
    Ok(counts)
}

/// Nothing but an archive of ours is replaced.
fn refuse_other(folder: &Path) -> Result<(), Failure> {
    let empty = match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == ErrorKind::NotFound => true,
        Err(error) => return Err(Failure::file("list", folder)(error)),
    };
    if empty || folder.join(MANIFEST).exists() {
        return Ok(());
    }
    let message = format!("`{}` is not empty, and is no archive of ours", folder.display());
    Err(Failure::usage("not-empty", message).hint("give a new folder with `--out DIR`"))
}

/// The finished folder takes the old one's place.
fn place(draft: &Path, folder: &Path, old: &Path) -> Result<(), Failure> {
    remove(old)?;
    match fs::rename(folder, old) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(Failure::file("replace", folder)(error)),
    }
    fs::rename(draft, folder).map_err(Failure::file("replace", folder))?;
    remove(old)
}

fn remove(folder: &Path) -> Result<(), Failure> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Failure::file("remove", folder)(error)),
        _ => Ok(()),
    }
}
