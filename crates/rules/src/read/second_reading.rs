//! `second_reading:` of `system.yaml` and of a target table's schema.

use crate::entries::{Entries, Problems, filled, mapping, open_mapping};
use crate::yaml::{Node, Value};
use crate::{
    Carried, CarriedFact, Diagnostic, FactKind, Located, ReadFact, ReadSplit, ReadTable, ReadUnless,
    SecondReading,
};

/// The categories that a system's pack has read a second time.
pub(crate) fn of_system(entries: &Entries<'_>, problems: &mut Problems) -> Vec<SecondReading> {
    let Some(node) = entries.get("second_reading") else { return Vec::new() };
    let Some(categories) = open_mapping(node, "`second_reading`", problems) else { return Vec::new() };
    let mut read = Vec::new();
    for (key, node) in categories.iter() {
        let category = Located { value: key.text.clone(), place: key.place };
        let (mut none, mut tables) = (None, Vec::new());
        match &node.value {
            Value::List(nodes) => tables = nodes.iter().filter_map(|node| table(node, problems)).collect(),
            Value::Map(entries) if entries.iter().any(|(key, _)| key.text == "none") => {
                none = not_read(node, &KEYS, problems);
            }
            _ => tables.extend(table(node, problems)),
        }
        read.push(SecondReading { category, none, tables });
    }
    read
}

const KEYS: [&str; 6] = ["table", "rule", "patient", "split", "facts", "none"];

/// `none: REASON`; it stands above what is inherited.
fn not_read(node: &Node, known: &[&str], problems: &mut Problems) -> Option<String> {
    let own = mapping(node, "a second reading", known, problems)?;
    Some(own.need_text("none", "a second reading", problems).value)
}

fn table(node: &Node, problems: &mut Problems) -> Option<ReadTable> {
    let what = "a second reading";
    let own = mapping(node, what, KEYS.split_last().map_or(&[], |(_, keys)| keys), problems)?;
    let mut facts = Vec::new();
    if let Some(node) = own.need("facts", what, problems)
        && let Some(entries) = open_mapping(node, "`facts`", problems)
    {
        for (key, node) in entries.iter() {
            let field = Located { value: key.text.clone(), place: key.place };
            facts.extend(fact(field, node, problems));
        }
    }
    Some(ReadTable {
        table: own.need_text("table", what, problems),
        rule: own.filled("rule", problems),
        patient: own.need_text("patient", what, problems),
        split: own.get("split").and_then(|node| split(node, problems)),
        facts,
    })
}

fn split(node: &Node, problems: &mut Problems) -> Option<ReadSplit> {
    let own = mapping(node, "`split`", &["columns", "separator"], problems)?;
    own.need("columns", "`split`", problems);
    let separator = own.need_text("separator", "`split`", problems).value;
    Some(ReadSplit { columns: own.names("columns", problems), separator })
}

const KINDS: [&str; 5] = ["date", "instant", "digits", "number", "active"];
const FACT: &[&str] = &["column", "date", "instant", "digits", "number", "active", "missing", "unless"];

fn fact(field: Located<String>, node: &Node, problems: &mut Problems) -> Option<ReadFact> {
    if let Value::Scalar(_) = &node.value {
        let column = filled(node, "a fact", problems)?;
        return Some(ReadFact {
            field,
            column,
            kind: FactKind::Text,
            missing: Vec::new(),
            unless: Vec::new(),
        });
    }
    let own = mapping(node, "a fact", FACT, problems)?;
    let column = own.need_text("column", "a fact", problems);
    let plain = |texts: Vec<Located<String>>| texts.into_iter().map(|text| text.value).collect::<Vec<_>>();
    let kinds = KINDS.into_iter().filter(|kind| own.get(kind).is_some());
    let kinds: Vec<&str> = kinds.collect();
    let kind = match kinds.as_slice() {
        [] => FactKind::Text,
        ["date"] => FactKind::Date(plain(own.names("date", problems))),
        ["instant"] => FactKind::Instant(plain(own.names("instant", problems))),
        ["digits"] if own.boolean("digits", false, problems) => FactKind::Digits,
        ["digits"] => FactKind::Text,
        ["number"] => {
            let point = own.filled("number", problems).and_then(|text| text.value.chars().next());
            FactKind::Number(point.unwrap_or('.'))
        }
        ["active"] => FactKind::Status(plain(own.texts("active", problems))),
        _ => {
            let message = "a fact is one of a text, a `date`, an `instant`, `digits`, a `number` and a state (`active`)";
            problems
                .push(Diagnostic::error("bad-second-reading", node.place, message).help("keep one of them"));
            return None;
        }
    };
    let unless = match own.get("unless") {
        Some(Node { value: Value::List(nodes), .. }) => {
            nodes.iter().filter_map(|node| unless(node, problems)).collect()
        }
        Some(node) => unless(node, problems).into_iter().collect(),
        None => Vec::new(),
    };
    Some(ReadFact { field, column, kind, missing: plain(own.texts("missing", problems)), unless })
}

fn unless(node: &Node, problems: &mut Problems) -> Option<ReadUnless> {
    let own = mapping(node, "`unless`", &["column", "is", "reads", "own"], problems)?;
    own.need("is", "`unless`", problems);
    Some(ReadUnless {
        column: own.need_text("column", "`unless`", problems),
        texts: own.texts("is", problems).into_iter().map(|text| text.value).collect(),
        reads: own.filled("reads", problems).map(|text| text.value),
        own: own.boolean("own", false, problems),
    })
}

/// What a target table says of the category that it carries.
pub(crate) fn of_table(node: &Node, problems: &mut Problems) -> Option<Carried> {
    let what = "`second_reading`";
    let own = mapping(node, what, &["category", "facts", "none"], problems)?;
    let category = own.need_text("category", what, problems);
    if own.get("none").is_some() {
        let none = not_read(node, &["category", "none"], problems);
        return Some(Carried { category, none, facts: Vec::new() });
    }
    let facts = own.need("facts", what, problems)?;
    let entries = open_mapping(facts, "`facts`", problems)?;
    let mut carried = Vec::new();
    for (key, node) in entries.iter() {
        let field = Located { value: key.text.clone(), place: key.place };
        carried.extend(carried_fact(field, node, problems));
    }
    Some(Carried { category, none: None, facts: carried })
}

fn carried_fact(field: Located<String>, node: &Node, problems: &mut Problems) -> Option<CarriedFact> {
    if let Value::Scalar(_) = &node.value {
        let column = filled(node, "a fact", problems)?;
        return Some(CarriedFact { field, column, precision: None, active: Vec::new() });
    }
    let own = mapping(node, "a fact", &["column", "precision", "active"], problems)?;
    Some(CarriedFact {
        field,
        column: own.need_text("column", "a fact", problems),
        precision: own.filled("precision", problems),
        active: own.texts("active", problems).into_iter().map(|text| text.value).collect(),
    })
}
