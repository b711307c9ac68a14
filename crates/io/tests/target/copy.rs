//! Binary COPY against the server's own reading of the same values as text.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Decimal128Array, FixedSizeBinaryArray, Int64Array, StringViewArray, TimestampMicrosecondArray,
};
use arrow::record_batch::RecordBatch;
use chartlift_io::Error;
use chartlift_io::target::{ColumnSpec, KeyKind, Role, TableSpec, TypeClass, WriteMode};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::place::{Place, open, outcome, uuid_of};
use crate::server::connect;

const ONE: i128 = 1_000_000_000_000_000_000;

/// Loads one column (beside a key) into a column of this type; then what the server shows of it, in row order.
async fn round_trip(
    place: &Place,
    column_type: &str,
    values: ArrayRef,
) -> Result<Vec<Option<String>>, Error> {
    let target = place.target().await;
    target.init(None).await?;
    place
        .execute(&format!("DROP TABLE IF EXISTS one; CREATE TABLE one (id text, value {column_type})"))
        .await;
    let spec = TableSpec {
        system: "sample".into(),
        name: "one".to_owned(),
        columns: vec![
            ColumnSpec { name: "id".to_owned(), role: Role::Key(KeyKind::Natural) },
            ColumnSpec { name: "value".to_owned(), role: Role::Data },
        ],
        keyspace: format!("one {column_type} {}", uuid_of(&format!("{values:?}"))[0]),
        mode: WriteMode::Insert,
    };
    let keys: ArrayRef =
        Arc::new((0..values.len()).map(|row| Some(format!("{row:06}"))).collect::<StringViewArray>());
    let columns = [("id", Arc::clone(&keys)), ("value", values), ("_key", keys)];
    let batch = RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true)));
    let order = spec.keyspace.clone();
    let mut load = open(target.as_ref(), &order).await;
    let rows = load.write(&spec, &batch.expect("equal lengths")).await?;
    load.commit(&outcome(&[("one", rows)])).await?;
    let Place::Postgres(database) = place else { panic!("only PostgreSQL copies") };
    let client = connect(&database.url).await;
    client.batch_execute("SET TimeZone = 'UTC'; SET DateStyle = 'ISO'").await.expect("settings");
    let rows = client.query("SELECT value::text FROM one ORDER BY id", &[]).await.expect("rows");
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringViewArray::from_iter_values(values))
}

fn integers(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

fn numbers(values: &[i128]) -> ArrayRef {
    let array = Decimal128Array::from(values.to_vec());
    Arc::new(array.with_precision_and_scale(38, 18).expect("38 digits"))
}

fn instants(values: &[i64]) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from(values.to_vec()).with_timezone("UTC"))
}

#[tokio::test]
async fn writes_every_type_as_the_server_reads_it() {
    let place = Place::postgres().await;
    place
        .execute(
            "CREATE TYPE mood AS ENUM ('ok', 'não'); CREATE DOMAIN code AS varchar(5) NOT NULL; \
             CREATE DOMAIN short_code AS code",
        )
        .await;
    let uuid = "00112233-4455-6677-8899-aabbccddeeff";
    let moods = ["não", "ok"];
    let cases: Vec<(&str, ArrayRef, Vec<&str>)> = vec![
        ("text", texts(&["a", ""]), vec!["a", ""]),
        ("varchar(4)", texts(&["açãü", ""]), vec!["açãü", ""]),
        ("char(4)", texts(&["ab", "açãü"]), vec!["ab", "açãü"]),
        ("mood", texts(&moods), moods.to_vec()),
        ("short_code", texts(&["12345"]), vec!["12345"]),
        ("uuid", texts(&[&uuid.to_uppercase(), uuid]), vec![uuid, uuid]),
        ("json", texts(&["{\"b\": 1, \"a\":  2}"]), vec!["{\"b\": 1, \"a\":  2}"]),
        ("time", texts(&["00:00:00", "23:59:59", "12:30:00.5"]), vec!["00:00:00", "23:59:59", "12:30:00.5"]),
        ("smallint", integers(&[-32_768, 32_767]), vec!["-32768", "32767"]),
        ("integer", integers(&[-2_147_483_648, 2_147_483_647]), vec!["-2147483648", "2147483647"]),
        ("bigint", integers(&[i64::MIN, i64::MAX]), vec!["-9223372036854775808", "9223372036854775807"]),
        ("numeric", integers(&[i64::MIN, 0, 10_000]), vec!["-9223372036854775808", "0", "10000"]),
        ("numeric(5)", integers(&[99_999, -1]), vec!["99999", "-1"]),
        ("numeric(6,2)", numbers(&[9_999 * ONE + ONE / 4, -ONE / 100]), vec!["9999.25", "-0.01"]),
        ("double precision", integers(&[1 << 53, -7]), vec!["9.007199254740992e+15", "-7"]),
        ("double precision", numbers(&[ONE / 10, -3 * ONE]), vec!["0.1", "-3"]),
        ("real", numbers(&[ONE / 10]), vec!["0.1"]),
        ("timestamp", instants(&[-1]), vec!["1969-12-31 23:59:59.999999"]),
        ("timestamptz", instants(&[0]), vec!["1970-01-01 00:00:00+00"]),
    ];
    for (column_type, values, wanted) in cases {
        let found = round_trip(&place, column_type, values).await;
        let found = found.unwrap_or_else(|error| panic!("{column_type}: {error}"));
        assert_eq!(found.iter().flatten().collect::<Vec<_>>(), wanted, "{column_type}");
    }
    let uuids = FixedSizeBinaryArray::try_from_iter([uuid_of("x")].into_iter()).expect("16 bytes");
    let as_uuid = round_trip(&place, "uuid", Arc::new(uuids.clone())).await.expect("uuid");
    let as_text = round_trip(&place, "varchar(36)", Arc::new(uuids)).await.expect("text");
    assert_eq!(as_uuid, as_text);
    place.remove().await;
}

#[tokio::test]
async fn refuses_what_a_column_would_change() {
    let place = Place::postgres().await;
    let cases: Vec<(&str, ArrayRef)> = vec![
        ("varchar(4)", texts(&["abcd "])),
        ("varchar(4)", texts(&["abcde"])),
        ("text", texts(&["a\0b"])),
        ("uuid", texts(&["{00112233-4455-6677-8899-aabbccddeeff}"])),
        ("time", texts(&["24:00:00"])),
        ("time", texts(&["+1:00:00"])),
        ("smallint", integers(&[32_768])),
        ("integer", integers(&[-2_147_483_649])),
        ("double precision", integers(&[(1 << 53) + 1])),
        ("numeric(5)", integers(&[100_000])),
        ("numeric(6,2)", numbers(&[ONE / 1000])),
        ("numeric(6,2)", numbers(&[10_000 * ONE])),
        ("timestamptz", instants(&[i64::MAX])),
        ("timestamptz", instants(&[-62_135_596_800_000_001])),
    ];
    for (column_type, values) in cases {
        let error = round_trip(&place, column_type, values).await.expect_err(column_type);
        assert!(matches!(&error, Error::Value { column, .. } if column == "value"), "{column_type}: {error}");
    }
    for column_type in
        ["interval", "char(3)[]", "int4range", "numeric(3,-2)", "inet", "money", "xml", "jsonb[]"]
    {
        let error = round_trip(&place, column_type, texts(&["x"])).await.expect_err(column_type);
        assert!(matches!(error, Error::Shape { .. }), "{column_type}: {error}");
    }
    place.remove().await;
}

#[tokio::test]
async fn writes_any_number_as_the_server_reads_it() {
    let mut runner = TestRunner::deterministic();
    let largest = 10_i128.pow(38) - 1;
    let digits = (-largest..=largest, 0_u32..38).prop_map(|(value, dropped)| value / 10_i128.pow(dropped));
    let rounded =
        (digits, 0_u32..20).prop_map(|(value, zeros)| value / 10_i128.pow(zeros) * 10_i128.pow(zeros));
    let values: Vec<i128> =
        (0..3_000).map(|_| rounded.new_tree(&mut runner).expect("a value").current()).collect();
    let place = Place::postgres().await;
    let found = round_trip(&place, "numeric", numbers(&values)).await.expect("numbers");
    let client = connect(&place.url()).await;
    let wanted: Vec<String> = values.iter().map(ToString::to_string).collect();
    let exact = "SELECT trim_scale(v::numeric * 0.000000000000000001)::text FROM unnest($1::text[]) WITH ORDINALITY u (v, n) ORDER BY n";
    let rows = client.query(exact, &[&wanted]).await.expect("numbers");
    for ((row, found), value) in rows.iter().zip(found).zip(values) {
        assert_eq!(found, Some(row.get(0)), "{value}");
    }
    drop(client);
    place.remove().await;
}

#[tokio::test]
async fn sees_through_domains() {
    let place = Place::postgres().await;
    place
        .execute(
            "CREATE DOMAIN money_amount AS numeric(12,2) NOT NULL DEFAULT 0; CREATE SCHEMA \"Other\"; \
             CREATE TABLE \"Other\".bills (id bigint GENERATED ALWAYS AS IDENTITY, amount money_amount, \
             twice numeric GENERATED ALWAYS AS (amount * 2) STORED)",
        )
        .await;
    let catalog = place.target().await.catalog(&["Other.bills".to_owned()]).await.expect("a catalogue");
    let bills = &catalog.tables[0];
    assert!(bills.exists);
    let amount = bills.column("amount").expect("a column");
    assert_eq!(amount.class, TypeClass::Numeric { digits: Some(12), scale: Some(2) });
    assert_eq!((amount.nullable, amount.has_default, amount.generated), (false, true, false));
    assert!(bills.column("twice").expect("a column").generated);
    let id = bills.column("id").expect("a column");
    assert!(id.identity && !id.generated);
    place.remove().await;
}
