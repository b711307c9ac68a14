//! The project key: where it is, how it is read, how a new one is made.

use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};
use std::path::Path;

use chartlift_engine::project_key::{ProjectKey, hex};

use crate::exit::Failure;

/// Where `init` puts a key, relative to the project.
pub(crate) const KEY_FILE: &str = ".chartlift/key";

const BYTES: usize = 32;

/// Reads the key that `reference` (`env:NAME` or `file:PATH`) points at.
pub(super) fn read(reference: &str, root: &Path) -> Result<ProjectKey, Failure> {
    let (bytes, place) = if let Some(name) = reference.strip_prefix("env:") {
        let value = super::environment(name).ok_or_else(|| {
            Failure::usage("no-key", format!("the project key is not in the environment as `{name}`"))
                .hint(format!("set {name} to 64 hex digits before the command"))
        })?;
        (value.into_bytes(), format!("environment variable `{name}`"))
    } else if let Some(path) = reference.strip_prefix("file:") {
        let path = root.join(path);
        let bytes = std::fs::read(&path).map_err(|error| {
            Failure::file("read the project key in", &path)(error)
                .hint("copy the project's key there; another key would give other ids for the same clinic")
        })?;
        (bytes, format!("file `{}`", path.display()))
    } else {
        return Err(Failure::usage("bad-key", "the project key must not stand in `chartlift.yaml` itself")
            .hint("expected `key: env:NAME` or `key: file:PATH`"));
    };
    let key = parse(&bytes).ok_or_else(|| {
        Failure::usage("bad-key", format!("the project key in {place} is not a key"))
            .hint("expected 64 hex digits, or exactly 32 bytes")
    })?;
    Ok(ProjectKey::new(key))
}

/// 32 raw bytes, or 64 hex digits with white space around them.
fn parse(bytes: &[u8]) -> Option<[u8; BYTES]> {
    if let Ok(key) = <[u8; BYTES]>::try_from(bytes) {
        return Some(key);
    }
    let digits = std::str::from_utf8(bytes).ok()?.trim().as_bytes();
    if digits.len() != 2 * BYTES {
        return None;
    }
    let mut key = [0; BYTES];
    for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
        let pair =
            std::str::from_utf8(pair).ok().filter(|pair| pair.bytes().all(|b| b.is_ascii_hexdigit()))?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(key)
}

/// Makes a random key in `path`, readable by its owner only. An existing file is left alone and refused.
pub(crate) fn write_new(path: &Path) -> Result<(), Failure> {
    let mut key = [0; BYTES];
    let mut random = std::fs::File::open("/dev/urandom")
        .map_err(Failure::file("read random bytes from", "/dev/urandom"))?;
    random.read_exact(&mut key).map_err(Failure::file("read random bytes from", "/dev/urandom"))?;
    write(path, &hex(&key))
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(Failure::file("create the project key", path))?;
    writeln!(file, "{text}")
        .and_then(|()| file.sync_all())
        .map_err(Failure::file("write the project key", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_hex_or_raw() {
        let digits = "00ff".repeat(16);
        assert_eq!(parse(digits.as_bytes()).unwrap()[1], 0xff);
        assert_eq!(parse(format!("  {digits}\n").as_bytes()).unwrap()[0], 0);
        assert_eq!(parse(&[9; 32]).unwrap(), [9; 32]);
        for wrong in ["", "00ff", &"zz".repeat(32), &"+f".repeat(32), &"00".repeat(33)] {
            assert_eq!(parse(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn a_new_key_is_private_and_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        write_new(&path).unwrap();
        read("file:key", folder.path()).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(write_new(&path).unwrap_err().exit.code(), 2);
        assert_eq!(read("0123", folder.path()).unwrap_err().code, "bad-key");
    }
}
