//! The encodings an export may declare, and what becomes of bytes they do not have.

use std::borrow::Cow;

use chartlift_rules::Encoding;

use super::utf16;

/// Windows-1252 from 0x80 to 0x9F, as Microsoft's table has it; `None` where it has no character. The web's reading of
/// the same name makes control characters of those five, which would let damage pass as text.
const WINDOWS_1252: [Option<char>; 32] = [
    Some('€'),
    None,
    Some('‚'),
    Some('ƒ'),
    Some('„'),
    Some('…'),
    Some('†'),
    Some('‡'),
    Some('ˆ'),
    Some('‰'),
    Some('Š'),
    Some('‹'),
    Some('Œ'),
    None,
    Some('Ž'),
    None,
    None,
    Some('‘'),
    Some('’'),
    Some('“'),
    Some('”'),
    Some('•'),
    Some('–'),
    Some('—'),
    Some('˜'),
    Some('™'),
    Some('š'),
    Some('›'),
    Some('œ'),
    None,
    Some('ž'),
    Some('Ÿ'),
];

/// Code page 850 from 0x80 on, as MS-DOS had it in Western Europe and Brazil; every byte has a character.
#[rustfmt::skip]
const CP850: [char; 128] = [
    'Ç', 'ü', 'é', 'â', 'ä', 'à', 'å', 'ç', 'ê', 'ë', 'è', 'ï', 'î', 'ì', 'Ä', 'Å',
    'É', 'æ', 'Æ', 'ô', 'ö', 'ò', 'û', 'ù', 'ÿ', 'Ö', 'Ü', 'ø', '£', 'Ø', '×', 'ƒ',
    'á', 'í', 'ó', 'ú', 'ñ', 'Ñ', 'ª', 'º', '¿', '®', '¬', '½', '¼', '¡', '«', '»',
    '░', '▒', '▓', '│', '┤', 'Á', 'Â', 'À', '©', '╣', '║', '╗', '╝', '¢', '¥', '┐',
    '└', '┴', '┬', '├', '─', '┼', 'ã', 'Ã', '╚', '╔', '╩', '╦', '╠', '═', '╬', '¤',
    'ð', 'Ð', 'Ê', 'Ë', 'È', 'ı', 'Í', 'Î', 'Ï', '┘', '┌', '█', '▄', '¦', 'Ì', '▀',
    'Ó', 'ß', 'Ô', 'Ò', 'õ', 'Õ', 'µ', 'þ', 'Þ', 'Ú', 'Û', 'Ù', 'ý', 'Ý', '¯', '´',
    '\u{ad}', '±', '‗', '¾', '¶', '§', '÷', '¸', '°', '¨', '·', '¹', '³', '²', '■', '\u{a0}',
];

/// The byte order mark, in UTF-8.
pub(super) const BOM: &[u8] = b"\xef\xbb\xbf";

/// Encodings of Unicode: a byte order mark is one, and characters beyond ASCII are no single byte.
pub(super) fn is_unicode(encoding: Encoding) -> bool {
    match encoding {
        Encoding::Utf8 | Encoding::Utf16 | Encoding::Utf16Le | Encoding::Utf16Be => true,
        Encoding::Windows1252 | Encoding::Iso8859_1 | Encoding::Cp850 => false,
    }
}

/// Whether every byte has a meaning in the encoding. Of UTF-16 the text is asked (see `utf16`), not the file's bytes.
pub(super) fn decodes(bytes: &[u8], encoding: Encoding) -> bool {
    match encoding {
        Encoding::Utf8 | Encoding::Utf16 | Encoding::Utf16Le | Encoding::Utf16Be => {
            simdutf8::basic::from_utf8(bytes).is_ok()
        }
        Encoding::Windows1252 => !bytes.iter().fold(false, |bad, byte| bad | is_undefined(*byte)),
        Encoding::Iso8859_1 | Encoding::Cp850 => true,
    }
}

fn is_undefined(byte: u8) -> bool {
    matches!(byte, 0x81 | 0x8d | 0x8f | 0x90 | 0x9d)
}

/// The text of the bytes, with U+FFFD for what cannot be decoded. Of UTF-16 its text is wanted, as for [`decodes`].
pub(super) fn decode_lossy(bytes: &[u8], encoding: Encoding) -> Cow<'_, str> {
    match encoding {
        Encoding::Utf8 => match simdutf8::basic::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => String::from_utf8_lossy(bytes),
        },
        Encoding::Utf16 | Encoding::Utf16Le | Encoding::Utf16Be => Cow::Owned(utf16::lossy(bytes)),
        Encoding::Windows1252 | Encoding::Iso8859_1 | Encoding::Cp850 => {
            let mut text = String::with_capacity(bytes.len() + bytes.len() / 8);
            let mut rest = bytes;
            // Most bytes are ASCII and come in runs.
            while let Some((run, [other, left @ ..])) =
                rest.iter().position(|byte| !byte.is_ascii()).and_then(|at| rest.split_at_checked(at))
            {
                text.push_str(str::from_utf8(run).unwrap_or_default());
                text.push(character(*other, encoding));
                rest = left;
            }
            text.push_str(str::from_utf8(rest).unwrap_or_default());
            Cow::Owned(text)
        }
    }
}

fn character(byte: u8, encoding: Encoding) -> char {
    match (encoding, byte) {
        (Encoding::Windows1252, 0x80..=0x9f) => WINDOWS_1252
            .get(usize::from(byte - 0x80))
            .copied()
            .flatten()
            .unwrap_or(char::REPLACEMENT_CHARACTER),
        (Encoding::Cp850, 0x80..) => {
            CP850.get(usize::from(byte - 0x80)).copied().unwrap_or(char::REPLACEMENT_CHARACTER)
        }
        _ => char::from(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_1252_is_what_encoding_rs_says_but_for_the_undefined() {
        for byte in 0..=255_u8 {
            let ours = decode_lossy(&[byte], Encoding::Windows1252).into_owned();
            let theirs = encoding_rs::WINDOWS_1252.decode(&[byte]).0.into_owned();
            if decodes(&[byte], Encoding::Windows1252) {
                assert_eq!(ours, theirs, "{byte:#x}");
            } else {
                assert!(theirs.chars().all(char::is_control), "{byte:#x}");
            }
        }
    }
}
