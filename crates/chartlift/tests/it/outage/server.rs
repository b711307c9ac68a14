//! A PostgreSQL server of a test's own, which it may treat as badly as it likes.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, ensure};

use crate::workspace::{repository, variable};

pub(super) struct Server {
    pub(super) url: String,
    folder: tempfile::TempDir,
}

impl Server {
    /// `None` where there is no PostgreSQL to test with.
    pub(super) fn start(environment: &[(&str, &str)]) -> anyhow::Result<Option<Self>> {
        if variable("CHARTLIFT_TEST_POSTGRES").is_none() && variable("CI").is_none() {
            eprintln!("skipped: CHARTLIFT_TEST_POSTGRES is not set (./test starts a server)");
            return Ok(None);
        }
        let folder = tempfile::tempdir()?;
        // The server's own user must reach it.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))?;
        let mut command = Command::new(script());
        command.arg("start").arg(folder.path());
        let url = said(command.envs(environment.iter().copied()))?;
        Ok(Some(Self { url: url.trim().to_owned(), folder }))
    }

    /// As after a power cut; with `room` it can write no file longer than so many KiB.
    pub(super) fn restart(&self, room: Option<u32>) -> anyhow::Result<()> {
        let room = room.map_or_else(|| "unlimited".to_owned(), |room| room.to_string());
        said(Command::new(script()).arg("restart").arg(self.folder.path()).env("ROOM", room)).map(|_| ())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(error) = said(Command::new(script()).arg("stop").arg(self.folder.path())) {
            eprintln!("could not stop a server: {error:#}");
        }
    }
}

fn script() -> PathBuf {
    repository().join("tests/postgres")
}

fn said(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output().with_context(|| format!("starting {command:?}"))?;
    let problem = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {problem}");
    Ok(String::from_utf8(output.stdout)?)
}
