//! The text of HTML: what a browser would show, as far as lines and white space go.

use html_escape::decode_html_entities;

use super::windows_1252::WINDOWS_1252_HIGH;

/// Text, line by line; blank lines and white space at the ends are gone.
pub(super) fn text(html: &str) -> String {
    let mut page = Page::default();
    // Behind the last `>` no tag can end: without this a row of `<a<a<a` would be searched again and again.
    let (mut rest, tail) =
        html.split_at_checked(html.rfind('>').map_or(0, |at| at + 1)).unwrap_or((html, ""));
    while let Some(at) = rest.find('<') {
        let (before, tag) = rest.split_at_checked(at).unwrap_or((rest, ""));
        page.characters(before);
        rest = page.markup(tag);
    }
    page.characters(rest);
    if !page.unclosed {
        page.characters(tail);
    }
    page.out.truncate(page.out.trim_end().len());
    page.out
}

#[derive(Debug, Default)]
struct Page {
    out: String,
    /// How many `<pre>` are open.
    preformatted: usize,
    /// White space was met and is written before the next character.
    space: bool,
    /// A comment or script does not end: nothing behind it is text.
    unclosed: bool,
}

impl Page {
    fn characters(&mut self, text: &str) {
        for character in decode_html_entities(text).chars().map(windows) {
            match character {
                ' ' | '\t' | '\n' | '\r' | '\u{c}' if self.preformatted == 0 => self.space = true,
                '\r' => {}
                _ => {
                    if self.space && !self.out.is_empty() && !self.out.ends_with(['\n', '\t', ' ']) {
                        self.out.push(' ');
                    }
                    self.space = false;
                    self.out.push(character);
                }
            }
        }
    }

    /// Reads what starts with `<`, and gives what follows it.
    fn markup<'t>(&mut self, text: &'t str) -> &'t str {
        if let Some(comment) = text.strip_prefix("<!--") {
            let Some((_, rest)) = comment.split_once("-->") else {
                self.unclosed = true;
                return "";
            };
            return rest;
        }
        let inside = text.get(1..).unwrap_or_default();
        let name_start = inside.strip_prefix('/').unwrap_or(inside);
        let is_tag = name_start.starts_with(|first: char| first.is_ascii_alphabetic())
            || inside.starts_with(['!', '?']);
        let closed = is_tag.then(|| split_tag(inside).or_else(|| inside.split_once('>'))).flatten();
        let Some((tag, rest)) = closed else {
            // `PA < 120` is text.
            self.characters("&lt;");
            return inside;
        };
        let length = name_start.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name_start.len());
        let name = name_start.get(..length).unwrap_or_default().to_ascii_lowercase();
        let closing = inside.starts_with('/');
        if !closing
            && !tag.ends_with('/')
            && matches!(name.as_str(), "script" | "style" | "title" | "template")
        {
            let behind = behind_element(rest, &name);
            self.unclosed = behind.is_none();
            return behind.unwrap_or("");
        }
        self.tag(&name, closing);
        rest
    }

    fn tag(&mut self, name: &str, closing: bool) {
        match name {
            "br" | "hr" => self.line(true),
            "td" | "th" if !closing => self.cell(),
            "li" if !closing => {
                self.line(false);
                self.out.push_str("- ");
            }
            "pre" => {
                self.line(false);
                self.preformatted =
                    if closing { self.preformatted.saturating_sub(1) } else { self.preformatted + 1 };
            }
            _ if BLOCKS.contains(&name) => self.line(false),
            _ => {}
        }
    }

    /// A new line; a second one only where it is asked for.
    fn line(&mut self, always: bool) {
        self.space = false;
        while self.out.ends_with([' ', '\t']) && !self.out.ends_with("- ") {
            self.out.pop();
        }
        if !self.out.is_empty() && (always || !self.out.ends_with('\n')) {
            self.out.push('\n');
        }
    }

    fn cell(&mut self) {
        self.space = false;
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push('\t');
        }
    }
}

/// Elements that stand on lines of their own.
const BLOCKS: [&str; 32] = [
    "p",
    "div",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "ul",
    "ol",
    "li",
    "dl",
    "dt",
    "dd",
    "table",
    "tr",
    "thead",
    "tbody",
    "tfoot",
    "caption",
    "blockquote",
    "address",
    "article",
    "aside",
    "section",
    "main",
    "header",
    "footer",
    "nav",
    "form",
    "fieldset",
    "body",
];

/// A tag up to its `>`, which may also stand in a quoted attribute.
fn split_tag(text: &str) -> Option<(&str, &str)> {
    let (mut quote, mut value) = (None, false);
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (Some(open), _) if open == byte => (quote, value) = (None, false),
            (Some(_), _) => {}
            (None, b'>') => return Some((text.get(..at)?, text.get(at + 1..)?)),
            (None, b'"' | b'\'') if value => quote = Some(byte),
            (None, b'=') => value = true,
            (None, b' ' | b'\t' | b'\n' | b'\r') => {}
            (None, _) => value = false,
        }
    }
    None
}

/// What follows the end of an element whose content is not text; `None` where it does not end.
fn behind_element<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let mut rest = text;
    loop {
        let (_, after) = rest.split_once("</")?;
        if after.get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name)) {
            return after.split_once('>').map(|(_, rest)| rest);
        }
        rest = after;
    }
}

/// `&#150;` is a dash of Windows-1252 in every browser.
fn windows(character: char) -> char {
    let high = |byte: u32| WINDOWS_1252_HIGH.iter().find(|(known, _)| u32::from(*known) == byte);
    match u32::from(character) {
        byte @ 0x80..=0x9f => high(byte).map_or(character, |(_, high)| *high),
        _ => character,
    }
}
