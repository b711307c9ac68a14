//! What functions take and give, and what can be said about an argument before data is read.

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Expr;
use regex::Regex;

use super::dates::read::{DateOrder, Language};
use super::{Function, Parameter};
use crate::datetime::{Pattern, Zone};
use crate::numeral;

/// The type of a parameter or result, by the rules' own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterType {
    Text,
    Integer,
    Number,
    Boolean,
    Date,
    Datetime,
    /// Part of a key: text, or an integer or date as its text.
    KeyPart,
    /// A text that stands in the rule itself.
    Literal,
    /// `.` or `,`, in the rule itself.
    DecimalChar,
    /// A pattern that says a date.
    DateFormat,
    /// A pattern that says a date and a time.
    DatetimeFormat,
    /// A pattern that a date can be written by.
    WrittenFormat,
    /// The name of a time zone.
    Zone,
    /// A regular expression.
    Pattern,
    /// `DMY`, `MDY` or `YMD`: how day, month and year follow each other.
    DateOrder,
    /// `en`, `es` or `pt`.
    Language,
    /// A country or territory by its two letters.
    Region,
    /// A unit by UCUM; where it stands in the rule itself it must be one.
    Unit,
    /// A place counted from 1, or from the end by -1.
    Position,
    /// A number of characters, digits or the like, 0 to 9999.
    Length,
}

/// What is wrong with one argument of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Index of the argument.
    pub argument: usize,
    pub message: String,
    pub help: String,
}

impl Mistake {
    pub(super) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { argument: 0, message: message.into(), help: help.into() }
    }

    pub(super) fn at(self, argument: usize) -> Self {
        Self { argument, ..self }
    }
}

impl ParameterType {
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer | Self::Position | Self::Length => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Datetime => "datetime",
            Self::KeyPart => "text, integer or date",
            Self::Literal | Self::DecimalChar => "literal text",
            Self::DateFormat | Self::DatetimeFormat | Self::WrittenFormat => "format",
            Self::Zone => "time zone",
            Self::Pattern => "regular expression",
            Self::DateOrder => "order",
            Self::Language => "language",
            Self::Region => "region",
            Self::Unit => "unit",
        }
    }

    /// The Arrow type that values of it have.
    pub fn data_type(self) -> DataType {
        match self {
            Self::Integer | Self::Position | Self::Length => DataType::Int64,
            Self::Number => DataType::Decimal128(numeral::PRECISION, numeral::SCALE as i8),
            Self::Boolean => DataType::Boolean,
            Self::Date => DataType::Date32,
            Self::Datetime => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            _ => DataType::Utf8View,
        }
    }

    /// The type an argument is brought to, or `None` when that would be an implicit conversion.
    pub(super) fn accepts(self, given: &DataType) -> Option<DataType> {
        let wanted = self.data_type();
        let fits = match (self, given) {
            (_, DataType::Null) => true,
            (Self::KeyPart, DataType::Int64 | DataType::Date32) => true,
            (Self::Datetime, DataType::Timestamp(TimeUnit::Microsecond, Some(zone))) => {
                matches!(zone.as_ref(), "UTC" | "+00:00")
            }
            _ if wanted == DataType::Utf8View => given.is_string(),
            _ => *given == wanted,
        };
        fits.then_some(wanted)
    }

    fn must_be_literal(self) -> bool {
        matches!(
            self,
            Self::Literal
                | Self::DecimalChar
                | Self::DateFormat
                | Self::DatetimeFormat
                | Self::WrittenFormat
                | Self::Zone
                | Self::Pattern
                | Self::DateOrder
                | Self::Language
                | Self::Region
        )
    }

    pub(super) fn check(
        self,
        function: &Function,
        parameter: &Parameter,
        argument: &Expr,
    ) -> Option<Mistake> {
        if let Some(number) = literal_integer(argument) {
            return self.check_integer(number);
        }
        let Some(text) = literal(argument) else {
            if !self.must_be_literal() {
                return None;
            }
            return Some(Mistake::new(
                format!("`{}` of `{}` must be a literal text", parameter.name, function.name),
                "write the text into the rule, in single quotes",
            ));
        };
        self.check_text(text)
    }

    fn check_text(self, text: &str) -> Option<Mistake> {
        let pattern = |check: fn(&Pattern) -> Result<(), crate::datetime::PatternError>| {
            let error = Pattern::compile(text).and_then(|pattern| check(&pattern)).err()?;
            Some(Mistake::new(error.to_string(), error.help()))
        };
        match self {
            Self::DateFormat => pattern(Pattern::check_date),
            Self::DatetimeFormat => pattern(Pattern::check_datetime),
            Self::WrittenFormat => pattern(Pattern::check_writable),
            Self::Zone if Zone::named(text).is_none() => Some(Mistake::new(
                format!("`{text}` is not a time zone"),
                "use a name of the IANA time zone database, e.g. `America/Sao_Paulo`",
            )),
            Self::Pattern => Regex::new(text).err().map(|_| {
                Mistake::new(
                    format!("`{text}` is not a regular expression"),
                    "close every bracket and parenthesis; there is no look-around and no back-reference",
                )
            }),
            Self::DateOrder if DateOrder::named(text).is_none() => {
                Some(Mistake::new(format!("`{text}` is not an order"), "use `DMY`, `MDY` or `YMD`"))
            }
            Self::Language if Language::named(text).is_none() => Some(Mistake::new(
                format!("`{text}` is not a language that is read"),
                "use `en`, `es` or `pt`",
            )),
            Self::Region if super::identifiers::phone::region(text).is_none() => Some(Mistake::new(
                format!("`{text}` is not a region"),
                "use the two capital letters of a country, e.g. `BR`",
            )),
            Self::Unit if super::units::ucum::unit(text).is_none() => Some(Mistake::new(
                format!("`{text}` is not a UCUM unit"),
                "write it as UCUM does: `kg`, `cm`, `mm[Hg]`, `Cel`, `[degF]`, `mg/dL`",
            )),
            Self::DecimalChar if !matches!(text, "." | ",") => {
                Some(Mistake::new("the decimal character must be `.` or `,`", "write '.' or ','"))
            }
            _ => None,
        }
    }
}

impl ParameterType {
    fn check_integer(self, number: i64) -> Option<Mistake> {
        match self {
            Self::Position if number == 0 => {
                Some(Mistake::new("there is no place 0", "count from 1, or from the end by -1"))
            }
            Self::Length if !(0..=9999).contains(&number) => {
                Some(Mistake::new("the number must be 0 to 9999", "write a number from 0 to 9999"))
            }
            _ => None,
        }
    }
}

/// The number of a literal that is not null.
fn literal_integer(argument: &Expr) -> Option<i64> {
    match argument {
        Expr::Literal(ScalarValue::Int64(number), _) => *number,
        Expr::Negative(inner) => literal_integer(inner)?.checked_neg(),
        Expr::Cast(cast) => literal_integer(&cast.expr),
        _ => None,
    }
}

/// The text of a literal that is not null.
pub(super) fn literal(argument: &Expr) -> Option<&str> {
    match argument {
        Expr::Literal(
            ScalarValue::Utf8(Some(text))
            | ScalarValue::Utf8View(Some(text))
            | ScalarValue::LargeUtf8(Some(text)),
            _,
        ) => Some(text),
        Expr::Cast(cast) if cast.field.data_type().is_string() => literal(&cast.expr),
        Expr::Alias(alias) => literal(&alias.expr),
        _ => None,
    }
}
