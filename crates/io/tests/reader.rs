//! The landing reader from outside.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test says what is wrong by failing; nothing here reaches a user"
)]

use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use bytes::Bytes;
use chartlift_io::source::csv::{self, Hash, Options};
use chartlift_rules::Dialect;

type Row = (u64, Result<Vec<Option<String>>, &'static str>);

fn read(input: &[u8], options: &Options) -> (Vec<String>, Vec<Row>) {
    let index = csv::index(input, options, Hash::None, &mut |_| ()).unwrap();
    let fields: Vec<_> = index.header.iter().map(|name| Field::new(name, DataType::Utf8View, true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let mut rows = Vec::new();
    for chunk in &index.chunks {
        let bytes = Bytes::copy_from_slice(&input[chunk.range.start as usize..chunk.range.end as usize]);
        let parsed = csv::parse(&bytes, chunk, &schema, 0, options).unwrap();
        for batch in &parsed.batches {
            let ids = batch.column_by_name("_row").unwrap().as_primitive::<Int64Type>();
            for row in 0..batch.num_rows() {
                let cell = |column: usize| {
                    let texts = batch.column(column).as_string_view();
                    texts.is_valid(row).then(|| texts.value(row).to_owned())
                };
                rows.push((ids.value(row) as u64, Ok((0..index.header.len()).map(cell).collect())));
            }
        }
        rows.extend(parsed.rejects.iter().map(|reject| (reject.row, Err(reject.code()))));
    }
    rows.sort();
    assert_eq!(rows.len() as u64, index.rows);
    (index.header, rows)
}

fn show(input: &str) -> String {
    let (header, rows) = read(input.as_bytes(), &Options::new(Dialect::default(), 1 << 20));
    let mut text = header.join("|");
    for (row, fields) in rows {
        let fields = match fields {
            Ok(fields) => fields.iter().map(|field| format!("{field:?}")).collect::<Vec<_>>().join("|"),
            Err(code) => code.to_owned(),
        };
        text += &format!("\n{row} {}", fields.replace("Some(", "").replace(')', ""));
    }
    text
}

#[test]
fn plain_quoted_null_and_empty() {
    assert_eq!(
        show("\u{feff}a,b\r\n1,\r\n\r\n\"x\"\"y\nz\",\"\"\n5\" tall,\u{e9}"),
        "a|b\n1 \"1\"|None\n2 \"x\\\"y\\nz\"|\"\"\n3 \"5\\\" tall\"|\"é\""
    );
}

#[test]
fn one_bad_quote_costs_one_row() {
    let expect =
        "a|b\n1 \"1\"|\"2\"\n2 quote-error\n3 \"5\"|\"6\"\n4 missing-cell\n5 quote-error\n6 \"7\"|\"8\"";
    assert_eq!(show("a,b\n1,2\n3,\"4\n5,6\n7\n\"8\"x,\n7,\"8\"\n"), expect);
}
