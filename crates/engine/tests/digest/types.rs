//! Thousands of generated values of every type: written by binary COPY, compared row by row with what the server makes
//! of the same text by itself, and by digest with the engine's.
//!
//! Another seed: `CHARTLIFT_SEED=7`, more rows: `CHARTLIFT_CASES=100000`.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int64Array, StringViewArray,
    TimestampMicrosecondArray,
};
use arrow::record_batch::RecordBatch;
use chartlift_engine::digest::{DigestColumn, TableDigest};
use chartlift_io::target::{ColumnSpec, KeyKind, Role, TableSpec, Target, WriteMode};

use crate::place::{Place, open, outcome};
use crate::server::connect;

#[expect(clippy::disallowed_methods, reason = "the environment says which and how many values")]
fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// SplitMix64: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn between(&mut self, low: i64, high: i64) -> i64 {
        (i128::from(low) + i128::from(self.next()) % (i128::from(high) - i128::from(low) + 1)) as i64
    }

    fn one<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len() as u64) as usize]
    }

    fn digits(&mut self, count: u64) -> String {
        (0..count).map(|_| char::from(b'0' + self.below(10) as u8)).collect()
    }

    fn text(&mut self) -> String {
        const PIECES: &[&str] = &[
            "a", "B", " ", "  ", "\t", "\n", "\r\n", "\\", "\\N", "\"", "'", "{", "}", ",", "null", "NULL",
            "é", "e\u{301}", "\u{202e}", "🩺", "世", "\u{1}", "\u{7f}", "\u{feff}", "0", "-", ";", "%s",
            "\u{b}",
        ];
        (0..self.below(7)).map(|_| self.one(PIECES)).collect()
    }

    fn uuid(&mut self) -> String {
        let hex = format!("{:016x}{:016x}", self.next(), self.next());
        let cut = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-");
        if self.below(2) == 0 { cut } else { cut.to_uppercase() }
    }

    /// At most 20 digits before the point and 18 after it, without idle zeros before it.
    fn decimal(&mut self) -> String {
        let count = self.below(20);
        let whole = self.digits(count + 1);
        let whole = whole.trim_start_matches('0');
        let whole = if whole.is_empty() { "0" } else { whole };
        let fraction = match self.below(18) {
            0 => String::new(),
            places => format!(".{}", self.digits(places)),
        };
        let number = format!("{whole}{fraction}");
        // Converted numbers know no negative zero.
        let zero = number.bytes().all(|byte| matches!(byte, b'0' | b'.'));
        if !zero && self.below(2) == 0 { format!("-{number}") } else { number }
    }

    fn day(&mut self) -> String {
        let month = self.between(1, 12);
        format!("{:04}-{month:02}-{:02}", self.between(1, 9999), self.between(1, 28))
    }

    fn clock(&mut self, most_digits: u64) -> String {
        let clock = format!("{:02}:{:02}:{:02}", self.below(24), self.below(60), self.below(60));
        match self.below(most_digits + 1) {
            0 => clock,
            places => format!("{clock}.{}", self.digits(places)),
        }
    }

    fn instant(&mut self, digits: u64) -> String {
        format!("{}T{}Z", self.day(), self.clock(digits))
    }

    fn unusual(&mut self, usual: String) -> String {
        match self.below(4) {
            0 => self.one(&["infinity", "-infinity"]).to_owned(),
            1 => format!("{:04}{} BC", self.between(1, 4712), &usual[4..]),
            _ => usual,
        }
    }

    fn json_text(&mut self) -> String {
        let mut out = String::from("\"");
        for character in self.text().chars() {
            match character {
                '"' | '\\' => out.extend(['\\', character]),
                control if control < ' ' => {
                    let _ = write!(out, "\\u{:04X}", u32::from(control));
                }
                other => out.push(other),
            }
        }
        out.push_str(self.one(&["", "\\/", "\\b\\f\\n\\r\\t", "\\ud83d\\ude00", "\\u00e9"]));
        out.push('"');
        out
    }

    fn json_number(&mut self) -> String {
        let mut number = match self.below(12) {
            0 => self.one(&["-0", "-0.0", "0e9", "-0.00e1"]).to_owned(),
            _ => self.decimal(),
        };
        if !number.contains('e') && self.below(3) == 0 {
            let (sign, size) = (self.one(&["", "+", "-"]), self.below(40));
            let _ = write!(number, "{}{sign}{size}", self.one(&["e", "E"]));
        }
        number
    }

    fn json(&mut self, depth: u64) -> String {
        let space = self.one(&["", "", " ", "\n", "\t "]);
        match self.below(if depth == 0 { 4 } else { 7 }) {
            0 => self.one(&["null", "true", "false"]).to_owned(),
            1 | 2 => self.json_number(),
            3 => self.json_text(),
            4 | 5 => {
                // Few names, so that some are equal; of several lengths, so that they are sorted.
                let member = |random: &mut Self| {
                    let name = match random.below(3) {
                        0 => random.json_text(),
                        _ => random.one(&["\"a\"", "\"b\"", "\"aa\"", "\"\"", "\"é\"", "\"Z\""]).to_owned(),
                    };
                    format!("{name}{space}:{}", random.json(depth - 1))
                };
                let members: Vec<String> = (0..self.below(5)).map(|_| member(self)).collect();
                format!("{{{space}{}}}", members.join(&format!("{space},")))
            }
            _ => {
                let values: Vec<String> = (0..self.below(5)).map(|_| self.json(depth - 1)).collect();
                format!("[{}{space}]", values.join(&format!(",{space}")))
            }
        }
    }

    fn array(&mut self, element: fn(&mut Self) -> String) -> String {
        let one = |random: &mut Self| {
            if random.below(6) == 0 { "null".to_owned() } else { element(random) }
        };
        let values: Vec<String> = (0..self.below(6)).map(|_| one(self)).collect();
        format!("[{}]", values.join(self.one(&[",", ", ", " ,\n"])))
    }
}

/// A column's type, how the server reads the text `t` by itself, and the values in both forms.
struct Case {
    column: &'static str,
    oracle: String,
    make: fn(&mut Random) -> String,
    /// From the texts.
    array: fn(&[Option<String>]) -> ArrayRef,
}

fn texts(values: &[Option<String>]) -> ArrayRef {
    Arc::new(values.iter().map(Option::as_deref).collect::<StringViewArray>())
}

fn integers(values: &[Option<String>]) -> ArrayRef {
    let parsed = values.iter().map(|text| text.as_ref().map(|text| text.parse().expect("a number")));
    Arc::new(parsed.collect::<Int64Array>())
}

fn decimals(values: &[Option<String>]) -> ArrayRef {
    let parsed = values.iter().map(|text| {
        text.as_ref().map(|text| {
            let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
            format!("{whole}{fraction:0<18}").parse::<i128>().expect("a number")
        })
    });
    Arc::new(parsed.collect::<Decimal128Array>().with_precision_and_scale(38, 18).expect("38 digits"))
}

fn days(values: &[Option<String>]) -> ArrayRef {
    let day = |text: &String| {
        let day: chrono::NaiveDate = text.parse().expect("a day");
        (day - chrono::NaiveDate::default()).num_days() as i32
    };
    Arc::new(values.iter().map(|text| text.as_ref().map(day)).collect::<Date32Array>())
}

fn instants(values: &[Option<String>]) -> ArrayRef {
    let micros =
        |text: &String| text.parse::<chrono::DateTime<chrono::Utc>>().expect("an instant").timestamp_micros();
    let values = values.iter().map(|text| text.as_ref().map(micros));
    Arc::new(values.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
}

fn booleans(values: &[Option<String>]) -> ArrayRef {
    Arc::new(values.iter().map(|text| text.as_ref().map(|text| text == "true")).collect::<BooleanArray>())
}

fn case(
    column: &'static str,
    array: fn(&[Option<String>]) -> ArrayRef,
    make: fn(&mut Random) -> String,
) -> Case {
    Case { column, oracle: format!("t::{column}"), make, array }
}

/// The server takes the elements out of the JSON by itself.
fn array(column: &'static str, make: fn(&mut Random) -> String) -> Case {
    let element = column.trim_end_matches("[]");
    let oracle = format!("array(SELECT e::{element} FROM json_array_elements_text(t::json) e)");
    Case { column, oracle, make, array: texts }
}

#[expect(clippy::too_many_lines, reason = "every type once")]
fn cases() -> Vec<Case> {
    let with = |oracle: &str, case: Case| Case { oracle: oracle.to_owned(), ..case };
    vec![
        case("text", texts, Random::text),
        case("varchar(30)", texts, |random| random.text().chars().take(30).collect()),
        case("char(6)", texts, |random| {
            let short: String = random.text().chars().take(6).collect();
            short.trim_end_matches(' ').to_owned()
        }),
        case("mood", texts, |random| random.one(&["ok", "não", "it's \"x\"", " "]).to_owned()),
        case("short_code", texts, |random| random.digits(4)),
        case("uuid", texts, Random::uuid),
        case("json", texts, |random| random.json(3)),
        case("jsonb", texts, |random| random.json(3)),
        with(
            "decode(t, 'base64')",
            case("bytea", texts, |random| {
                const SIGNS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
                let sign = |random: &mut Random| char::from(SIGNS[random.below(64) as usize]);
                let groups: String = (0..random.below(9) * 4).map(|_| sign(random)).collect();
                groups + random.one(&["", "Zg==", "Zm8="])
            }),
        ),
        case("bytea", texts, |random| {
            let count = random.below(9);
            (0..count).fold("\\x".to_owned(), |text, _| format!("{text}{:02X}", random.below(256)))
        }),
        case("smallint", integers, |random| random.between(-32_768, 32_767).to_string()),
        case("integer", integers, |random| random.between(i32::MIN.into(), i32::MAX.into()).to_string()),
        case("bigint", integers, |random| random.between(i64::MIN, i64::MAX).to_string()),
        case("numeric", integers, |random| random.between(i64::MIN, i64::MAX).to_string()),
        // Numbers have no idle zeros.
        with("trim_scale(t::numeric)", case("numeric", decimals, Random::decimal)),
        case("numeric(12,4)", decimals, |random| {
            format!("{}.{}", random.between(-99_999_999, 99_999_999), random.digits(4))
        }),
        case("real", decimals, Random::decimal),
        case("double precision", decimals, Random::decimal),
        case("double precision", integers, |random| random.between(-(1 << 53), 1 << 53).to_string()),
        case("boolean", booleans, |random| random.one(&["true", "false"]).to_owned()),
        case("date", days, Random::day),
        case("date", texts, |random| {
            let day = random.day();
            random.unusual(day)
        }),
        case("time", texts, |random| random.clock(6)),
        case("time(2)", texts, |random| random.clock(2)),
        case("timestamp", instants, |random| random.instant(6)),
        case("timestamptz", instants, |random| random.instant(6)),
        case("timestamptz(3)", instants, |random| random.instant(3)),
        case("timestamp(0)", instants, |random| random.instant(0)),
        case("timestamp", texts, |random| {
            let instant = random.instant(6);
            random.unusual(instant)
        }),
        case("timestamptz(1)", texts, |random| {
            let instant = random.instant(1);
            random.unusual(instant)
        }),
        array("text[]", |random| random.array(Random::json_text)),
        array("varchar(40)[]", |random| random.array(Random::json_text)),
        array("uuid[]", |random| random.array(|random| format!("\"{}\"", random.uuid()))),
        array("smallint[]", |random| random.array(|random| random.between(-32_768, 32_767).to_string())),
        array("integer[]", |random| random.array(|random| random.between(-9, 99_999).to_string())),
        array("bigint[]", |random| random.array(|random| random.between(i64::MIN, i64::MAX).to_string())),
        with(
            "array(SELECT trim_scale(e::numeric) FROM json_array_elements_text(t::json) e)",
            array("numeric[]", |random| random.array(Random::decimal)),
        ),
        array("numeric(9,3)[]", |random| {
            random.array(|random| format!("{}.{}", random.between(0, 999_999), random.digits(3)))
        }),
        array("boolean[]", |random| random.array(|random| random.one(&["true", "false"]).to_owned())),
        array("date[]", |random| random.array(|random| format!("\"{}\"", random.day()))),
        array("timestamp[]", |random| random.array(|random| format!("\"{}\"", random.instant(6)))),
        array("timestamptz(2)[]", |random| {
            random.array(|random| {
                let instant = random.instant(2);
                format!("\"{}\"", random.unusual(instant))
            })
        }),
    ]
}

#[tokio::test]
async fn every_type_comes_back_as_the_server_reads_it() {
    let (seed, count) = (setting("CHARTLIFT_SEED", 1), setting("CHARTLIFT_CASES", 3_000));
    println!("CHARTLIFT_SEED={seed} CHARTLIFT_CASES={count}");
    let place = Place::postgres().await;
    place
        .execute(
            "CREATE TYPE mood AS ENUM ('ok', 'não', 'it''s \"x\"', ' '); CREATE DOMAIN code AS varchar(5); \
             CREATE DOMAIN short_code AS code CHECK (value ~ '^[0-9]*$')",
        )
        .await;
    let target = place.target().await;
    target.init(None).await.expect("bookkeeping");
    for (number, case) in cases().iter().enumerate() {
        let mut random = Random(seed.wrapping_mul(1_000_003).wrapping_add(number as u64));
        let values: Vec<Option<String>> =
            (0..count).map(|_| (random.below(20) > 0).then(|| (case.make)(&mut random))).collect();
        round_trip(&place, target.as_ref(), number, case, &values).await;
    }
    place.remove().await;
}

async fn round_trip(
    place: &Place,
    target: &dyn Target,
    number: usize,
    case: &Case,
    values: &[Option<String>],
) {
    let (name, column) = (format!("one_{number}"), case.column);
    place.execute(&format!("CREATE TABLE {name} (id text PRIMARY KEY, value {column})")).await;
    let spec = TableSpec {
        system: "sample".into(),
        name: name.clone(),
        columns: vec![
            ColumnSpec { name: "id".to_owned(), role: Role::Key(KeyKind::Natural) },
            ColumnSpec { name: "value".to_owned(), role: Role::Data },
        ],
        keyspace: name.clone(),
        mode: WriteMode::Insert,
    };
    let ids: Vec<String> = (0..values.len()).map(|row| format!("{row:06}")).collect();
    let keys: ArrayRef = Arc::new(StringViewArray::from_iter_values(&ids));
    let columns = [("id", Arc::clone(&keys)), ("value", (case.array)(values)), ("_key", keys)];
    let batch = RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true)));
    let batch = batch.expect("equal lengths");
    let catalog = target.catalog(std::slice::from_ref(&name)).await.expect("a catalogue");
    let known = catalog.tables[0].column("value").expect("a column");
    let unfit = target.unfit(&name, known, batch.column(1).as_ref()).expect("an answer");
    assert_eq!(
        unfit.iter().map(|row| &values[*row as usize]).collect::<Vec<_>>(),
        Vec::<&_>::new(),
        "{column}"
    );
    let mut load = open(target, &name).await;
    let written = load.write(&spec, &batch).await.unwrap_or_else(|error| panic!("{column}: {error}"));
    let record =
        load.commit(&outcome(&[(&name, written)])).await.unwrap_or_else(|error| panic!("{column}: {error}"));

    let client = connect(&place.url()).await;
    let sql = format!(
        "SELECT t, value::text, ({oracle})::text FROM {name} \
         JOIN unnest($1::text[], $2::text[]) u (id, t) USING (id) \
         WHERE value::text IS DISTINCT FROM CASE WHEN t IS NOT NULL THEN ({oracle})::text END LIMIT 3",
        oracle = case.oracle,
    );
    client.batch_execute("SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'").await.expect("settings");
    let other =
        client.query(&sql, &[&ids, &values]).await.unwrap_or_else(|error| panic!("{column}: {error:?}"));
    let other: Vec<[Option<String>; 3]> =
        other.iter().map(|row| [row.get(0), row.get(1), row.get(2)]).collect();
    assert!(other.is_empty(), "{column}: as given, as held, as the server reads it: {other:#?}");

    let columns = DigestColumn::of(&spec, catalog.table(&name));
    let mut digest = TableDigest::new(columns, 64);
    digest.add(&batch).expect("the batch fits");
    let found = target.digest(&spec, &record, 64).await.expect("digests");
    assert!(found == digest.buckets(), "{column}: the digests differ");
}
