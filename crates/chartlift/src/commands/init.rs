//! `init DIR`: a new project with its own key.

use std::path::Path;

use serde_json::json;

use crate::args::Init;
use crate::config::{KEY_FILE, SETTINGS_FILE, write_new_key};
use crate::exit::{Exit, Failure};
use crate::output::Output;

/// What must not get into version control: the key, and everything that holds patient data.
pub(crate) const GIT_IGNORE: &str = "\
# The project's key and local state.
/.chartlift/
# Orders: patient data.
/migrations/
*.db
*.db-journal
*.db-wal
*.db-shm
";

const FOLDERS: [&str; 4] = ["systems", "targets", "canonical", "maps"];

pub(super) fn run(arguments: &Init, output: &Output) -> Result<Exit, Failure> {
    let root = arguments.folder.as_path();
    if root.join(SETTINGS_FILE).exists() {
        return Err(Failure::usage("project-exists", format!("`{}` is a project already", root.display()))
            .hint("choose another folder; nothing was changed"));
    }
    let name = project_name(root)?;
    make_folder(&root.join(".chartlift"))?;
    for folder in FOLDERS {
        make_folder(&root.join(folder))?;
    }
    // The settings come last: with them the folder is a project, and all of it is there.
    if !root.join(KEY_FILE).exists() {
        write_new_key(&root.join(KEY_FILE))?;
    }
    write_missing(&root.join(".gitignore"), GIT_IGNORE)?;
    write_missing(&root.join("README.md"), &read_me(&name))?;
    write_missing(&root.join(SETTINGS_FILE), &settings(&name))?;
    output.object(&json!({ "spec": "chartlift/v1", "project": root, "name": name, "key": KEY_FILE }));
    let folder = root.display();
    output.line(format_args!(
        "Project `{name}` is ready in {folder}.\n\n\
         Its key is in {folder}/{KEY_FILE}: back it up. The next export of the same clinic needs it to get the same ids.\n\n\
         Next: put rules into systems/ and targets/ or use the packs compiled in, then\n  \
         chartlift lint --project {folder}\n  \
         chartlift order create --project {folder} --id 1 --input PATH --target clinic=sqlite:clinic.db"
    ));
    Ok(Exit::Done)
}

/// The folder's own name, made fit for a YAML scalar.
fn project_name(root: &Path) -> Result<String, Failure> {
    let whole = std::path::absolute(root).map_err(Failure::file("find", root))?;
    let name: String = whole
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' })
        .collect();
    Ok(if name.is_empty() { "project".into() } else { name })
}

pub(crate) fn make_folder(folder: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(Failure::file("create the folder", folder))
}

pub(crate) fn write_missing(path: &Path, text: &str) -> Result<(), Failure> {
    if path.exists() {
        return Ok(());
    }
    std::fs::write(path, text).map_err(Failure::file("write", path))
}

fn settings(name: &str) -> String {
    format!(
        "\
spec: chartlift/v1
name: {name}

# The project key makes ids that no other project makes. env:NAME works too; the key itself never stands here.
key: file:{KEY_FILE}

# Where orders live; default: this folder.
# storage: .

# The target that orders go to unless they say otherwise. An address with a password: clinic=env:DATABASE_URL
# target: clinic=sqlite:clinic.db

# limits: {{ field_bytes: 16777216, memory_mb: 256, threads: 2, lock_seconds: 60 }}

# How much may be held before an order stops, where the defaults (0 for safety-critical data, 0.5 % elsewhere) are
# not right. Somebody answers for each.
# gates:
#   - {{ applies_to: patients, stage: check, quarantined: 2 %, author: Ana Souza, date: 2026-11-22, reason: \"why\" }}
"
    )
}

fn read_me(name: &str) -> String {
    format!(
        "\
# {name}

Rules that move clinics from one health record system into another with Chartlift.

- `systems/<system>/<version>/` says what an export looks like and what it means.
- `targets/<target>/<version>/` says what goes where in the new system.
- `maps/<name>.csv` are code maps: source, source_text, target, equivalence, decided_by.

The packs compiled into `chartlift` are available without a file here; a file at the same path replaces theirs.

    chartlift lint                       every problem in every rule file
    chartlift order create --id 1 --input /exports/1 --target clinic=sqlite:clinic.db
    chartlift target init --order 1 --with-tables
    chartlift run --order 1
    chartlift rejects --order 1
"
    )
}
