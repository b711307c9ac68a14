//! Makes a failing case smaller, so that it can be read: fewer rows, rules, joins, conditions and tests.

use crate::model::{Case, Sink};

/// Tries a case gets before it is told as it is.
const TRIES: usize = 150;

pub(crate) fn shrink(mut case: Case, fails: impl Fn(&Case) -> bool) -> Case {
    let mut tries = TRIES;
    loop {
        let found = smaller(&case).into_iter().find(|smaller| {
            tries = tries.saturating_sub(1);
            tries > 0 && fails(smaller)
        });
        match found {
            Some(smaller) => case = smaller,
            None => return case,
        }
    }
}

/// The case with one thing less, the biggest things first.
fn smaller(case: &Case) -> Vec<Case> {
    let mut all = rows(case);
    all.extend(parts(case));
    all
}

fn rows(case: &Case) -> Vec<Case> {
    let mut all = Vec::new();
    for (table, one) in case.tables.iter().enumerate() {
        for (file, one) in one.files.iter().enumerate() {
            let count = one.lines.len();
            let mut size = count;
            while size > 0 {
                for from in (0..count).step_by(size) {
                    let mut made = case.clone();
                    made.tables[table].files[file].lines.drain(from..(from + size).min(count));
                    all.push(made);
                }
                size /= 2;
            }
        }
    }
    all.sort_by_key(|case: &Case| {
        case.tables.iter().flat_map(|table| &table.files).map(|file| file.lines.len()).sum::<usize>()
    });
    all
}

fn parts(case: &Case) -> Vec<Case> {
    let mut all = Vec::new();
    let mut with = |change: &dyn Fn(&mut Case)| {
        let mut made = case.clone();
        change(&mut made);
        all.push(made);
    };
    for target in [false, true] {
        let sinks = |case: &mut Case| {
            if target { std::mem::take(&mut case.targets) } else { std::mem::take(&mut case.categories) }
        };
        let back = |case: &mut Case, sinks: Vec<Sink>| {
            if target { case.targets = sinks } else { case.categories = sinks }
        };
        let count = if target { case.targets.len() } else { case.categories.len() };
        for sink in 0..count {
            let mut each = |change: &dyn Fn(&mut Sink)| {
                with(&|case| {
                    let mut all = sinks(case);
                    change(&mut all[sink]);
                    back(case, all);
                });
            };
            let one = if target { &case.targets[sink] } else { &case.categories[sink] };
            if one.merge.is_some() {
                each(&|sink| sink.merge = None);
            }
            if one.rules.len() > 1 {
                (0..one.rules.len()).for_each(|at| each(&|sink| drop(sink.rules.remove(at))));
            }
            for (at, rule) in one.rules.iter().enumerate() {
                (0..rule.excludes.len())
                    .for_each(|no| each(&|sink| drop(sink.rules[at].excludes.remove(no))));
                (0..rule.checks.len()).for_each(|no| each(&|sink| drop(sink.rules[at].checks.remove(no))));
                if rule.fields.len() > 1 {
                    (1..rule.fields.len())
                        .for_each(|no| each(&|sink| drop(sink.rules[at].fields.remove(no))));
                }
            }
            (0..one.fields.len()).for_each(|no| {
                if !one.fields[no].tests.is_empty() {
                    each(&|sink| sink.fields[no].tests.clear());
                }
            });
        }
    }
    all
}
