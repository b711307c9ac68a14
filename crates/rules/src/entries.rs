//! Takes typed values out of a YAML tree, noting every unknown key, double key, missing key and wrong type.
//!
//! What could not be read is returned as an empty name or a default, so that reading goes on; an empty name
//! therefore always means "already reported" and later steps skip it.

use std::collections::HashSet;

use crate::yaml::{Key, Node, Value};
use crate::{Diagnostic, Located, Place, suggest};

/// What is wrong so far.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    pub(crate) list: Vec<Diagnostic>,
    /// The names of fields whose type could not be read: nothing is said about what depends on it.
    pub(crate) untyped: HashSet<Place>,
}

impl Problems {
    pub(crate) fn push(&mut self, problem: Diagnostic) {
        self.list.push(problem);
    }
}

/// A mapping whose keys have been compared with the known ones.
pub(crate) struct Entries<'a> {
    pub(crate) place: Place,
    entries: &'a [(Key, Node)],
}

/// Opens a mapping. `what` names it in messages.
pub(crate) fn mapping<'a>(
    node: &'a Node,
    what: &str,
    known: &[&str],
    problems: &mut Problems,
) -> Option<Entries<'a>> {
    let entries = open_mapping(node, what, problems)?;
    for (key, value) in entries.entries {
        if !known.contains(&key.text.as_str()) {
            problems.push(unknown_key(key, value, what, known));
        }
    }
    Some(entries)
}

/// A mapping whose keys are names the author chose (tables, fields).
pub(crate) fn open_mapping<'a>(node: &'a Node, what: &str, problems: &mut Problems) -> Option<Entries<'a>> {
    let Value::Map(entries) = &node.value else {
        problems.push(wrong_type(node, what, "a mapping (`key: value`)"));
        return None;
    };
    let mut seen = HashSet::new();
    for (key, _) in entries {
        if !seen.insert(key.text.as_str()) {
            let message = format!("`{}` stands twice in {what}", key.text);
            problems.push(
                Diagnostic::error("duplicate-yaml-key", key.place, message)
                    .help("keep one of the two: a second value would silently replace the first"),
            );
        }
    }
    Some(Entries { place: node.place, entries })
}

fn unknown_key(key: &Key, value: &Node, what: &str, known: &[&str]) -> Diagnostic {
    let problem =
        Diagnostic::error("unknown-key", key.place, format!("unknown key `{}` in {what}", key.text));
    let cut = matches!(value.value, Value::Null) && key.text.contains([')', '(', '\'', ' ']);
    if cut {
        return problem
            .help("a comma ends a value inside `{ }`: put an expression that has commas in double quotes");
    }
    match suggest(&key.text, known.iter().copied()) {
        Some(help) => problem.help(help),
        None => problem,
    }
}

pub(crate) fn wrong_type(node: &Node, what: &str, expected: &str) -> Diagnostic {
    let message = format!("{what} must be {expected}, found {}", kind(node));
    Diagnostic::error("wrong-type", node.place, message)
}

fn kind(node: &Node) -> &'static str {
    match &node.value {
        Value::Null => "nothing",
        Value::Scalar(scalar) if scalar.plain => "plain text",
        Value::Scalar(_) => "quoted text",
        Value::List(_) => "a list",
        Value::Map(_) => "a mapping",
    }
}

impl<'a> Entries<'a> {
    pub(crate) fn get(&self, key: &str) -> Option<&'a Node> {
        self.entries.iter().find(|(each, _)| each.text == key).map(|(_, node)| node)
    }

    pub(crate) fn key_place(&self, key: &str) -> Option<Place> {
        self.entries.iter().find(|(each, _)| each.text == key).map(|(each, _)| each.place)
    }

    /// Each distinct key once, in the order of the file.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'a Key, &'a Node)> {
        let mut seen = HashSet::new();
        self.entries
            .iter()
            .filter(move |(key, _)| seen.insert(key.text.as_str()))
            .map(|(key, node)| (key, node))
    }

    pub(crate) fn need(&self, key: &str, what: &str, problems: &mut Problems) -> Option<&'a Node> {
        let found = self.get(key);
        if found.is_none() {
            problems.push(Diagnostic::error("missing-key", self.place, format!("{what} needs `{key}`")));
        }
        found
    }

    pub(crate) fn text(&self, key: &str, problems: &mut Problems) -> Option<Located<String>> {
        self.get(key).and_then(|node| text(node, &format!("`{key}`"), problems))
    }

    pub(crate) fn need_text(&self, key: &str, what: &str, problems: &mut Problems) -> Located<String> {
        let read =
            self.need(key, what, problems).and_then(|node| filled(node, &format!("`{key}`"), problems));
        read.unwrap_or_else(|| unreadable(self.place))
    }

    pub(crate) fn filled(&self, key: &str, problems: &mut Problems) -> Option<Located<String>> {
        self.get(key).and_then(|node| filled(node, &format!("`{key}`"), problems))
    }

    pub(crate) fn boolean(&self, key: &str, default: bool, problems: &mut Problems) -> bool {
        let Some(node) = self.get(key) else { return default };
        match &node.value {
            Value::Scalar(scalar) if scalar.plain && scalar.text == "true" => true,
            Value::Scalar(scalar) if scalar.plain && scalar.text == "false" => false,
            _ => {
                let problem = wrong_type(node, &format!("`{key}`"), "`true` or `false`");
                problems
                    .push(problem.help("only the words `true` and `false`, without quotes, are booleans"));
                default
            }
        }
    }

    pub(crate) fn number(&self, key: &str, problems: &mut Problems) -> Option<u64> {
        let node = self.get(key)?;
        let digits = match &node.value {
            Value::Scalar(scalar) if scalar.plain => scalar.text.as_str(),
            _ => "",
        };
        let read = if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok() } else { None };
        if read.is_none() {
            problems.push(wrong_type(node, &format!("`{key}`"), "a whole number"));
        }
        read
    }

    /// One of a fixed set of words.
    pub(crate) fn choice<T: Copy>(
        &self,
        key: &str,
        words: &[(&str, T)],
        problems: &mut Problems,
    ) -> Option<T> {
        choice(self.get(key)?, &format!("`{key}`"), words, problems)
    }

    pub(crate) fn list(&self, key: &str, problems: &mut Problems) -> &'a [Node] {
        match self.get(key) {
            None => &[],
            Some(Node { value: Value::List(nodes), .. }) => nodes,
            Some(node) => {
                problems.push(wrong_type(node, &format!("`{key}`"), "a list"));
                &[]
            }
        }
    }

    /// A list of texts.
    pub(crate) fn texts(&self, key: &str, problems: &mut Problems) -> Vec<Located<String>> {
        let what = format!("an entry of `{key}`");
        self.list(key, problems).iter().filter_map(|node| text(node, &what, problems)).collect()
    }

    /// One name, or a list of names.
    pub(crate) fn names(&self, key: &str, problems: &mut Problems) -> Vec<Located<String>> {
        match self.get(key) {
            Some(Node { value: Value::List(nodes), .. }) => {
                let what = format!("an entry of `{key}`");
                nodes.iter().filter_map(|node| filled(node, &what, problems)).collect()
            }
            Some(node) => filled(node, &format!("`{key}`"), problems).into_iter().collect(),
            None => Vec::new(),
        }
    }
}

/// What stands for a name that could not be read.
pub(crate) fn unreadable(place: Place) -> Located<String> {
    Located { value: String::new(), place }
}

pub(crate) fn text(node: &Node, what: &str, problems: &mut Problems) -> Option<Located<String>> {
    match &node.value {
        Value::Scalar(scalar) => Some(Located { value: scalar.text.clone(), place: node.place }),
        Value::Null => {
            let problem = wrong_type(node, what, "text");
            problems
                .push(problem.help("write the text; for the word itself or for no characters, use quotes"));
            None
        }
        _ => {
            problems.push(wrong_type(node, what, "text"));
            None
        }
    }
}

/// Text with at least one visible character.
pub(crate) fn filled(node: &Node, what: &str, problems: &mut Problems) -> Option<Located<String>> {
    let read = text(node, what, problems)?;
    if read.value.trim().is_empty() {
        problems.push(Diagnostic::error("wrong-type", node.place, format!("{what} must not be empty")));
        return None;
    }
    Some(read)
}

/// An expression: text that no comment cuts short.
pub(crate) fn expression(node: &Node, what: &str, problems: &mut Problems) -> Option<Located<String>> {
    if let Value::Scalar(scalar) = &node.value
        && let Some(place) = scalar.comment
    {
        let message = format!("a ` #` begins a comment and cuts {what} short");
        problems.push(
            Diagnostic::error("cut-by-comment", place, message)
                .help("put the whole expression in double quotes, or the comment on a line of its own"),
        );
    }
    filled(node, what, problems)
}

pub(crate) fn choice<T: Copy>(
    node: &Node,
    what: &str,
    words: &[(&str, T)],
    problems: &mut Problems,
) -> Option<T> {
    let read = text(node, what, problems)?;
    if let Some((_, value)) = words.iter().find(|(word, _)| *word == read.value) {
        return Some(*value);
    }
    let problem = Diagnostic::error("unknown-word", node.place, format!("{what} cannot be `{}`", read.value));
    problems.push(match suggest(&read.value, words.iter().map(|(word, _)| *word)) {
        Some(help) => problem.help(help),
        None => problem,
    });
    None
}
