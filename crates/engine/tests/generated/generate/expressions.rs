//! Expressions over the columns of a rule.

use super::rules::Known;
use crate::model::{Condition, Expression, Kind};
use crate::random::Random;

const LITERALS: [&str; 6] = ["x", "y", "1", "2", "", "it's, \"so\""];

/// Source columns are text whatever is declared; `typed` columns are left out by the caller's list.
fn column(random: &mut Random, columns: &[Known]) -> Expression {
    let texts: Vec<&Known> = columns.iter().filter(|known| is_text(known)).collect();
    Expression::Column(random.of(&texts).column.clone())
}

/// Categories have names that begin with `c`: their columns have types.
fn is_text(known: &Known) -> bool {
    known.kind == Kind::Text
}

fn literal(random: &mut Random) -> String {
    (*random.of(&LITERALS)).to_owned()
}

pub(super) fn text(random: &mut Random, columns: &[Known], depth: usize) -> Expression {
    if depth == 0 {
        return column(random, columns);
    }
    let inner = |random: &mut Random| Box::new(text(random, columns, depth - 1));
    match random.below(9) {
        0 => column(random, columns),
        1 => Expression::Coalesce(vec![*inner(random), column(random, columns)]),
        2 => Expression::Coalesce(vec![*inner(random), Expression::Text(literal(random))]),
        3 => Expression::Concat(vec![*inner(random), Expression::Text("/".into()), column(random, columns)]),
        4 => Expression::Trim(inner(random)),
        5 => Expression::Upper(inner(random)),
        6 => Expression::Digits(inner(random)),
        7 => Expression::NullIf(inner(random), literal(random)),
        _ => Expression::Case(
            Box::new(condition(random, columns, depth - 1)),
            inner(random),
            Box::new(column(random, columns)),
        ),
    }
}

pub(super) fn condition(random: &mut Random, columns: &[Known], depth: usize) -> Condition {
    match random.below(if depth == 0 { 5 } else { 8 }) {
        0 | 1 => Condition::Equal(column(random, columns), Expression::Text(literal(random))),
        2 => Condition::Unequal(column(random, columns), column(random, columns)),
        3 => Condition::Null(Expression::Column(random.of(columns).column.clone())),
        4 => Condition::Equal(column(random, columns), column(random, columns)),
        5 => Condition::And(
            Box::new(condition(random, columns, depth - 1)),
            Box::new(condition(random, columns, depth - 1)),
        ),
        6 => Condition::Or(
            Box::new(condition(random, columns, depth - 1)),
            Box::new(condition(random, columns, depth - 1)),
        ),
        _ => Condition::Not(Box::new(condition(random, columns, depth - 1))),
    }
}
