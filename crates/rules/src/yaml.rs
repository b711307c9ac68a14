//! A YAML file as a tree in which every key and value knows its place.
//!
//! Built on the parser's events rather than on deserialisation, for three reasons: a scalar keeps its own text
//! (`0123` and `NO` are never a number or a boolean), quoted and plain text are told apart, and one wrong entry
//! does not end the reading of the others.

use granit_parser::{Event, Options, Parser, ScalarStyle, Span};

use crate::entries::Problems;
use crate::{Diagnostic, Place};

/// The largest rule file that is read, in bytes.
const FILE_BYTES_MAX: usize = 8 << 20;
/// The deepest nesting; the rule language needs seven levels.
const DEPTH_MAX: usize = 32;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) value: Value,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scalar {
    pub(crate) text: String,
    /// Written without quotes.
    pub(crate) plain: bool,
    /// A comment follows on the same line, as when a `#` cuts an expression short.
    pub(crate) comment: Option<Place>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Key {
    pub(crate) text: String,
    pub(crate) place: Place,
}

/// Reads one document. `None`, with the reason among the problems, when the text is not YAML.
pub(crate) fn parse(file: u32, text: &str, problems: &mut Problems) -> Option<Node> {
    let start = Place { file, start: 0, end: 0 };
    if text.len() > FILE_BYTES_MAX {
        let message = format!("the file has {} bytes, more than the {FILE_BYTES_MAX} allowed", text.len());
        problems.push(Diagnostic::error("not-yaml", start, message).help("split it into several files"));
        return None;
    }
    let mut builder = Builder { file, text, problems, open: Vec::new(), root: None, broken: false };
    let mut options = Options::default();
    options.set_emit_comments(false);
    for event in Parser::new_from_str_with_options(text, options) {
        match event {
            Ok((event, span)) => builder.take(event, span),
            Err(error) => {
                let at = error.marker().byte_offset().unwrap_or(text.len()).min(text.len());
                let place = line_rest(file, text, at);
                let problem =
                    Diagnostic::error("not-yaml", place, format!("this is not YAML: {}", error.info()));
                builder.problems.push(problem.help(
                    "look at the indentation, at unclosed quotes or brackets, and at a `: ` inside plain text",
                ));
                return None;
            }
        }
        if builder.broken {
            return None;
        }
    }
    let root = builder.root.take();
    if root.is_none() {
        let problem = Diagnostic::error("not-yaml", start, "the file is empty");
        problems.push(problem.help("write the file, or delete it"));
    }
    root
}

/// From `at` to the end of its line, at least one byte where there is one.
fn line_rest(file: u32, text: &str, at: usize) -> Place {
    let at = (0..=at).rev().find(|index| text.is_char_boundary(*index)).unwrap_or(0);
    let rest = text.get(at..).unwrap_or_default();
    let length = rest.find(['\n', '\r']).unwrap_or(rest.len());
    place(file, at, at + length)
}

pub(crate) fn place(file: u32, start: usize, end: usize) -> Place {
    let clamp = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
    Place { file, start: clamp(start), end: clamp(end.max(start)) }
}

enum Open {
    List(Place, Vec<Node>),
    /// The key waits for its value.
    Map(Place, Vec<(Key, Node)>, Option<Key>),
}

struct Builder<'a> {
    file: u32,
    text: &'a str,
    problems: &'a mut Problems,
    open: Vec<Open>,
    root: Option<Node>,
    broken: bool,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, span: Span) {
        let here = self.place(&span);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_extras(here, anchor, tag.is_some());
                let node = self.scalar(&text, style, here);
                self.add(node);
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.refuse_extras(here, anchor, tag.is_some());
                self.push(Open::List(here, Vec::new()));
            }
            Event::MappingStart(_, anchor, tag) => {
                self.refuse_extras(here, anchor, tag.is_some());
                self.push(Open::Map(here, Vec::new(), None));
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(here),
            Event::Alias(_) => {
                self.refuse(
                    here,
                    "aliases (`*name`) are not part of the rule language",
                    "write the value out",
                );
                self.add(Node { place: here, value: Value::Null });
            }
            Event::DocumentStart(..) if self.root.is_some() => {
                self.refuse(here, "a file holds one document", "take out the second `---`");
                self.broken = true;
            }
            _ => {}
        }
    }

    fn place(&self, span: &Span) -> Place {
        let range = span.byte_range().unwrap_or_default();
        place(self.file, range.start.min(self.text.len()), range.end.min(self.text.len()))
    }

    fn refuse(&mut self, place: Place, message: &str, help: &str) {
        self.problems.push(Diagnostic::error("yaml-feature", place, message).help(help));
    }

    fn refuse_extras(&mut self, place: Place, anchor: usize, tagged: bool) {
        if anchor != 0 {
            self.refuse(place, "anchors (`&name`) are not part of the rule language", "write the value out");
        }
        if tagged {
            self.refuse(place, "tags (`!name`) are not part of the rule language", "take the tag out");
        }
    }

    fn push(&mut self, open: Open) {
        if self.open.len() >= DEPTH_MAX {
            let here = match &open {
                Open::List(place, _) | Open::Map(place, ..) => *place,
            };
            let message = format!("nested more than {DEPTH_MAX} levels deep");
            self.refuse(here, &message, "rule files need no more than a few levels");
            self.broken = true;
        }
        self.open.push(open);
    }

    fn close(&mut self, end: Place) {
        let node = match self.open.pop() {
            Some(Open::List(start, nodes)) => {
                Node { place: self.first_line(start, end), value: Value::List(nodes) }
            }
            Some(Open::Map(start, entries, _)) => {
                Node { place: self.first_line(start, end), value: Value::Map(entries) }
            }
            None => return,
        };
        self.add(node);
    }

    /// A finished node becomes an entry, a key, or the value of the key before it.
    fn add(&mut self, node: Node) {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List(_, nodes)) => nodes.push(node),
            Some(Open::Map(_, entries, waiting)) => match waiting.take() {
                Some(key) => entries.push((key, node)),
                None => {
                    let place = node.place;
                    let text = match node.value {
                        Value::Scalar(scalar) => scalar.text,
                        Value::Null => self.text.get(range(place)).unwrap_or_default().to_owned(),
                        Value::List(_) | Value::Map(_) => {
                            let problem =
                                Diagnostic::error("yaml-feature", place, "a key must be plain text");
                            self.problems.push(problem.help("lists and mappings cannot be keys"));
                            self.broken = true;
                            String::new()
                        }
                    };
                    *waiting = Some(Key { text, place });
                }
            },
        }
    }

    fn scalar(&self, text: &str, style: ScalarStyle, place: Place) -> Node {
        let plain = style == ScalarStyle::Plain;
        let null = place.start == place.end || matches!(text, "~" | "null" | "Null" | "NULL" | "");
        if plain && null {
            return Node { place, value: Value::Null };
        }
        let comment = if plain { self.comment_after(place) } else { None };
        let scalar = Scalar { text: text.to_owned(), plain, comment };
        Node { place: self.inner(place, text), value: Value::Scalar(scalar) }
    }

    /// The place inside the quotes where nothing is escaped, so that an offset in the value is one in the file.
    fn inner(&self, place: Place, text: &str) -> Place {
        let inner = Place { start: place.start + 1, end: place.end.saturating_sub(1), ..place };
        if inner.start < inner.end && self.text.get(range(inner)) == Some(text) { inner } else { place }
    }

    /// A collection's place is its first line: what is underlined stays short.
    fn first_line(&self, start: Place, end: Place) -> Place {
        let line = line_rest(self.file, self.text, start.start as usize);
        Place { end: line.end.min(end.end).max(start.end.min(line.end)), ..start }
    }

    fn comment_after(&self, here: Place) -> Option<Place> {
        let rest = self.text.get(here.end as usize..)?;
        let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        let after = rest.get(blanks..)?;
        if blanks == 0 || !after.starts_with('#') {
            return None;
        }
        Some(line_rest(self.file, self.text, here.end as usize + blanks))
    }
}

pub(crate) fn range(place: Place) -> std::ops::Range<usize> {
    place.start as usize..place.end as usize
}
