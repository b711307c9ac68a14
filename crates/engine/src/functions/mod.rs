//! The functions that rules can call: one file each in a folder by domain, one list.
//!
//! A function never fails on data: what it cannot read is null, and the check that the compiler adds says what that
//! null means. What can be said before any data is read (a pattern, a time zone, a literal map) is checked there.

mod argument;
mod declared;
mod documentation;
mod kernel;
mod output;

mod dates;
mod identifiers;
mod keys;
mod maps;
mod numbers;
#[cfg(test)]
mod tests;
mod text;

use std::sync::Arc;

use arrow::array::ArrayRef;
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::{Expr, ScalarUDF};

pub use argument::{Mistake, ParameterType};
pub use declared::read_declared;
pub use documentation::documentation;
use kernel::Call;

/// Every function, in the order of the reference.
pub static FUNCTIONS: &[&Function] = &[
    &text::squeeze::SQUEEZE,
    &text::digits::DIGITS,
    &text::null_if_blank::NULL_IF_BLANK,
    &text::join_text::JOIN_TEXT,
    &text::fold_accents::FOLD_ACCENTS,
    &dates::parse_date::PARSE_DATE,
    &dates::parse_datetime::PARSE_DATETIME,
    &dates::format_date::FORMAT_DATE,
    &dates::local_date::LOCAL_DATE,
    &dates::date_at::DATE_AT,
    &numbers::parse_integer::PARSE_INTEGER,
    &numbers::parse_number::PARSE_NUMBER,
    &numbers::parse_boolean::PARSE_BOOLEAN,
    &maps::map_code::MAP_CODE,
    &keys::compose_key::COMPOSE_KEY,
    &keys::hash_key::HASH_KEY,
    &identifiers::cpf::CPF,
];

/// One function: what it promises, and how it is done.
#[derive(Debug)]
pub struct Function {
    pub name: &'static str,
    /// One plain sentence.
    pub summary: &'static str,
    /// What else a rule author must know; Markdown, may be empty.
    pub details: &'static str,
    pub domain: Domain,
    pub parameters: &'static [Parameter],
    /// How many of the last parameters may be given again and again, together; 0: none.
    pub repeated: usize,
    pub returns: ParameterType,
    /// It can give null although no argument was null: a value was lost, unless the field gets one otherwise.
    pub fallible: bool,
    pub examples: &'static [Example],
    pub body: Body,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Domain {
    Text,
    Dates,
    Numbers,
    Maps,
    Keys,
    Identifiers,
}

#[derive(Debug)]
pub struct Parameter {
    pub name: &'static str,
    pub kind: ParameterType,
    pub description: &'static str,
}

/// A call and what it gives as text; `None` is null.
#[derive(Debug)]
pub struct Example {
    pub sql: &'static str,
    pub result: Option<&'static str>,
}

#[derive(Debug)]
pub enum Body {
    /// Evaluated batch by batch.
    Kernel(fn(&Call<'_>) -> Result<ArrayRef>),
    /// A mere expression of its arguments, put in its place before planning ([`expand`]).
    Expand(fn(Vec<Expr>) -> Expr),
}

/// A function by its name, also one that only the compiler calls (those are not among [`FUNCTIONS`]).
pub fn find(name: &str) -> Option<&'static Function> {
    all().find(|function| function.name == name)
}

fn all() -> impl Iterator<Item = &'static Function> {
    FUNCTIONS.iter().chain(declared::DECLARED).copied()
}

/// All functions for a session. Those that are mere expressions are among them so that SQL with them can be planned.
pub fn scalar_udfs() -> Vec<Arc<ScalarUDF>> {
    all().map(|function| Arc::new(kernel::udf(function))).collect()
}

/// The planner's form of one function.
pub fn udf(name: &str) -> Option<ScalarUDF> {
    find(name).map(kernel::udf)
}

/// Puts the expressions of functions that are nothing more in place of their calls.
pub fn expand(expression: Expr) -> Result<Expr> {
    let expanded = expression.transform_up(|node| {
        let Expr::ScalarFunction(call) = node else { return Ok(Transformed::no(node)) };
        match find(call.func.name()).map(|function| &function.body) {
            Some(Body::Expand(build)) => Ok(Transformed::yes(build(call.args))),
            _ => Ok(Transformed::no(Expr::ScalarFunction(call))),
        }
    })?;
    Ok(expanded.data)
}

impl Function {
    /// The parameter that an argument belongs to.
    fn parameter(&self, argument: usize) -> Option<&'static Parameter> {
        let count = self.parameters.len();
        match self.repeated {
            _ if argument < count => self.parameters.get(argument),
            0 => None,
            repeated => self.parameters.get(count - repeated + (argument - count) % repeated),
        }
    }

    /// What is wrong with a call's arguments that can be said without data: literals that must be literals, patterns,
    /// time zones. Types are the planner's business.
    pub fn check(&self, arguments: &[Expr]) -> Vec<Mistake> {
        let mut mistakes: Vec<Mistake> = arguments
            .iter()
            .enumerate()
            .filter_map(|(index, argument)| {
                let parameter = self.parameter(index)?;
                parameter.kind.check(self, parameter, argument).map(|mistake| mistake.at(index))
            })
            .collect();
        if self.name == maps::map_code::MAP_CODE.name {
            mistakes.extend(maps::map_code::check(arguments));
        }
        mistakes
    }

    /// `name(parameter, parameter...)`
    pub fn signature(&self) -> String {
        let names: Vec<&str> = self.parameters.iter().map(|parameter| parameter.name).collect();
        let more = if self.repeated > 0 { ", ..." } else { "" };
        format!("{}({}{more})", self.name, names.join(", "))
    }
}
