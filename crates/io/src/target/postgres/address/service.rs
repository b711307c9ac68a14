//! Service files: sections of parameters, named by `service` or `PGSERVICE`.

use std::path::{Path, PathBuf};

use super::{Parameters, problem};
use crate::Error;
use crate::target::Surroundings;

/// The parameters of a service; that it stands nowhere is an error, as it is for libpq.
pub(super) fn read(name: &str, around: &Surroundings) -> Result<Parameters, Error> {
    let files = files(around);
    for file in &files {
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(source) => {
                return Err(Error::File { doing: "read the service file", path: file.clone(), source });
            }
        };
        if let Some(found) = section(&text, name, file)? {
            return Ok(found);
        }
    }
    let searched: Vec<String> = files.iter().map(|file| format!("`{}`", file.display())).collect();
    Err(problem(format!("the service `{name}` is in none of {}", searched.join(", "))))
}

/// The user's own file before the machine's.
fn files(around: &Surroundings) -> Vec<PathBuf> {
    let own = around
        .variable("PGSERVICEFILE")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(around.variable("HOME")?).join(".pg_service.conf")));
    let machine = around.variable("PGSYSCONFDIR").unwrap_or_else(|| "/etc/postgresql-common".to_owned());
    own.into_iter().chain([Path::new(&machine).join("pg_service.conf")]).collect()
}

fn section(text: &str, name: &str, file: &Path) -> Result<Option<Parameters>, Error> {
    let (mut found, mut inside) = (None, false);
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(title) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            if found.is_some() {
                break;
            }
            inside = title == name;
            found = inside.then(Parameters::new);
            continue;
        }
        if !inside {
            continue;
        }
        let (key, value) = line.split_once('=').filter(|(key, _)| *key != "service").ok_or_else(|| {
            problem(format!("line {} of `{}` is not NAME=VALUE", number + 1, file.display()))
        })?;
        if let Some(found) = &mut found {
            found.insert(key.trim().to_owned(), value.trim().to_owned());
        }
    }
    Ok(found)
}
