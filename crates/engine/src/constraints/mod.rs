//! Table Schema's constraints on single rows, over columns: landed text, and converted values.
//!
//! What concerns several rows (`unique`, `primaryKey`, `foreignKeys`) is not here. A value that is no value (null, or
//! one of `missingValues`) fails `required` and nothing else; a value that is not of its field's type fails `type`
//! and no bound. Checks run on every row while it lands, so each is a loop over one column without allocation.

mod matcher;
mod missing;
mod reader;
mod shape;
#[cfg(test)]
mod tests;
mod words;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringViewArray};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use chartlift_rules::{Diagnostic, Disposition, Field, FieldType, Located, TableSchema};

use crate::datetime::Zone;
use matcher::Matcher;
pub use missing::Missing;
use reader::Reader;
pub(crate) use reader::check_format;
use words::WordSet;

/// One constraint of one field.
#[derive(Debug, Clone)]
pub struct ColumnCheck {
    /// `type-error` or `constraint-error`.
    pub code: &'static str,
    /// The constraint's name in Table Schema; `type` for the type itself.
    pub constraint: &'static str,
    pub column: String,
    /// Index of the field in its schema.
    pub field: usize,
    pub disposition: Disposition,
    test: Test,
    missing: Arc<Missing>,
}

#[derive(Debug, Clone)]
enum Test {
    Required,
    Type(Reader),
    /// Characters, not bytes.
    MinLength(usize),
    MaxLength(usize),
    Pattern(Arc<Matcher>),
    OneOf(WordSet),
    /// Like `OneOf`, for what may be written in several ways.
    OneOfValues(Reader, Vec<i128>),
    Bound(Reader, Side, i128),
}

#[derive(Debug, Clone, Copy)]
enum Side {
    Minimum,
    Maximum,
    ExclusiveMinimum,
    ExclusiveMaximum,
}

impl Side {
    fn holds(self, value: i128, bound: i128) -> bool {
        match self {
            Self::Minimum => value >= bound,
            Self::Maximum => value <= bound,
            Self::ExclusiveMinimum => value > bound,
            Self::ExclusiveMaximum => value < bound,
        }
    }
}

/// The checks of landed text columns, in the order of the fields, and what is wrong with the schema. `timezone` is
/// that of datetimes which carry no offset.
pub fn text_checks(schema: &TableSchema, timezone: &str) -> (Vec<ColumnCheck>, Vec<Diagnostic>) {
    let mut builder = Builder::new(schema, Missing::new(&schema.missing_values));
    let temporal = |field: &Field| field.kind == FieldType::Datetime;
    match Zone::named(timezone) {
        Some(zone) => builder.zone = zone,
        None if schema.fields.iter().any(temporal) => builder.problems.push(
            Diagnostic::error(
                "unknown-timezone",
                schema.place,
                format!("the system's time zone `{timezone}` does not exist"),
            )
            .help("use a name of the IANA time zone database, e.g. `America/Sao_Paulo`"),
        ),
        None => {}
    }
    builder.build(Form::Text)
}

/// The checks of converted columns, which have their fields' types and know null only.
pub fn typed_checks(schema: &TableSchema) -> (Vec<ColumnCheck>, Vec<Diagnostic>) {
    Builder::new(schema, Missing::none()).build(Form::Typed)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Typed,
}

struct Builder<'a> {
    schema: &'a TableSchema,
    missing: Arc<Missing>,
    zone: Zone,
    checks: Vec<ColumnCheck>,
    problems: Vec<Diagnostic>,
}

impl<'a> Builder<'a> {
    fn new(schema: &'a TableSchema, missing: Missing) -> Self {
        let missing = Arc::new(missing);
        Self { schema, missing, zone: Zone::Utc, checks: Vec::new(), problems: Vec::new() }
    }

    fn build(mut self, form: Form) -> (Vec<ColumnCheck>, Vec<Diagnostic>) {
        for (index, field) in self.schema.fields.iter().enumerate() {
            self.field(index, field, form);
        }
        (self.checks, self.problems)
    }

    fn field(&mut self, index: usize, field: &Field, form: Form) {
        let constraints = &field.constraints;
        let mut tests = Vec::new();
        if constraints.required {
            tests.push(("required", Test::Required));
        }
        let reader = match Reader::of(field, self.zone) {
            Ok(reader) => reader,
            Err(problem) => {
                self.problems.push(*problem);
                Reader::Text
            }
        };
        if matches!(reader, Reader::Text) {
            self.text_tests(field, &mut tests);
        } else {
            if form == Form::Text {
                tests.push(("type", Test::Type(reader.clone())));
            }
            self.value_tests(field, &reader, &mut tests);
        }
        self.checks.extend(tests.into_iter().map(|(constraint, test)| ColumnCheck {
            code: if constraint == "type" { "type-error" } else { "constraint-error" },
            constraint,
            column: field.name.value.clone(),
            field: index,
            disposition: disposition(self.schema, field, constraint),
            test,
            missing: Arc::clone(&self.missing),
        }));
    }

    fn text_tests(&mut self, field: &Field, tests: &mut Vec<(&'static str, Test)>) {
        let constraints = &field.constraints;
        let length = |length: u64| usize::try_from(length).unwrap_or(usize::MAX);
        tests.extend(constraints.min_length.map(|least| ("minLength", Test::MinLength(length(least)))));
        tests.extend(constraints.max_length.map(|most| ("maxLength", Test::MaxLength(length(most)))));
        if let Some(pattern) = &constraints.pattern {
            match Matcher::compile(&pattern.value) {
                Ok(matcher) => tests.push(("pattern", Test::Pattern(Arc::new(matcher)))),
                Err(reason) => {
                    let message = format!("this pattern is not a regular expression: {reason}");
                    self.problems.push(Diagnostic::error("bad-pattern", pattern.place, message));
                }
            }
        }
        tests
            .extend(constraints.allowed.as_ref().map(|allowed| ("enum", Test::OneOf(WordSet::new(allowed)))));
    }

    fn value_tests(&mut self, field: &Field, reader: &Reader, tests: &mut Vec<(&'static str, Test)>) {
        let constraints = &field.constraints;
        let bounds = [
            ("minimum", Side::Minimum, &constraints.minimum),
            ("maximum", Side::Maximum, &constraints.maximum),
            ("exclusiveMinimum", Side::ExclusiveMinimum, &constraints.exclusive_minimum),
            ("exclusiveMaximum", Side::ExclusiveMaximum, &constraints.exclusive_maximum),
        ];
        for (name, side, bound) in bounds {
            let Some(Located { value, place }) = bound else { continue };
            match reader.read_rule_text(value) {
                Some(bound) => tests.push((name, Test::Bound(reader.clone(), side, bound))),
                None => self.problems.push(
                    Diagnostic::error(
                        "wrong-type",
                        *place,
                        format!("`{name}` is not of the field's type: `{value}`"),
                    )
                    .help(
                        "dates are written YYYY-MM-DD, datetimes YYYY-MM-DDTHH:MM:SS, numbers with a point",
                    ),
                ),
            }
        }
        let Some(allowed) = &constraints.allowed else { return };
        let values: Option<Vec<i128>> = allowed.iter().map(|text| reader.read_rule_text(text)).collect();
        match values {
            Some(values) => tests.push(("enum", Test::OneOfValues(reader.clone(), values))),
            None => self.problems.push(Diagnostic::error(
                "wrong-type",
                field.name.place,
                "a value of `enum` is not of the field's type",
            )),
        }
    }
}

/// What the schema says, or the default: what could mislead is held back, the rest is counted.
fn disposition(schema: &TableSchema, field: &Field, constraint: &str) -> Disposition {
    let default =
        if matches!(constraint, "type" | "required") { Disposition::Quarantine } else { Disposition::Note };
    schema.failed(Some(field), constraint).unwrap_or(default)
}

impl ColumnCheck {
    /// Adds the index of every row that fails, in order. For checks from [`text_checks`].
    pub fn failures(&self, column: &StringViewArray, out: &mut Vec<u32>) {
        let missing = self.missing.as_ref();
        match &self.test {
            Test::Required => missing.rows(column, out),
            Test::Type(reader) => reader.failures(column, missing, out),
            Test::MinLength(least) => {
                each(column, missing, out, |text| {
                    // A character has 1 to 4 bytes; most texts are decided without counting.
                    text.len() >= *least && (text.len() / 4 >= *least || characters(text) >= *least)
                });
            }
            Test::MaxLength(most) => {
                each(column, missing, out, |text| text.len() <= *most || characters(text) <= *most);
            }
            Test::Pattern(matcher) => matcher.failures(column, missing, out),
            Test::OneOf(words) => words.failures(column, missing, out),
            Test::OneOfValues(reader, values) => {
                each(column, missing, out, |text| {
                    reader.read(text).is_none_or(|value| values.contains(&value))
                });
            }
            Test::Bound(reader, side, bound) => {
                each(column, missing, out, |text| {
                    reader.read(text).is_none_or(|value| side.holds(value, *bound))
                });
            }
        }
    }

    /// Adds the index of every row that fails, in order. For checks from [`typed_checks`]; the column has the
    /// field's type.
    pub fn failures_typed(&self, column: &ArrayRef, out: &mut Vec<u32>) {
        if let Test::Required = self.test {
            let Some(nulls) = column.nulls() else { return };
            out.extend((0..).zip(nulls.iter()).filter(|(_, valid)| !valid).map(|(row, _)| row));
            return;
        }
        match column.data_type() {
            DataType::Utf8View => self.failures(column.as_string_view(), out),
            DataType::Int64 => self.ordinals(column.as_primitive::<Int64Type>(), out),
            DataType::Date32 => self.ordinals(column.as_primitive::<Date32Type>(), out),
            DataType::Decimal128(..) => self.ordinals(column.as_primitive::<Decimal128Type>(), out),
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                self.ordinals(column.as_primitive::<TimestampMicrosecondType>(), out);
            }
            DataType::Boolean => {
                self.ordinals(column.as_boolean().iter().map(|value| value.map(i128::from)), out);
            }
            other => unreachable!("converted columns have the types of their fields, not {other}"),
        }
    }

    fn ordinals<T: Into<i128>>(&self, values: impl IntoIterator<Item = Option<T>>, out: &mut Vec<u32>) {
        let passes = |value: i128| match &self.test {
            Test::Bound(_, side, bound) => side.holds(value, *bound),
            Test::OneOfValues(_, values) => values.contains(&value),
            _ => true,
        };
        for (row, value) in (0..).zip(values) {
            if value.is_some_and(|value| !passes(value.into())) {
                out.push(row);
            }
        }
    }
}

/// Every value that is one, tested.
#[inline]
fn each(column: &StringViewArray, missing: &Missing, out: &mut Vec<u32>, passes: impl Fn(&str) -> bool) {
    for (row, text) in (0..).zip(column) {
        let Some(text) = text else { continue };
        if !passes(text) && !missing.is_missing(text) {
            out.push(row);
        }
    }
}

fn characters(text: &str) -> usize {
    text.chars().count()
}
