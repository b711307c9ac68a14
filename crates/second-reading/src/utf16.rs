//! UTF-16 as UTF-8, a code unit at a time. What is no text becomes a byte that is none in UTF-8 either.

use std::io::{BufRead, Read};

use crate::Charset;

/// Which byte of a unit comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Little,
    Big,
    /// As the first unit, which must be a mark, tells.
    Marked,
}

impl Order {
    pub(crate) fn of(charset: Charset) -> Option<Self> {
        match charset {
            Charset::Utf16 => Some(Self::Marked),
            Charset::Utf16Le => Some(Self::Little),
            Charset::Utf16Be => Some(Self::Big),
            Charset::Utf8 | Charset::Windows1252 | Charset::Latin1 | Charset::Cp850 => None,
        }
    }
}

const NO_TEXT: u8 = 0xff;

pub(crate) struct Text<R> {
    input: R,
    order: Order,
    /// A first half of a pair that waits for the other one.
    high: Option<u16>,
    /// Text that was not asked for yet, and how much of it was.
    ready: Vec<u8>,
    given: usize,
}

impl<R: BufRead> Text<R> {
    pub(crate) fn new(input: R, order: Order) -> Self {
        Self { input, order, high: None, ready: Vec::new(), given: 0 }
    }

    /// Makes the next piece of text; none at the end.
    fn fill(&mut self) -> std::io::Result<()> {
        self.ready.clear();
        self.given = 0;
        while self.ready.is_empty() {
            let mut unit = [0_u8; 2];
            match self.unit(&mut unit)? {
                0 => {
                    if self.high.take().is_some() {
                        self.ready.push(NO_TEXT);
                    }
                    return Ok(());
                }
                1 => self.ready.push(NO_TEXT),
                _ => self.push(unit),
            }
        }
        Ok(())
    }

    fn unit(&mut self, unit: &mut [u8; 2]) -> std::io::Result<usize> {
        let mut taken = 0;
        for byte in unit {
            if self.input.read(std::slice::from_mut(byte))? == 0 {
                break;
            }
            taken += 1;
        }
        Ok(taken)
    }

    fn push(&mut self, unit: [u8; 2]) {
        if self.order == Order::Marked {
            match unit {
                [0xff, 0xfe] => self.order = Order::Little,
                [0xfe, 0xff] => self.order = Order::Big,
                // Without a mark no byte means anything.
                _ => {
                    self.ready.extend([NO_TEXT, NO_TEXT]);
                    return;
                }
            }
        }
        let unit = if self.order == Order::Big { u16::from_be_bytes(unit) } else { u16::from_le_bytes(unit) };
        let pending = self.high.take();
        if (0xd800..0xdc00).contains(&unit) {
            if pending.is_some() {
                self.ready.push(NO_TEXT);
            }
            self.high = Some(unit);
            return;
        }
        for read in char::decode_utf16(pending.into_iter().chain([unit])) {
            match read {
                Ok(letter) => self.ready.extend(letter.encode_utf8(&mut [0; 4]).as_bytes()),
                Err(_) => self.ready.push(NO_TEXT),
            }
        }
    }
}

impl<R: BufRead> Read for Text<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let mut written = 0;
        while written < buffer.len() {
            let left = self.ready.get(self.given..).unwrap_or_default();
            if left.is_empty() {
                self.fill()?;
                if self.ready.is_empty() {
                    break;
                }
                continue;
            }
            let Some(space) = buffer.get_mut(written..) else { break };
            let taken = left.len().min(space.len());
            for (to, from) in space.iter_mut().zip(left) {
                *to = *from;
            }
            self.given += taken;
            written += taken;
        }
        Ok(written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(order: Order, bytes: &[u8]) -> Vec<u8> {
        let mut text = Vec::new();
        Text::new(bytes, order).read_to_end(&mut text).unwrap();
        text
    }

    #[test]
    fn units_become_text() {
        let units: Vec<u16> = "aç💊\n".encode_utf16().collect();
        let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        assert_eq!(text(Order::Little, &little), "aç💊\n".as_bytes());
        assert_eq!(text(Order::Big, &big), "aç💊\n".as_bytes());
        let marked = [b"\xff\xfe".as_slice(), &little].concat();
        assert_eq!(text(Order::Marked, &marked), "\u{feff}aç💊\n".as_bytes());
    }

    #[test]
    fn what_is_no_text_stays_none() {
        assert_eq!(text(Order::Marked, b"a\0"), [NO_TEXT; 2]);
        assert_eq!(text(Order::Little, b"a\0b"), [b'a', NO_TEXT]);
        assert_eq!(text(Order::Little, b"\x00\xd8a\0"), [NO_TEXT, b'a']);
        assert_eq!(text(Order::Little, b"\x00\xdca\0"), [NO_TEXT, b'a']);
        assert_eq!(text(Order::Little, b"\x00\xd8\x00\xd8"), [NO_TEXT; 2]);
        assert_eq!(text(Order::Little, b"\x00\xd8"), [NO_TEXT]);
    }
}
