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
use crate::target::TypeClass;
use crate::target::values::{DATE_RANGE, DAY_US, OUT_OF_RANGE, Problem, Values, number_as_float, write_uuid};

/// Signature, flags and the length of an extension that does not exist.
pub(crate) const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
pub(crate) const TRAILER: [u8; 2] = (-1_i16).to_be_bytes();

/// Days and microseconds from 1970-01-01 to 2000-01-01, where PostgreSQL counts from.
const EPOCH_DAYS: i32 = 10_957;
const EPOCH_US: i64 = EPOCH_DAYS as i64 * DAY_US;

const NULL: i32 = -1;
const UNFIT: Problem = "has more digits than the column keeps";

/// One column of one batch, with the way its cells are written.
pub(crate) struct Column<'a> {
    pub(crate) name: &'a str,
    cells: Cells<'a>,
}

enum Cells<'a> {
    Text { array: &'a StringViewArray, longest: Option<u32> },
    TextAsUuid(&'a StringViewArray),
    TextAsTime(&'a StringViewArray),
    Uuid(&'a FixedSizeBinaryArray),
    UuidAsText(&'a FixedSizeBinaryArray),
    Numbers(Numbers<'a>),
    Boolean(&'a BooleanArray),
    Date(&'a Date32Array),
    Instant(&'a TimestampMicrosecondArray),
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
    pub(crate) fn new(
        table: &str,
        name: &'a str,
        class: TypeClass,
        longest: Option<u32>,
        array: &'a dyn Array,
    ) -> Result<Self, Error> {
        let values = Values::of(table, name, array)?;
        let cells = match (values, class) {
            (Values::Text(array), TypeClass::Text) => Cells::Text { array, longest },
            (Values::Text(array), TypeClass::Json) => Cells::Text { array, longest: None },
            (Values::Text(array), TypeClass::Uuid) => Cells::TextAsUuid(array),
            (Values::Text(array), TypeClass::Time) => Cells::TextAsTime(array),
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
                Cells::Instant(array)
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
            Cells::Text { array, longest } => write_text(array.value(row), *longest, out),
            Cells::TextAsUuid(array) => {
                let bytes = parse_uuid(array.value(row)).ok_or("is not a UUID")?;
                put(out, &bytes);
                Ok(())
            }
            Cells::TextAsTime(array) => {
                let micros = parse_time(array.value(row)).ok_or("is not a time of day")?;
                put(out, &micros.to_be_bytes());
                Ok(())
            }
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
                let days = array.value(row);
                if !DATE_RANGE.contains(&days) {
                    return Err(OUT_OF_RANGE);
                }
                put(out, &(days - EPOCH_DAYS).to_be_bytes());
                Ok(())
            }
            Cells::Instant(array) => {
                let micros = array.value(row);
                let days = i32::try_from(micros.div_euclid(DAY_US)).map_err(|_| OUT_OF_RANGE)?;
                if !DATE_RANGE.contains(&days) {
                    return Err(OUT_OF_RANGE);
                }
                put(out, &(micros - EPOCH_US).to_be_bytes());
                Ok(())
            }
        }
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

    fn is_null(&self, row: usize) -> bool {
        match self {
            Self::SmallInteger(array)
            | Self::Integer(array)
            | Self::BigInteger(array)
            | Self::IntegerAsDouble(array)
            | Self::IntegerAsNumeric { array, .. } => array.is_null(row),
            Self::Numeric { array, .. } | Self::NumberAsReal(array) | Self::NumberAsDouble(array) => {
                array.is_null(row)
            }
        }
    }
}

impl Cells<'_> {
    fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Text { array, .. } | Self::TextAsUuid(array) | Self::TextAsTime(array) => {
                array.is_null(row)
            }
            Self::Uuid(array) | Self::UuidAsText(array) => array.is_null(row),
            Self::Numbers(numbers) => numbers.is_null(row),
            Self::Boolean(array) => array.is_null(row),
            Self::Date(array) => array.is_null(row),
            Self::Instant(array) => array.is_null(row),
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
fn write_text(text: &str, longest: Option<u32>, out: &mut BytesMut) -> Result<(), Problem> {
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
    out.put_i32(text_length(bytes.len())?);
    out.put_slice(bytes);
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

/// With hyphens, in either case: other writings that PostgreSQL would take are not read back the same.
pub(crate) fn parse_uuid(text: &str) -> Option<[u8; 16]> {
    if text.len() != 36 {
        return None;
    }
    let mut bytes = [0_u8; 16];
    let mut place = bytes.iter_mut();
    let mut high: Option<u8> = None;
    for (index, character) in text.bytes().enumerate() {
        if matches!(index, 8 | 13 | 18 | 23) {
            if character != b'-' {
                return None;
            }
            continue;
        }
        let digit = char::from(character).to_digit(16)? as u8;
        match high.take() {
            None => high = Some(digit),
            Some(high) => *place.next()? = high << 4 | digit,
        }
    }
    Some(bytes)
}

/// `HH:MM:SS`, with up to 6 digits after a point, as microseconds.
fn parse_time(text: &str) -> Option<i64> {
    let (clock, fraction) = match text.split_once('.') {
        Some((clock, fraction)) => (clock, fraction),
        None => (text, "0"),
    };
    let mut parts = clock.split(':').map(|part| {
        let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| part.parse::<i64>().ok()).flatten()
    });
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    if fraction.is_empty() || fraction.len() > 6 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let scale = 10_i64.pow(6 - fraction.len() as u32);
    Some(((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction.parse::<i64>().ok()? * scale)
}
