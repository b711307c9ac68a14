//! The shared hash function against a real server.

use chartlift_io::hash::hash_text_extended;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::server::{Database, connect};

#[tokio::test]
async fn hashes_like_the_server() {
    let mut texts: Vec<String> =
        (0..=64).map(|length| "0123456789abcdefghij".repeat(4)[..length].to_owned()).collect();
    texts.extend([
        "á".to_owned(),
        "病歴".repeat(7),
        "🩺".repeat(33),
        "x".repeat(100_000),
        "e\u{301}\r\n\t".to_owned(),
    ]);
    let mut seeds: Vec<i64> = [0, 1, -1, i64::MIN, i64::MAX, 1 << 32, 1 << 31].repeat(10);
    seeds.truncate(texts.len());
    let mut runner = TestRunner::deterministic();
    let random = (".{0,80}", any::<i64>());
    for _ in 0..2_000 {
        let (text, seed) = random.new_tree(&mut runner).expect("a value").current();
        texts.push(text.replace('\0', "0"));
        seeds.push(seed);
    }
    let database = Database::create().await;
    let client = connect(&database.url).await;
    let sql = "SELECT hashtextextended(t COLLATE \"C\", s) FROM unnest($1::text[], $2::bigint[]) \
               WITH ORDINALITY AS given (t, s, n) ORDER BY n";
    let rows = client.query(sql, &[&texts, &seeds]).await.expect("hashes");
    assert_eq!(rows.len(), texts.len());
    for ((row, text), seed) in rows.iter().zip(&texts).zip(&seeds) {
        assert_eq!(row.get::<_, i64>(0), hash_text_extended(text.as_bytes(), *seed), "{text:?} under {seed}");
    }
    drop(client);
    database.remove().await;
}
