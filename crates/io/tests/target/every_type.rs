//! Rows that hold every type, with the values at its edges.

use crate::place::{Cell, key, text};

/// 10^18: one, as numbers hold it.
const ONE: i128 = 1_000_000_000_000_000_000;

#[expect(clippy::too_many_lines, reason = "one value of every type, in one table")]
pub(crate) fn every_type() -> Vec<Vec<Cell>> {
    let row = |name: &str, rest: [Cell; 5]| {
        let mut row = vec![key(name), text(name)];
        row.extend(rest);
        row
    };
    let (null, number) = (Cell::Null, Cell::Number);
    vec![
        row(
            "ordinary",
            [
                Cell::Integer(3),
                number(72 * ONE + ONE / 2, "72.5"),
                Cell::Boolean(true),
                Cell::Date(0, "1970-01-01"),
                Cell::Instant(0, "1970-01-01T00:00:00.000000Z"),
            ],
        ),
        row("nulls", [null.clone(), null.clone(), null.clone(), null.clone(), null]),
        row(
            "least",
            [
                Cell::Integer(i64::MIN),
                number(
                    -99_999_999_999_999_999_999_999_999_999_999_999_999,
                    "-99999999999999999999.999999999999999999",
                ),
                Cell::Boolean(false),
                Cell::Date(-719_162, "0001-01-01"),
                Cell::Instant(-62_135_596_800_000_000, "0001-01-01T00:00:00.000000Z"),
            ],
        ),
        row(
            "most",
            [
                Cell::Integer(i64::MAX),
                number(
                    99_999_999_999_999_999_999_999_999_999_999_999_999,
                    "99999999999999999999.999999999999999999",
                ),
                Cell::Boolean(true),
                Cell::Date(2_932_896, "9999-12-31"),
                Cell::Instant(253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
            ],
        ),
        row(
            "small",
            [
                Cell::Integer(0),
                number(-1, "-0.000000000000000001"),
                Cell::Boolean(false),
                Cell::Date(11_016, "2000-02-29"),
                Cell::Instant(-1, "1969-12-31T23:59:59.999999Z"),
            ],
        ),
        row(
            "round",
            [
                Cell::Integer(-10_000),
                number(1_000_000 * ONE, "1000000"),
                Cell::Boolean(false),
                Cell::Date(-25_509, "1900-02-28"),
                Cell::Instant(1_795_348_800_000_001, "2026-11-22T12:00:00.000001Z"),
            ],
        ),
        row("zero", [Cell::Integer(0), number(0, "0"), Cell::Null, Cell::Null, Cell::Null]),
        row(
            "groups",
            [
                Cell::Integer(1),
                number(10_000 * ONE + ONE / 10_000, "10000.0001"),
                Cell::Null,
                Cell::Null,
                Cell::Null,
            ],
        ),
    ]
}
