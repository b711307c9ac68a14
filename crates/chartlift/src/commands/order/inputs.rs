//! What `order create` is told of inputs: names, places, and the systems that wrote them.

use std::path::Path;

use chartlift_engine::order::InputSpec;
use chartlift_rules::suggest;

use crate::args::OrderCreate;
use crate::config::{Config, current_folder};
use crate::exit::{Exit, Failure};

/// The folder of an order that stands in where no input is named.
pub(super) const OWN: &str = "input_files";

/// The name of an input that is given none.
const UNNAMED: &str = "main";

/// The inputs, in the order in which they are given: the first is the one that patients of the others are joined to.
pub(super) fn of(arguments: &OrderCreate, config: &Config) -> Result<Vec<InputSpec>, Failure> {
    let mut inputs: Vec<InputSpec> = Vec::new();
    for text in &arguments.input {
        let (name, path) = named(text);
        let name = name.unwrap_or(UNNAMED);
        if inputs.iter().any(|other| other.name == name) {
            let message = format!("two inputs have the name `{name}`");
            return Err(Failure::usage("bad-input", message)
                .hint("write --input NAME=PATH, each with a name of its own"));
        }
        let url = located(path, &current_folder()?)?;
        inputs.push(InputSpec { name: name.to_owned(), url, system: None, version: None });
    }
    if inputs.is_empty() {
        inputs.push(InputSpec { name: UNNAMED.into(), url: OWN.into(), system: None, version: None });
    }
    let systems = stated("--system", &arguments.system, &inputs)?;
    let versions = stated("--version", &arguments.version, &inputs)?;
    for ((input, system), version) in inputs.iter_mut().zip(systems).zip(versions) {
        known(system, version, config)?;
        input.system = system.map(str::to_owned);
        input.version = version.map(str::to_owned);
    }
    Ok(inputs)
}

/// For each input, what an option says of it by name, else what it says of all.
fn stated<'a>(
    option: &str,
    values: &'a [String],
    inputs: &[InputSpec],
) -> Result<Vec<Option<&'a str>>, Failure> {
    let mut all = None;
    let mut own: Vec<Option<&str>> = vec![None; inputs.len()];
    for text in values {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (Some(name), value),
            None => (None, text.as_str()),
        };
        let place = match name {
            None => &mut all,
            Some(name) => {
                let at = inputs.iter().position(|input| input.name == name);
                at.and_then(|at| own.get_mut(at)).ok_or_else(|| {
                    let names = inputs.iter().map(|input| input.name.as_str());
                    let known: Vec<String> = names.clone().map(|name| format!("`{name}`")).collect();
                    let hint = suggest(name, names)
                        .unwrap_or_else(|| format!("the order's inputs are {}", known.join(", ")));
                    Failure::usage("bad-input", format!("{option}: there is no input `{name}`")).hint(hint)
                })?
            }
        };
        if place.replace(value).is_some() {
            return Err(Failure::usage("bad-input", format!("{option} says two things of one input"))
                .hint(format!("write {option} NAME=VALUE for each input")));
        }
    }
    Ok(own.into_iter().map(|own| own.or(all)).collect())
}

/// `NAME=PATH`, or a path alone.
fn named(text: &str) -> (Option<&str>, &str) {
    match text.split_once('=') {
        Some((name, path)) if is_name(name) => (Some(name), path),
        _ => (None, text),
    }
}

fn located(path: &str, here: &Path) -> Result<String, Failure> {
    let local = path.strip_prefix("file://").unwrap_or(path);
    if let Some((scheme, _)) = local.split_once("://") {
        return Err(Failure::usage("bad-input", format!("inputs on `{scheme}://` are not supported"))
            .hint("expected a folder or a file of this machine"));
    }
    let whole = here.join(local).canonicalize().map_err(|error| {
        Failure::file("find the input", local)(error).hint("expected the folder of an export, or one file")
    })?;
    if whole.is_dir() && !holds_files(&whole)? {
        return Err(Failure::new(Exit::Nothing, "no-files", format!("there is no file in `{local}`"))
            .hint("expected the folder of an export"));
    }
    let text = whole
        .to_str()
        .ok_or_else(|| Failure::usage("bad-input", format!("the path `{}` is not UTF-8", whole.display())))?;
    Ok(text.to_owned())
}

/// A folder counts when a file is in it, at its top or one folder further down.
fn holds_files(path: &Path) -> Result<bool, Failure> {
    for entry in std::fs::read_dir(path).map_err(Failure::file("read the folder", path))? {
        let inner = entry.map_err(Failure::file("read the folder", path))?.path();
        let deeper = || std::fs::read_dir(&inner).is_ok_and(|mut entries| entries.next().is_some());
        if inner.is_file() || deeper() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Names stand in reports, logs and tables: what is no name before an `=` is part of a path.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// A system that is stated must have a pack.
fn known(system: Option<&str>, version: Option<&str>, config: &Config) -> Result<(), Failure> {
    let Some(system) = system else {
        return match version {
            None => Ok(()),
            Some(_) => Err(Failure::usage("bad-input", "an input has a version and no system")
                .hint("give --system with --version")),
        };
    };
    let packs: Vec<_> = config.project.systems.iter().filter(|pack| pack.name == system).collect();
    if packs.is_empty() {
        let names = config.project.systems.iter().map(|pack| pack.name.as_str());
        return Err(Failure::usage("unknown-system", format!("there is no pack for the system `{system}`"))
            .hint(suggest(system, names).unwrap_or_default()));
    }
    let Some(version) = version else {
        return Ok(());
    };
    let versions = || {
        packs.iter().flat_map(|pack| std::iter::once(&pack.version).chain(&pack.covers)).map(String::as_str)
    };
    if versions().any(|known| known == version) {
        return Ok(());
    }
    Err(Failure::usage("unknown-system", format!("no pack of `{system}` covers version `{version}`"))
        .hint(suggest(version, versions()).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_may_have_a_name() {
        assert_eq!(named("labs=/x"), (Some("labs"), "/x"));
        assert_eq!(named("/x"), (None, "/x"));
        assert_eq!(named("./a=b"), (None, "./a=b"));
        assert_eq!(named("=b"), (None, "=b"));
        assert_eq!(named("a+b=/x"), (None, "a+b=/x"));
    }
}
