//! `group`, `unpivot` and `split`: how many rows become one, and one many.

use crate::entries::{Problems, filled, mapping, open_mapping};
use crate::yaml::{Node, Value};
use crate::{Diagnostic, Group, Located, Split, Take, Unpivot};

pub(super) fn group(node: &Node, problems: &mut Problems) -> Option<Group> {
    let entries = mapping(node, "`group`", &["by", "order", "take"], problems)?;
    entries.need("by", "`group`", problems);
    entries.need("order", "`group`", problems);
    let take = entries
        .choice("take", &[("first", Take::First), ("last", Take::Last)], problems)
        .unwrap_or(Take::First);
    let (by, order) = (entries.names("by", problems), entries.names("order", problems));
    Some(Group { by, order, take, place: node.place })
}

pub(super) fn unpivot(node: &Node, problems: &mut Problems) -> Option<Unpivot> {
    let entries = mapping(node, "`unpivot`", &["columns", "number"], problems)?;
    let number = entries.filled("number", problems);
    let columns = open_mapping(entries.need("columns", "`unpivot`", problems)?, "`columns`", problems)?;
    let what = "an entry of `columns`";
    let mut read: Vec<(Located<String>, Vec<Located<String>>)> = Vec::new();
    for (key, node) in columns.iter() {
        let Value::List(nodes) = &node.value else {
            problems.push(crate::entries::wrong_type(node, what, "a list of columns"));
            continue;
        };
        let from: Vec<_> = nodes.iter().filter_map(|node| filled(node, what, problems)).collect();
        if let Some((first, others)) = read.first().filter(|(_, others)| others.len() != from.len()) {
            let message =
                format!("`{}` lists {} columns and `{}` {}", first.value, others.len(), key.text, from.len());
            problems.push(
                Diagnostic::error("unpivot-shape", node.place, message)
                    .help("the lists are taken in step: give each as many columns"),
            );
        }
        read.push((Located { value: key.text.clone(), place: key.place }, from));
    }
    empty(&read, node, problems);
    Some(Unpivot { columns: read, number, place: node.place })
}

pub(super) fn split(node: &Node, problems: &mut Problems) -> Option<Split> {
    let entries = mapping(node, "`split`", &["columns", "separator"], problems)?;
    let separator = entries.need("separator", "`split`", problems).is_some();
    let separator = entries.text("separator", problems).filter(|_| separator);
    if let Some(separator) = separator.as_ref().filter(|text| text.value.is_empty()) {
        let problem = Diagnostic::error("wrong-type", separator.place, "`separator` must not be empty");
        problems.push(problem.help("write the text between two pieces, e.g. \";\""));
    }
    let columns = open_mapping(entries.need("columns", "`split`", problems)?, "`columns`", problems)?;
    let mut read = Vec::new();
    for (key, node) in columns.iter() {
        if let Some(from) = filled(node, "an entry of `columns`", problems) {
            read.push((Located { value: key.text.clone(), place: key.place }, from));
        }
    }
    empty(&read, node, problems);
    let separator = separator.map(|text| text.value).unwrap_or_default();
    Some(Split { columns: read, separator, place: node.place })
}

fn empty<T>(columns: &[T], node: &Node, problems: &mut Problems) {
    if columns.is_empty() {
        problems.push(Diagnostic::error("wrong-type", node.place, "`columns` must not be empty"));
    }
}
