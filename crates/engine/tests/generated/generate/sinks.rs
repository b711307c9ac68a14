//! Categories and target tables.

use super::rules::{Reads, rules};
use crate::model::{Case, Failed, Field, Given, Keep, Kind, Merge, Sink, Source, Test};
use crate::random::Random;

fn sink(name: &str) -> Sink {
    Sink {
        name: name.into(),
        fields: vec![Field::new("k", Kind::Text)],
        key: "k".into(),
        patient: None,
        critical: false,
        references: Vec::new(),
        failed: Failed::new(),
        hold: None,
        natural: false,
        rules: Vec::new(),
        merge: None,
        ignored: false,
    }
}

/// The first is of patients, mostly.
pub(super) fn categories(random: &mut Random, case: &mut Case) {
    let count = random.between(1, 3);
    let patients = random.percent(88);
    for at in 0..count {
        let mut category = sink(&format!("c{at}"));
        if at > 0 {
            category.fields.push(Field::new("q", Kind::Text));
            category.references.push(("q".into(), "c0".into()));
            if patients && random.percent(85) {
                category.patient = Some("q".into());
            }
        } else if patients {
            category.patient = Some("k".into());
        }
        if random.percent(40) {
            category.fields.push(Field::new("o", Kind::Text));
            category.references.push(("o".into(), format!("c{}", random.below(count))));
        }
        for (name, kind) in [
            ("x", Kind::Text),
            ("y", Kind::Text),
            ("d", Kind::Date),
            ("d_precision", Kind::Text),
            ("n", Kind::Integer),
        ] {
            if random.percent(70) {
                category.fields.push(Field::new(name, kind));
            }
        }
        for field in &mut category.fields {
            tests(random, field, 8);
        }
        if random.percent(80) {
            category.fields[0].tests.retain(|test| *test != Test::Required);
            category.fields[0].tests.push(Test::Required);
            category.fields[0].failed.clear();
        }
        category.critical = random.percent(30);
        category.merge = merge(random, &category, 30);
        case.categories.push(category);
    }
    for at in 0..count {
        let category = case.categories[at].clone();
        case.categories[at].rules = rules(random, case, &category, Reads::Tables);
    }
}

fn merge(random: &mut Random, sink: &Sink, share: usize) -> Option<Merge> {
    if !random.percent(share) {
        return None;
    }
    let mut order: Vec<String> =
        sink.fields.iter().skip(1).filter(|_| random.percent(30)).map(|field| field.name.clone()).collect();
    order.truncate(2);
    Some(Merge { keep: *random.of(&[Keep::First, Keep::Last, Keep::Fill]), order })
}

fn tests(random: &mut Random, field: &mut Field, share: usize) {
    if random.percent(share) {
        field.tests.push(Test::Required);
    }
    if field.kind == Kind::Text && field.name != "k" && random.percent(share) {
        field.tests.push(Test::MaxLength(random.between(1, 6)));
    }
    if field.kind == Kind::Integer && random.percent(share) {
        field.tests.push(Test::Minimum(2));
    }
    for test in &field.tests {
        if field.name != "k" && random.percent(30) {
            let means = *random.of(&["note", "quarantine", "degrade", "quarantine", "note", "quarantine"]);
            field.failed.push((test.name(), means));
        }
    }
}

/// One target table a category, or several of one, or several into one.
pub(super) fn targets(random: &mut Random, case: &mut Case) {
    let patients = case.categories[0].patient.is_some();
    let mut plans: Vec<Vec<String>> = vec![vec!["c0".into()]];
    for at in 1..case.categories.len() {
        let name = format!("c{at}");
        match random.below(10) {
            0..7 => plans.push(vec![name]),
            7 if plans.len() > 1 => plans.last_mut().expect("a plan").push(name),
            8 => {
                plans.push(vec![name.clone()]);
                plans.push(vec![name]);
            }
            _ => case.categories[at].ignored = true,
        }
    }
    let count = plans.len();
    for (at, from) in plans.iter().enumerate() {
        let mut target = sink(&format!("k{at}"));
        for name in ["q", "o", "x", "y", "d", "n"] {
            let known = from.iter().find_map(|name_of| case.category(name_of).field(name));
            if let Some(field) = known.filter(|_| name == "q" || random.percent(85)) {
                target.fields.push(Field::new(name, field.kind));
            }
        }
        if target.field("q").is_some() {
            target.references.push(("q".into(), "k0".into()));
            if patients && random.percent(85) {
                target.patient = Some("q".into());
            }
        }
        if target.field("o").is_some() {
            target.references.push(("o".into(), format!("k{}", random.below(count))));
        }
        if at == 0 && patients {
            target.patient = Some("k".into());
        }
        for field in &mut target.fields {
            tests(random, field, if field.name == "q" { 50 } else { 10 });
            field.failed.clear();
        }
        let critical = from.iter().any(|name| case.category(name).critical);
        if critical || random.percent(60) {
            target.fields.push(Field::new("hold", Kind::Text));
            target.hold = Some("hold".into());
        }
        target.natural = random.percent(30);
        target.merge = merge(random, &target, 15).filter(|_| at > 0);
        target.rules = rules(random, case, &target, Reads::Categories(from.clone()));
        if at == 0 {
            only_keys(&mut target);
        }
        case.targets.push(target);
    }
    let rules = case.targets.iter().flat_map(|target| &target.rules);
    let joined: Vec<String> = rules.flat_map(|rule| &rule.joins).map(|join| join.table.clone()).collect();
    case.categories.iter_mut().for_each(|category| category.ignored &= !joined.contains(&category.name));
}

/// The key of a patient's row is the patient's.
fn only_keys(target: &mut Sink) {
    for rule in &mut target.rules {
        let column = crate::model::Column { alias: rule.from[0].clone(), name: "k".into() };
        rule.fields.retain(|(name, _)| name != "k");
        rule.fields.insert(0, ("k".into(), Given::new(Source::Column(column))));
    }
}
