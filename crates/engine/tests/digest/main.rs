//! The engine's digests against those that real databases answer.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test says what is wrong by failing; nothing here reaches a user"
)]

#[expect(dead_code, reason = "the suite of the targets uses the rest")]
#[path = "../../../io/tests/target/place.rs"]
mod place;
#[path = "../../../io/tests/target/server.rs"]
mod server;
mod types;

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, Int64Array, StringViewArray};
use arrow::record_batch::RecordBatch;
use chartlift_engine::digest::{ArtefactDigest, DigestColumn, TableDigest, hex_of_buckets, row_digests};
use chartlift_io::target::{ColumnSpec, KeyKind, Role, TableSpec, WriteMode};
use place::{Cell, Place, Table, encounters, key, load, patients, practitioners, text};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

/// Rows as the engine digests them: with source keys where the target gets UUIDs.
fn source_batch(table: &Table, rows: &[Vec<Cell>]) -> RecordBatch {
    let loaded = place::batch(table, rows);
    let schema = loaded.schema();
    let columns = schema.fields().iter().enumerate().map(|(index, field)| {
        let array: ArrayRef = match table.kinds.get(index) {
            Some(place::Kind::Uuid) => {
                let keys = rows.iter().map(|row| match &row[index] {
                    Cell::Key(key) => Some(key.clone()),
                    _ => None,
                });
                Arc::new(keys.collect::<StringViewArray>())
            }
            _ => Arc::clone(loaded.column(index)),
        };
        (field.name().clone(), array, true)
    });
    RecordBatch::try_from_iter_with_nullable(columns).expect("equal lengths")
}

fn any_patients(count: usize) -> Vec<Vec<Cell>> {
    let mut runner = TestRunner::deterministic();
    let largest = 10_i128.pow(38) - 1;
    let number = (-largest..=largest, 0_u32..38, 0_u32..20).prop_map(|(value, dropped, zeros)| {
        Cell::Number(value / 10_i128.pow(dropped) / 10_i128.pow(zeros) * 10_i128.pow(zeros), "")
    });
    let instant = -62_135_596_800_000_000_i64..=253_402_300_799_999_999;
    let rest = (
        proptest::option::of(any::<i64>().prop_map(Cell::Integer)),
        proptest::option::of(number),
        proptest::option::of(any::<bool>().prop_map(Cell::Boolean)),
        proptest::option::of((-719_162..=2_932_896).prop_map(|days| Cell::Date(days, ""))),
        proptest::option::of(instant.prop_map(|micros| Cell::Instant(micros, ""))),
    );
    let strategy = (".{0,40}", ".{0,60}", rest);
    (0..count)
        .map(|index| {
            let (id, name, rest) = strategy.new_tree(&mut runner).expect("a value").current();
            let clean = |text: String| text.replace('\0', "0");
            let (visits, weight, active, born, seen) = rest;
            let mut row = vec![key(&format!("{index}{}", clean(id))), text(&clean(name))];
            row.extend([visits, weight, active, born, seen].map(|cell| cell.unwrap_or(Cell::Null)));
            row
        })
        .collect()
}

async fn agrees(place: &Place) {
    let target = place.ready().await;
    let people = any_patients(400);
    let doctors = vec![vec![text("D 1"), text("Ana")], vec![text("D 2"), Cell::Null]];
    let visits: Vec<Vec<Cell>> = people
        .iter()
        .enumerate()
        .map(|(index, person)| {
            let parent = if index == 0 { Cell::Null } else { key(&format!("e{}", index - 1)) };
            let doctor = if index % 3 == 0 { Cell::Null } else { text(&format!("D {}", index % 3)) };
            vec![key(&format!("e{index}")), person[0].clone(), doctor, parent, text("")]
        })
        .collect();
    let (patients, practitioners, encounters) = (patients(), practitioners(), encounters());
    let tables: [(&Table, &[Vec<Cell>]); 3] =
        [(&patients, &people), (&practitioners, &doctors), (&encounters, &visits)];
    let record = load(target.as_ref(), "1", &tables).await;
    for (table, rows) in tables {
        let catalog = target.catalog(std::slice::from_ref(&table.spec.name)).await.expect("a catalogue");
        let columns = DigestColumn::of(&table.spec, catalog.table(&table.spec.name));
        let batch = source_batch(table, rows);
        for buckets in [1, 32] {
            let mut digest = TableDigest::new(columns.clone(), buckets);
            digest.add(&batch).expect("the batch fits");
            let found = target.digest(&table.spec, &record, buckets).await.expect("digests");
            assert_eq!(found, digest.buckets(), "{}", table.spec.name);
            assert_eq!(hex_of_buckets(&columns, &found), digest.hex());
        }
        let mut rows = row_digests(&columns, &batch, 32, &[7]).expect("the batch fits");
        rows.sort_by(|one, other| one.key.cmp(&other.key));
        let found = target.row_digests(&table.spec, &record, 32, &[7]).await.expect("row digests");
        assert!(found == rows, "{}", table.spec.name);
    }
}

#[tokio::test]
async fn agrees_with_sqlite() {
    agrees(&Place::sqlite()).await;
}

#[tokio::test]
async fn agrees_with_postgres() {
    let place = Place::postgres().await;
    agrees(&place).await;
    place.remove().await;
}

#[test]
fn parts_merge_into_the_whole() {
    let (patients, people) = (patients(), any_patients(100));
    let columns = DigestColumn::of(&patients.spec, None);
    let batch = source_batch(&patients, &people);
    let mut whole = TableDigest::new(columns.clone(), 8);
    whole.add(&batch).expect("the batch fits");
    let mut merged = TableDigest::new(columns.clone(), 8);
    for (start, length) in [(60, 40), (0, 25), (25, 35)] {
        let mut part = TableDigest::new(columns.clone(), 8);
        part.add(&batch.slice(start, length)).expect("the batch fits");
        merged.merge(&part);
    }
    assert_eq!(merged, whole);
    assert_eq!((merged.rows(), merged.hex()), (100, whole.hex()));
}

fn layer(rows: &[(i64, i32, Option<&str>)]) -> RecordBatch {
    let columns: [(&str, ArrayRef); 3] = [
        ("_row", Arc::new(rows.iter().map(|(row, _, _)| *row).collect::<Int64Array>())),
        ("_part", Arc::new(rows.iter().map(|(_, part, _)| *part).collect::<Int32Array>())),
        ("text", Arc::new(rows.iter().map(|(_, _, text)| *text).collect::<StringViewArray>())),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true)))
        .expect("equal lengths")
}

fn layer_hex(parts: &[&[(i64, i32, Option<&str>)]]) -> String {
    let mut digest = ArtefactDigest::default();
    for part in parts {
        let mut one = ArtefactDigest::default();
        one.add(&layer(part)).expect("the batch fits");
        digest.merge(&one).expect("the same columns");
    }
    digest.hex()
}

#[test]
fn layers_are_multisets_of_cells() {
    let (one, two, three) = ((1, 0, Some("a")), (1, 1, Some("")), (2, 0, None));
    let whole = layer_hex(&[&[one, two, three]]);
    assert_eq!(whole, layer_hex(&[&[three], &[two, one]]), "neither order nor parts matter");
    for other in [
        vec![one, two],
        vec![one, two, three, three],
        vec![(1, 0, Some("b")), two, three],
        vec![one, (1, 1, None), three],
        vec![one, two, (2, 0, Some(""))],
        vec![(1, 0, Some("")), (1, 1, Some("a")), three],
    ] {
        assert_ne!(whole, layer_hex(&[&other]), "{other:?}");
    }
}

/// What SQLite keeps as bytes and not as the text that was converted.
#[tokio::test]
async fn sqlite_keeps_bytes() {
    let place = Place::sqlite();
    let target = place.target().await;
    let ddl = "CREATE TABLE files (id TEXT PRIMARY KEY NOT NULL, content BLOB) STRICT";
    target.init(Some(ddl)).await.expect("the table");
    let column = |name: &str, role| ColumnSpec { name: name.to_owned(), role };
    let spec = TableSpec {
        name: "files".to_owned(),
        columns: vec![column("id", Role::Key(KeyKind::Natural)), column("content", Role::Data)],
        system: "sample".to_owned(),
        keyspace: "files".to_owned(),
        mode: WriteMode::Insert,
    };
    let texts = |texts: &[Option<&str>]| -> ArrayRef { Arc::new(texts.iter().collect::<StringViewArray>()) };
    let keys = texts(&[Some("1"), Some("2"), Some("3"), Some("4")]);
    let values = texts(&[Some("Zm9v"), Some("\\x00fF"), None, Some("")]);
    let columns = [("id", Arc::clone(&keys)), ("content", values), ("_key", keys)];
    let batch = RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true)));
    let batch = batch.expect("equal lengths");
    let catalog = target.catalog(&["files".to_owned()]).await.expect("a catalogue");
    let known = catalog.tables[0].column("content").expect("a column");
    let odd = texts(&[Some("Zm9v"), Some("no base64"), None]);
    assert_eq!(target.unfit("files", known, odd.as_ref()).expect("an answer"), [1]);
    let mut load = place::open(target.as_ref(), "1").await;
    load.write(&spec, &batch).await.expect("the rows fit");
    let record = load.commit(&place::outcome(&[("files", 4)])).await.expect("committed");
    let held = "SELECT group_concat(typeof(content) || ':' || hex(content), ' ') FROM (SELECT * FROM files ORDER BY id)";
    assert_eq!(place.value(held).await, "blob:666F6F blob:00FF null: blob:");
    let mut digest = TableDigest::new(DigestColumn::of(&spec, catalog.table("files")), 8);
    digest.add(&batch).expect("the batch fits");
    assert_eq!(target.digest(&spec, &record, 8).await.expect("digests"), digest.buckets());
    place.execute("UPDATE files SET content = x'00fe' WHERE id = '2'").await;
    assert_ne!(target.digest(&spec, &record, 8).await.expect("digests"), digest.buckets());
}
