//! A reader that is slow and plain: one byte at a time over the whole input, written from the documentation and sharing
//! nothing with the real one.

use chartlift_rules::{Dialect, Encoding, LineTerminator};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) offset: usize,
    pub(crate) bytes: Vec<u8>,
    pub(crate) fields: Result<Vec<Option<String>>, &'static str>,
}

pub(crate) struct Reference<'a> {
    pub(crate) input: &'a [u8],
    pub(crate) dialect: &'a Dialect,
    pub(crate) field_bytes: usize,
    pub(crate) record_bytes: usize,
    /// Whether records that a failed quote ran over may hold line ends. Changes nothing (see the theorem in
    /// `source::csv`) where there is neither a limit nor an escape character.
    pub(crate) suspicious: bool,
}

struct RawField {
    text: Vec<u8>,
    quoted: bool,
    raw: usize,
}

enum Attempt {
    Sound {
        fields: Vec<RawField>,
        end: usize,
        next: usize,
    },
    /// Where it went wrong.
    Failed(usize),
    /// Past the limit.
    Limit,
}

#[derive(PartialEq)]
enum State {
    Start,
    Bare,
    Quoted,
    Closed,
}

const CP850: &str = "\
    ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}";

pub(crate) fn is_utf16(encoding: Encoding) -> bool {
    matches!(encoding, Encoding::Utf16 | Encoding::Utf16Le | Encoding::Utf16Be)
}

/// What the reference reads: for each place in it, and for its end, the place in the file.
pub(crate) struct Text {
    pub(crate) bytes: Vec<u8>,
    pub(crate) places: Vec<usize>,
}

/// UTF-16 in UTF-8, `\xf8\xf8\xf8` (which no UTF-8 has) for what is no character; other encodings as they are.
pub(crate) fn text(input: &[u8], encoding: Encoding) -> Text {
    let big = match encoding {
        Encoding::Utf16Be => Some(true),
        Encoding::Utf16Le => Some(false),
        Encoding::Utf16 if input.starts_with(b"\xfe\xff") => Some(true),
        Encoding::Utf16 if input.starts_with(b"\xff\xfe") => Some(false),
        _ => None,
    };
    let mut text = Text { bytes: Vec::new(), places: Vec::new() };
    // A record that is cut inside a character keeps it.
    let mut add = |bytes: &[u8], place: usize, end: usize| {
        text.bytes.extend(bytes);
        text.places.extend((0..bytes.len()).map(|byte| if byte == 0 { place } else { end }));
    };
    let mut at = 0;
    if !is_utf16(encoding) {
        (0..input.len()).for_each(|place| add(&input[place..=place], place, place + 1));
        at = input.len();
    }
    let unit = |place: usize| {
        let pair = [*input.get(place)?, *input.get(place + 1)?];
        Some(if big? { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) })
    };
    while at < input.len() {
        let units: Vec<u16> = [unit(at), unit(at + 2)].into_iter().flatten().collect();
        match char::decode_utf16(units.iter().copied()).next() {
            Some(Ok(character)) => {
                let end = at + character.len_utf16() * 2;
                add(character.to_string().as_bytes(), at, end);
                at = end;
            }
            wrong => {
                let end = at + if wrong.is_some() { 2 } else { 1 };
                add(b"\xf8\xf8\xf8", at, end);
                at = end;
            }
        }
    }
    text.places.push(input.len());
    text
}

impl Reference<'_> {
    /// The header and the records after it.
    pub(crate) fn read(&self) -> (Vec<String>, Vec<Record>) {
        let mut at = 0;
        let unicode = self.dialect.encoding == Encoding::Utf8 || is_utf16(self.dialect.encoding);
        if unicode && self.input.starts_with(&[0xef, 0xbb, 0xbf]) {
            at = 3;
        }
        let mut suspect = 0;
        let mut raw = Vec::new();
        while at < self.input.len() {
            if let Some(next) = self.blank(at) {
                at = next;
                continue;
            }
            let limit = (at + self.record_bytes).min(self.input.len());
            let attempt = self.attempt(at, limit, suspect);
            if let Attempt::Sound { fields, end, next } = attempt {
                raw.push((at, end, Ok(fields)));
                at = next;
                continue;
            }
            let failed = if let Attempt::Failed(failed) = attempt { failed } else { limit };
            match (at..limit).find(|place| self.ends_line(at, *place)) {
                Some(place) => {
                    if place < failed {
                        suspect = suspect.max(failed);
                    }
                    raw.push((at, self.strip(at, place), Err("quote-error")));
                    at = place + 1;
                }
                None if limit < self.input.len() => {
                    raw.push((at, limit, Err("field-too-long")));
                    at = (at..self.input.len())
                        .find(|place| self.ends_line(at, *place))
                        .map_or(self.input.len(), |place| place + 1);
                }
                None => {
                    let mut end = limit;
                    if self.dialect.line_terminator == LineTerminator::Any && self.input[end - 1] == b'\r' {
                        end -= 1;
                    }
                    raw.push((at, end, Err("quote-error")));
                    at = self.input.len();
                }
            }
        }
        self.judge(raw)
    }

    fn judge(
        &self,
        raw: Vec<(usize, usize, Result<Vec<RawField>, &'static str>)>,
    ) -> (Vec<String>, Vec<Record>) {
        let mut raw = raw.into_iter();
        let mut header = Vec::new();
        if self.dialect.header_row > 0
            && let Some((_, _, Ok(labels))) = raw.nth(self.dialect.header_row as usize - 1)
        {
            header = labels.iter().map(|label| self.lossy(&label.text)).collect();
        }
        let width = if header.is_empty() { 2 } else { header.len() };
        let records = raw.map(|(start, end, fields)| {
            let bytes = &self.input[start..end];
            let fields = fields.and_then(|fields| {
                if fields.len() != width {
                    return Err(if fields.len() > width { "extra-cell" } else { "missing-cell" });
                }
                if fields.iter().any(|field| field.raw > self.field_bytes) {
                    return Err("field-too-long");
                }
                if !self.decodes(bytes) {
                    return Err("encoding-error");
                }
                let decode = |field: &RawField| {
                    (field.quoted || !field.text.is_empty()).then(|| self.lossy(&field.text))
                };
                Ok(fields.iter().map(decode).collect())
            });
            Record { offset: start, bytes: bytes.to_vec(), fields }
        });
        let records = records.collect();
        (header, records)
    }

    fn attempt(&self, start: usize, limit: usize, suspect: usize) -> Attempt {
        let dialect = self.dialect;
        let mut fields = Vec::new();
        let mut state = State::Start;
        let mut field = RawField { text: Vec::new(), quoted: false, raw: 0 };
        let mut at = start;
        let mut escaped_to = start;
        while at < limit {
            let byte = self.input[at];
            if state == State::Closed {
                let ends = self.blank(at);
                if ends.is_none() && byte != dialect.delimiter {
                    return Attempt::Failed(at);
                }
                fields.push(std::mem::replace(
                    &mut field,
                    RawField { text: Vec::new(), quoted: false, raw: 0 },
                ));
                if let Some(next) = ends {
                    return Attempt::Sound { fields, end: at, next };
                }
                state = State::Start;
                at += 1;
                escaped_to = at;
                continue;
            }
            if state == State::Start {
                if Some(byte) == dialect.quote_char {
                    state = State::Quoted;
                    field.quoted = true;
                    at += 1;
                    continue;
                }
                state = State::Bare;
            }
            if Some(byte) == dialect.escape_char {
                let mut taken = 1;
                match self.input.get(at + 1) {
                    Some(next) => {
                        field.text.push(*next);
                        taken = 2;
                    }
                    None => field.text.push(byte),
                }
                if taken == 2
                    && dialect.line_terminator != LineTerminator::CrLf
                    && self.ends_line(start, at + 1)
                    && self.suspicious
                    && at + 1 < suspect
                {
                    return Attempt::Failed(at + 1);
                }
                at += taken;
                field.raw += taken;
                escaped_to = at;
                continue;
            }
            if state == State::Quoted && Some(byte) == dialect.quote_char {
                if dialect.double_quote && self.input.get(at + 1) == Some(&byte) {
                    field.text.push(byte);
                    field.raw += 2;
                    at += 2;
                } else {
                    state = State::Closed;
                    at += 1;
                }
                continue;
            }
            if state == State::Bare && byte == dialect.delimiter {
                fields.push(std::mem::replace(
                    &mut field,
                    RawField { text: Vec::new(), quoted: false, raw: 0 },
                ));
                state = State::Start;
                at += 1;
                escaped_to = at;
                continue;
            }
            if self.ends_line(start, at) {
                let returned = at > escaped_to && self.input[at - 1] == b'\r';
                let free = match dialect.line_terminator {
                    LineTerminator::CrLf => returned,
                    _ => true,
                };
                if state == State::Bare && free {
                    let mut end = at;
                    if returned
                        && matches!(dialect.line_terminator, LineTerminator::Any | LineTerminator::CrLf)
                    {
                        field.text.pop();
                        field.raw -= 1;
                        end -= 1;
                    }
                    fields.push(field);
                    return Attempt::Sound { fields, end, next: at + 1 };
                }
                if self.suspicious && at < suspect {
                    return Attempt::Failed(at);
                }
            }
            field.text.push(byte);
            field.raw += 1;
            at += 1;
        }
        if limit < self.input.len() {
            return Attempt::Limit;
        }
        if state == State::Quoted {
            return Attempt::Failed(limit);
        }
        let mut end = limit;
        if state == State::Bare
            && dialect.line_terminator == LineTerminator::Any
            && limit > escaped_to
            && self.input[limit - 1] == b'\r'
        {
            field.text.pop();
            field.raw -= 1;
            end -= 1;
        }
        fields.push(field);
        Attempt::Sound { fields, end, next: limit }
    }

    /// The next line where one ends right here.
    fn blank(&self, at: usize) -> Option<usize> {
        let rest = &self.input[at..];
        let ends: &[&[u8]] = match self.dialect.line_terminator {
            LineTerminator::Any if rest == b"\r" => return Some(at + 1),
            LineTerminator::Any => &[b"\r\n", b"\n"],
            LineTerminator::Lf => &[b"\n"],
            LineTerminator::CrLf => &[b"\r\n"],
            LineTerminator::Cr => &[b"\r"],
        };
        ends.iter().find(|end| rest.starts_with(end)).map(|end| at + end.len())
    }

    fn ends_line(&self, start: usize, at: usize) -> bool {
        match self.dialect.line_terminator {
            LineTerminator::Any | LineTerminator::Lf => self.input[at] == b'\n',
            LineTerminator::Cr => self.input[at] == b'\r',
            LineTerminator::CrLf => at > start && self.input[at - 1..=at] == *b"\r\n",
        }
    }

    fn strip(&self, start: usize, at: usize) -> usize {
        let strips = matches!(self.dialect.line_terminator, LineTerminator::Any | LineTerminator::CrLf);
        if strips && at > start && self.input[at - 1] == b'\r' { at - 1 } else { at }
    }

    fn decodes(&self, bytes: &[u8]) -> bool {
        match self.dialect.encoding {
            Encoding::Utf8 => std::str::from_utf8(bytes).is_ok(),
            Encoding::Windows1252 => !bytes.iter().any(|byte| b"\x81\x8d\x8f\x90\x9d".contains(byte)),
            Encoding::Iso8859_1 | Encoding::Cp850 => true,
            Encoding::Utf16 | Encoding::Utf16Le | Encoding::Utf16Be => std::str::from_utf8(bytes).is_ok(),
        }
    }

    fn lossy(&self, bytes: &[u8]) -> String {
        match self.dialect.encoding {
            Encoding::Utf8 => String::from_utf8_lossy(bytes).into_owned(),
            Encoding::Windows1252 => bytes
                .iter()
                .map(|byte| match self.decodes(&[*byte]) {
                    true => encoding_rs::WINDOWS_1252.decode(&[*byte]).0.into_owned(),
                    false => "\u{fffd}".to_owned(),
                })
                .collect(),
            Encoding::Utf16 | Encoding::Utf16Le | Encoding::Utf16Be => {
                String::from_utf8_lossy(bytes).replace("\u{fffd}\u{fffd}\u{fffd}", "\u{fffd}")
            }
            Encoding::Cp850 => bytes
                .iter()
                .map(|byte| {
                    if *byte < 0x80 {
                        *byte as char
                    } else {
                        CP850.chars().nth(*byte as usize - 0x80).unwrap()
                    }
                })
                .collect(),
            Encoding::Iso8859_1 => bytes.iter().map(|byte| *byte as char).collect(),
        }
    }
}
