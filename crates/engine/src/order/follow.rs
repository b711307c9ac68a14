//! What an order takes over from the one it follows: what people have decided, but not what they have approved, for
//! an approval is of one export.

use std::path::Path;

use super::files;
use crate::Error;

/// Where approvals lie in `decisions/`.
const APPROVALS: &str = "approvals";

/// Copies an earlier order's `decisions/`. A file that is there already stays.
pub(super) fn carry_decisions(earlier: &Path, own: &Path) -> Result<(), Error> {
    for name in files::names(earlier)?.into_iter().filter(|name| name != APPROVALS) {
        carry(&earlier.join(&name), &own.join(&name))?;
    }
    files::sync_tree(own)
}

fn carry(from: &Path, to: &Path) -> Result<(), Error> {
    if from.is_dir() {
        files::make_folder(to)?;
        return files::names(from)?.iter().try_for_each(|name| carry(&from.join(name), &to.join(name)));
    }
    if to.exists() {
        return Ok(());
    }
    let bytes = std::fs::read(from).map_err(Error::file("read", from))?;
    files::replace(to, &bytes)
}
