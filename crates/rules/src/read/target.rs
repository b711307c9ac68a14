//! `target.yaml`: a destination, and what it has no place for.

use crate::entries::{Entries, Problems, mapping};
use crate::layout::Pack;
use crate::read::{agree, spec};
use crate::yaml::Node;
use crate::{Ignored, Target};

const KEYS: &[&str] = &["spec", "target", "version", "title", "ignore"];

/// Tables, rules and DDL are added once all files are read.
pub(crate) fn read(node: &Node, pack: &Pack, problems: &mut Problems) -> Option<Target> {
    let entries = mapping(node, "`target.yaml`", KEYS, problems)?;
    spec(&entries, problems);
    agree(&entries, "target", &pack.name, problems);
    agree(&entries, "version", &pack.version, problems);
    Some(Target {
        name: pack.name.clone(),
        version: pack.version.clone(),
        title: entries.filled("title", problems).map(|text| text.value),
        tables: Vec::new(),
        convert: Vec::new(),
        ddl: std::collections::BTreeMap::new(),
        ignored_categories: ignored(&entries, problems),
        place: node.place,
    })
}

fn ignored(entries: &Entries<'_>, problems: &mut Problems) -> Vec<Ignored> {
    let mut ignored = Vec::new();
    for node in entries.list("ignore", problems) {
        let known = ["table", "column", "reason"];
        let Some(own) = mapping(node, "an `ignore` entry", &known, problems) else { continue };
        ignored.push(Ignored {
            table: own.need_text("table", "an `ignore` entry", problems),
            column: own.filled("column", problems),
            reason: own.need_text("reason", "an `ignore` entry", problems).value,
        });
    }
    ignored
}
