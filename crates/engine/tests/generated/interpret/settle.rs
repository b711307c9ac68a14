//! Records of one key: alike they merge, otherwise a merge rule decides, and without one all are held.

use std::collections::{BTreeMap, BTreeSet};

use super::{Driving, Id};
use crate::facts::{Facts, Finding};
use crate::model::{Keep, Kind, Merge, Sink, Value};

pub(super) struct Settled {
    /// What goes on.
    pub(super) rows: Vec<Driving>,
    pub(super) merged: u64,
    pub(super) conflicts: Vec<Driving>,
}

/// `lost`: records of this key space that are held already, wherever that was.
pub(super) fn settle(
    stage: &'static str,
    sink: &Sink,
    emitted: Vec<Driving>,
    lost: &[Driving],
    made_rule: impl Fn(Id, usize) -> Id,
    facts: &mut Facts,
) -> Settled {
    let mut settled = Settled { rows: Vec::new(), merged: 0, conflicts: Vec::new() };
    let mut keys: BTreeMap<String, Vec<Driving>> = BTreeMap::new();
    for row in emitted {
        match &row.values[&sink.key] {
            Some(key) => keys.entry(key.clone()).or_default().push(row),
            None => settled.rows.push(row),
        }
    }
    let mut finding = |code, means, rows: u64| {
        let finding =
            Finding { stage, code, table: &sink.name, column: &sink.key, name: "", disposition: means };
        facts.finding(&finding, rows);
    };
    let mut made = Vec::new();
    for (key, mut rows) in keys {
        rows.sort_by_key(|row| row.id);
        let own: Vec<&Driving> =
            lost.iter().filter(|row| row.values[&sink.key].as_ref() == Some(&key)).collect();
        if sink.merge.as_ref().is_some_and(|merge| would_win(sink, merge, &rows, &own)) {
            finding("key-conflict", "quarantine", rows.len() as u64);
            settled.conflicts.extend(rows);
            continue;
        }
        let alike = |row: &Driving| row.values == rows[0].values && row.degraded == rows[0].degraded;
        if rows.iter().all(alike) {
            settled.merged += rows.len() as u64 - 1;
            finding("duplicate-row", "note", rows.len() as u64 - 1);
            settled.rows.push(rows.swap_remove(0));
            continue;
        }
        let Some(merge) = &sink.merge else {
            finding("key-conflict", "quarantine", rows.len() as u64);
            settled.conflicts.extend(rows);
            continue;
        };
        settled.merged += rows.len() as u64 - 1;
        sort(sink, merge, &mut rows);
        let gone = if merge.keep == Keep::Fill { rows.len() } else { rows.len() - 1 };
        finding("merged-by-rule", "note", gone as u64);
        match merge.keep {
            Keep::First => settled.rows.push(rows.swap_remove(0)),
            Keep::Last => settled.rows.extend(rows.pop()),
            Keep::Fill => made.push(filled(rows)),
        }
    }
    made.sort_by_key(|row| row.id);
    let mut numbers: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for mut row in made {
        let number = numbers.entry((row.id.file, row.id.record)).or_default();
        row.id = made_rule(row.id, *number);
        *number += 1;
        settled.rows.push(row);
    }
    settled.rows.sort_by_key(|row| row.id);
    debug_assert_eq!(
        settled.rows.iter().map(|row| row.id).collect::<BTreeSet<_>>().len(),
        settled.rows.len()
    );
    settled
}

/// Whether a record that is held would have been the one that stays, or would have filled it.
fn would_win(sink: &Sink, merge: &Merge, rows: &[Driving], lost: &[&Driving]) -> bool {
    if lost.is_empty() || merge.keep == Keep::Fill {
        return !lost.is_empty();
    }
    let mut all: Vec<(Driving, bool)> = rows.iter().map(|row| (row.clone(), false)).collect();
    all.extend(lost.iter().map(|row| ((*row).clone(), true)));
    all.sort_by_cached_key(|(row, _)| rank(sink, merge, row));
    if merge.keep == Keep::Last { all[all.len() - 1].1 } else { all[0].1 }
}

fn sort(sink: &Sink, merge: &Merge, rows: &mut [Driving]) {
    rows.sort_by_cached_key(|row| rank(sink, merge, row));
}

/// A record with nothing there loses; equal ones stay in the order of the files.
fn rank(sink: &Sink, merge: &Merge, row: &Driving) -> (Vec<(bool, i64, String)>, Id) {
    let last = merge.keep == Keep::Last;
    let place = |name: &String| {
        let value: &Value = &row.values[name];
        let integer = sink.field(name).is_some_and(|field| field.kind == Kind::Integer);
        match value {
            None => (!last, 0, String::new()),
            Some(text) if integer => (last, text.parse().expect("an integer"), String::new()),
            Some(text) => (last, 0, text.clone()),
        }
    };
    (merge.order.iter().map(place).collect(), row.id)
}

/// The first, its empty fields filled from the next that has a value; what each has lost.
fn filled(rows: Vec<Driving>) -> Driving {
    let mut made = rows[0].clone();
    for row in &rows[1..] {
        for (name, value) in &row.values {
            let own = made.values.get_mut(name).expect("records of one category");
            if own.is_none() {
                own.clone_from(value);
            }
        }
        for (field, text) in &row.degraded {
            made.degraded.entry(field.clone()).or_insert_with(|| text.clone());
        }
    }
    made
}
