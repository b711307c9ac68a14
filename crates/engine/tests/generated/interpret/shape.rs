//! group, unpivot and split: how many rows a rule makes of those it reads.

use std::collections::BTreeMap;

use super::Driving;
use super::check::read;
use crate::model::{Group, Rule, Source, Split, Table, Unpivot, Value};

/// A row on its way into a rule.
pub(super) struct Piece {
    pub(super) row: Driving,
    pub(super) uneven: bool,
}

pub(super) struct Shaped {
    pub(super) pieces: Vec<Piece>,
    /// Rows that another one of their group stands for.
    pub(super) merged: Vec<Driving>,
    /// Rows of which nothing is left.
    pub(super) nothing: Vec<Driving>,
}

/// The column that holds the texts of a group for the nth field that asks for them.
pub(super) fn lines_column(field: &str) -> String {
    format!("lines of {field}")
}

pub(super) fn shape(rule: &Rule, table: &Table, rows: Vec<Driving>) -> Shaped {
    let mut shaped = Shaped { pieces: Vec::new(), merged: Vec::new(), nothing: Vec::new() };
    let leaders = match &rule.group {
        Some(group) => grouped(rule, group, table, rows, &mut shaped.merged),
        None => rows,
    };
    for row in leaders {
        let mut pieces = vec![(row.clone(), false)];
        if let Some(unpivot) = &rule.unpivot {
            pieces = pieces.into_iter().flat_map(|(row, _)| unpivoted(unpivot, &row)).collect();
        }
        if let Some(split) = &rule.split {
            pieces = pieces.into_iter().flat_map(|(row, _)| split_up(split, &row)).collect();
        }
        if pieces.is_empty() {
            shaped.nothing.push(row);
        }
        shaped.pieces.extend(pieces.into_iter().map(|(row, uneven)| Piece { row, uneven }));
    }
    shaped
}

/// Rows that only look for their patient: they are not shaped, and what shaping makes is not there.
pub(super) fn unshaped(rule: &Rule, rows: Vec<Driving>) -> Vec<Piece> {
    let mut made: Vec<&String> = Vec::new();
    made.extend(rule.unpivot.iter().flat_map(|unpivot| unpivot.columns.iter().map(|(name, _)| name)));
    made.extend(rule.unpivot.iter().filter_map(|unpivot| unpivot.number.as_ref()));
    made.extend(rule.split.iter().flat_map(|split| split.columns.iter().map(|(name, _)| name)));
    rows.into_iter()
        .map(|mut row| {
            made.iter().for_each(|name| {
                row.values.insert((*name).clone(), None);
            });
            for (field, _) in &rule.fields {
                row.values.insert(lines_column(field), None);
            }
            Piece { row, uneven: false }
        })
        .collect()
}

fn grouped(
    rule: &Rule,
    group: &Group,
    table: &Table,
    rows: Vec<Driving>,
    merged: &mut Vec<Driving>,
) -> Vec<Driving> {
    let mut groups: BTreeMap<Vec<String>, Vec<Driving>> = BTreeMap::new();
    let mut all: Vec<Vec<Driving>> = Vec::new();
    for row in rows {
        let key: Option<Vec<String>> = group.by.iter().map(|name| row.values[name].clone()).collect();
        match key {
            Some(key) => groups.entry(key).or_default().push(row),
            None => all.push(vec![row]),
        }
    }
    all.extend(groups.into_values());
    let mut leaders = Vec::new();
    for mut rows in all {
        rows.sort_by_cached_key(|row| {
            let order: Vec<_> =
                group.order.iter().map(|name| place(table, name, &row.values[name], group)).collect();
            (order, row.id)
        });
        let leader = if group.last { rows.len() - 1 } else { 0 };
        let mut lead = rows[leader].clone();
        for (field, given) in &rule.fields {
            if let Source::Lines(column, separator) = &given.source {
                let texts: Vec<String> = rows.iter().filter_map(|row| row.values[column].clone()).collect();
                let text = if texts.is_empty() { None } else { Some(texts.join(separator)) };
                lead.values.insert(lines_column(field), text);
            }
        }
        rows.remove(leader);
        merged.extend(rows);
        leaders.push(lead);
    }
    leaders.sort_by_key(|row| row.id);
    leaders
}

/// Where a value stands in the order of its column's type. A row with nothing there never leads if it can be helped.
fn place(table: &Table, name: &str, value: &Value, group: &Group) -> (bool, i64, String) {
    let field = table.field(name).expect("a column of the table");
    match value.as_ref().and_then(|text| read(field, text)) {
        None => (!group.last, 0, String::new()),
        Some(text) => {
            let number = text.parse().ok().filter(|_| field.kind == crate::model::Kind::Integer);
            (group.last, number.unwrap_or(0), if number.is_some() { String::new() } else { text })
        }
    }
}

fn something(value: &Value) -> Option<&String> {
    value.as_ref().filter(|text| !text.is_empty())
}

fn unpivoted(unpivot: &Unpivot, row: &Driving) -> Vec<(Driving, bool)> {
    let mut pieces = Vec::new();
    for place in 0..unpivot.columns[0].1.len() {
        let mut piece = row.clone();
        let mut any = false;
        for (name, from) in &unpivot.columns {
            let value = something(&row.values[&from[place]]).cloned();
            any |= value.is_some();
            piece.values.insert(name.clone(), value);
        }
        if let Some(number) = &unpivot.number {
            piece.values.insert(number.clone(), Some((place + 1).to_string()));
        }
        if any {
            pieces.push((piece, false));
        }
    }
    pieces
}

fn split_up(split: &Split, row: &Driving) -> Vec<(Driving, bool)> {
    let lists: Vec<Vec<&str>> = split
        .columns
        .iter()
        .map(|(_, from)| match something(&row.values[from]) {
            Some(text) => text.split('|').map(str::trim).collect(),
            None => Vec::new(),
        })
        .collect();
    let longest = lists.iter().map(Vec::len).max().unwrap_or(0);
    let with = |values: Vec<Value>| {
        let mut piece = row.clone();
        for ((name, _), value) in split.columns.iter().zip(values) {
            piece.values.insert(name.clone(), value);
        }
        piece
    };
    if lists.iter().any(|list| !list.is_empty() && list.len() != longest) {
        return vec![(with(vec![None; lists.len()]), true)];
    }
    (0..longest)
        .map(|at| -> Vec<Value> {
            let piece = |list: &Vec<&str>| {
                list.get(at).filter(|text| !text.is_empty()).map(|text| (*text).to_owned())
            };
            lists.iter().map(piece).collect()
        })
        .filter(|values| values.iter().any(Option::is_some))
        .map(|values| (with(values), false))
        .collect()
}
