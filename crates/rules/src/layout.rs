//! What a path inside a project is: which file of which pack.

use std::path::{Component, Path};

/// The pack a file belongs to: its name and version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Pack {
    pub(crate) name: String,
    pub(crate) version: String,
}

/// Table and category names come from the file's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FileKind {
    Settings,
    System(Pack),
    SystemSchema(Pack, String),
    Categorize(Pack, String),
    Target(Pack),
    TargetSchema(Pack, String),
    Convert(Pack, String),
    Ddl(Pack, String),
    Category(String),
    Map(String),
    /// Stands in a folder of rules but is none of them.
    Unknown,
    /// Not ours: tests, orders, readmes.
    Other,
}

pub(crate) fn kind(path: &Path) -> FileKind {
    let parts: Vec<String> = path
        .components()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
            _ => None,
        })
        .collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    if parts.last().is_none_or(|name| name.starts_with('.') || prose(name)) {
        return FileKind::Other;
    }
    match parts.as_slice() {
        ["chartlift.yaml"] => FileKind::Settings,
        ["systems", name, version, rest @ ..] => in_system(pack(name, version), rest),
        ["targets", name, version, rest @ ..] => in_target(pack(name, version), rest),
        ["canonical", file] => stem(file, ".yaml").map_or(FileKind::Unknown, FileKind::Category),
        ["maps", file] => stem(file, ".csv").map_or(FileKind::Unknown, FileKind::Map),
        ["systems" | "targets" | "canonical" | "maps", ..] => FileKind::Unknown,
        _ => FileKind::Other,
    }
}

fn prose(name: &str) -> bool {
    let lower = name.to_lowercase();
    lower.ends_with(".md")
        || lower.ends_with(".txt")
        || ["license", "readme", "notice"].contains(&lower.as_str())
}

fn pack(name: &str, version: &str) -> Pack {
    Pack { name: name.to_owned(), version: version.to_owned() }
}

fn in_system(pack: Pack, rest: &[&str]) -> FileKind {
    match rest {
        ["system.yaml"] => FileKind::System(pack),
        ["schemas", file] => named(file, |name| FileKind::SystemSchema(pack, name)),
        ["categorize", file] => named(file, |name| FileKind::Categorize(pack, name)),
        _ => FileKind::Unknown,
    }
}

fn in_target(pack: Pack, rest: &[&str]) -> FileKind {
    match rest {
        ["target.yaml"] => FileKind::Target(pack),
        ["schemas", file] => named(file, |name| FileKind::TargetSchema(pack, name)),
        ["convert", file] => named(file, |name| FileKind::Convert(pack, name)),
        ["ddl", "postgres.sql"] => FileKind::Ddl(pack, "postgres".to_owned()),
        ["ddl", "sqlite.sql"] => FileKind::Ddl(pack, "sqlite".to_owned()),
        _ => FileKind::Unknown,
    }
}

fn named(file: &str, kind: impl FnOnce(String) -> FileKind) -> FileKind {
    stem(file, ".yaml").map_or(FileKind::Unknown, kind)
}

fn stem(file: &str, ending: &str) -> Option<String> {
    file.strip_suffix(ending).filter(|stem| !stem.is_empty()).map(str::to_owned)
}
