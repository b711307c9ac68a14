//! Arrow batches as PostgreSQL's binary COPY format, by the column types of the catalogue.
//!
//! Every value is checked against its column before it is written, so that the server never rounds, truncates or
//! wraps one: <https://www.postgresql.org/docs/current/sql-copy.html>, "Binary Format".

use arrow::array::{
    Array, BooleanArray, Date32Array, Decimal128Array, FixedSizeBinaryArray, Int64Array, StringViewArray,
    TimestampMicrosecondArray,
};
use bytes::{BufMut, BytesMut};

use crate::Error;
use crate::target::values::{DAY_US, OUT_OF_RANGE, Problem, Values, number_as_float, write_uuid};
use crate::target::{CatalogColumn, TypeClass};

mod arrays;
mod texts;

use arrays::Elements;
pub(crate) use texts::{parse_bytes, parse_uuid};

/// Signature, flags and the length of an extension that does not exist.
pub(crate) const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
pub(crate) const TRAILER: [u8; 2] = (-1_i16).to_be_bytes();

/// Days and microseconds from 1970-01-01 to 2000-01-01, where PostgreSQL counts from.
const EPOCH_DAYS: i32 = 10_957;
const EPOCH_US: i64 = EPOCH_DAYS as i64 * DAY_US;

const NULL: i32 = -1;
/// The first byte of a `jsonb` in binary.
const JSONB_VERSION: u8 = 1;
const UNFIT: Problem = "has more digits than the column keeps";

/// One column of one batch, with the way its cells are written.
pub(crate) struct Column<'a> {
    pub(crate) name: &'a str,
    cells: Cells<'a>,
}

enum Cells<'a> {
    Text {
        array: &'a StringViewArray,
        limits: TextLimits,
    },
    /// Kept as something else than a text.
    TextAs {
        array: &'a StringViewArray,
        form: Form,
    },
    Uuid(&'a FixedSizeBinaryArray),
    UuidAsText(&'a FixedSizeBinaryArray),
    Numbers(Numbers<'a>),
    Boolean(&'a BooleanArray),
    Date(&'a Date32Array),
    Instant {
        array: &'a TimestampMicrosecondArray,
        step: i64,
    },
}

#[derive(Clone, Copy)]
struct TextLimits {
    longest: Option<u32>,
    padded: bool,
    indexed: bool,
}

/// What an entry of a B-tree may have, less what its other columns need: a third of a page, in bytes.
const LONGEST_INDEXED: usize = 2600;

enum Form {
    Label(Vec<String>),
    Uuid,
    /// The smallest part of a second that the column keeps, in microseconds; of instants too.
    Time {
        step: i64,
    },
    Date,
    Instant {
        step: i64,
    },
    Jsonb,
    Bytes,
    Array(Elements),
}

enum Numbers<'a> {
    SmallInteger(&'a Int64Array),
    Integer(&'a Int64Array),
    BigInteger(&'a Int64Array),
    IntegerAsNumeric { array: &'a Int64Array, limits: NumericLimits },
    IntegerAsDouble(&'a Int64Array),
    Numeric { array: &'a Decimal128Array, limits: NumericLimits },
    NumberAsReal(&'a Decimal128Array),
    NumberAsDouble(&'a Decimal128Array),
}

/// What a `numeric(digits, scale)` keeps.
#[derive(Clone, Copy)]
struct NumericLimits {
    digits: Option<u16>,
    scale: Option<u16>,
}

impl<'a> Column<'a> {
    pub(crate) fn new(table: &str, known: &'a CatalogColumn, array: &'a dyn Array) -> Result<Self, Error> {
        let name = known.name.as_str();
        let values = Values::of(table, name, array)?;
        let step = step(known);
        let text_as = |array, form| Cells::TextAs { array, form };
        let cells = match (values, known.class) {
            (Values::Text(array), TypeClass::Text) => match &known.labels {
                Some(labels) => text_as(array, Form::Label(labels.clone())),
                None => {
                    let (longest, padded) = (known.max_length, known.padded);
                    let limits = TextLimits { longest, padded, indexed: known.indexed };
                    Cells::Text { array, limits }
                }
            },
            (Values::Text(array), TypeClass::Json) => {
                Cells::Text { array, limits: TextLimits { longest: None, padded: false, indexed: false } }
            }
            (Values::Text(array), TypeClass::Uuid) => text_as(array, Form::Uuid),
            (Values::Text(array), TypeClass::Time) => text_as(array, Form::Time { step }),
            (Values::Text(array), TypeClass::Date) => text_as(array, Form::Date),
            (Values::Text(array), TypeClass::Timestamp | TypeClass::TimestampWithZone) => {
                text_as(array, Form::Instant { step })
            }
            (Values::Text(array), TypeClass::Jsonb) => text_as(array, Form::Jsonb),
            (Values::Text(array), TypeClass::Bytes) => text_as(array, Form::Bytes),
            (Values::Text(array), TypeClass::Array(element)) => {
                text_as(array, Form::Array(Elements::new(element, known)))
            }
            (Values::Uuid(array), TypeClass::Uuid) => Cells::Uuid(array),
            (Values::Uuid(array), TypeClass::Text) => Cells::UuidAsText(array),
            (Values::Integer(array), TypeClass::SmallInteger) => Cells::Numbers(Numbers::SmallInteger(array)),
            (Values::Integer(array), TypeClass::Integer) => Cells::Numbers(Numbers::Integer(array)),
            (Values::Integer(array), TypeClass::BigInteger) => Cells::Numbers(Numbers::BigInteger(array)),
            (Values::Integer(array), TypeClass::Double) => Cells::Numbers(Numbers::IntegerAsDouble(array)),
            (Values::Integer(array), TypeClass::Numeric { digits, scale }) => {
                Cells::Numbers(Numbers::IntegerAsNumeric { array, limits: NumericLimits { digits, scale } })
            }
            (Values::Number(array), TypeClass::Numeric { digits, scale }) => {
                Cells::Numbers(Numbers::Numeric { array, limits: NumericLimits { digits, scale } })
            }
            (Values::Number(array), TypeClass::Real) => Cells::Numbers(Numbers::NumberAsReal(array)),
            (Values::Number(array), TypeClass::Double) => Cells::Numbers(Numbers::NumberAsDouble(array)),
            (Values::Boolean(array), TypeClass::Boolean) => Cells::Boolean(array),
            (Values::Date(array), TypeClass::Date) => Cells::Date(array),
            (Values::Instant(array), TypeClass::Timestamp | TypeClass::TimestampWithZone) => {
                Cells::Instant { array, step }
            }
            (values, _) => {
                let problem = format!("its type in the database cannot take {}", values.array().data_type());
                return Err(Error::shape(table, name, problem));
            }
        };
        Ok(Self { name, cells })
    }

    /// Appends one cell: its length and its bytes.
    #[inline]
    pub(crate) fn write(&self, row: usize, out: &mut BytesMut, scratch: &mut String) -> Result<(), Problem> {
        if self.cells.is_null(row) {
            out.put_i32(NULL);
            return Ok(());
        }
        match &self.cells {
            Cells::Text { array, limits } => {
                limits.check(array.value(row))?;
                put_text(array.value(row), out)
            }
            Cells::TextAs { array, form } => form.write(array.value(row), out),
            Cells::Uuid(array) => {
                put(out, array.value(row));
                Ok(())
            }
            Cells::UuidAsText(array) => {
                scratch.clear();
                write_uuid(scratch, array.value(row));
                put(out, scratch.as_bytes());
                Ok(())
            }
            Cells::Numbers(numbers) => numbers.write(row, out, scratch),
            Cells::Boolean(array) => {
                put(out, &[u8::from(array.value(row))]);
                Ok(())
            }
            Cells::Date(array) => {
                put(out, &texts::date(array.value(row))?.to_be_bytes());
                Ok(())
            }
            Cells::Instant { array, step } => {
                put(out, &texts::instant(array.value(row), *step)?.to_be_bytes());
                Ok(())
            }
        }
    }

    /// The rows whose value the column would not take unchanged.
    pub(crate) fn unfit(&self) -> Vec<u32> {
        let (mut out, mut scratch) = (BytesMut::new(), String::new());
        let rows = 0..self.cells.len() as u32;
        match &self.cells {
            Cells::Text { array, limits } => rows
                .filter(|row| {
                    let row = *row as usize;
                    array.is_valid(row) && limits.check(array.value(row)).is_err()
                })
                .collect(),
            Cells::Uuid(_)
            | Cells::UuidAsText(_)
            | Cells::Boolean(_)
            | Cells::Numbers(Numbers::BigInteger(_)) => Vec::new(),
            _ => rows
                .filter(|row| {
                    out.clear();
                    self.write(*row as usize, &mut out, &mut scratch).is_err()
                })
                .collect(),
        }
    }
}

/// The smallest part of a second that a column keeps, in microseconds.
fn step(column: &CatalogColumn) -> i64 {
    column.precision.map_or(1, |digits| 10_i64.pow(6_u32.saturating_sub(digits.into())))
}

impl TextLimits {
    #[inline]
    fn check(self, text: &str) -> Result<(), Problem> {
        if self.padded && text.ends_with(' ') {
            return Err("ends in spaces, which the column does not keep");
        }
        if self.indexed && text.len() > LONGEST_INDEXED {
            return Err("is too long for an index of the column");
        }
        check_text(text, self.longest)
    }
}

impl Form {
    fn write(&self, text: &str, out: &mut BytesMut) -> Result<(), Problem> {
        match self {
            Self::Label(labels) => {
                if !labels.iter().any(|label| label == text) {
                    return Err("is none of the type's labels");
                }
                put(out, text.as_bytes());
            }
            Self::Uuid => put(out, &parse_uuid(text).ok_or("is not a UUID")?),
            Self::Time { step } => {
                let micros = texts::parse_time(text).ok_or("is not a time of day")?;
                if micros % step != 0 {
                    return Err(UNFIT);
                }
                put(out, &micros.to_be_bytes());
            }
            Self::Date => put(out, &texts::date_in_words(text)?.to_be_bytes()),
            Self::Instant { step } => put(out, &texts::instant_in_words(text, *step)?.to_be_bytes()),
            Self::Jsonb => {
                check_text(text, None)?;
                out.put_i32(text_length(text.len() + 1)?);
                out.put_u8(JSONB_VERSION);
                out.put_slice(text.as_bytes());
            }
            Self::Bytes => {
                let bytes = parse_bytes(text).ok_or("is neither base64 nor \\x and hexadecimal digits")?;
                out.put_i32(text_length(bytes.len())?);
                out.put_slice(&bytes);
            }
            Self::Array(elements) => elements.write(text, out)?,
        }
        Ok(())
    }
}

impl Numbers<'_> {
    #[inline]
    fn write(&self, row: usize, out: &mut BytesMut, scratch: &mut String) -> Result<(), Problem> {
        match self {
            Self::SmallInteger(array) => {
                put(out, &i16::try_from(array.value(row)).map_err(|_| OUT_OF_RANGE)?.to_be_bytes());
                Ok(())
            }
            Self::Integer(array) => {
                put(out, &i32::try_from(array.value(row)).map_err(|_| OUT_OF_RANGE)?.to_be_bytes());
                Ok(())
            }
            Self::BigInteger(array) => {
                put(out, &array.value(row).to_be_bytes());
                Ok(())
            }
            Self::IntegerAsDouble(array) => {
                let value = array.value(row);
                // A double holds every integer up to here.
                if value.unsigned_abs() > 1 << 53 {
                    return Err(UNFIT);
                }
                put(out, &(value as f64).to_be_bytes());
                Ok(())
            }
            Self::IntegerAsNumeric { array, limits } => {
                write_numeric(array.value(row).unsigned_abs().into(), 0, array.value(row) < 0, *limits, out)
            }
            Self::Numeric { array, limits } => {
                let value = array.value(row);
                let (whole, fraction) = (value.unsigned_abs() / UNIT, value.unsigned_abs() % UNIT);
                write_numeric(whole, fraction as u64, value < 0, *limits, out)
            }
            Self::NumberAsReal(array) => {
                let float: f32 = number_as_float(array.value(row), scratch).ok_or(UNFIT)?;
                put(out, &float.to_be_bytes());
                Ok(())
            }
            Self::NumberAsDouble(array) => {
                let float: f64 = number_as_float(array.value(row), scratch).ok_or(UNFIT)?;
                put(out, &float.to_be_bytes());
                Ok(())
            }
        }
    }

    fn array(&self) -> &dyn Array {
        match self {
            Self::SmallInteger(array)
            | Self::Integer(array)
            | Self::BigInteger(array)
            | Self::IntegerAsDouble(array)
            | Self::IntegerAsNumeric { array, .. } => *array,
            Self::Numeric { array, .. } | Self::NumberAsReal(array) | Self::NumberAsDouble(array) => *array,
        }
    }
}

impl Cells<'_> {
    fn array(&self) -> &dyn Array {
        match self {
            Self::Text { array, .. } | Self::TextAs { array, .. } => *array,
            Self::Uuid(array) | Self::UuidAsText(array) => *array,
            Self::Numbers(numbers) => numbers.array(),
            Self::Boolean(array) => *array,
            Self::Date(array) => *array,
            Self::Instant { array, .. } => *array,
        }
    }

    fn len(&self) -> usize {
        self.array().len()
    }

    #[inline]
    fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Text { array, .. } | Self::TextAs { array, .. } => array.is_null(row),
            _ => self.array().is_null(row),
        }
    }
}

/// One entry of the crosswalk: keyspace, load, created, the target's key as the bytes of its UUID or its text, and the
/// source key.
pub(crate) fn write_link(
    out: &mut BytesMut,
    (keyspace, load): (i32, i32),
    created: bool,
    source_key: &str,
    target: Option<&[u8]>,
) -> Result<(), Problem> {
    out.put_i16(5);
    put(out, &keyspace.to_be_bytes());
    put(out, &load.to_be_bytes());
    put(out, &[u8::from(created)]);
    match target {
        Some(key) => put(out, key),
        None => out.put_i32(NULL),
    }
    write_text(source_key, None, out)
}

/// For cells whose length is small and known.
#[inline]
fn put(out: &mut BytesMut, bytes: &[u8]) {
    out.put_i32(bytes.len() as i32);
    out.put_slice(bytes);
}

fn text_length(bytes: usize) -> Result<i32, Problem> {
    i32::try_from(bytes).ok().filter(|length| *length < 1 << 30).ok_or("is longer than 1 GiB")
}

#[inline]
fn check_text(text: &str, longest: Option<u32>) -> Result<(), Problem> {
    let bytes = text.as_bytes();
    if let Some(longest) = longest
        && bytes.len() > longest as usize
        && text.chars().count() > longest as usize
    {
        return Err("is longer than the column");
    }
    if memchr::memchr(0, bytes).is_some() {
        return Err("holds a NUL character, which PostgreSQL's texts cannot");
    }
    Ok(())
}

#[inline]
pub(crate) fn write_text(text: &str, longest: Option<u32>, out: &mut BytesMut) -> Result<(), Problem> {
    check_text(text, longest)?;
    put_text(text, out)
}

#[inline]
fn put_text(text: &str, out: &mut BytesMut) -> Result<(), Problem> {
    out.put_i32(text_length(text.len())?);
    out.put_slice(text.as_bytes());
    Ok(())
}

/// One, at the scale of 18 that numbers have.
const UNIT: u128 = 10_u128.pow(18);

/// `fraction` counts units of 10^-18. PostgreSQL's numeric is base 10 000, most significant digit first.
fn write_numeric(
    whole: u128,
    fraction: u64,
    negative: bool,
    limits: NumericLimits,
    out: &mut BytesMut,
) -> Result<(), Problem> {
    let scale = fraction_digits(fraction);
    let whole_digits = whole.checked_ilog10().map_or(0, |digits| digits + 1);
    let kept = limits.scale.map_or(u32::MAX, u32::from);
    let room = limits.digits.map_or(u32::MAX, |digits| u32::from(digits).saturating_sub(kept));
    if scale > kept {
        return Err(UNFIT);
    }
    if whole_digits > room {
        return Err(OUT_OF_RANGE);
    }
    // 39 decimal digits before the point at most, 18 after it: 10 and 5 groups.
    let mut groups = [0_i16; 15];
    let mut rest = whole;
    let mut tail = u128::from(fraction) * 100;
    for (index, group) in groups.iter_mut().rev().enumerate() {
        let source = if index < 5 { &mut tail } else { &mut rest };
        *group = (*source % 10_000) as i16;
        *source /= 10_000;
    }
    let first = groups.iter().position(|group| *group != 0);
    let last = groups.iter().rposition(|group| *group != 0);
    let digits = first.zip(last).and_then(|(first, last)| groups.get(first..=last)).unwrap_or_default();
    out.put_i32(8 + 2 * digits.len() as i32);
    out.put_i16(digits.len() as i16);
    // The weight of the first group: index 9 is the ones.
    out.put_i16(first.map_or(0, |first| 9 - first as i16));
    out.put_u16(if negative && first.is_some() { 0x4000 } else { 0 });
    out.put_u16(scale as u16);
    for group in digits {
        out.put_i16(*group);
    }
    Ok(())
}

/// Decimal places that are needed: 18 less the trailing zeros.
fn fraction_digits(fraction: u64) -> u32 {
    if fraction == 0 {
        return 0;
    }
    let (mut rest, mut digits) = (fraction, 18);
    while rest % 10 == 0 {
        rest /= 10;
        digits -= 1;
    }
    digits
}
