//! One field of a rule: its value, and what was lost on the way.

use std::collections::BTreeSet;

use super::check::read;
use super::expression::{Scope, columns, lost, read_date, value};
use super::rule::Run;
use super::shape::lines_column;
use crate::model::{Column, Field, Given, Kind, Source, Value};

pub(super) struct Made {
    pub(super) value: Value,
    /// Code, raw text and disposition of what was lost.
    pub(super) lost: Vec<(&'static str, String, &'static str)>,
    pub(super) repaired: bool,
}

pub(super) fn make(run: &Run<'_>, given: &Given, field: &Field, scope: &Scope<'_>) -> Made {
    let mut from = BTreeSet::new();
    let mut was_lost = false;
    let mut found = match &given.source {
        Source::Text(text) => return Made { value: Some(text.clone()), lost: Vec::new(), repaired: false },
        Source::Column(column) => {
            from.insert(column.clone());
            scope.column(column)
        }
        Source::Lines(..) => {
            let column = Column { alias: run.rule.from[0].clone(), name: lines_column(&field.name) };
            from.insert(column.clone());
            scope.column(&column)
        }
        Source::Sql(sql) => {
            columns(sql, &mut from);
            was_lost = lost(sql, scope);
            value(sql, scope)
        }
    };
    let mut repaired = false;
    if given.repair {
        let mended = found.as_ref().map(|text| text.replace("LÃ\u{AD}", "Lí"));
        repaired = mended != found;
        found = mended;
    }
    found = found.filter(|text| !given.missing.contains(&text.as_str()));
    let mut made = Made { value: found.clone(), lost: Vec::new(), repaired };
    let mut code = "lost-value";
    if let Some(map) = &given.map {
        let map = run.case.maps.iter().find(|one| one.name == *map).expect("a map of the case");
        let entry = found.as_ref().map(|text| map.entries.iter().find(|(code, _)| code == text));
        made.value = entry.flatten().map(|(_, target)| (*target).to_owned()).filter(|text| !text.is_empty());
        was_lost = matches!(entry, Some(None));
        code = "unmapped-code";
    } else if !given.formats.is_empty() {
        made.value =
            found.as_ref().and_then(|text| given.formats.iter().find_map(|words| read_date(text, words)));
        was_lost = found.is_some() && made.value.is_none();
    } else if let Some(declared) =
        declared(run, given).filter(|one| one.kind == field.kind && one.kind != Kind::Text)
    {
        made.value = found.as_ref().and_then(|text| read(declared, text));
        was_lost = found.is_some() && made.value.is_none();
    }
    if was_lost && made.value.is_none() {
        let policy = if code == "unmapped-code" { given.unmapped } else { given.failed };
        let means = match policy {
            None | Some("keep_text_and_flag") => "degrade",
            Some("hold_row") => "quarantine",
            _ => "block",
        };
        let raw: Vec<String> = from.iter().filter_map(|column| scope.column(column)).collect();
        made.lost.push((code, raw.join(" | "), means));
    }
    made
}

/// The declaration of a plain source column; what a rule makes of columns is text.
fn declared<'a>(run: &'a Run<'_>, given: &Given) -> Option<&'a Field> {
    let own = run.table()?;
    let Source::Column(column) = &given.source else { return None };
    if column.alias == run.rule.from[0] {
        return own.field(&column.name);
    }
    let join = run.rule.joins.iter().find(|join| join.alias == column.alias)?;
    run.case.table(&join.table).field(&column.name)
}
