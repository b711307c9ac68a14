//! Password files: lines of `host:port:database:user:password`, the first that fits.

use std::path::{Path, PathBuf};

use super::problem;
use crate::Error;

/// Who logs in where.
pub(super) struct Login<'a> {
    /// A path where it is a folder of sockets.
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) database: &'a str,
    pub(super) user: &'a str,
}

/// The password of a login, if a password file has it. Where the file was named it must be there.
pub(super) fn find(
    named: Option<&String>,
    home: Option<&Path>,
    login: &Login<'_>,
) -> Result<Option<String>, Error> {
    let file = match (named, home) {
        (Some(file), _) => PathBuf::from(file),
        (None, Some(home)) => home.join(".pgpass"),
        (None, None) => return Ok(None),
    };
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Error::File { doing: "read the password file", path: file, source }),
    };
    private(&file)?;
    Ok(text.lines().filter(|line| !line.starts_with('#')).find_map(|line| fits(line, login)))
}

/// libpq leaves a file alone that others can read, and asks for a password then. Here nobody can be asked.
#[cfg(unix)]
fn private(file: &Path) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt;
    let about = std::fs::metadata(file).map_err(|source| Error::File {
        doing: "read the password file",
        path: file.to_owned(),
        source,
    })?;
    if about.permissions().mode() & 0o077 != 0 {
        let file = file.display();
        return Err(problem(format!("others can read the password file `{file}`; `chmod 0600` it")));
    }
    Ok(())
}

#[cfg(not(unix))]
fn private(_file: &Path) -> Result<(), Error> {
    Ok(())
}

fn fits(line: &str, login: &Login<'_>) -> Option<String> {
    let mut fields = fields(line).into_iter();
    let port = login.port.to_string();
    // A server on this machine's sockets goes by `localhost` there.
    let host = if login.host.starts_with('/') { "localhost" } else { login.host };
    for wanted in [host, &port, login.database, login.user] {
        let field = fields.next()?;
        if !field.wild && field.text != wanted {
            return None;
        }
    }
    fields.next().map(|field| field.text)
}

struct Field {
    text: String,
    /// An unescaped `*` alone.
    wild: bool,
}

/// Fields end at colons; a backslash takes its meaning from a colon or a backslash. The fifth is the rest of the line's.
fn fields(line: &str) -> Vec<Field> {
    let mut fields = vec![String::new()];
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        let first_ones = fields.len() < 5;
        match (character, fields.last_mut()) {
            ('\\', Some(field)) => field.extend(characters.next()),
            (':', _) if first_ones => fields.push(String::new()),
            (other, Some(field)) => field.push(other),
            (_, None) => {}
        }
    }
    fields.into_iter().map(|text| Field { wild: text == "*", text }).collect()
}
