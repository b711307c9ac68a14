//! The project key and what is made from it: deterministic ids, key hashes, fingerprints.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::keys::Secret;

/// 32 bytes that make this project's ids its own. Never printed; its fingerprint is.
#[derive(Clone)]
pub struct ProjectKey([u8; 32]);

impl std::fmt::Debug for ProjectKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ProjectKey({})", self.fingerprint())
    }
}

impl ProjectKey {
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// 16 hex digits that name the key without telling it.
    pub fn fingerprint(&self) -> String {
        hex(first(&self.derive(&[b"fingerprint"]), 8))
    }

    /// What the in-memory key sets hash with.
    pub fn secret(&self) -> Secret {
        Self::words(self.derive(&[b"key sets"]))
    }

    /// The same for the keys of one system beside others.
    pub fn secret_of(&self, system: &str) -> Secret {
        Self::words(self.derive(&[b"key sets", system.as_bytes()]))
    }

    fn words(bytes: [u8; 32]) -> Secret {
        let mut words = bytes.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word));
        Secret([words.next().unwrap_or_default(), words.next().unwrap_or_default()])
    }

    /// A row key as it may stand in a report: keyed, so that a short key space cannot be searched.
    pub fn hash_row_key(&self, table: &str, key: &str) -> String {
        hex(first(&self.derive(&[b"row key", table.as_bytes(), key.as_bytes()]), 8))
    }

    fn derive(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.mac();
        for part in parts {
            update(&mut mac, part);
        }
        mac.finalize().into_bytes().into()
    }

    fn mac(&self) -> Hmac<Sha256> {
        #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
        Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length")
    }
}

/// Makes the ids of one target table: UUIDv8 from HMAC-SHA256 over (series, system, table, source key).
///
/// Neither version nor order go in, so the next export of the same clinic gives the same ids.
#[derive(Clone)]
pub struct IdMaker {
    prefix: Hmac<Sha256>,
}

impl IdMaker {
    pub fn new(key: &ProjectKey, series: &str, system: &str, table: &str) -> Self {
        let mut prefix = key.mac();
        for part in [series, system, table] {
            update(&mut prefix, part.as_bytes());
        }
        Self { prefix }
    }

    /// RFC 9562 version 8, variant 10.
    pub fn make(&self, source_key: &str) -> [u8; 16] {
        let mut mac = self.prefix.clone();
        update(&mut mac, source_key.as_bytes());
        let digest = mac.finalize().into_bytes();
        let mut id: [u8; 16] = digest.first_chunk().copied().unwrap_or_default();
        id[6] = (id[6] & 0x0f) | 0x80;
        id[8] = (id[8] & 0x3f) | 0x80;
        id
    }
}

/// Length first, so that no two lists of parts give the same bytes.
fn update(mac: &mut Hmac<Sha256>, part: &[u8]) {
    mac.update(&(part.len() as u64).to_le_bytes());
    mac.update(part);
}

fn first(bytes: &[u8], count: usize) -> &[u8] {
    bytes.get(..count).unwrap_or(bytes)
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        text.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
        text.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
        text
    })
}

/// SHA-256 over length-prefixed parts, as hex: fingerprints of what a stage read.
pub fn sha256_of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hex(&hasher.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_stable_and_depend_on_every_part() {
        let key = ProjectKey::new([7; 32]);
        let id = IdMaker::new(&key, "a", "b", "c").make("1");
        assert_eq!(id, IdMaker::new(&key, "a", "b", "c").make("1"));
        assert_eq!(id[6] >> 4, 8);
        assert_eq!(id[8] >> 6, 2);
        for other in [
            IdMaker::new(&key, "ab", "", "c").make("1"),
            IdMaker::new(&key, "a", "b", "c").make("2"),
            IdMaker::new(&ProjectKey::new([8; 32]), "a", "b", "c").make("1"),
        ] {
            assert_ne!(id, other);
        }
    }
}
