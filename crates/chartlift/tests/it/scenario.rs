//! Runs the scenarios of `tests/scenarios/`, each once per database it names.
//!
//! With `UPDATE=1` in the environment, exit codes, `json` values, whole outputs and rows are written back into the
//! scenario as the program gave them, to be read before they are committed.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use libtest_mimic::Trial;

use crate::database::{Database, Kind};
use crate::expect::{self, Correction};
use crate::script::{self, Action, Block, Script, Step};
use crate::workspace::{Workspace, copy_folder, files_under, repository, variable};

const FILE: &str = "scenario.test";

pub(crate) fn trials() -> Vec<Trial> {
    let folder = repository().join("tests/scenarios");
    let mut trials = Vec::new();
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    for path in folders.into_iter().filter(|path| path.is_dir()) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text =
            std::fs::read_to_string(path.join(FILE)).with_context(|| format!("reading `{name}/{FILE}`"));
        match text.and_then(|text| script::parse(&text)) {
            Ok(script) => trials.extend(script.databases.iter().map(|kind| {
                let (path, kind) = (path.clone(), *kind);
                crate::trial(format!("scenario::{name}::{}", kind.name()), move || run(&path, kind))
            })),
            Err(error) => trials.push(crate::trial(format!("scenario::{name}"), move || Err(error))),
        }
    }
    trials
}

fn run(folder: &Path, kind: Kind) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(folder.join(FILE))?;
    let script = script::parse(&text)?;
    let workspace = match &script.base {
        Some(base) => Workspace::with_base(base)?,
        None => Workspace::new()?,
    };
    copy_folder(folder, workspace.path())?;
    std::fs::remove_file(workspace.path().join(FILE))?;
    let Some(database) = Database::create(kind, &workspace)? else { return Ok(()) };
    let mut scene =
        Scene { workspace, database, given: Vec::new(), printed: String::new(), last: String::new() };
    scene.given = files_under(scene.workspace.path())?;

    let update = variable("UPDATE").is_some();
    let mut corrections = Vec::new();
    let outcome = play(&script, &mut scene, &mut corrections, update);
    if update && !corrections.is_empty() {
        std::fs::write(folder.join(FILE), expect::corrected(&text, &corrections))?;
    }
    outcome
}

fn play(
    script: &Script,
    scene: &mut Scene,
    corrections: &mut Vec<Correction>,
    update: bool,
) -> anyhow::Result<()> {
    for step in &script.steps {
        let before = corrections.len();
        scene.perform(step, corrections).with_context(|| format!("line {} of {FILE}", step.line + 1))?;
        if !update && corrections.len() > before {
            let problems: Vec<&str> =
                corrections.iter().map(|correction| correction.problem.as_str()).collect();
            bail!("{}\n{}", problems.join("\n"), scene.last);
        }
    }
    Ok(())
}

/// Where a scenario plays.
struct Scene {
    workspace: Workspace,
    database: Database,
    /// What the scenario itself put there: never searched for stray values.
    given: Vec<PathBuf>,
    /// Everything printed so far.
    printed: String,
    /// What the last command printed.
    last: String,
}

impl Scene {
    fn perform(&mut self, step: &Step, corrections: &mut Vec<Correction>) -> anyhow::Result<()> {
        match &step.action {
            Action::Run { command, expectations } => {
                let words = self.words(command)?;
                let finished = self.workspace.run(&words)?;
                self.printed += &format!("{}\n{}\n", finished.stdout, finished.stderr);
                self.last = format!("$ chartlift {}\n{finished}", words.join(" "));
                expect::compare(step.line, expectations, &finished, self.workspace.path(), corrections)
            }
            Action::Sql { statement, rows } => self.sql(statement, rows, corrections),
            Action::Write { path, content } => self.write(path, content.clone()),
            Action::Append { path, content } => {
                let mut bytes = std::fs::read(self.workspace.path().join(path)).unwrap_or_default();
                bytes.extend(content);
                self.write(path, bytes)
            }
            Action::Edit { path, old, new } => {
                let text = std::fs::read_to_string(self.workspace.path().join(path))?;
                ensure!(
                    text.matches(old.as_str()).count() == 1,
                    "`{old}` must stand exactly once in `{path}`"
                );
                self.write(path, text.replace(old.as_str(), new).into_bytes())
            }
            Action::Remove { path } => {
                let path = self.workspace.path().join(path);
                if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) }
                    .context("removing")
            }
            Action::Exists { path } => {
                ensure!(
                    self.workspace.path().join(path).exists(),
                    "`{path}` does not exist\n{}",
                    self.printed
                );
                Ok(())
            }
            Action::Absent { path } => {
                ensure!(!self.workspace.path().join(path).exists(), "`{path}` exists");
                Ok(())
            }
            Action::Holds { path, text } => {
                let found = std::fs::read(self.workspace.path().join(path))
                    .with_context(|| format!("reading `{path}`"))?;
                ensure!(String::from_utf8_lossy(&found).contains(text.as_str()), "no `{text}` in `{path}`");
                Ok(())
            }
            Action::Environment { name, value } => {
                let value = self.expanded(value);
                self.workspace.environment.push((name.clone(), value));
                Ok(())
            }
            Action::Nowhere { text } => self.nowhere(text),
        }
    }

    fn words(&self, command: &str) -> anyhow::Result<Vec<String>> {
        let mut words = split_words(command)?.into_iter();
        ensure!(words.next().as_deref() == Some("chartlift"), "only `chartlift` can be run");
        Ok(words.map(|word| self.expanded(&word)).collect())
    }

    fn expanded(&self, text: &str) -> String {
        text.replace("$DB", &self.database.url()).replace("$DIR", &self.workspace.path().to_string_lossy())
    }

    fn write(&mut self, path: &str, content: Vec<u8>) -> anyhow::Result<()> {
        let path = self.workspace.path().join(path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&path, content)?;
        self.given.push(path);
        Ok(())
    }

    fn sql(
        &self,
        statement: &str,
        expected: &Block,
        corrections: &mut Vec<Correction>,
    ) -> anyhow::Result<()> {
        let rows = self.database.query(statement)?;
        let found: Vec<String> = rows.iter().map(|row| row.join(" | ")).collect();
        expect::compare_block("rows", expected, &found, corrections);
        Ok(())
    }

    fn nowhere(&self, text: &str) -> anyhow::Result<()> {
        ensure!(!self.printed.contains(text), "`{text}` was printed");
        for file in files_under(self.workspace.path())? {
            if self.given.contains(&file) || holds_values(&file) {
                continue;
            }
            let bytes = std::fs::read(&file)?;
            let found = bytes.windows(text.len()).any(|window| window == text.as_bytes());
            ensure!(!found, "`{text}` stands in `{}`", file.display());
            ensure!(!file.to_string_lossy().contains(text), "`{text}` stands in a file name");
        }
        Ok(())
    }
}

/// The places where an order may keep values: its data area and the target.
pub(crate) fn holds_values(file: &Path) -> bool {
    // Decisions about rows name them by their keys, and a bad line of one is still a line of it.
    let areas = [
        "input_files",
        "checked_files",
        "categorized_files",
        "converted_files",
        "rejects",
        "clinical",
        "delta",
        "matches.csv",
        "conflicts.csv",
        "absences.csv",
    ];
    let in_area = file.components().any(|part| areas.iter().any(|area| part.as_os_str() == *area));
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    in_area || name.contains(".db")
}

/// Words as a shell would split them, with single and double quotes.
fn split_words(command: &str) -> anyhow::Result<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for character in command.chars() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (None, '\'' | '"') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    ensure!(quote.is_none(), "a quote is not closed");
    words.extend(word);
    Ok(words)
}
