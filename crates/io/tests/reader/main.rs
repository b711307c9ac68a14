//! The landing reader from outside: against a plain reference, against Python's `csv`, and however the bytes arrive.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::type_complexity,
    clippy::too_many_lines,
    reason = "a test says what is wrong by failing, and the reference is one plain loop on purpose"
)]

mod python;
mod reference;

use std::io::Read;
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use bytes::Bytes;
use chartlift_io::source::csv::{self, Extent, Hash, Options};
use chartlift_rules::{Dialect, Encoding, LineTerminator};
use proptest::prelude::*;
use proptest::sample::select;

use reference::{Record, Reference};

/// Hands out a few bytes at a time, and is interrupted now and then.
struct Trickle<'a> {
    rest: &'a [u8],
    most: usize,
    calls: usize,
}

impl Read for Trickle<'_> {
    fn read(&mut self, space: &mut [u8]) -> std::io::Result<usize> {
        self.calls += 1;
        if self.calls.is_multiple_of(7) {
            return Err(std::io::ErrorKind::Interrupted.into());
        }
        let count = self.rest.len().min(space.len()).min(1 + self.calls % self.most);
        let (now, later) = self.rest.split_at(count);
        space[..count].copy_from_slice(now);
        self.rest = later;
        Ok(count)
    }
}

/// What the reader makes of the input: the header, and every record in order.
fn read(input: &[u8], options: &Options, most: usize) -> (Vec<String>, Vec<Record>) {
    let trickle = Trickle { rest: input, most, calls: 0 };
    let index = csv::index(trickle, options, Hash::Sha256, &mut |_| ()).unwrap();
    assert_eq!(index.bytes, input.len() as u64);
    let unnamed = ["x".to_owned(), "y".to_owned()];
    let schema = text_columns(if index.header.is_empty() { &unnamed } else { &index.header });
    let mut records = Vec::new();
    let mut next_row = 1;
    for chunk in &index.chunks {
        assert_eq!(chunk.first_row, next_row);
        next_row += chunk.rows;
        let bytes = Bytes::copy_from_slice(&input[chunk.range.start as usize..chunk.range.end as usize]);
        let parsed = csv::parse(&bytes, chunk, &schema, 3, options).unwrap();
        for batch in &parsed.batches {
            let ids = batch.column_by_name(csv::ROW).unwrap().as_primitive::<Int64Type>();
            let offsets = batch.column_by_name(csv::OFFSET).unwrap().as_primitive::<Int64Type>();
            for row in 0..batch.num_rows() {
                let cell = |column: usize| {
                    let texts = batch.column(column).as_string_view();
                    texts.is_valid(row).then(|| texts.value(row).to_owned())
                };
                let fields = Ok((0..schema.fields().len()).map(cell).collect());
                let offset = offsets.value(row) as usize;
                assert_eq!(ids.value(row) >> 40, 3);
                records
                    .push((ids.value(row) & ((1 << 40) - 1), Record { offset, bytes: Vec::new(), fields }));
            }
        }
        for reject in &parsed.rejects {
            let (offset, bytes) = (reject.offset as usize, reject.bytes.to_vec());
            records.push((reject.row as i64, Record { offset, bytes, fields: Err(reject.code()) }));
        }
    }
    records.sort_by_key(|(row, _)| *row);
    assert_eq!(next_row - 1, index.rows);
    assert!(records.iter().map(|(row, _)| *row).eq(1..next_row as i64));
    (index.header, records.into_iter().map(|(_, record)| record).collect())
}

fn text_columns(names: &[String]) -> Arc<Schema> {
    Arc::new(Schema::new(
        names.iter().map(|name| Field::new(name, DataType::Utf8View, true)).collect::<Vec<_>>(),
    ))
}

fn show(input: &str, dialect: Dialect) -> String {
    let (header, records) = read(input.as_bytes(), &Options::new(dialect, 1 << 20), 1000);
    let mut text = header.join("|");
    for record in records {
        let fields = match record.fields {
            Ok(fields) => fields
                .iter()
                .map(|field| field.as_ref().map_or("null".to_owned(), |text| format!("{text:?}")))
                .collect::<Vec<_>>()
                .join(" "),
            Err(code) => format!("{code} {}", String::from_utf8_lossy(&record.bytes)),
        };
        text += &format!("\n{} {fields}", record.offset);
    }
    text
}

#[test]
fn null_and_empty_are_told_apart_and_empty_lines_are_no_records() {
    assert_eq!(
        show("\u{feff}a,b\r\n1,\r\n\r\n\"x\"\"y\nz\",\"\"\n5\" tall,\u{e9}", Dialect::default()),
        "a|b\n8 \"1\" null\n14 \"x\\\"y\\nz\" \"\"\n26 \"5\\\" tall\" \"é\""
    );
}

#[test]
fn one_bad_quote_costs_one_row() {
    assert_eq!(
        show("a,b\n1,2\n3,\"4\n5,6\n7\n\"8\"x,\n7,\"8\"\n", Dialect::default()),
        "a|b\n4 \"1\" \"2\"\n8 quote-error 3,\"4\n13 \"5\" \"6\"\n17 missing-cell 7\n19 quote-error \"8\"x,\n25 \"7\" \"8\""
    );
}

#[test]
fn a_backslash_makes_the_next_character_ordinary() {
    let dialect = Dialect { escape_char: Some(b'\\'), delimiter: b';', ..Dialect::default() };
    assert_eq!(
        show("a;b\n1\\;2;\"x\\\"y\"\nu\\\nv;w\\", dialect),
        "a|b\n4 \"1;2\" \"x\\\"y\"\n16 \"u\\nv\" \"w\\\\\""
    );
}

#[test]
fn a_contradictory_dialect_is_an_error() {
    for dialect in [
        Dialect { delimiter: b'"', ..Dialect::default() },
        Dialect { delimiter: b'\n', ..Dialect::default() },
        Dialect { delimiter: 0xa7, ..Dialect::default() },
    ] {
        let options = Options::new(dialect, 100);
        assert!(csv::index(&b"a"[..], &options, Hash::None, &mut |_| ()).is_err());
        assert!(csv::sample(b"a", Extent::Whole, 10, &options).is_err());
    }
}

#[test]
fn a_damaged_row_still_says_what_it_can() {
    let options = Options::new(Dialect::default(), 100);
    let input = b"a,b,c\n1,\"two \"2\"\",x\n\xe7,,\"\"\n7,\"8,9\n";
    let index = csv::index(&input[..], &options, Hash::None, &mut |_| ()).unwrap();
    let bytes = Bytes::from_static(&input[6..]);
    let parsed = csv::parse(&bytes, &index.chunks[0], &text_columns(&index.header), 0, &options).unwrap();
    let fields: Vec<_> = parsed.rejects.iter().map(|reject| reject.fields(&options)).collect();
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        fields,
        [
            vec![some("1"), some("two 2\"\""), some("x")],
            vec![some("\u{fffd}"), None, some("")],
            vec![some("7"), some("8,9")],
        ]
    );
}

#[test]
fn a_stray_quote_does_not_hide_the_rest_of_a_sample() {
    let options = Options::new(Dialect::default(), 1 << 20);
    let mut input = b"a,b\n1,\"2\n".to_vec();
    input.extend(b"3,4\n".repeat(1000));
    input.extend(b"5,\"cut");
    let sample = csv::sample(&input, Extent::Head, 5000, &options).unwrap();
    assert_eq!((sample.rows.len(), sample.rejects), (1000, 1));
    let whole = csv::sample(&input, Extent::Whole, 5000, &options).unwrap();
    assert_eq!((whole.rows.len(), whole.rejects), (1000, 2));
}

#[test]
fn a_changed_input_is_noticed() {
    let options = Options::new(Dialect::default(), 100);
    let index = csv::index(&b"a,b\n1,2\n3,4\n"[..], &options, Hash::None, &mut |_| ()).unwrap();
    for changed in [&b"1,2\n3,4"[..], b"1,2\n\n\n\n\n", b"1\n,2\n3,4"] {
        let bytes = Bytes::copy_from_slice(changed);
        assert!(csv::parse(&bytes, &index.chunks[0], &text_columns(&index.header), 0, &options).is_err());
    }
}

const ENCODINGS: [Encoding; 7] = [
    Encoding::Utf8,
    Encoding::Windows1252,
    Encoding::Iso8859_1,
    Encoding::Cp850,
    Encoding::Utf16,
    Encoding::Utf16Le,
    Encoding::Utf16Be,
];

fn dialects() -> impl Strategy<Value = Dialect> {
    let characters = (
        select(vec![b',', b';', b'\t', b'|']),
        select(vec![Some(b'"'), Some(b'"'), Some(b'\''), None]),
        any::<bool>(),
        select(vec![None, None, Some(b'\\')]),
    );
    let terminators = select(vec![
        LineTerminator::Any,
        LineTerminator::Any,
        LineTerminator::Lf,
        LineTerminator::CrLf,
        LineTerminator::Cr,
    ]);
    let encodings = select(ENCODINGS.to_vec());
    (characters, 0..3_u32, terminators, encodings).prop_map(
        |((delimiter, quote_char, double_quote, escape_char), header_row, line_terminator, encoding)| {
            Dialect {
                delimiter,
                quote_char,
                double_quote,
                escape_char,
                header_row,
                line_terminator,
                encoding,
            }
        },
    )
}

fn limits() -> impl Strategy<Value = (usize, usize, usize, usize)> {
    let fields = select(vec![2, 6, 1000]);
    let records = select(vec![4, 12, 40, 100_000]);
    let chunks = select(vec![1, 7, 40, 1000]);
    let buffers = select(vec![1, 16, 70, 1000]);
    (fields, records, chunks, buffers)
}

/// Pieces that make every transition likely; `0` stands for the delimiter and `1` for the quote.
const PIECES: [&[u8]; 26] = [
    b"0",
    b"0",
    b"0",
    b"1",
    b"1",
    b"01",
    b"10",
    b"11",
    b"1\n",
    b"\n",
    b"\n",
    b"\r\n",
    b"\r\n",
    b"\r",
    b"\\",
    b"x",
    b"yz",
    b"0\n",
    b"0\r\n",
    b"1\r\n",
    b"\xc3\xa7",
    b"\xe7",
    b"\x81",
    b" ",
    b"\0",
    b"longer than twelve bytes",
];

fn compose(pieces: &[usize], dialect: &Dialect) -> Vec<u8> {
    let quote = dialect.quote_char.unwrap_or(b'"');
    let pieces = pieces.iter().flat_map(|piece| PIECES[piece % PIECES.len()]);
    let replace = |byte: &u8| match byte {
        b'0' => dialect.delimiter,
        b'1' => quote,
        byte => *byte,
    };
    let bytes: Vec<u8> = pieces.map(replace).collect();
    match reference::is_utf16(dialect.encoding) {
        false => bytes,
        true => in_utf16(&bytes, dialect.encoding),
    }
}

/// Code units of the same numbers, surrogates for two of them; now and then marked, now and then cut in a unit.
fn in_utf16(bytes: &[u8], encoding: Encoding) -> Vec<u8> {
    let big = encoding == Encoding::Utf16Be || encoding == Encoding::Utf16 && bytes.len() % 4 == 1;
    let marked = !bytes.len().is_multiple_of(3);
    let units = marked.then_some(0xfeff).into_iter().chain(bytes.iter().map(|byte| match byte {
        0xe7 => 0xd83d,
        0x81 => 0xde00,
        0xa7 => 0x20ac,
        byte => u16::from(*byte),
    }));
    let mut input: Vec<u8> =
        units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect();
    if bytes.len().is_multiple_of(5) {
        input.pop();
    }
    input
}

fn check(input: &[u8], options: &Options, most: usize) {
    let mut dialect = options.dialect.clone();
    // An escape that is the quote itself is the doubled quote under another name; the reference does not know that.
    if dialect.escape_char.is_some() && dialect.escape_char == dialect.quote_char {
        (dialect.escape_char, dialect.double_quote) = (None, true);
    }
    let text = reference::text(input, dialect.encoding);
    let reference = Reference {
        input: &text.bytes,
        dialect: &dialect,
        field_bytes: options.field_bytes,
        record_bytes: options.record_bytes,
        suspicious: true,
    };
    let (header, mut expected) = reference.read();
    let (got_header, got) = read(input, options, most);
    if header != got_header {
        // The header record is damaged: the reference has none, the reader's best effort decides what is ragged.
        assert!(header.is_empty());
        return;
    }
    for record in &mut expected {
        let end = text.places[record.offset + record.bytes.len()];
        record.offset = text.places[record.offset];
        record.bytes = if record.fields.is_ok() { Vec::new() } else { input[record.offset..end].to_vec() };
    }
    assert_eq!(got, expected, "{:?}", String::from_utf8_lossy(input));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reads_what_the_reference_reads(
        pieces in prop::collection::vec(0..PIECES.len(), 0..80),
        dialect in dialects(),
        (field_bytes, record_bytes, chunk_bytes, buffer_bytes) in limits(),
        most in 1..20_usize,
    ) {
        let input = compose(&pieces, &dialect);
        let options = Options { record_bytes, chunk_bytes, buffer_bytes, batch_rows: 64, ..Options::new(dialect, field_bytes) };
        check(&input, &options, most);
    }

    #[test]
    fn giving_up_early_changes_nothing(pieces in prop::collection::vec(0..PIECES.len(), 0..80), dialect in dialects()) {
        let dialect = Dialect { escape_char: None, ..dialect };
        let input = reference::text(&compose(&pieces, &dialect), dialect.encoding).bytes;
        let plain = Reference { input: &input, dialect: &dialect, field_bytes: 1000, record_bytes: 1 << 30, suspicious: false };
        let early = Reference { suspicious: true, ..plain };
        let plain = Reference { suspicious: false, ..early };
        prop_assert_eq!(plain.read(), early.read());
    }

    #[test]
    fn a_sample_of_the_whole_is_the_sound_rows(pieces in prop::collection::vec(0..PIECES.len(), 0..80), dialect in dialects()) {
        let dialect = Dialect { header_row: 1, ..dialect };
        let input = compose(&pieces, &dialect);
        let options = Options::new(dialect, 1000);
        let sample = csv::sample(&input, Extent::Whole, 1000, &options).unwrap();
        let (header, records) = read(&input, &options, 1000);
        let sound: Vec<_> = records.iter().filter_map(|record| record.fields.clone().ok()).collect();
        prop_assert_eq!(sample.header, header);
        prop_assert_eq!(sample.rejects as usize, records.len() - sound.len());
        prop_assert_eq!(sample.rows, sound);
    }

    #[test]
    fn no_bytes_and_no_dialect_make_it_panic(
        input in prop::collection::vec(any::<u8>(), 0..300),
        specials in prop::collection::vec(any::<u8>(), 3),
        dialect in dialects(),
        (field_bytes, record_bytes, chunk_bytes, buffer_bytes) in limits(),
    ) {
        let dialect = Dialect {
            delimiter: specials[0],
            quote_char: dialect.quote_char.map(|_| specials[1]),
            escape_char: dialect.escape_char.map(|_| specials[2]),
            ..dialect
        };
        let options = Options { record_bytes, chunk_bytes, buffer_bytes, ..Options::new(dialect, field_bytes) };
        if csv::index(&input[..], &options, Hash::None, &mut |_| ()).is_ok() {
            check(&input, &options, 50);
            csv::sample(&input, Extent::Head, 10, &options).unwrap();
        }
    }
}

/// The offsets are those of the file, whatever stands before them, and a damaged record keeps its own bytes.
#[test]
fn utf16_is_read_however_it_is_cut() {
    let text = "\u{feff}a,b\r\n1,\u{20ac}\u{1f600}\r\n2,\"x\ny\"\r\n3\r\n4,";
    for big in [false, true] {
        let bytes = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
        let mut input: Vec<u8> = text.encode_utf16().flat_map(bytes).collect();
        input.extend([bytes(0xd83d), bytes(0x0d), bytes(0x0a), bytes(0x35), bytes(0x2c)].concat());
        input.push(0x0a);
        let own = if big { Encoding::Utf16Be } else { Encoding::Utf16Le };
        for (encoding, most, chunk_bytes) in [(Encoding::Utf16, 1, 1), (own, 2, 7), (own, 3, 1000)] {
            let dialect = Dialect { encoding, ..Dialect::default() };
            let options = Options { chunk_bytes, buffer_bytes: 16, ..Options::new(dialect, 1000) };
            let (header, records) = read(&input, &options, most);
            assert_eq!(header, ["a", "b"]);
            let shown: Vec<_> = records
                .iter()
                .map(|record| match &record.fields {
                    Ok(fields) => (record.offset, fields[1].clone().unwrap(), 0),
                    Err(code) => (record.offset, (*code).to_owned(), record.bytes.len()),
                })
                .collect();
            let is = |offset, text: &str, bytes| (offset, text.to_owned(), bytes);
            let expected = [
                is(12, "\u{20ac}\u{1f600}", 0),
                is(26, "x\ny", 0),
                is(44, "missing-cell", 2),
                is(50, "encoding-error", 6),
                is(60, "encoding-error", 5),
            ];
            assert_eq!(shown, expected);
        }
    }
}

/// Which byte comes first is neither declared nor marked: nothing is read, and nothing is guessed.
#[test]
fn utf16_without_a_mark_must_be_declared() {
    let input: Vec<u8> = "a,b\n1,2\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let options = Options::new(Dialect { encoding: Encoding::Utf16, ..Dialect::default() }, 1000);
    let index = csv::index(&input[..], &options, Hash::None, &mut |_| ()).unwrap();
    assert_eq!((index.header_fault, index.rows), (Some(csv::Fault::Encoding), 0));
    assert_eq!(csv::sample(&input, Extent::Whole, 5, &options).unwrap().rows.len(), 0);
}

/// Long enough for several tiles, batches and blocks.
#[test]
fn long_inputs_read_as_the_reference_reads_them() {
    let mut state = 1_u64;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((state >> 33) as usize) % below
    };
    for round in 0..14 {
        let encoding = ENCODINGS[round % ENCODINGS.len()];
        let dialect = Dialect { encoding, ..Dialect::default() };
        let mut input = b"a,b,c\n".to_vec();
        for _ in 0..3000 {
            for field in 0..3 {
                match random(60 * (1 + round)) {
                    0..20 => input.extend(b"\"quoted, \"\"and\"\" long\nenough for a view\""),
                    20..40 => input.extend("a\u{e7}\u{e3}o de longe".as_bytes()),
                    40 => input.extend(b"\"stray"),
                    41 => input.extend(b"\xe7\x81"),
                    42 => input.extend(b"more,cells"),
                    43 => input.extend(b"\"\""),
                    44..50 => {}
                    _ => input.extend(format!("{}", random(100_000_000)).bytes()),
                }
                input.push(if field == 2 { b'\n' } else { b',' });
            }
        }
        if reference::is_utf16(encoding) {
            input = in_utf16(&input, encoding);
        }
        let options = Options {
            chunk_bytes: 20_000,
            batch_rows: 256,
            buffer_bytes: 5000,
            ..Options::new(dialect, 1 << 20)
        };
        check(&input, &options, 3000);
    }
}

/// Every row fails, each far from where it starts: looked at again and again this would take minutes.
#[test]
fn adversarial_input_takes_linear_time() {
    for line in [&b"x\",\"y\n"[..], b"\"\n", b"a,\"\"\"\n", b"\"\"\"x\n", b"\",\"\",\"\n", b"a,\"b\n"] {
        let mut input = b"a,b\n".to_vec();
        input.extend(line.repeat(200_000));
        input.extend(b"\"x");
        let options = Options::new(Dialect::default(), 1 << 20);
        let index = csv::index(&input[..], &options, Hash::None, &mut |_| ()).unwrap();
        let chunk = &index.chunks[0];
        let bytes = Bytes::from(input).slice(chunk.range.start as usize..chunk.range.end as usize);
        let parsed = csv::parse(&bytes, chunk, &text_columns(&index.header), 0, &options).unwrap();
        let landed: usize = parsed.batches.iter().map(|batch| batch.num_rows()).sum();
        assert_eq!((landed + parsed.rejects.len()) as u64, chunk.rows);
    }
}
