//! `NAME[=URL]`: a target pack and where it is. Secrets never stand in an argument or a rule file.

use std::path::{Path, PathBuf};

use chartlift_engine::run::TargetChoice;

use crate::exit::Failure;

/// The address of a target, for commands that must connect. It may hold a secret: never print it.
pub(crate) fn required_url(target: &TargetChoice) -> Result<&str, Failure> {
    target.url.as_deref().ok_or_else(|| {
        Failure::usage("no-target", format!("it is not said where target `{}` is", target.name)).hint(
            format!(
                "add its address, e.g. `--target {0}=sqlite:{0}.db` or `--target {0}=env:DATABASE_URL`",
                target.name
            ),
        )
    })
}

/// What was written, before any secret is looked up.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TargetPlace {
    pub(super) name: String,
    pub(super) place: Option<Place>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Place {
    Sqlite(PathBuf),
    /// Without a password.
    Postgres(String),
    Environment(String),
    File(PathBuf),
}

impl TargetPlace {
    /// Relative paths start at `base`.
    pub(super) fn parse(text: &str, base: &Path) -> Result<Self, Failure> {
        let (name, url) = match text.split_once('=') {
            Some((name, url)) => (name.trim(), Some(url.trim())),
            None => (text.trim(), None),
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || !name.chars().all(plain) {
            // The text is not repeated: it may be an address with a password.
            return Err(Failure::usage(
                "bad-target",
                "the target does not begin with the name of a target pack",
            )
            .hint("expected NAME or NAME=URL, e.g. `clinic=sqlite:out.db`"));
        }
        let place = url.map(|url| Place::parse(name, url, base)).transpose()?;
        Ok(Self { name: name.to_owned(), place })
    }

    /// The address, with `env:` and `file:` looked up.
    pub(super) fn url(
        &self,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<String>, Failure> {
        match &self.place {
            None => Ok(None),
            Some(Place::Sqlite(path)) => Ok(Some(format!("sqlite:{}", path.display()))),
            Some(Place::Postgres(url)) => Ok(Some(url.clone())),
            Some(Place::Environment(name)) => environment(name).map(Some).ok_or_else(|| {
                let message =
                    format!("the address of target `{}` is not in the environment as `{name}`", self.name);
                Failure::usage("no-target", message)
                    .hint(format!("set {name}, e.g. to postgresql://user:password@host/database"))
            }),
            Some(Place::File(path)) => {
                let read = std::fs::read_to_string(path)
                    .map_err(Failure::file("read the target's address in", path));
                Ok(Some(read?.trim().to_owned()))
            }
        }
    }

    /// As an order keeps it: paths whole, secrets by reference.
    pub(super) fn recorded(&self) -> String {
        match &self.place {
            None => self.name.clone(),
            Some(Place::Sqlite(path)) => format!("{}=sqlite:{}", self.name, path.display()),
            Some(Place::Postgres(url)) => format!("{}={url}", self.name),
            Some(Place::Environment(name)) => format!("{}=env:{name}", self.name),
            Some(Place::File(path)) => format!("{}=file:{}", self.name, path.display()),
        }
    }
}

impl Place {
    fn parse(name: &str, url: &str, base: &Path) -> Result<Self, Failure> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() || path == ":memory:" {
                return Err(Failure::usage("bad-target", "an SQLite target needs a file")
                    .hint(format!("expected e.g. `{name}=sqlite:{name}.db`")));
            }
            return Ok(Self::Sqlite(base.join(path)));
        }
        if let Some(variable) = url.strip_prefix("env:") {
            return Ok(Self::Environment(variable.to_owned()));
        }
        if let Some(path) = url.strip_prefix("file:") {
            return Ok(Self::File(base.join(path.strip_prefix("//").unwrap_or(path))));
        }
        if url.starts_with("postgresql://") || url.starts_with("postgres://") {
            return if has_password(url) {
                Err(Failure::usage("secret-in-argument", format!("the address of target `{name}` holds a password"))
                    .hint(format!(
                        "put the address into an environment variable or a file and write `{name}=env:NAME` or `{name}=file:PATH`"
                    )))
            } else {
                Ok(Self::Postgres(url.to_owned()))
            };
        }
        Err(Failure::usage("bad-target", format!("the address of target `{name}` is of no known kind"))
            .hint("expected sqlite:PATH, postgresql://USER@HOST/DATABASE, env:NAME or file:PATH"))
    }
}

/// A password in the user part, or as a parameter.
fn has_password(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (authority, parameters) = match rest.find(['/', '?']) {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
    let in_user = user.split_once(':').is_some_and(|(_, password)| !password.is_empty());
    // An unescaped `/` or `?` in a password ends the authority early: an `@` further on gives it away.
    let cut_short = authority.contains(':') && parameters.contains('@') && !authority.contains('@');
    in_user || cut_short || parameters.to_ascii_lowercase().contains("password=")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<TargetPlace, Failure> {
        TargetPlace::parse(text, Path::new("/base"))
    }

    #[test]
    fn addresses_are_understood() {
        let url = |text: &str| {
            let read = |name: &str| (name == "URL").then(|| "postgresql://u:p@h/d".to_owned());
            parse(text).unwrap().url(read).unwrap()
        };
        assert_eq!(url("clinic"), None);
        assert_eq!(url("clinic=sqlite:out.db").unwrap(), "sqlite:/base/out.db");
        assert_eq!(url("clinic=sqlite:///x/out.db").unwrap(), "sqlite:/x/out.db");
        assert_eq!(url("clinic=postgresql://u@h:5432/d").unwrap(), "postgresql://u@h:5432/d");
        assert_eq!(url("clinic=env:URL").unwrap(), "postgresql://u:p@h/d");
        assert_eq!(parse("clinic=env:URL").unwrap().recorded(), "clinic=env:URL");
        assert_eq!(parse("clinic=sqlite:a.db").unwrap().recorded(), "clinic=sqlite:/base/a.db");
    }

    #[test]
    fn secrets_and_nonsense_are_refused_without_repeating_them() {
        let cases = [
            ("clinic=postgresql://u:hunter2@h/d", "secret-in-argument"),
            ("clinic=postgres://u:hun?ter2@h/d", "secret-in-argument"),
            ("clinic=postgresql://h/d?user=u&password=hunter2", "secret-in-argument"),
            ("postgresql://u:hunter2@h/d", "bad-target"),
            ("clinic=mysql://u:hunter2@h/d", "bad-target"),
            ("clinic=sqlite::memory:", "bad-target"),
            ("=sqlite:x", "bad-target"),
        ];
        for (text, code) in cases {
            let failure = parse(text).unwrap_err();
            assert_eq!((failure.code.as_str(), failure.exit.code()), (code, 2), "{text}");
            assert!(!format!("{failure:?}").contains("hunter2"), "{failure:?}");
        }
    }
}
