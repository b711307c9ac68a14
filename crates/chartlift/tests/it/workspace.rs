//! A folder of its own for each test, and the real binary run in it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use anyhow::{Context, ensure};
use serde_json::Value;

/// Never secret: every test project takes its key from here.
pub(crate) const TEST_KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// A temporary folder, removed at the end.
pub(crate) struct Workspace {
    folder: tempfile::TempDir,
    pub(crate) environment: Vec<(String, String)>,
}

impl Workspace {
    pub(crate) fn new() -> anyhow::Result<Self> {
        Ok(Self { folder: tempfile::tempdir()?, environment: Vec::new() })
    }

    /// A workspace that starts as a copy of `tests/bases/NAME`.
    pub(crate) fn with_base(name: &str) -> anyhow::Result<Self> {
        let workspace = Self::new()?;
        copy_folder(&repository().join("tests/bases").join(name), workspace.path())
            .with_context(|| format!("copying the base `{name}`"))?;
        Ok(workspace)
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The real binary, in this folder, with nothing of the developer's own environment.
    pub(crate) fn command(&self, arguments: &[impl AsRef<str>]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chartlift"));
        command.args(arguments.iter().map(AsRef::as_ref)).current_dir(self.path()).env_clear();
        for kept in ["PATH", "TMPDIR", "RUST_BACKTRACE"] {
            if let Some(value) = variable(kept) {
                command.env(kept, value);
            }
        }
        command.env("HOME", self.path().join("home")).env("CHARTLIFT_TEST_KEY", TEST_KEY);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[impl AsRef<str>]) -> anyhow::Result<Finished> {
        let output = self.command(arguments).output().context("starting the binary")?;
        Ok(Finished::from(output))
    }

    /// Runs and wants the given exit code; the answer is the JSON object on stdout.
    pub(crate) fn json(&self, arguments: &[impl AsRef<str>], exit: i32) -> anyhow::Result<Value> {
        let finished = self.run(arguments)?;
        ensure!(finished.exit == Some(exit), "wanted exit {exit}, got {finished}");
        serde_json::from_str(&finished.stdout)
            .with_context(|| format!("stdout is no JSON object: {finished}"))
    }

    pub(crate) fn spawn(&self, arguments: &[impl AsRef<str>]) -> anyhow::Result<Child> {
        let mut command = self.command(arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().context("starting the binary")
    }
}

/// What a process left behind.
pub(crate) struct Finished {
    /// `None`: ended by a signal.
    pub(crate) exit: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Finished {
    fn from(output: Output) -> Self {
        Self {
            exit: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Finished {
    /// All that was printed, which `Display` shortens.
    pub(crate) fn everything(&self) -> String {
        format!("{}\n{}\n", self.stdout, self.stderr)
    }
}

impl std::fmt::Display for Finished {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let exit = self.exit.map_or_else(|| "a signal".to_owned(), |code| format!("exit {code}"));
        write!(
            formatter,
            "{exit}\n--- stdout\n{}\n--- stderr\n{}",
            shortened(&self.stdout),
            shortened(&self.stderr)
        )
    }
}

const LINES_SHOWN: usize = 30;

fn shortened(text: &str) -> String {
    let mut lines: Vec<&str> = text.trim_end().lines().collect();
    let hidden = lines.len().saturating_sub(LINES_SHOWN);
    lines.truncate(LINES_SHOWN);
    let more = if hidden > 0 { format!("\n... {hidden} more lines") } else { String::new() };
    lines.join("\n") + &more
}

pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[expect(clippy::disallowed_methods, reason = "the one place where the tests read the environment")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

pub(crate) fn copy_folder(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from).with_context(|| format!("reading `{}`", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}

/// All files under a folder, sorted.
pub(crate) fn files_under(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).with_context(|| format!("reading `{}`", next.display()))? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}
