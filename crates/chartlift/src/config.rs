//! From what was typed to what it means: the project's folder and rules, storage, key, target, time and user.
//! The only reader of the environment and of the system's clock.

mod key;
mod target;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chartlift_engine::order::{Clock, OrderSpec, Store};
use chartlift_engine::project_key::ProjectKey;
use chartlift_engine::run::TargetChoice;
use chartlift_io::target::{Options, Surroundings};
use chartlift_rules::{Diagnostic, Project, Severity};
use chrono::{DateTime, Utc};

use crate::args::Global;
use crate::exit::Failure;

pub(crate) use key::{KEY_FILE, write_new as write_new_key};
use target::TargetPlace;
pub(crate) use target::required_url;

pub(crate) const SETTINGS_FILE: &str = "chartlift.yaml";

/// Everything a command works with, resolved once.
pub(crate) struct Config {
    /// The project's folder; the current folder where there is no project.
    pub(crate) root: PathBuf,
    pub(crate) project: Project,
    pub(crate) diagnostics: Vec<Diagnostic>,
    pub(crate) storage: PathBuf,
    /// The folder with the project's `chartlift.yaml`; `None` where only the packs compiled in speak.
    found: Option<PathBuf>,
    global: Global,
}

impl Config {
    pub(crate) fn load(global: &Global) -> Result<Self, Failure> {
        let here = current_folder()?;
        let found = find_project(global.project.as_deref(), &here)?;
        let files = crate::packs::files(found.as_deref())?;
        let (project, diagnostics) = chartlift_rules::read(&files);
        let root = found.clone().unwrap_or_else(|| here.clone());
        let storage = match (&global.storage, &project.settings.storage) {
            (Some(typed), _) => storage_folder(typed, &here)?,
            (None, Some(set)) => storage_folder(set, &root)?,
            (None, None) => root.clone(),
        };
        Ok(Self { root, project, diagnostics, storage, found, global: global.clone() })
    }

    /// Refuses to go on with rules that have errors: rules before rows.
    pub(crate) fn sound(&self) -> Result<(), Failure> {
        let errors = self.diagnostics.iter().filter(|problem| problem.severity == Severity::Error);
        let Some(first) = errors.clone().next() else {
            return Ok(());
        };
        let count = errors.count();
        let place = usize::try_from(first.place.file).ok().and_then(|index| self.project.files.get(index));
        let file = place.map_or_else(String::new, |file| format!(" of `{}`", file.path.display()));
        let more = if count == 1 { String::new() } else { format!(", and {} more problems", count - 1) };
        let message = format!("the rules have errors: {}{file}{more}", first.message);
        Err(Failure::usage("rule-errors", message).hint("see all of them with `chartlift lint`"))
    }

    /// The project key, which no command that makes ids can do without.
    pub(crate) fn key(&self) -> Result<ProjectKey, Failure> {
        let Some(reference) = &self.project.settings.key else {
            let missing = match &self.found {
                Some(_) => Failure::usage("no-key", format!("`{SETTINGS_FILE}` names no project key")).hint(
                    format!(
                        "add `key: file:{KEY_FILE}` or `key: env:NAME`; `chartlift init` in a new folder makes one"
                    ),
                ),
                None => Failure::usage("no-project", "there is no project here, and so no project key")
                    .hint("make one with `chartlift init DIR`, or name one with `--project DIR`"),
            };
            return Err(missing);
        };
        key::read(&reference.value, &self.root)
    }

    pub(crate) fn store(&self) -> Store {
        Store::new(&self.storage, actor(), clock())
    }

    /// The target of a command: what was typed, else the order's, else the project's default.
    pub(crate) fn target(&self, order: Option<&OrderSpec>) -> Result<TargetChoice, Failure> {
        let typed = self.typed_target()?;
        let ordered = order.map(|spec| TargetPlace::parse(&spec.target, &self.root)).transpose()?;
        let default = self.default_target()?;
        if let (Some(typed), Some(ordered)) = (&typed, &ordered)
            && typed.name != ordered.name
        {
            return Err(Failure::usage(
                "other-target",
                format!("the order goes to target `{}`, not to `{}`", ordered.name, typed.name),
            )
            .hint("an order keeps its target; make another order for another target"));
        }
        let choices = [typed, ordered, default];
        let Some(name) = choices.iter().flatten().next().map(|choice| choice.name.clone()) else {
            return Err(Failure::usage("no-target", "no target is named").hint(format!(
                "add `--target NAME=URL`, or `target: NAME=URL` to `{SETTINGS_FILE}`; known targets: {}",
                self.target_names()
            )));
        };
        if !self.project.targets.iter().any(|target| target.name == name) {
            let names = self.project.targets.iter().map(|target| target.name.as_str());
            return Err(Failure::usage("unknown-target", format!("there is no target pack `{name}`"))
                .hint(chartlift_rules::suggest(&name, names).unwrap_or_default()));
        }
        // Where the target is may come from a weaker source than its name, as long as they mean the same target.
        let place =
            choices.into_iter().flatten().find(|choice| choice.name == name && choice.place.is_some());
        let url = place.map(|choice| choice.url(environment)).transpose()?.flatten();
        Ok(TargetChoice { name, url })
    }

    /// What an order records about its target: never a secret.
    /// `earlier`: that of the order it follows.
    pub(crate) fn target_of_new_order(&self, earlier: Option<&str>) -> Result<String, Failure> {
        let typed = self.typed_target()?;
        if let (None, Some(earlier)) = (&typed, earlier) {
            return Ok(earlier.to_owned());
        }
        let name = self.target(None)?.name;
        Ok(typed.map_or(name, |typed| typed.recorded()))
    }

    fn typed_target(&self) -> Result<Option<TargetPlace>, Failure> {
        let here = current_folder()?;
        self.global.target.as_deref().map(|text| TargetPlace::parse(text, &here)).transpose()
    }

    fn default_target(&self) -> Result<Option<TargetPlace>, Failure> {
        let set = self.project.settings.target.as_ref();
        set.map(|text| TargetPlace::parse(&text.value, &self.root)).transpose()
    }

    fn target_names(&self) -> String {
        let names: Vec<String> =
            self.project.targets.iter().map(|target| format!("`{}`", target.name)).collect();
        if names.is_empty() { "none".into() } else { names.join(", ") }
    }

    /// The global options that the caller typed, to repeat them in advice.
    pub(crate) fn options(&self) -> String {
        let mut text = String::new();
        if let Some(project) = &self.global.project {
            text.push_str(&format!(" --project {}", project.display()));
        }
        if let Some(storage) = &self.global.storage {
            text.push_str(&format!(" --storage {storage}"));
        }
        text
    }

    /// The same with the target, for commands that need it again.
    pub(crate) fn options_with_target(&self) -> String {
        let target = self.global.target.as_ref();
        target.map_or_else(|| self.options(), |target| format!("{} --target {target}", self.options()))
    }

    /// How targets are connected to: what adds to their addresses is in the environment.
    pub(crate) fn connection(&self) -> Options {
        let seconds = self.project.settings.limits.lock_seconds.try_into().unwrap_or(u64::MAX);
        Options {
            lock_wait: Duration::from_secs(seconds),
            surroundings: Surroundings::new(environment, Utc::now),
        }
    }

    pub(crate) fn threads(&self) -> usize {
        let machine = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        self.project.settings.limits.threads.unwrap_or_else(machine).max(1)
    }
}

/// `--project`, else the nearest folder upwards that has a `chartlift.yaml`.
fn find_project(typed: Option<&Path>, here: &Path) -> Result<Option<PathBuf>, Failure> {
    let Some(typed) = typed else {
        return Ok(here
            .ancestors()
            .find(|folder| folder.join(SETTINGS_FILE).is_file())
            .map(Path::to_path_buf));
    };
    let folder = here.join(typed);
    if folder.join(SETTINGS_FILE).is_file() {
        return Ok(Some(folder));
    }
    Err(Failure::usage("no-project", format!("`{}` has no `{SETTINGS_FILE}`", typed.display()))
        .hint(format!("make a project there with `chartlift init {}`", typed.display())))
}

fn storage_folder(text: &str, base: &Path) -> Result<PathBuf, Failure> {
    if let Some(path) = text.strip_prefix("file://") {
        return Ok(PathBuf::from(path));
    }
    if let Some((scheme, _)) = text.split_once("://") {
        return Err(Failure::usage("usage", format!("storage on `{scheme}://` is not supported"))
            .hint("expected a folder, or file:///folder"));
    }
    Ok(base.join(text))
}

pub(crate) fn current_folder() -> Result<PathBuf, Failure> {
    std::env::current_dir().map_err(Failure::file("find", "."))
}

/// True when NO_COLOR asks for plain text (<https://no-color.org>).
pub(crate) fn plain() -> bool {
    environment("NO_COLOR").is_some()
}

/// `ana@host`, for the order's log.
pub(crate) fn actor() -> String {
    let user = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(environment);
    let host = environment("HOSTNAME").or_else(|| std::fs::read_to_string("/etc/hostname").ok());
    let host = host.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    format!("{}@{}", user.as_deref().unwrap_or("unknown"), host.as_deref().unwrap_or("localhost"))
}

pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

/// Arms what a test asks for; only in builds for tests. See [`chartlift_io::failpoint`].
#[cfg(debug_assertions)]
pub(crate) fn arm_failpoints() -> Result<(), Failure> {
    let (charge, trace) = (environment("CHARTLIFT_FAILPOINT"), environment("CHARTLIFT_FAILPOINT_TRACE"));
    chartlift_io::failpoint::arm(charge.as_deref(), trace.as_deref())
        .map_err(|problem| Failure::usage("usage", problem))
}

/// An empty variable counts as one that is not set.
fn environment(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "the one home of the environment")]
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_project_upwards_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let (root, deep) = (folder.path().join("p"), folder.path().join("p/systems/x"));
        std::fs::create_dir_all(&deep).unwrap();
        assert_eq!(find_project(None, &deep).unwrap(), None);
        std::fs::write(root.join(SETTINGS_FILE), "").unwrap();
        assert_eq!(find_project(None, &deep).unwrap(), Some(root.clone()));
        assert_eq!(find_project(Some(Path::new("p")), folder.path()).unwrap(), Some(root));
        let failure = find_project(Some(Path::new("q")), folder.path()).unwrap_err();
        assert_eq!((failure.code.as_str(), failure.exit.code()), ("no-project", 2));
    }

    #[test]
    fn storage_is_a_folder() {
        let base = Path::new("/base");
        assert_eq!(storage_folder("orders", base).unwrap(), Path::new("/base/orders"));
        assert_eq!(storage_folder("file:///data", base).unwrap(), Path::new("/data"));
        assert_eq!(storage_folder("s3://bucket", base).unwrap_err().exit.code(), 2);
    }
}
