//! Finds the next byte that means something, 64 bytes at a time.
//!
//! The compare is written so that the compiler makes vector instructions of it: a byte of a block that matters becomes
//! one bit of a word, and the words are then walked bit by bit. That costs the same however close the hits are, where
//! a `memchr` starts anew after each hit: fields are ten bytes long, so hits are what there is.

const BLOCK: usize = 64;

/// The bytes looked for; unused places repeat another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Needles(pub(super) [u8; 4]);

#[derive(Debug)]
pub(super) struct Scan<'a> {
    bytes: &'a [u8],
    needles: Needles,
    /// Where the current block starts.
    base: usize,
    /// The hits of the current block.
    hits: u64,
}

impl<'a> Scan<'a> {
    pub(super) fn new(bytes: &'a [u8], needles: Needles) -> Self {
        let mut scan = Self { bytes, needles, base: 0, hits: 0 };
        scan.load(0);
        scan
    }

    /// The first hit at or after `from` and before `end`.
    #[inline(always)]
    pub(super) fn next(&mut self, from: usize, end: usize) -> Option<usize> {
        let base = from & !(BLOCK - 1);
        if base != self.base {
            self.load(base);
        }
        let mut hits = self.hits & (u64::MAX << (from & (BLOCK - 1)));
        while hits == 0 {
            let base = self.base + BLOCK;
            if base >= end {
                return None;
            }
            self.load(base);
            hits = self.hits;
        }
        let at = self.base + hits.trailing_zeros() as usize;
        (at < end).then_some(at)
    }

    #[inline(always)]
    fn load(&mut self, base: usize) {
        self.base = base;
        let rest = self.bytes.get(base..).unwrap_or_default();
        self.hits = match rest.first_chunk::<BLOCK>() {
            Some(block) => hits(block, self.needles),
            None => self.load_last(rest),
        };
    }

    #[cold]
    fn load_last(&self, rest: &[u8]) -> u64 {
        let mut block = [0_u8; BLOCK];
        for (to, from) in block.iter_mut().zip(rest) {
            *to = *from;
        }
        hits(&block, self.needles) & !(u64::MAX << rest.len().min(BLOCK - 1))
    }
}

#[inline(always)]
fn hits(block: &[u8; BLOCK], Needles([a, b, c, d]): Needles) -> u64 {
    let mut marks = [0_u8; BLOCK];
    for (at, (mark, byte)) in marks.iter_mut().zip(block).enumerate() {
        let hit = (*byte == a) | (*byte == b) | (*byte == c) | (*byte == d);
        // Each of eight neighbours has a bit of its own, so that their sum below is their union.
        *mark = if hit { 1 << (at % 8) } else { 0 };
    }
    let mut bits = 0;
    for (at, eight) in marks.as_chunks::<8>().0.iter().enumerate() {
        let sum = u64::from_le_bytes(*eight).wrapping_mul(0x0101_0101_0101_0101) >> 56;
        bits |= sum << (at * 8);
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_a_plain_loop_finds() {
        let mut state = 7_u64;
        let bytes: Vec<u8> = (0..1000)
            .map(|_| {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                (state >> 59) as u8
            })
            .collect();
        let needles = Needles([3, 9, 0, 3]);
        for length in (0..200).chain([999, 1000]) {
            let part = &bytes[..length];
            let mut scan = Scan::new(part, needles);
            for from in 0..=length {
                for end in [length, length / 2] {
                    let plain = (from..end).find(|at| [3, 9, 0].contains(&part[*at]));
                    assert_eq!(scan.next(from, end), plain, "{from}..{end} of {length}");
                }
            }
        }
    }
}
