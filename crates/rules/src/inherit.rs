//! `extends`: a version's files over those of the version it extends.
//!
//! Done on the trees, before anything is read of them, so that there is one reader and what is inherited is checked as
//! what is written. Mappings merge by key; lists of named things merge by name; everything else replaces.

use std::collections::BTreeMap;

use crate::entries::Problems;
use crate::layout::Pack;
use crate::yaml::{Key, Node, Value};
use crate::{Diagnostic, suggest};

/// A file's place in its pack.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum PackFile {
    Head,
    Schema(String),
    Rules(String),
}

impl PackFile {
    /// As `remove: { files: [...] }` names it.
    fn path(&self) -> String {
        match self {
            Self::Head => "system.yaml".into(),
            Self::Schema(name) => format!("schemas/{name}.yaml"),
            Self::Rules(name) => format!("categorize/{name}.yaml"),
        }
    }
}

/// A pack's files; `None`: it could not be read.
pub(crate) type Trees = BTreeMap<PackFile, Option<Node>>;

/// What belongs to one version alone.
const OWN: &[&str] = &["system", "version", "covers", "title", "extends", "fingerprints", "remove"];

/// Versions that extend one another, at most.
const DEPTH_MAX: usize = 16;

/// A pack's files with all that it inherits.
pub(crate) fn complete(packs: &BTreeMap<Pack, Trees>, pack: &Pack, problems: &mut Problems) -> Trees {
    merged(packs, pack, &mut Vec::new(), problems)
}

fn merged(
    packs: &BTreeMap<Pack, Trees>,
    pack: &Pack,
    below: &mut Vec<Pack>,
    problems: &mut Problems,
) -> Trees {
    let Some(own) = packs.get(pack) else { return Trees::new() };
    let Some(parent) = parent(own) else { return own.clone() };
    let above = Pack { name: pack.name.clone(), version: parent.0.to_owned() };
    if *pack == above || below.contains(&above) || below.len() >= DEPTH_MAX {
        let message = format!("`{}` extends itself, by way of others or directly", pack.version);
        problems.push(Diagnostic::error("extends-cycle", parent.1, message).help("extend an older version"));
        return headless(own);
    }
    if !packs.contains_key(&above) {
        let versions = packs.keys().filter(|other| other.name == pack.name && *other != pack);
        let problem = Diagnostic::error(
            "unknown-version",
            parent.1,
            format!("system `{}` has no version `{}`", pack.name, parent.0),
        );
        problems.push(match suggest(parent.0, versions.map(|other| other.version.as_str())) {
            Some(help) => problem.help(help),
            None => problem,
        });
        return headless(own);
    }
    below.push(pack.clone());
    let mut trees = merged(packs, &above, below, problems);
    below.pop();
    if let Some(Some(Node { value: Value::Map(entries), .. })) = trees.get_mut(&PackFile::Head) {
        entries.retain(|(key, _)| !OWN.contains(&key.text.as_str()));
    }
    let head = own.get(&PackFile::Head).and_then(Option::as_ref);
    remove_files(&mut trees, head, problems);
    for (file, tree) in own {
        let over = match (trees.remove(file), tree) {
            (Some(Some(above)), Some(own)) => Some(merge(&above, own, problems)),
            (_, own) => own.clone(),
        };
        trees.insert(file.clone(), over);
    }
    trees
}

/// What lacks its inheritance is not read any further: what it does not say may stand there.
fn headless(own: &Trees) -> Trees {
    let mut trees = own.clone();
    trees.insert(PackFile::Head, None);
    trees
}

/// The version a pack extends.
fn parent(trees: &Trees) -> Option<(&str, crate::Place)> {
    let head = trees.get(&PackFile::Head)?.as_ref()?;
    let node = entry(head, "extends")?;
    match &node.value {
        Value::Scalar(scalar) if !scalar.text.is_empty() => Some((&scalar.text, node.place)),
        _ => None,
    }
}

fn entry<'a>(node: &'a Node, key: &str) -> Option<&'a Node> {
    let Value::Map(entries) = &node.value else { return None };
    entries.iter().find(|(each, _)| each.text == key).map(|(_, node)| node)
}

fn remove_files(trees: &mut Trees, head: Option<&Node>, problems: &mut Problems) {
    let files = head.and_then(|head| entry(head, "remove")).and_then(|remove| entry(remove, "files"));
    for name in files.into_iter().flat_map(items) {
        let Value::Scalar(scalar) = &name.value else { continue };
        let found = trees.keys().find(|file| **file != PackFile::Head && file.path() == scalar.text).cloned();
        match found {
            Some(file) => {
                trees.remove(&file);
            }
            None => {
                let known: Vec<String> = trees.keys().map(PackFile::path).collect();
                problems.push(not_there(name, &scalar.text, known.iter().map(String::as_str)));
            }
        }
    }
}

fn items(node: &Node) -> &[Node] {
    match &node.value {
        Value::List(nodes) => nodes,
        _ => &[],
    }
}

fn not_there<'a>(at: &Node, name: &str, known: impl Iterator<Item = &'a str>) -> Diagnostic {
    let message = format!("there is no `{name}` to remove");
    let problem = Diagnostic::error("nothing-to-remove", at.place, message);
    match suggest(name, known) {
        Some(help) => problem.help(help),
        None => problem.help("what is extended does not have it: take the name out"),
    }
}

/// `own` over `above`.
fn merge(above: &Node, own: &Node, problems: &mut Problems) -> Node {
    let (Value::Map(inherited), Value::Map(entries)) = (&above.value, &own.value) else { return own.clone() };
    let mut inherited = inherited.clone();
    if let Some(remove) = entry(own, "remove") {
        take_away(&mut inherited, remove, problems);
    }
    for (key, node) in entries.iter().filter(|(key, _)| key.text != "remove") {
        match inherited.iter_mut().find(|(each, _)| each.text == key.text) {
            Some((_, value)) => *value = merge_entry(&key.text, value, node, problems),
            None => inherited.push((key.clone(), node.clone())),
        }
    }
    Node { place: own.place, value: Value::Map(inherited) }
}

fn merge_entry(key: &str, above: &Node, own: &Node, problems: &mut Problems) -> Node {
    match (&above.value, &own.value) {
        // The fields of a rule: each is replaced as a whole.
        (Value::Map(inherited), Value::Map(entries)) if key == "fields" => {
            let mut all = inherited.clone();
            for (name, node) in entries {
                match all.iter_mut().find(|(each, _)| each.text == name.text) {
                    Some(place) => *place = (name.clone(), node.clone()),
                    None => all.push((name.clone(), node.clone())),
                }
            }
            Node { place: own.place, value: Value::Map(all) }
        }
        (Value::Map(_), Value::Map(_)) => merge(above, own, problems),
        (Value::List(inherited), Value::List(entries)) if named_by(key).is_some() => {
            Node { place: own.place, value: Value::List(merge_named(key, inherited, entries, problems)) }
        }
        _ => own.clone(),
    }
}

/// The keys whose texts together name an entry of this list.
fn named_by(list: &str) -> Option<&'static [&'static str]> {
    Some(match list {
        "fields" | "rules" => &["name"],
        "join" => &["as", "table"],
        "exclude" => &["rule"],
        "checks" => &["check"],
        "ignore" => &["table", "column"],
        _ => return None,
    })
}

/// An entry's name; of a join its alias where it has one.
fn name_of(list: &str, node: &Node) -> Option<String> {
    let texts = named_by(list)?.iter().filter_map(|key| match &entry(node, key)?.value {
        Value::Scalar(scalar) => Some(scalar.text.as_str()),
        _ => None,
    });
    let texts: Vec<&str> = texts.collect();
    match (list, texts.first()) {
        (_, None) => None,
        ("join", Some(first)) => Some((*first).to_owned()),
        _ => Some(texts.join("\u{0}")),
    }
}

/// A field of a schema may say `after: OTHER`, to stand where the file has its column.
fn merge_named(list: &str, above: &[Node], own: &[Node], problems: &mut Problems) -> Vec<Node> {
    let mut all = above.to_vec();
    for node in own {
        let name = name_of(list, node);
        let position = all.iter().position(|each| name.is_some() && name_of(list, each) == name);
        let (node, after) = without_after(node);
        match position.and_then(|at| all.get_mut(at)) {
            Some(place) if list == "rules" => *place = merge(place, &node, problems),
            Some(place) => *place = node,
            None => {
                let place = after.as_ref().and_then(|after| {
                    all.iter().position(|each| name_of(list, each).as_deref() == Some(after)).map(|at| at + 1)
                });
                all.insert(place.unwrap_or(all.len()), node);
            }
        }
    }
    all
}

fn without_after(node: &Node) -> (Node, Option<String>) {
    let Value::Map(entries) = &node.value else { return (node.clone(), None) };
    let after = match entry(node, "after").map(|node| &node.value) {
        Some(Value::Scalar(scalar)) => scalar.text.clone(),
        _ => return (node.clone(), None),
    };
    let kept: Vec<(Key, Node)> = entries.iter().filter(|(key, _)| key.text != "after").cloned().collect();
    (Node { place: node.place, value: Value::Map(kept) }, Some(after))
}

/// `remove: { fields: [a] }` takes entries of a list or mapping away, `remove: [primaryKey]` whole keys.
fn take_away(inherited: &mut Vec<(Key, Node)>, remove: &Node, problems: &mut Problems) {
    for name in items(remove) {
        let Value::Scalar(scalar) = &name.value else { continue };
        let before = inherited.len();
        inherited.retain(|(key, _)| key.text != scalar.text);
        if inherited.len() == before {
            problems.push(not_there(name, &scalar.text, inherited.iter().map(|(key, _)| key.text.as_str())));
        }
    }
    let Value::Map(lists) = &remove.value else { return };
    for (list, names) in lists.iter().filter(|(list, _)| list.text != "files") {
        let found = inherited.iter_mut().find(|(key, _)| key.text == list.text);
        let mut nothing = Node { place: names.place, value: Value::Null };
        let node = found.map_or(&mut nothing, |(_, node)| node);
        for name in items(names) {
            remove_named(&list.text, node, name, problems);
        }
    }
}

fn remove_named(list: &str, node: &mut Node, name: &Node, problems: &mut Problems) {
    let Value::Scalar(scalar) = &name.value else { return };
    let wanted = scalar.text.as_str();
    let known: Vec<String> = match &mut node.value {
        Value::Map(entries) => {
            let known = entries.iter().map(|(key, _)| key.text.clone()).collect();
            entries.retain(|(key, _)| key.text != wanted);
            known
        }
        Value::List(nodes) => {
            let known = nodes.iter().filter_map(|node| name_of(list, node)).collect();
            nodes.retain(|node| name_of(list, node).as_deref() != Some(wanted));
            known
        }
        _ => Vec::new(),
    };
    if !known.iter().any(|name| name == wanted) {
        problems.push(not_there(name, wanted, known.iter().map(String::as_str)));
    }
}
