//! SipHash-1-3: a 64-bit hash that nobody without the secret can steer into collisions.
//!
//! Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012.

/// 128 bits that make the hashes this project's own.
#[derive(Clone, Copy)]
pub struct Secret(pub [u64; 2]);

/// Hashes a key of one or more parts. Each part's length goes in before it, so `ab`+`c` is not `a`+`bc`.
///
/// Equal hashes do not prove equal keys: whoever acts on them compares the keys themselves.
pub fn hash_parts<'a>(secret: Secret, parts: impl Iterator<Item = &'a [u8]>) -> u64 {
    let mut state = State::new(secret);
    for part in parts {
        state.absorb(part.len() as u64);
        let (words, rest) = part.as_chunks::<8>();
        words.iter().for_each(|word| state.absorb(u64::from_le_bytes(*word)));
        if !rest.is_empty() {
            let last = rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
            state.absorb(last);
        }
    }
    state.finish()
}

struct State {
    v: [u64; 4],
    words: u64,
}

impl State {
    fn new(Secret([k0, k1]): Secret) -> Self {
        let v = [
            k0 ^ 0x736f_6d65_7073_6575,
            k1 ^ 0x646f_7261_6e64_6f6d,
            k0 ^ 0x6c79_6765_6e65_7261,
            k1 ^ 0x7465_6462_7974_6573,
        ];
        Self { v, words: 0 }
    }

    fn absorb(&mut self, word: u64) {
        self.words += 1;
        self.compress(word);
    }

    fn compress(&mut self, word: u64) {
        let [v0, v1, v2, v3] = self.v;
        self.v = round([v0, v1, v2, v3 ^ word]);
        let [v0, ..] = &mut self.v;
        *v0 ^= word;
    }

    fn finish(mut self) -> u64 {
        // The message's length in bytes, modulo 256, in the last word's top byte.
        self.compress(self.words << 59);
        let [v0, v1, v2, v3] = self.v;
        let [v0, v1, v2, v3] = round(round(round([v0, v1, v2 ^ 0xff, v3])));
        v0 ^ v1 ^ v2 ^ v3
    }
}

#[inline(always)]
fn round([mut v0, mut v1, mut v2, mut v3]: [u64; 4]) -> [u64; 4] {
    v0 = v0.wrapping_add(v1);
    v1 = v1.rotate_left(13) ^ v0;
    v0 = v0.rotate_left(32);
    v2 = v2.wrapping_add(v3);
    v3 = v3.rotate_left(16) ^ v2;
    v0 = v0.wrapping_add(v3);
    v3 = v3.rotate_left(21) ^ v0;
    v2 = v2.wrapping_add(v1);
    v1 = v1.rotate_left(17) ^ v2;
    v2 = v2.rotate_left(32);
    [v0, v1, v2, v3]
}

#[cfg(test)]
mod tests {
    use std::hash::Hasher;

    use proptest::prelude::*;

    use super::*;

    /// The standard library's hasher is SipHash-1-3 with a zero key; it knows nothing of parts.
    fn oracle(parts: &[Vec<u8>]) -> u64 {
        let mut message = Vec::new();
        for part in parts {
            message.extend_from_slice(&(part.len() as u64).to_le_bytes());
            message.extend_from_slice(part);
            message.resize(message.len().next_multiple_of(8), 0);
        }
        let mut hasher = std::hash::DefaultHasher::new();
        hasher.write(&message);
        hasher.finish()
    }

    proptest! {
        #[test]
        fn agrees_with_the_standard_library(parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..4)) {
            let hash = hash_parts(Secret([0, 0]), parts.iter().map(Vec::as_slice));
            prop_assert_eq!(hash, oracle(&parts));
            let other = hash_parts(Secret([0, 1]), parts.iter().map(Vec::as_slice));
            prop_assert_ne!(hash, other);
        }
    }

    #[test]
    fn parts_do_not_run_together() {
        let hash = |parts: &[&str]| hash_parts(Secret([7, 9]), parts.iter().map(|part| part.as_bytes()));
        assert_ne!(hash(&["ab", "c"]), hash(&["a", "bc"]));
        assert_ne!(hash(&["a"]), hash(&["a", ""]));
        assert_ne!(hash(&["a"]), hash(&["a\0"]));
        assert_ne!(hash(&[]), hash(&[""]));
    }
}
