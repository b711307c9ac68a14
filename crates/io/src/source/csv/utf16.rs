//! UTF-16 becomes text in which every delimiter, quote and line end is one byte, without losing a byte of it.
//!
//! The text is UTF-8, with two additions that keep it invertible: a surrogate without its partner stands as the three
//! bytes that its number would have, and a byte that is half a code unit as `FF` and its two half bytes. Neither is valid
//! UTF-8, so a record that holds one does not decode; and how many bytes of the file any stretch of text stands for can be
//! told from the text alone ([`file_bytes`]).

use std::io::Read;

use chartlift_rules::Encoding;

/// Which byte of a code unit comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByteOrder {
    Little,
    Big,
    /// Neither declared nor marked: no byte has a meaning, and nothing is guessed.
    Unknown,
}

impl ByteOrder {
    /// The order of a file that begins with these bytes; `None` for encodings of single bytes.
    pub(super) fn of(encoding: Encoding, head: &[u8]) -> Option<Self> {
        match encoding {
            Encoding::Utf16Le => Some(Self::Little),
            Encoding::Utf16Be => Some(Self::Big),
            Encoding::Utf16 => Some(match head {
                [0xff, 0xfe, ..] => Self::Little,
                [0xfe, 0xff, ..] => Self::Big,
                _ => Self::Unknown,
            }),
            Encoding::Utf8 | Encoding::Windows1252 | Encoding::Iso8859_1 | Encoding::Cp850 => None,
        }
    }
}

/// Turns the bytes of a file into text, however they are cut.
struct Transcoder {
    order: ByteOrder,
    /// The first byte of a unit.
    half: Option<u8>,
    /// A high surrogate that waits for its low one.
    high: Option<u16>,
}

impl Transcoder {
    fn new(order: ByteOrder) -> Self {
        Self { order, half: None, high: None }
    }

    fn push(&mut self, bytes: &[u8], text: &mut Vec<u8>) {
        for byte in bytes {
            let unit = match (self.order, self.half.take()) {
                (ByteOrder::Unknown, _) => {
                    push_half(*byte, text);
                    continue;
                }
                (_, None) => {
                    self.half = Some(*byte);
                    continue;
                }
                (ByteOrder::Little, Some(first)) => u16::from_le_bytes([first, *byte]),
                (ByteOrder::Big, Some(first)) => u16::from_be_bytes([first, *byte]),
            };
            self.unit(unit, text);
        }
    }

    #[inline(always)]
    fn unit(&mut self, unit: u16, text: &mut Vec<u8>) {
        if let Some(high) = self.high.take() {
            if (0xdc00..=0xdfff).contains(&unit) {
                let code = 0x1_0000 + (u32::from(high - 0xd800) << 10) + u32::from(unit - 0xdc00);
                let [a, b, c, d] = [code >> 18, code >> 12 & 0x3f, code >> 6 & 0x3f, code & 0x3f];
                text.extend([0xf0 | a as u8, 0x80 | b as u8, 0x80 | c as u8, 0x80 | d as u8]);
                return;
            }
            push_unit(high, text);
        }
        if (0xd800..=0xdbff).contains(&unit) {
            self.high = Some(unit);
        } else {
            push_unit(unit, text);
        }
    }

    /// The input ends: what waits for more is damage.
    fn finish(&mut self, text: &mut Vec<u8>) {
        if let Some(high) = self.high.take() {
            push_unit(high, text);
        }
        if let Some(half) = self.half.take() {
            push_half(half, text);
        }
    }
}

fn push_unit(unit: u16, text: &mut Vec<u8>) {
    match unit {
        0..0x80 => text.push(unit as u8),
        0x80..0x800 => text.extend([0xc0 | (unit >> 6) as u8, 0x80 | (unit & 0x3f) as u8]),
        _ => {
            let (middle, last) = ((unit >> 6 & 0x3f) as u8, (unit & 0x3f) as u8);
            text.extend([0xe0 | (unit >> 12) as u8, 0x80 | middle, 0x80 | last]);
        }
    }
}

fn push_half(byte: u8, text: &mut Vec<u8>) {
    text.extend([0xff, 0x80 | byte >> 4, 0x80 | byte & 0x0f]);
}

/// The text of bytes that begin and end with a unit, or with the file.
pub(super) fn text_of(bytes: &[u8], order: ByteOrder) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes.len() / 2 + bytes.len() / 8);
    let mut transcoder = Transcoder::new(order);
    transcoder.push(bytes, &mut text);
    transcoder.finish(&mut text);
    text
}

/// The text of a file's first bytes, without a character that they cut.
pub(super) fn text_of_head(bytes: &[u8], order: ByteOrder) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes.len() / 2 + bytes.len() / 8);
    Transcoder::new(order).push(bytes, &mut text);
    text
}

/// How many bytes of the file a stretch of text stands for. A character counts where its first byte stands, so that the
/// stretches of any division sum up.
pub(super) fn file_bytes(text: &[u8]) -> u64 {
    let of = |byte: &u8| match byte {
        0x80..=0xbf => 0,
        0xf0..=0xf7 => 4,
        0xff => 1,
        _ => 2,
    };
    text.iter().map(of).sum()
}

/// The text as far as it is one: U+FFFD for each lone surrogate and each half unit.
pub(super) fn lossy(text: &[u8]) -> String {
    let mut read = String::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        read.push_str(chunk.valid());
        // The bytes that follow the first of such a unit are invalid on their own.
        if chunk.invalid().first().is_some_and(|byte| !matches!(byte, 0x80..=0xbf)) {
            read.push(char::REPLACEMENT_CHARACTER);
        }
    }
    read
}

/// A file of UTF-16 read as text.
pub(super) struct TextReader<R> {
    input: R,
    encoding: Encoding,
    /// Known once the first two bytes are.
    transcoder: Option<Transcoder>,
    raw: Vec<u8>,
    /// Text that was not yet taken, from `taken` on.
    text: Vec<u8>,
    taken: usize,
    ended: bool,
}

impl<R: Read> TextReader<R> {
    pub(super) fn new(input: R, encoding: Encoding, buffer_bytes: usize) -> Self {
        let raw = vec![0; buffer_bytes.max(16)];
        Self { input, encoding, transcoder: None, raw, text: Vec::new(), taken: 0, ended: false }
    }

    pub(super) fn order(&self) -> ByteOrder {
        self.transcoder.as_ref().map_or(ByteOrder::Unknown, |transcoder| transcoder.order)
    }

    pub(super) fn into_input(self) -> R {
        self.input
    }

    /// Reads until there is text or none is left.
    fn fill(&mut self) -> std::io::Result<()> {
        self.text.clear();
        self.taken = 0;
        while self.text.is_empty() && !self.ended {
            let mut filled = 0;
            // The byte order is known from two bytes, which may come one at a time.
            let wanted = if self.transcoder.is_none() { 2 } else { 1 };
            while filled < wanted && !self.ended {
                match self.input.read(self.raw.get_mut(filled..).unwrap_or_default()) {
                    Ok(0) => self.ended = true,
                    Ok(read) => filled += read,
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            let bytes = self.raw.get(..filled).unwrap_or_default();
            let order = || ByteOrder::of(self.encoding, bytes).unwrap_or(ByteOrder::Unknown);
            let transcoder = self.transcoder.get_or_insert_with(|| Transcoder::new(order()));
            transcoder.push(bytes, &mut self.text);
            if self.ended {
                transcoder.finish(&mut self.text);
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for TextReader<R> {
    fn read(&mut self, space: &mut [u8]) -> std::io::Result<usize> {
        if self.taken == self.text.len() {
            self.fill()?;
        }
        let rest = self.text.get(self.taken..).unwrap_or_default();
        let count = rest.len().min(space.len());
        if let (Some(from), Some(to)) = (rest.get(..count), space.get_mut(..count)) {
            to.copy_from_slice(from);
        }
        self.taken += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_told_from_its_text_and_counts_its_bytes() {
        for unit in 0..=u16::MAX {
            let bytes = unit.to_le_bytes();
            let text = text_of(&bytes, ByteOrder::Little);
            assert_eq!(text, text_of(&unit.to_be_bytes(), ByteOrder::Big));
            assert_eq!(file_bytes(&text), 2, "{unit:#x}");
            let expected = String::from_utf16_lossy(&[unit]);
            assert_eq!(lossy(&text), expected, "{unit:#x}");
            assert_eq!(str::from_utf8(&text).is_ok(), char::decode_utf16([unit]).all(|one| one.is_ok()));
        }
    }

    #[test]
    fn pairs_halves_and_unordered_bytes_count_their_bytes() {
        let pair: Vec<u8> = "\u{1f600}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(text_of(&pair, ByteOrder::Little), "\u{1f600}".as_bytes());
        assert_eq!(file_bytes("\u{1f600}".as_bytes()), 4);
        for byte in 0..=u8::MAX {
            let text = text_of(&[byte], ByteOrder::Big);
            assert_eq!((file_bytes(&text), lossy(&text)), (1, "\u{fffd}".to_owned()));
        }
        let unordered = text_of(b"a\n,\"", ByteOrder::Unknown);
        assert_eq!(file_bytes(&unordered), 4);
        assert!(!unordered.is_ascii() && !unordered.contains(&b'\n') && str::from_utf8(&unordered).is_err());
    }
}
