//! Rules: the whole language, over whatever columns there are.

use super::expressions::{condition, text};
use crate::model::{
    Case, Check, Column, Condition, Exclude, Expression, Field, Given, Group, Join, Kind, Rule, Sink, Source,
    Split, Unpivot,
};
use crate::random::Random;

/// What rules read.
pub(super) enum Reads {
    Tables,
    Categories(Vec<String>),
}

/// A column that a rule may name, and its type.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) column: Column,
    pub(super) kind: Kind,
}

pub(super) fn rules(random: &mut Random, case: &Case, sink: &Sink, reads: Reads) -> Vec<Rule> {
    match reads {
        Reads::Tables => {
            let count = random.of(&[1, 1, 1, 2, 2, 3]);
            (0..*count).map(|at| categorize(random, case, sink, at)).collect()
        }
        Reads::Categories(names) => {
            let mut rules: Vec<Rule> = Vec::new();
            for name in names {
                rules.push(convert(random, case, sink, &name, rules.len()));
            }
            if sink.name != "k0" && random.percent(15) {
                let name = rules[0].from[0].clone();
                rules.push(convert(random, case, sink, &name, rules.len()));
            }
            rules
        }
    }
}

fn plain(name: String, from: Vec<String>) -> Rule {
    Rule {
        name,
        from,
        group: None,
        unpivot: None,
        split: None,
        joins: Vec::new(),
        excludes: Vec::new(),
        checks: Vec::new(),
        fields: Vec::new(),
    }
}

fn categorize(random: &mut Random, case: &Case, sink: &Sink, at: usize) -> Rule {
    let mut from = vec![random.of(&case.tables).name.clone()];
    if random.percent(15) {
        let other = random.of(&case.tables).name.clone();
        if !from.contains(&other) {
            from.push(other);
        }
    }
    let mut rule = plain(format!("{}r{at}", sink.name), from);
    let alias = rule.from[0].clone();
    let known = |name: &str| {
        let kind = case.table(&alias).field(name)?.kind;
        rule.from
            .iter()
            .all(|from| case.table(from).field(name).is_some_and(|one| one.kind == kind))
            .then_some(kind)
    };
    let mut columns: Vec<Known> = case
        .table(&alias)
        .fields
        .iter()
        .filter(|field| known(&field.name).is_some())
        .map(|field| Known {
            column: Column { alias: alias.clone(), name: field.name.clone() },
            kind: field.kind,
        })
        .collect();
    shape(random, &mut rule, &mut columns);
    for number in 0..*random.of(&[0, 0, 1, 1, 2]) {
        join(random, case, &mut rule, &mut columns, number);
    }
    conditions(random, &mut rule, &columns);
    let keyed = rule.from.iter().all(|from| {
        let table = case.table(from);
        !table.primary.is_empty() || !table.row_key.is_empty()
    });
    for field in &sink.fields {
        let needed = matches!(field.name.as_str(), "k" | "q") || field.required();
        if needed || random.percent(80) {
            let given = source_field(random, case, sink, field, &rule, &columns, keyed);
            rule.fields.push((field.name.clone(), given));
        }
    }
    precise(sink, &mut rule);
    rule
}

/// A date that may be a year alone needs its precision; without that field it is read whole.
fn precise(sink: &Sink, rule: &mut Rule) {
    let said = rule.fields.iter().any(|(name, _)| name == "d_precision");
    debug_assert!(!said || sink.field("d_precision").is_some());
    for (_, given) in rule.fields.iter_mut().filter(|_| !said) {
        given.formats.retain(|words| *words != "YYYY");
    }
}

fn shape(random: &mut Random, rule: &mut Rule, columns: &mut Vec<Known>) {
    let alias = rule.from[0].clone();
    let names = |columns: &[Known], wanted: &[&str]| -> Vec<String> {
        let names = columns.iter().map(|known| known.column.name.clone());
        names.filter(|name| wanted.contains(&name.as_str())).collect()
    };
    if random.percent(20) {
        let by = names(columns, &[*random.of(&["id", "p", "a"])]);
        let order = names(columns, &[*random.of(&["n", "d", "b", "id"]), *random.of(&["a", "n"])]);
        if !by.is_empty() && !order.is_empty() {
            rule.group = Some(Group { by, order, last: random.percent(40) });
        }
    }
    let mut made = Vec::new();
    if random.percent(15) {
        let wide = names(columns, &["a", "b", "odd name", "l1"]);
        let mut lists = vec![("u".to_owned(), wide.clone())];
        if random.percent(30) {
            lists.push(("v".to_owned(), wide.iter().rev().cloned().collect()));
        }
        made.extend(lists.iter().map(|(name, _)| name.clone()));
        let number = random.percent(60).then(|| "place".to_owned());
        made.extend(number.clone());
        rule.unpivot = Some(Unpivot { columns: lists, number });
    }
    if random.percent(20) {
        let from = match &rule.unpivot {
            Some(_) => "u".to_owned(),
            None => names(columns, &["l1", "l2", "a"])[0].clone(),
        };
        let mut lists = vec![("s".to_owned(), from)];
        let second = names(columns, &["l2"]);
        if rule.unpivot.is_none() && !second.is_empty() && random.percent(50) {
            lists.push(("w".to_owned(), second[0].clone()));
        }
        made.extend(lists.iter().map(|(name, _)| name.clone()));
        rule.split = Some(Split { columns: lists });
    }
    let made = made
        .into_iter()
        .map(|name| Known { column: Column { alias: alias.clone(), name }, kind: Kind::Text });
    columns.extend(made);
}

/// Mostly by keys; also with conditions that equal keys do not decide.
fn join(random: &mut Random, case: &Case, rule: &mut Rule, columns: &mut Vec<Known>, number: usize) {
    let table = random.of(&case.tables);
    let alias = format!("j{number}");
    let of = |name: &str| Expression::Column(Column { alias: alias.clone(), name: name.into() });
    let own = |name: &str| Expression::Column(Column { alias: rule.from[0].clone(), name: name.into() });
    let mut matches = match random.below(10) {
        0..4 => Condition::Equal(of("id"), own("p")),
        4..6 => Condition::Equal(of("p"), own("id")),
        6 => Condition::Equal(of("id"), own("id")),
        7 => Condition::Equal(Expression::Trim(Box::new(of("a"))), own("a")),
        8 => Condition::Unequal(of("id"), own("p")),
        _ => Condition::Equal(of("a"), own("b")),
    };
    if random.percent(35) {
        let more = match random.below(6) {
            0 => Condition::Equal(of("a"), Expression::Text("x".into())),
            1 => Condition::Unequal(of("b"), own("b")),
            2 => Condition::NotNull(of("b")),
            3 => Condition::Equal(own("a"), Expression::Text("x".into())),
            4 => Condition::Unequal(of("a"), Expression::Text("x".into())),
            _ => Condition::Equal(of("b"), own("b")),
        };
        matches = if random.percent(85) {
            Condition::And(Box::new(matches), Box::new(more))
        } else {
            Condition::Or(Box::new(matches), Box::new(more))
        };
    }
    for field in &table.fields {
        columns.push(Known {
            column: Column { alias: alias.clone(), name: field.name.clone() },
            kind: field.kind,
        });
    }
    rule.joins.push(Join {
        table: table.name.clone(),
        alias,
        matches,
        many: random.percent(35),
        exclude: random.percent(50),
    });
}

fn conditions(random: &mut Random, rule: &mut Rule, columns: &[Known]) {
    for at in 0..*random.of(&[0, 0, 0, 1, 1, 2]) {
        let when = condition(random, columns, 1);
        let unknown = *random.of(&["stop", "exclude", "keep", "keep"]);
        rule.excludes.push(Exclude { name: format!("e{at}"), when, unknown });
    }
    if random.percent(20) {
        let failed = match random.below(20) {
            0 => "block",
            1..8 => "quarantine",
            _ => "note",
        };
        rule.checks.push(Check { name: "odd".into(), when: condition(random, columns, 1), failed });
    }
}

fn own(rule: &Rule, name: &str) -> Source {
    Source::Column(Column { alias: rule.from[0].clone(), name: name.into() })
}

fn policy(random: &mut Random) -> Option<&'static str> {
    match random.below(30) {
        0..14 => None,
        14..20 => Some("keep_text_and_flag"),
        20..29 => Some("hold_row"),
        _ => Some("stop"),
    }
}

fn source_field(
    random: &mut Random,
    case: &Case,
    sink: &Sink,
    field: &Field,
    rule: &Rule,
    columns: &[Known],
    keyed: bool,
) -> Given {
    let mut given = match (field.name.as_str(), field.kind) {
        ("k", _) => Given::new(key(random, rule, columns, keyed)),
        ("q" | "o", _) => Given::new(match random.below(10) {
            0..7 => own(rule, if field.name == "q" && sink.name == "c0" { "id" } else { "p" }),
            7 => own(rule, "id"),
            8 => Source::Sql(text(random, columns, 1)),
            _ => Source::Column(random.of(columns).column.clone()),
        }),
        (_, Kind::Date) => date(random, columns),
        (_, Kind::Integer) => integer(random, columns),
        _ => words(random, case, rule, columns),
    };
    if matches!(given.source, Source::Text(_)) {
        return given;
    }
    if matches!(field.name.as_str(), "k" | "q" | "o") && matches!(given.source, Source::Column(_)) {
        return given;
    }
    given.failed = policy(random);
    let text = field.kind == Kind::Text || matches!(given.source, Source::Column(_));
    if text && random.percent(12) {
        given.missing = vec!["x", "soon"];
    }
    given
}

fn key(random: &mut Random, rule: &Rule, columns: &[Known], keyed: bool) -> Source {
    let of = |name: &str| Expression::Column(Column { alias: rule.from[0].clone(), name: name.into() });
    let text = |text: &str| Expression::Text(text.into());
    let made: Vec<Expression> = columns
        .iter()
        .filter(|known| known.column.alias == rule.from[0])
        .filter(|known| matches!(known.column.name.as_str(), "u" | "s" | "place"))
        .map(|known| Expression::Column(known.column.clone()))
        .collect();
    if !made.is_empty() && random.percent(75) {
        let mut parts = vec![of("id"), text("/")];
        parts.extend(made);
        return Source::Sql(Expression::Concat(parts));
    }
    match random.below(12) {
        0..6 => own(rule, "id"),
        6..8 if keyed => own(rule, "_key"),
        8 => own(rule, "p"),
        9 => Source::Sql(Expression::Concat(vec![of("a"), text("-"), of("id")])),
        10 => match rule.joins.first() {
            Some(join) => {
                let joined = Expression::Column(Column { alias: join.alias.clone(), name: "id".into() });
                Source::Sql(Expression::Concat(vec![of("id"), text("+"), joined]))
            }
            None => own(rule, "id"),
        },
        _ => Source::Sql(Expression::Coalesce(vec![of("p"), of("id")])),
    }
}

fn date(random: &mut Random, columns: &[Known]) -> Given {
    let declared: Vec<&Known> = columns.iter().filter(|known| known.kind == Kind::Date).collect();
    if !declared.is_empty() && random.percent(50) {
        return Given::new(Source::Column(random.of(&declared).column.clone()));
    }
    let column = random.of(columns).column.clone();
    match random.below(4) {
        0 => Given::new(Source::Text("2024-02-29".into())),
        1 => {
            let parse = |words| Expression::ParseDate(Box::new(Expression::Column(column.clone())), words);
            Given::new(Source::Sql(Expression::Coalesce(vec![parse("DD/MM/YYYY"), parse("YYYY-MM-DD")])))
        }
        2 => {
            Given::new(Source::Sql(Expression::ParseDate(Box::new(Expression::Column(column)), "DD/MM/YYYY")))
        }
        _ => Given {
            formats: random
                .of(&[vec!["DD/MM/YYYY", "YYYY"], vec!["YYYY-MM-DD"], vec!["DD/MM/YYYY", "YYYY-MM-DD"]])
                .clone(),
            ..Given::new(Source::Column(column))
        },
    }
}

fn integer(random: &mut Random, columns: &[Known]) -> Given {
    let declared: Vec<&Known> = columns.iter().filter(|known| known.kind == Kind::Integer).collect();
    if !declared.is_empty() && random.percent(50) {
        return Given::new(Source::Column(random.of(&declared).column.clone()));
    }
    if random.percent(20) {
        return Given::new(Source::Text("12".into()));
    }
    Given::new(Source::Sql(Expression::ParseInteger(Box::new(text(random, columns, 1)))))
}

fn words(random: &mut Random, case: &Case, rule: &Rule, columns: &[Known]) -> Given {
    if rule.group.is_some() && random.percent(50) {
        let own: Vec<&Known> = columns
            .iter()
            .filter(|known| known.column.alias == rule.from[0])
            .filter(|known| !matches!(known.column.name.as_str(), "u" | "v" | "s" | "w" | "place"))
            .collect();
        return Given::new(Source::Lines(random.of(&own).column.name.clone(), "/".into()));
    }
    let column = random.of(columns).column.clone();
    match random.below(10) {
        0 => Given::new(Source::Text("said".into())),
        1..5 => Given::new(Source::Column(column)),
        5 => Given { repair: true, ..Given::new(Source::Column(column)) },
        6..8 if !case.maps.is_empty() => Given {
            map: Some(random.of(&case.maps).name.clone()),
            unmapped: policy(random),
            ..Given::new(Source::Column(column))
        },
        _ => Given::new(Source::Sql(text(random, columns, 2))),
    }
}

fn convert(random: &mut Random, case: &Case, sink: &Sink, from: &str, at: usize) -> Rule {
    let mut rule = plain(format!("{}r{at}", sink.name), vec![from.to_owned()]);
    let category = case.category(from);
    let columns_of = |alias: &str, category: &Sink| -> Vec<Known> {
        let known = category.fields.iter();
        known
            .map(|field| Known {
                column: Column { alias: alias.into(), name: field.name.clone() },
                kind: field.kind,
            })
            .collect()
    };
    let mut columns = columns_of(from, category);
    if random.percent(20) {
        let other = random.of(&case.categories);
        let of = |name: &str| Expression::Column(Column { alias: "j0".into(), name: name.into() });
        let own = |name: &str| Expression::Column(Column { alias: from.into(), name: name.into() });
        let matches = match (category.field("q"), other.field("q")) {
            (_, Some(_)) if random.percent(50) => Condition::Equal(of("q"), own("k")),
            (Some(_), _) => Condition::Equal(of("k"), own("q")),
            _ => Condition::Unequal(of("k"), own("k")),
        };
        rule.joins.push(Join {
            table: other.name.clone(),
            alias: "j0".into(),
            matches,
            many: false,
            exclude: false,
        });
        columns.extend(columns_of("j0", other));
    }
    conditions(random, &mut rule, &columns);
    for field in sink.fields.iter().filter(|field| sink.hold.as_ref() != Some(&field.name)) {
        let same = category.field(&field.name).is_some();
        let needed = matches!(field.name.as_str(), "k" | "q") || field.required();
        if !needed && !random.percent(90) {
            continue;
        }
        let given = if same && random.percent(85) {
            Given::new(own(&rule, &field.name))
        } else {
            computed(random, case, field, &rule, &columns)
        };
        rule.fields.push((field.name.clone(), given));
    }
    rule
}

/// A field of a target that is not a copy.
fn computed(random: &mut Random, case: &Case, field: &Field, rule: &Rule, columns: &[Known]) -> Given {
    match field.kind {
        Kind::Date => Given::new(Source::Text("2024-02-29".into())),
        Kind::Integer => Given {
            failed: policy(random),
            ..Given::new(Source::Sql(Expression::ParseInteger(Box::new(text(random, columns, 1)))))
        },
        Kind::Text if field.name == "k" => {
            let key = Expression::Column(Column { alias: rule.from[0].clone(), name: "k".into() });
            let more = Expression::Text(if random.percent(50) { "".into() } else { "!".into() });
            Given::new(Source::Sql(Expression::Concat(vec![key, more])))
        }
        Kind::Text if !case.maps.is_empty() && random.percent(40) => {
            let texts: Vec<&Known> = columns.iter().filter(|known| known.kind == Kind::Text).collect();
            Given {
                map: Some(random.of(&case.maps).name.clone()),
                unmapped: policy(random),
                ..Given::new(Source::Column(random.of(&texts).column.clone()))
            }
        }
        Kind::Text => Given::new(Source::Sql(text(random, columns, 1))),
    }
}
