//! Expressions and readings of text, as docs/rules.md and docs/functions.md say, over one row.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Column, Condition, Expression, Value};

pub(super) type Values = BTreeMap<String, Value>;

/// The rows that a rule has in hand: the driving one, then a row of each join, or none where nothing matched.
#[derive(Clone)]
pub(super) struct Scope<'a>(pub(super) Vec<(&'a str, Option<&'a Values>)>);

impl Scope<'_> {
    pub(super) fn column(&self, column: &Column) -> Value {
        let row = self.0.iter().find(|(alias, _)| *alias == column.alias).expect("a table of the rule").1;
        row.and_then(|row| row.get(&column.name).expect("a column of the table").clone())
    }
}

pub(super) fn value(one: &Expression, scope: &Scope<'_>) -> Value {
    match one {
        Expression::Column(column) => scope.column(column),
        Expression::Text(text) => Some(text.clone()),
        Expression::Coalesce(parts) => parts.iter().find_map(|part| value(part, scope)),
        Expression::Concat(parts) => Some(parts.iter().filter_map(|part| value(part, scope)).collect()),
        Expression::Trim(inner) => value(inner, scope).map(|text| text.trim_matches(' ').to_owned()),
        Expression::Upper(inner) => value(inner, scope).map(|text| text.to_uppercase()),
        Expression::Digits(inner) => {
            value(inner, scope).map(|text| text.chars().filter(char::is_ascii_digit).collect())
        }
        Expression::NullIf(inner, text) => value(inner, scope).filter(|found| found != text),
        Expression::Case(when, then, other) => {
            value(if truth(when, scope) == Some(true) { then } else { other }, scope)
        }
        Expression::ParseInteger(inner) => read_integer(&value(inner, scope)?),
        Expression::ParseDate(inner, words) => read_date(&value(inner, scope)?, words),
    }
}

/// True, false, or unknown.
pub(super) fn truth(one: &Condition, scope: &Scope<'_>) -> Option<bool> {
    match one {
        Condition::Equal(left, right) => Some(value(left, scope)? == value(right, scope)?),
        Condition::Unequal(left, right) => Some(value(left, scope)? != value(right, scope)?),
        Condition::Null(inner) => Some(value(inner, scope).is_none()),
        Condition::NotNull(inner) => Some(value(inner, scope).is_some()),
        Condition::And(left, right) => match (truth(left, scope), truth(right, scope)) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        },
        Condition::Or(left, right) => match (truth(left, scope), truth(right, scope)) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => None,
        },
        Condition::Not(inner) => truth(inner, scope).map(|truth| !truth),
    }
}

/// Whether a function that reads had a value and gave none, anywhere in the expression.
pub(super) fn lost(one: &Expression, scope: &Scope<'_>) -> bool {
    let here = match one {
        Expression::ParseInteger(inner) | Expression::ParseDate(inner, _) => {
            value(inner, scope).is_some() && value(one, scope).is_none()
        }
        _ => false,
    };
    here || parts(one).into_iter().any(|part| lost(part, scope))
}

fn parts(one: &Expression) -> Vec<&Expression> {
    match one {
        Expression::Column(_) | Expression::Text(_) => Vec::new(),
        Expression::Coalesce(parts) | Expression::Concat(parts) => parts.iter().collect(),
        Expression::Trim(inner)
        | Expression::Upper(inner)
        | Expression::Digits(inner)
        | Expression::NullIf(inner, _)
        | Expression::ParseInteger(inner)
        | Expression::ParseDate(inner, _) => vec![inner],
        Expression::Case(when, then, other) => {
            let mut all = condition_parts(when);
            all.extend([then.as_ref(), other.as_ref()]);
            all
        }
    }
}

fn condition_parts(one: &Condition) -> Vec<&Expression> {
    match one {
        Condition::Equal(left, right) | Condition::Unequal(left, right) => vec![left, right],
        Condition::Null(inner) | Condition::NotNull(inner) => vec![inner],
        Condition::And(left, right) | Condition::Or(left, right) => {
            let mut all = condition_parts(left);
            all.extend(condition_parts(right));
            all
        }
        Condition::Not(inner) => condition_parts(inner),
    }
}

/// Every column of an expression once, by table and name.
pub(super) fn columns(one: &Expression, into: &mut BTreeSet<Column>) {
    if let Expression::Column(column) = one {
        into.insert(column.clone());
    }
    parts(one).into_iter().for_each(|part| columns(part, into));
}

/// An integer, plainly written, within the few digits that the generator uses.
pub(super) fn read_integer(text: &str) -> Value {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse::<i64>().expect("few digits").to_string())
}

/// `DD/MM/YYYY`, `YYYY-MM-DD` or `YYYY`, which stands for the first day.
pub(super) fn read_date(text: &str, words: &str) -> Value {
    if text.len() != words.len() {
        return None;
    }
    let part = |word: &str| {
        let Some(at) = words.find(word) else { return Some(1) };
        let digits = &text.get(at..at + word.len())?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<u32>().expect("digits"))
    };
    let between = words
        .char_indices()
        .filter(|(_, word)| !word.is_ascii_alphabetic())
        .all(|(at, sign)| text.get(at..).is_some_and(|rest| rest.starts_with(sign)));
    let (year, month, day) = (part("YYYY")?, part("MM")?, part("DD")?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    (between && (1..=last).contains(&day)).then(|| format!("{year:04}-{month:02}-{day:02}"))
}
