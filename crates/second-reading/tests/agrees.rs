//! The second reader beside the landing reader, on bytes that are as bad as they can be: the same records by the same
//! numbers, and in every record that landing can read the same cells.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what is wrong by failing")]

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use bytes::Bytes;
use chartlift_io::source::csv::{self, Hash, Options};
use chartlift_rules::{Dialect, LineTerminator};
use chartlift_second_reading::{Charset, Fact, Kind, Layout, LineEnd, Reading, Seen, read, squeezed};
use proptest::prelude::*;
use proptest::sample::select;

/// Each record's two cells by its number; `None`: it cannot be read.
type Records = BTreeMap<u64, Option<[String; 2]>>;

fn landed(input: &[u8], dialect: Dialect) -> Records {
    let options = Options::new(dialect, 1 << 20);
    let index = csv::index(input, &options, Hash::None, &mut |_| ()).unwrap();
    let columns = ["x", "y"].map(|name| Field::new(name, DataType::Utf8View, true));
    let columns = Arc::new(Schema::new(columns.to_vec()));
    let mut records = Records::new();
    for chunk in &index.chunks {
        let bytes = Bytes::copy_from_slice(&input[chunk.range.start as usize..chunk.range.end as usize]);
        let parsed = csv::parse(&bytes, chunk, &columns, 0, &options).unwrap();
        for batch in &parsed.batches {
            let rows = batch.column_by_name(csv::ROW).unwrap().as_primitive::<Int64Type>();
            let cell = |column: usize, row: usize| {
                let texts = batch.column(column).as_string_view();
                squeezed(if texts.is_valid(row) { texts.value(row) } else { "" })
            };
            for row in 0..batch.num_rows() {
                records.insert(rows.value(row) as u64, Some([cell(0, row), cell(1, row)]));
            }
        }
        records.extend(parsed.rejects.iter().map(|reject| (reject.row, None)));
    }
    records
}

fn read_twice(input: &[u8], layout: &Layout) -> Records {
    let fact = Fact { column: "y".into(), kind: Kind::Text, missing: Vec::new(), unless: Vec::new() };
    let reading = Reading { patient: "x".into(), facts: vec![fact], ..Reading::default() };
    let mut records = Records::new();
    read(input, layout, &reading, |number, seen| {
        let cells = match seen {
            Seen::Unreadable => None,
            Seen::Entries(entries) => {
                Some([entries[0].patient.clone(), entries[0].values[0].clone().unwrap_or_default()])
            }
        };
        records.insert(number, cells);
    })
    .unwrap();
    records
}

fn compare(
    input: &[u8],
    quote: Option<u8>,
    escape: Option<u8>,
    doubled: bool,
    ends: (LineTerminator, LineEnd),
) {
    let dialect = Dialect {
        delimiter: b';',
        quote_char: quote,
        escape_char: escape,
        double_quote: doubled,
        line_terminator: ends.0,
        header_row: 0,
        ..Dialect::default()
    };
    let layout = Layout {
        delimiter: b';',
        quote,
        doubled,
        escape,
        line_end: ends.1,
        charset: Charset::Utf8,
        header_row: 0,
        names: vec!["x".into(), "y".into()],
        longest: Options::new(dialect.clone(), 1 << 20).record_bytes,
    };
    let (ours, theirs) = (read_twice(input, &layout), landed(input, dialect));
    assert_eq!(ours, theirs, "of {:?}", String::from_utf8_lossy(input));
}

const ENDS: [(LineTerminator, LineEnd); 4] = [
    (LineTerminator::Any, LineEnd::Any),
    (LineTerminator::Lf, LineEnd::Lf),
    (LineTerminator::CrLf, LineEnd::CrLf),
    (LineTerminator::Cr, LineEnd::Cr),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn any_bytes_are_the_same_records(
        pieces in prop::collection::vec(
            select(&["a", "b c", ";", ";", "\"", "\"\"", "\n", "\n", "\r\n", "\r", "é", "\\", "", "x;y\n"][..]),
            0..40,
        ),
        quote in select(&[Some(b'"'), Some(b'"'), None][..]),
        doubled: bool,
        ends in select(&ENDS[..]),
    ) {
        compare(pieces.concat().as_bytes(), quote, None, doubled, ends);
    }

    #[test]
    fn with_an_escape_too(
        pieces in prop::collection::vec(
            select(&["a", ";", ";", "\"", "\n", "\\", "\\\"", "\\;", "x;y\n"][..]),
            0..40,
        ),
        doubled: bool,
        ends in select(&ENDS[..2]),
    ) {
        compare(pieces.concat().as_bytes(), Some(b'"'), Some(b'\\'), doubled, ends);
    }
}
