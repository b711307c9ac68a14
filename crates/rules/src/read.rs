//! Reads rule files from their text: strict YAML with positions, every problem at once.

mod attachments;
mod field;
mod live;
mod map;
mod matching;
mod patients;
mod rules;
mod schema;
mod second_reading;
mod settings;
mod system;
mod target;

pub(crate) use field::is_date;
pub(crate) use map::{csv_lines, entry as map_entry};
pub(crate) use settings::{GATED, date as decided_on, share as percentage};
pub(crate) use system::{DIALECT, dialect};

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::entries::{Entries, Problems};
use crate::inherit::{self, PackFile, Trees};
use crate::layout::{self, FileKind, Pack};
use crate::{
    Diagnostic, File, Place, Project, RuleFile, System, TableSchema, Target, TargetTable, resolve, suggest,
    yaml,
};

/// The format of rule files that this version reads.
pub const SPEC: &str = "chartlift/v1";

/// Reads a whole project. Paths are relative to the project's folder; where a path stands twice the later file
/// counts, so that a project's own files override those compiled in.
///
/// Files outside the known folders (`tests/`, orders, readmes) are left alone. The project is complete and sound
/// only when no diagnostic is an error; with errors it holds what could be read.
pub fn read(files: &[(PathBuf, String)]) -> (Project, Vec<Diagnostic>) {
    let mut reading = Reading::default();
    reading.project.files =
        files.iter().map(|(path, text)| File { path: path.clone(), text: text.clone() }).collect();
    let mut latest: BTreeMap<PathBuf, usize> = BTreeMap::new();
    for (index, (path, _)) in files.iter().enumerate() {
        latest.insert(plain(path), index);
    }
    for (path, index) in &latest {
        if let Some((_, text)) = files.get(*index) {
            reading.file(path, u32::try_from(*index).unwrap_or(u32::MAX), text);
        }
    }
    reading.assemble();
    let Reading { mut project, mut problems, incomplete, .. } = reading;
    resolve::resolve(&mut project, &incomplete, &mut problems);
    let mut problems = problems.list;
    let path = |place: Place| files.get(place.file as usize).map(|(path, _)| path);
    problems
        .sort_by(|a, b| (path(a.place), a.place.start, a.code).cmp(&(path(b.place), b.place.start, b.code)));
    problems.dedup();
    (project, problems)
}

/// Without `./` and doubled slashes.
fn plain(path: &Path) -> PathBuf {
    path.components().filter(|part| matches!(part, std::path::Component::Normal(_))).collect()
}

/// The packs with a file that could not be read: what is absent from them may stand in that file.
#[derive(Debug, Default)]
pub(crate) struct Incomplete {
    pub(crate) systems: BTreeSet<Pack>,
    pub(crate) targets: BTreeSet<Pack>,
}

/// The files of a system's version as they come in: read once it is known what they inherit.
#[derive(Default)]
struct SystemFiles {
    trees: Trees,
    first: Option<Place>,
}

/// The files of a target as they come in.
#[derive(Default)]
struct Parts {
    head: Option<Target>,
    head_seen: bool,
    schemas: BTreeMap<String, TableSchema>,
    rules: Vec<RuleFile>,
    ddl: BTreeMap<String, String>,
    first: Option<Place>,
}

#[derive(Default)]
struct Reading {
    project: Project,
    problems: Problems,
    systems: BTreeMap<Pack, SystemFiles>,
    targets: BTreeMap<Pack, Parts>,
    incomplete: Incomplete,
}

impl Reading {
    fn file(&mut self, path: &Path, file: u32, text: &str) {
        let start = yaml::place(file, 0, 0);
        match layout::kind(path) {
            FileKind::Other => {}
            FileKind::Unknown => {
                let message = format!("`{}` is not a file of a project", path.display());
                self.problems.push(Diagnostic::warning("unknown-file", start, message).help(
                    "systems/NAME/VERSION/{system.yaml,schemas,categorize}, targets/NAME/VERSION/{target.yaml,schemas,convert,ddl}, canonical/NAME.yaml, maps/NAME.csv",
                ));
            }
            FileKind::Settings => {
                if let Some(node) = yaml::parse(file, text, &mut self.problems) {
                    self.project.settings = settings::read(&node, &mut self.problems);
                }
            }
            FileKind::Category(name) => {
                let schema = self.schema(file, text, &name, schema::Use::Category);
                self.project.categories.insert(name, schema);
            }
            FileKind::Map(name) => {
                let map = map::read(file, text, &name, &mut self.problems);
                self.project.maps.insert(name, map);
            }
            FileKind::System(..) | FileKind::SystemSchema(..) | FileKind::Categorize(..) => {
                self.system_file(path, file, text);
            }
            FileKind::Target(..) | FileKind::TargetSchema(..) | FileKind::Convert(..) | FileKind::Ddl(..) => {
                self.target_file(path, file, text);
            }
        }
    }

    fn schema(&mut self, file: u32, text: &str, name: &str, usage: schema::Use) -> TableSchema {
        match yaml::parse(file, text, &mut self.problems) {
            Some(node) => schema::read(&node, name, usage, &mut self.problems),
            None => schema::opaque(yaml::place(file, 0, 0)),
        }
    }

    fn system_file(&mut self, path: &Path, file: u32, text: &str) {
        match layout::kind(path) {
            FileKind::System(pack) => self.system_tree(pack, PackFile::Head, file, text),
            FileKind::SystemSchema(pack, name) => self.system_tree(pack, PackFile::Schema(name), file, text),
            FileKind::Categorize(pack, name) => self.system_tree(pack, PackFile::Rules(name), file, text),
            _ => {}
        }
    }

    fn system_tree(&mut self, pack: Pack, name: PackFile, file: u32, text: &str) {
        let node = yaml::parse(file, text, &mut self.problems);
        let files = self.systems.entry(pack).or_default();
        files.first.get_or_insert(yaml::place(file, 0, 0));
        files.trees.insert(name, node);
    }

    fn target_file(&mut self, path: &Path, file: u32, text: &str) {
        let start = yaml::place(file, 0, 0);
        match layout::kind(path) {
            FileKind::Target(pack) => {
                let node = yaml::parse(file, text, &mut self.problems);
                let head = node.and_then(|node| target::read(&node, &pack, &mut self.problems));
                let parts = self.targets.entry(pack).or_default();
                (parts.head, parts.head_seen) = (head, true);
            }
            FileKind::TargetSchema(pack, name) => {
                let schema = self.schema(file, text, &name, schema::Use::Target);
                let parts = self.targets.entry(pack).or_default();
                parts.first.get_or_insert(start);
                parts.schemas.insert(name, schema);
            }
            FileKind::Convert(pack, name) => {
                let node = yaml::parse(file, text, &mut self.problems);
                let rules = node.and_then(|node| rules::read(&node, "table", &name, &mut self.problems));
                if rules.is_none() {
                    self.incomplete.targets.insert(pack.clone());
                }
                let parts = self.targets.entry(pack).or_default();
                parts.first.get_or_insert(start);
                parts.rules.extend(rules);
            }
            FileKind::Ddl(pack, database) => {
                let parts = self.targets.entry(pack).or_default();
                parts.first.get_or_insert(start);
                parts.ddl.insert(database, text.to_owned());
            }
            _ => {}
        }
    }

    fn assemble(&mut self) {
        let systems = std::mem::take(&mut self.systems);
        let first: Vec<Option<Place>> = systems.values().map(|files| files.first).collect();
        let packs: BTreeMap<Pack, Trees> =
            systems.into_iter().map(|(pack, files)| (pack, files.trees)).collect();
        for (pack, first) in packs.keys().zip(first) {
            let trees = inherit::complete(&packs, pack, &mut self.problems);
            self.system(pack, trees, first);
        }
        for (_, parts) in std::mem::take(&mut self.targets) {
            let Some(mut target) = self.head(parts.head, parts.head_seen, parts.first, "target.yaml") else {
                continue;
            };
            let table = |(name, schema): (String, TableSchema)| TargetTable {
                name: crate::Located { value: name, place: schema.place },
                schema,
            };
            target.tables = parts.schemas.into_iter().map(table).collect();
            (target.convert, target.ddl) = (parts.rules, parts.ddl);
            self.project.targets.push(target);
        }
    }

    /// Reads a pack from its own files and those it inherits.
    fn system(&mut self, pack: &Pack, trees: Trees, first: Option<Place>) {
        let mut head = None;
        let mut seen = false;
        let mut schemas = BTreeMap::new();
        let mut rules = Vec::new();
        for (file, node) in trees {
            match file {
                PackFile::Head => {
                    seen = true;
                    head = node.and_then(|node| system::read(&node, pack, &mut self.problems));
                }
                PackFile::Schema(name) => {
                    let schema = match node {
                        Some(node) => schema::read(&node, &name, schema::Use::Source, &mut self.problems),
                        None => schema::opaque(first.unwrap_or_default()),
                    };
                    schemas.insert(name, schema);
                }
                PackFile::Rules(name) => {
                    let read =
                        node.and_then(|node| rules::read(&node, "category", &name, &mut self.problems));
                    if read.is_none() {
                        self.incomplete.systems.insert(pack.clone());
                    }
                    rules.extend(read);
                }
            }
        }
        let Some(mut system) = self.head(head, seen, first, "system.yaml") else { return };
        self.attach_schemas(&mut system, schemas, pack);
        system.categorize = rules;
        self.project.systems.push(system);
    }

    fn head<T>(&mut self, head: Option<T>, seen: bool, first: Option<Place>, name: &str) -> Option<T> {
        if !seen {
            let message = format!("the pack of this file has no `{name}`");
            let problem = Diagnostic::error("missing-file", first.unwrap_or_default(), message);
            self.problems.push(problem.help(format!("write `{name}` in the folder of the version")));
        }
        head
    }

    fn attach_schemas(&mut self, system: &mut System, schemas: BTreeMap<String, TableSchema>, pack: &Pack) {
        for table in &mut system.tables {
            match schemas.get(&table.name.value) {
                Some(schema) => table.schema = schema.clone(),
                None => {
                    let message = format!("table `{}` has no schema", table.name.value);
                    let help = format!(
                        "write `systems/{}/{}/schemas/{}.yaml`",
                        pack.name, pack.version, table.name.value
                    );
                    self.problems
                        .push(Diagnostic::error("missing-file", table.name.place, message).help(help));
                }
            }
        }
        for (name, schema) in &schemas {
            if !system.tables.iter().any(|table| table.name.value == *name) {
                let message = format!("`system.yaml` has no table `{name}`, so this schema is never used");
                let problem = Diagnostic::warning("unknown-file", schema.place, message);
                self.problems.push(
                    match suggest(name, system.tables.iter().map(|table| table.name.value.as_str())) {
                        Some(help) => problem.help(help),
                        None => problem,
                    },
                );
            }
        }
    }
}

/// Checks the `spec` key of a file.
fn spec(entries: &Entries<'_>, problems: &mut Problems) {
    let Some(spec) = entries.text("spec", problems) else {
        if entries.get("spec").is_none() {
            let problem = Diagnostic::error("missing-key", entries.place, "the file needs `spec`");
            problems.push(problem.help(format!("begin it with `spec: {SPEC}`")));
        }
        return;
    };
    if spec.value != SPEC {
        let message = format!("this version reads `{SPEC}`, the file says `{}`", spec.value);
        problems.push(
            Diagnostic::error("unsupported-spec", spec.place, message)
                .help(format!("write `spec: {SPEC}`, or use a newer Chartlift for a newer format")),
        );
    }
}

/// A name that the path gives may be repeated in the file but must agree.
fn agree(entries: &Entries<'_>, key: &str, expected: &str, problems: &mut Problems) {
    let Some(found) = entries.text(key, problems) else { return };
    if found.value != expected {
        let message = format!("the path says `{expected}`, the file says `{}`", found.value);
        problems.push(
            Diagnostic::error("name-mismatch", found.place, message)
                .help("rename the one or correct the other"),
        );
    }
}
