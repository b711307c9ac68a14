//! The three encodings that exports are written in.

/// How the bytes of a file are text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    Utf8,
    Windows1252,
    Latin1,
    Cp850,
    /// In the byte order that its first two bytes tell.
    Utf16,
    Utf16Le,
    Utf16Be,
}

/// Windows-1252 from 0x80 to 0x9F; the five bytes that it does not have are NUL here.
const WINDOWS: [char; 32] = [
    '€', '\0', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\0', 'Ž', '\0', '\0', '‘', '’', '“',
    '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\0', 'ž', 'Ÿ',
];

/// Code page 850 from 0x80 on.
const DOS: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐\
                   └┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}";

impl Charset {
    /// Appends the text of some bytes; false where they are none.
    pub(crate) fn decode(self, bytes: &[u8], text: &mut String) -> bool {
        match self {
            // UTF-16 is UTF-8 by the time its bytes are cut into cells.
            Self::Utf8 | Self::Utf16 | Self::Utf16Le | Self::Utf16Be => match std::str::from_utf8(bytes) {
                Ok(read) => text.push_str(read),
                Err(_) => return false,
            },
            Self::Latin1 => text.extend(bytes.iter().map(|byte| char::from(*byte))),
            Self::Cp850 => {
                for byte in bytes {
                    match byte.checked_sub(0x80).and_then(|place| DOS.chars().nth(place.into())) {
                        Some(letter) => text.push(letter),
                        None => text.push(char::from(*byte)),
                    }
                }
            }
            Self::Windows1252 => {
                for byte in bytes {
                    let place = usize::from(byte.wrapping_sub(0x80));
                    match WINDOWS.get(place) {
                        Some('\0') => return false,
                        Some(letter) => text.push(*letter),
                        None => text.push(char::from(*byte)),
                    }
                }
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::Charset;

    #[test]
    fn bytes_become_text_or_are_refused() {
        let text = |charset: Charset, bytes: &[u8]| {
            let mut text = String::new();
            charset.decode(bytes, &mut text).then_some(text)
        };
        assert_eq!(text(Charset::Windows1252, b"S\xe3o \x80\x97"), Some("São €—".into()));
        assert_eq!(text(Charset::Windows1252, b"\x81"), None);
        assert_eq!(text(Charset::Latin1, b"\xe7\x81"), Some("ç\u{81}".into()));
        assert_eq!(text(Charset::Cp850, b"S\x84o \xff\x80"), Some("Säo \u{a0}Ç".into()));
        assert_eq!(text(Charset::Utf8, "ç".as_bytes()), Some("ç".into()));
        assert_eq!(text(Charset::Utf8, b"\xe7"), None);
    }
}
