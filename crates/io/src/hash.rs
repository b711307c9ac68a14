//! PostgreSQL's `hashtextextended`, the one function that the digests of the engine and of the targets share.
//!
//! This is `hash_bytes_extended` of PostgreSQL's `hashfn.c`: Bob Jenkins' lookup3 with a 64-bit seed and a 64-bit
//! result, as a little-endian server computes it. The tests hold it against a real server.

/// The hash of a text's bytes under a seed; equal to `hashtextextended(text COLLATE "C", seed)`.
pub fn hash_text_extended(text: &[u8], seed: i64) -> i64 {
    // The length enters modulo 2^32; PostgreSQL's texts are shorter than 1 GiB.
    let start = 0x9e37_79b9_u32.wrapping_add(text.len() as u32).wrapping_add(3_923_095);
    let mut state = State { a: start, b: start, c: start };
    if seed != 0 {
        state.a = state.a.wrapping_add((seed as u64 >> 32) as u32);
        state.b = state.b.wrapping_add(seed as u32);
        state.mix();
    }
    let (blocks, tail) = text.as_chunks::<12>();
    for block in blocks {
        let [a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3] = *block;
        state.a = state.a.wrapping_add(u32::from_le_bytes([a0, a1, a2, a3]));
        state.b = state.b.wrapping_add(u32::from_le_bytes([b0, b1, b2, b3]));
        state.c = state.c.wrapping_add(u32::from_le_bytes([c0, c1, c2, c3]));
        state.mix();
    }
    state.add_tail(tail);
    state.finish();
    ((u64::from(state.b) << 32) | u64::from(state.c)) as i64
}

struct State {
    a: u32,
    b: u32,
    c: u32,
}

impl State {
    /// At most 11 bytes. The lowest byte of `c` stays free: the length went in at the start.
    #[inline(always)]
    fn add_tail(&mut self, tail: &[u8]) {
        let mut padded = [0_u8; 12];
        for (place, byte) in padded.iter_mut().zip(tail) {
            *place = *byte;
        }
        let [a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, _] = padded;
        self.a = self.a.wrapping_add(u32::from_le_bytes([a0, a1, a2, a3]));
        self.b = self.b.wrapping_add(u32::from_le_bytes([b0, b1, b2, b3]));
        self.c = self.c.wrapping_add(u32::from_le_bytes([0, c0, c1, c2]));
    }

    #[inline(always)]
    fn mix(&mut self) {
        let Self { mut a, mut b, mut c } = *self;
        (a, c) = (a.wrapping_sub(c) ^ c.rotate_left(4), c.wrapping_add(b));
        (b, a) = (b.wrapping_sub(a) ^ a.rotate_left(6), a.wrapping_add(c));
        (c, b) = (c.wrapping_sub(b) ^ b.rotate_left(8), b.wrapping_add(a));
        (a, c) = (a.wrapping_sub(c) ^ c.rotate_left(16), c.wrapping_add(b));
        (b, a) = (b.wrapping_sub(a) ^ a.rotate_left(19), a.wrapping_add(c));
        (c, b) = (c.wrapping_sub(b) ^ b.rotate_left(4), b.wrapping_add(a));
        *self = Self { a, b, c };
    }

    #[inline(always)]
    fn finish(&mut self) {
        let Self { mut a, mut b, mut c } = *self;
        c = (c ^ b).wrapping_sub(b.rotate_left(14));
        a = (a ^ c).wrapping_sub(c.rotate_left(11));
        b = (b ^ a).wrapping_sub(a.rotate_left(25));
        c = (c ^ b).wrapping_sub(b.rotate_left(16));
        a = (a ^ c).wrapping_sub(c.rotate_left(4));
        b = (b ^ a).wrapping_sub(a.rotate_left(14));
        c = (c ^ b).wrapping_sub(b.rotate_left(24));
        *self = Self { a, b, c };
    }
}
