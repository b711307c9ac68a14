//! Reading a column by what its source schema declares: the same readers that `check` uses, as functions.
//!
//! Rule authors do not call these; the compiler does, for a plain `column` that goes into a field of the same type.
//! They are functions by name, so that plans travel to other machines.

use std::sync::Arc;

use arrow::array::{BooleanArray, Int64Array};
use chartlift_rules::{Diagnostic, Field, FieldType};
use datafusion::common::Result;
use datafusion::logical_expr::{Expr, lit};

use super::kernel::{Call, Compiled};
use super::{Body, Domain, Example, Function, Parameter, ParameterType, find, kernel, output};
use crate::constraints::check_format;
use crate::datetime::{Pattern, Zone, write_time};
use crate::numeral::{Exponent, Notation, parse_grouped_integer};

/// Between the words of a list in one literal: no word of an export has it.
const SEPARATOR: char = '\u{1f}';

/// The functions of this file.
pub(super) static DECLARED: &[&Function] =
    &[&DATE, &PARTIAL_DATE, &DATETIME, &TIME, &INTEGER, &NUMBER, &BOOLEAN];

/// `text` as a value of the field's type, read as the field declares it; null where it cannot be read. `timezone` is
/// that of datetimes without offset.
pub fn read_declared(
    field: &Field,
    text: Expr,
    timezone: &str,
) -> std::result::Result<Expr, Box<Diagnostic>> {
    check_format(field)?;
    let format = || lit(field.format.as_ref().map_or("default", |format| format.value.as_str()));
    let group = || lit(field.group_char.map(String::from).unwrap_or_default());
    let words = |words: &[String]| lit(words.join(SEPARATOR.encode_utf8(&mut [0; 4])));
    Ok(match field.kind {
        FieldType::String => text,
        FieldType::Date => call(&DATE, vec![text, format()]),
        FieldType::Datetime => call(&DATETIME, vec![text, format(), lit(timezone)]),
        FieldType::Time => call(&TIME, vec![text, format()]),
        FieldType::Integer => call(&INTEGER, vec![text, group()]),
        FieldType::Number => call(&NUMBER, vec![text, lit(field.decimal_char.to_string()), group()]),
        FieldType::Boolean => {
            call(&BOOLEAN, vec![text, words(&field.true_values), words(&field.false_values)])
        }
    })
}

fn call(function: &'static Function, arguments: Vec<Expr>) -> Expr {
    debug_assert!(find(function.name).is_some(), "a function that is not listed cannot travel");
    kernel::udf(function).call(arguments)
}

const TEXT: Parameter =
    Parameter { name: "text", kind: ParameterType::Text, description: "the value as text" };
const FORMAT: Parameter = Parameter {
    name: "format",
    kind: ParameterType::Literal,
    description: "a strptime pattern, or `default` for ISO 8601",
};
const GROUP: Parameter = Parameter {
    name: "group_char",
    kind: ParameterType::Literal,
    description: "between thousands; empty for none",
};

static DATE: Function = Function {
    name: "declared_date",
    summary: "Reads a date as a schema declares it.",
    details: "",
    domain: Domain::Dates,
    parameters: &[TEXT, FORMAT],
    repeated: 0,
    returns: ParameterType::Date,
    fallible: true,
    examples: &[
        Example { sql: "declared_date('3/4/2024', '%d/%m/%Y')", result: Some("2024-04-03") },
        Example { sql: "declared_date('2024-04-03', 'default')", result: Some("2024-04-03") },
        Example { sql: "declared_date('2024-04-31', 'default')", result: None },
    ],
    body: Body::Kernel(|call| {
        let texts = call.text(0)?;
        let mut patterns = patterns(call)?;
        Ok(output::dates(call.rows, |row| patterns.get(row)?.parse_date(texts.get(row)?)))
    }),
};

/// For a rule's `formats` that say a year or a month only; the compiler sees to it that the precision is recorded.
static PARTIAL_DATE: Function = Function {
    name: "partial_date",
    summary: "Gives the first day of the year or month that a text says.",
    details: "",
    domain: Domain::Dates,
    parameters: &[
        TEXT,
        Parameter { name: "format", kind: ParameterType::Literal, description: "PostgreSQL template words" },
    ],
    repeated: 0,
    returns: ParameterType::Date,
    fallible: true,
    examples: &[
        Example { sql: "partial_date('1998', 'YYYY')", result: Some("1998-01-01") },
        Example { sql: "partial_date('5/1998', 'MM/YYYY')", result: Some("1998-05-01") },
        Example { sql: "partial_date('13/1998', 'MM/YYYY')", result: None },
        Example { sql: "partial_date('98', 'YYYY')", result: None },
    ],
    body: Body::Kernel(|call| {
        let texts = call.text(0)?;
        let mut patterns = Compiled::new(call.text(1)?, |text| {
            Pattern::compile(text).ok().filter(|pattern| pattern.check_partial_date().is_ok())
        });
        Ok(output::dates(call.rows, |row| patterns.get(row)?.parse_partial_date(texts.get(row)?)))
    }),
};

static DATETIME: Function = Function {
    name: "declared_datetime",
    summary: "Reads a date and time as a schema declares it.",
    details: "",
    domain: Domain::Dates,
    parameters: &[
        TEXT,
        FORMAT,
        Parameter { name: "zone", kind: ParameterType::Zone, description: "of texts without offset" },
    ],
    repeated: 0,
    returns: ParameterType::Datetime,
    fallible: true,
    examples: &[
        Example {
            sql: "declared_datetime('3/4/2024 10:20', '%d/%m/%Y %H:%M', 'America/Sao_Paulo')",
            result: Some("2024-04-03T13:20:00Z"),
        },
        Example { sql: "declared_datetime('3/4/2024', '%d/%m/%Y %H:%M', 'UTC')", result: None },
    ],
    body: Body::Kernel(|call| {
        let texts = call.text(0)?;
        let mut patterns = patterns(call)?;
        let mut zones = Compiled::new(call.text(2)?, Zone::named);
        Ok(output::instants(call.rows, |row| {
            patterns.get(row)?.parse_datetime(texts.get(row)?, *zones.get(row)?)
        }))
    }),
};

static TIME: Function = Function {
    name: "declared_time",
    summary: "Reads a time of day as a schema declares it and writes it as HH:MM:SS.",
    details: "",
    domain: Domain::Dates,
    parameters: &[TEXT, FORMAT],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: true,
    examples: &[
        Example { sql: "declared_time('9h05', '%Hh%M')", result: Some("09:05:00") },
        Example { sql: "declared_time('23:59:59.5', 'default')", result: Some("23:59:59.5") },
        Example { sql: "declared_time('24:00', 'default')", result: None },
    ],
    body: Body::Kernel(|call| {
        let texts = call.text(0)?;
        let mut patterns = patterns(call)?;
        Ok(output::write_text(call.rows, |row, text| {
            write_time(patterns.get(row)?.parse_time(texts.get(row)?)?, text)
        }))
    }),
};

static INTEGER: Function = Function {
    name: "declared_integer",
    summary: "Reads an integer as a schema declares it.",
    details: "",
    domain: Domain::Numbers,
    parameters: &[TEXT, GROUP],
    repeated: 0,
    returns: ParameterType::Integer,
    fallible: true,
    examples: &[
        Example { sql: "declared_integer('1.234', '.')", result: Some("1234") },
        Example { sql: "declared_integer('-5', '')", result: Some("-5") },
        Example { sql: "declared_integer('1.234', '')", result: None },
    ],
    body: Body::Kernel(|call| {
        let texts = call.text(0)?;
        // Without a group character NUL stands for it, which no integer has.
        let mut groups = Compiled::new(call.text(1)?, |group| Some(group.chars().next().unwrap_or('\0')));
        let read = |row| parse_grouped_integer(texts.get(row)?, *groups.get(row)?);
        Ok(Arc::new(Int64Array::from_iter((0..call.rows).map(read))))
    }),
};

static NUMBER: Function = Function {
    name: "declared_number",
    summary: "Reads a number as a schema declares it.",
    details: "",
    domain: Domain::Numbers,
    parameters: &[
        TEXT,
        Parameter {
            name: "decimal_char",
            kind: ParameterType::Literal,
            description: "the decimal character",
        },
        GROUP,
    ],
    repeated: 0,
    returns: ParameterType::Number,
    fallible: true,
    examples: &[
        Example { sql: "declared_number('1.0E7', '.', '')", result: Some("10000000") },
        Example { sql: "declared_number('1.234,5', ',', '.')", result: Some("1234.5") },
        Example { sql: "declared_number('1,234.5', '.', '')", result: None },
    ],
    body: Body::Kernel(|call| {
        let texts = call.text(0)?;
        let groups = call.text(2)?;
        let mut decimals = Compiled::new(call.text(1)?, |decimal| decimal.chars().next());
        let (decimal, group) =
            (decimals.get(0).copied(), groups.get(0).and_then(|group| group.chars().next()));
        let notation = decimal.map(|decimal| Notation { decimal, group, exponent: Exponent::Allowed });
        Ok(output::decimals(call.rows, |row| notation.as_ref()?.parse(texts.get(row)?))?)
    }),
};

static BOOLEAN: Function = Function {
    name: "declared_boolean",
    summary: "Reads a boolean as a schema declares it.",
    details: "",
    domain: Domain::Numbers,
    parameters: &[
        TEXT,
        Parameter {
            name: "true_values",
            kind: ParameterType::Literal,
            description: "words, with U+001F between",
        },
        Parameter {
            name: "false_values",
            kind: ParameterType::Literal,
            description: "words, with U+001F between",
        },
    ],
    repeated: 0,
    returns: ParameterType::Boolean,
    fallible: true,
    examples: &[
        Example { sql: "declared_boolean('1', 'true\u{1f}1', 'false\u{1f}0')", result: Some("true") },
        Example { sql: "declared_boolean('0', 'true\u{1f}1', 'false\u{1f}0')", result: Some("false") },
        Example { sql: "declared_boolean('x', 'true\u{1f}1', 'false\u{1f}0')", result: None },
    ],
    body: Body::Kernel(|call| {
        let texts = call.text(0)?;
        let words = |index| Ok::<_, datafusion::common::DataFusionError>(call.text(index)?.get(0));
        let (yes, no) = (words(1)?, words(2)?);
        let among = |words: Option<&str>, text: &str| {
            words.is_some_and(|words| words.split(SEPARATOR).any(|word| word == text))
        };
        let read = |text: Option<&str>| match text? {
            text if among(yes, text) => Some(true),
            text => among(no, text).then_some(false),
        };
        Ok(Arc::new(BooleanArray::from_iter(texts.iter(call.rows).map(read))))
    }),
};

fn patterns<'a>(call: &Call<'a>) -> Result<Compiled<'a, Pattern>> {
    Ok(Compiled::new(call.text(1)?, |text| Pattern::strptime(text).ok()))
}
