//! The order's files on a local disk, behind few functions: private to their owner, and durable before they count.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{BufWriter, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use chartlift_io::failpoint;

use crate::Error;

/// Makes a folder and its missing parents, readable by the owner only.
pub fn make_folder(path: &Path) -> Result<(), Error> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(Error::file("create the folder", path))?;
    failpoint::hit("order-folder");
    Ok(())
}

/// Writes a file under a name that must not exist yet: complete and durable under that name, or not there at all.
/// False when the name is taken.
pub(super) fn publish(folder: &Path, name: &str, bytes: &[u8]) -> Result<bool, Error> {
    let path = folder.join(name);
    // The process id keeps two writers apart where the lock does not hold, such as on some network disks.
    let draft = folder.join(format!(".{name}.{}{DRAFT_SUFFIX}", std::process::id()));
    failpoint::hit("log-create");
    let mut file = private_options()
        .write(true)
        .create(true)
        .truncate(true)
        .open(&draft)
        .map_err(Error::file("create", &draft))?;
    file.write_all(bytes).map_err(Error::file("write", &draft))?;
    failpoint::hit("log-written");
    file.sync_all().map_err(Error::file("write", &draft))?;
    failpoint::hit("log-synced");
    // Unlike a rename, a link fails when the name exists.
    let linked = std::fs::hard_link(&draft, &path);
    failpoint::hit("log-linked");
    std::fs::remove_file(&draft).map_err(Error::file("remove", &draft))?;
    match linked {
        Ok(()) => {
            sync_folder(folder)?;
            failpoint::hit("log-durable");
            Ok(true)
        }
        Err(source) if source.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(source) => Err(Error::file("create", &path)(source)),
    }
}

/// Writes a file over what is there, private to its owner: the old bytes or the new ones, never something between.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    replace_with(path, |file| file.write_all(bytes).map_err(Error::file("write", path)))
}

/// The same, of what `write` writes piece by piece.
pub fn replace_with<E: From<Error>>(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<(), E>,
) -> Result<(), E> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = folder.join(format!(".{name}.{}{DRAFT_SUFFIX}", std::process::id()));
    let file = private_options().write(true).create(true).truncate(true).open(&draft);
    let mut file = BufWriter::new(file.map_err(Error::file("create", &draft))?);
    let finish = |file: BufWriter<File>| {
        let file = file.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        file.sync_all()?;
        failpoint::hit("report-written");
        std::fs::rename(&draft, path)?;
        failpoint::hit("report-replaced");
        Ok(())
    };
    let written =
        write(&mut file).and_then(|()| finish(file).map_err(Error::file("write", path)).map_err(E::from));
    if written.is_err() {
        ignore_missing(std::fs::remove_file(&draft)).map_err(Error::file("remove", &draft))?;
    }
    written
}

/// Removes a file that may not be there.
pub(super) fn remove(path: &Path) -> Result<(), Error> {
    ignore_missing(std::fs::remove_file(path)).map_err(Error::file("remove", path))
}

/// The end of the names of files being written. What carries it after a kill was never published.
const DRAFT_SUFFIX: &str = ".draft";

/// Removes what killed writers left behind, of files whose drafts' names begin so. Only under the order's lock.
pub(super) fn remove_drafts(folder: &Path, prefix: &str) -> Result<(), Error> {
    for name in names(folder)? {
        if name.starts_with(prefix) && name.ends_with(DRAFT_SUFFIX) {
            let path = folder.join(name);
            ignore_missing(std::fs::remove_file(&path)).map_err(Error::file("remove", &path))?;
        }
    }
    Ok(())
}

/// Makes everything under `folder` durable and private, then the entry of the folder itself.
pub fn sync_tree(folder: &Path) -> Result<(), Error> {
    for entry in std::fs::read_dir(folder).map_err(Error::file("list", folder))? {
        let entry = entry.map_err(Error::file("list", folder))?;
        let path = entry.path();
        let kind = entry.file_type().map_err(Error::file("look at", &path))?;
        if kind.is_dir() {
            sync_tree(&path)?;
        } else if kind.is_file() {
            let file = File::open(&path).map_err(Error::file("open", &path))?;
            make_private(&file, 0o600).map_err(Error::file("make private", &path))?;
            file.sync_all().map_err(Error::file("sync", &path))?;
        }
    }
    let file = File::open(folder).map_err(Error::file("open", folder))?;
    make_private(&file, 0o700).map_err(Error::file("make private", folder))?;
    sync_folder(folder)?;
    folder.parent().map_or(Ok(()), sync_folder)
}

pub(super) fn sync_folder(folder: &Path) -> Result<(), Error> {
    let file = File::open(folder).map_err(Error::file("open", folder))?;
    file.sync_all().map_err(Error::file("sync", folder))
}

/// Removes the numbered folders in `folder` except one. Anything not named by a number is not ours and stays.
pub(super) fn remove_attempts_except(folder: &Path, keep: Option<u32>) -> Result<(), Error> {
    if !folder.is_dir() {
        return Ok(());
    }
    for name in names(folder)? {
        let Ok(number) = name.parse::<u32>() else { continue };
        if Some(number) == keep || number.to_string() != name {
            continue;
        }
        let path = folder.join(&name);
        let kind = std::fs::symlink_metadata(&path).map_err(Error::file("look at", &path))?;
        if kind.is_dir() {
            failpoint::hit("attempt-remove");
            ignore_missing(std::fs::remove_dir_all(&path)).map_err(Error::file("remove", &path))?;
        }
    }
    Ok(())
}

/// Opens a text file to add lines to it, making it when it is missing. A line that a killed writer left half-written
/// is ended first.
pub(super) fn open_to_append(path: &Path) -> Result<File, Error> {
    let mut file = private_options()
        .read(true)
        .append(true)
        .create(true)
        .open(path)
        .map_err(Error::file("open", path))?;
    let mut last = [b'\n'];
    if file.metadata().map_err(Error::file("look at", path))?.len() > 0 {
        file.seek(SeekFrom::End(-1))
            .and_then(|_| file.read_exact(&mut last))
            .map_err(Error::file("read", path))?;
    }
    if last != [b'\n'] {
        file.write_all(b"\n").map_err(Error::file("write", path))?;
    }
    Ok(file)
}

/// Takes the exclusive lock on `path`, released when the file is dropped. `None`: somebody else has it.
pub(super) fn try_lock(path: &Path) -> Result<Option<File>, Error> {
    let file = private_options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(Error::file("open", path))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(std::fs::TryLockError::WouldBlock) => Ok(None),
        Err(std::fs::TryLockError::Error(source)) => Err(Error::file("lock", path)(source)),
    }
}

/// The names in a folder, sorted. A missing folder has none.
pub(super) fn names(folder: &Path) -> Result<Vec<String>, Error> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(source) if source.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(Error::file("list", folder)(source)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(Error::file("list", folder))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// A file's bytes; `None` when it does not exist. Longer than `limit` is an error.
pub(super) fn read(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, Error> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(source) if source.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Error::file("open", path)(source)),
    };
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(Error::file("read", path))?;
    if bytes.len() as u64 > limit {
        return Err(Error::file("read", path)(std::io::Error::from(ErrorKind::FileTooLarge)));
    }
    Ok(Some(bytes))
}

/// `file:///a/b` and `/a/b` as a path; a relative one starts at `base`.
pub(super) fn local_path(url: &str, base: &Path) -> PathBuf {
    base.join(url.strip_prefix("file://").unwrap_or(url))
}

fn private_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(unix)]
fn make_private(file: &File, mode: u32) -> std::io::Result<()> {
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(mode))
}

#[cfg(not(unix))]
fn make_private(_file: &File, _mode: u32) -> std::io::Result<()> {
    Ok(())
}

fn ignore_missing(result: std::io::Result<()>) -> std::io::Result<()> {
    match result {
        Err(source) if source.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
