//! Makes a case of a number: the same number gives the same case.

mod expressions;
mod rules;
mod sinks;
mod tables;

use crate::model::{Case, Gate, Map};
use crate::random::Random;

pub(crate) fn generate(number: u64) -> Case {
    let mut random = Random::new(number);
    let mut case = Case {
        tables: tables::tables(&mut random),
        categories: Vec::new(),
        targets: Vec::new(),
        maps: Vec::new(),
        gates: Vec::new(),
    };
    if random.percent(50) {
        case.maps.push(Map {
            name: "codes".into(),
            entries: vec![("x", "ex"), ("y", ""), ("1", "one"), ("X", "ex")],
        });
    }
    sinks::categories(&mut random, &mut case);
    ignore_unread(&mut case);
    sinks::targets(&mut random, &mut case);
    case.gates = gates(&mut random, &case);
    case
}

fn ignore_unread(case: &mut Case) {
    let rules = case.categories.iter().flat_map(|category| &category.rules);
    let read: Vec<String> = rules
        .flat_map(|rule| rule.from.iter().chain(rule.joins.iter().map(|join| &join.table)))
        .cloned()
        .collect();
    for table in &mut case.tables {
        table.ignored = !read.contains(&table.name);
    }
}

/// Mostly wide open, so that damage goes through to the end.
fn gates(random: &mut Random, case: &Case) -> Vec<Gate> {
    let open = random.percent(88);
    let mut gates = Vec::new();
    let tables = case.tables.iter().map(|table| &table.name);
    let sinks = case.categories.iter().chain(&case.targets).map(|sink| &sink.name);
    for name in tables.chain(sinks) {
        if open || random.percent(85) {
            let percent = if open || random.percent(80) { 100 } else { *random.of(&[0, 10, 50]) };
            let stage = (!open && random.percent(30))
                .then(|| *random.of(&["check", "categorize", "convert", "validate"]));
            gates.push(Gate { applies_to: name.clone(), stage, percent });
        }
    }
    gates
}
