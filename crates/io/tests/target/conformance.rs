//! What every target must do. Each function gets one empty database.

use chartlift_io::Error;
use chartlift_io::target::{Begun, Bookkeeping, KeyKind, Role, Rulings, Target, TypeClass};

pub(crate) use crate::aftermath::*;
use crate::every_type::every_type;
pub(crate) use crate::linked::*;
pub(crate) use crate::modes::*;
use crate::place::{
    Cell, Kind, Place, Table, batch, cell_hashes, encounters, expected, header, key, load, open, outcome,
    patient, patients, practitioners, table, text,
};
pub(crate) use crate::roll_back::*;

pub(crate) async fn commits_every_type(place: &Place) {
    let target = place.ready().await;
    let (patients, rows) = (patients(), every_type());
    let record = load(target.as_ref(), "1", &[(&patients, &rows)]).await;
    assert_eq!((record.order.as_str(), record.state.as_str()), ("1", "committed"));
    assert_eq!((record.tables[0].name.as_str(), record.tables[0].rows), ("patients", rows.len() as u64));
    assert_eq!(target.find_load("1").await.expect("an answer"), Some(record.clone()));
    assert_eq!(place.value("SELECT count(*) FROM patients").await, rows.len().to_string());
    compare(target.as_ref(), &patients, &rows, &record).await;
}

/// Whole table, buckets and single rows: all as computed from the words of the test.
pub(crate) async fn compare(
    target: &dyn Target,
    table: &Table,
    rows: &[Vec<Cell>],
    record: &chartlift_io::target::LoadRecord,
) {
    for buckets in [1, 4, 64] {
        let found = target.digest(&table.spec, record, buckets).await.expect("digests");
        assert_eq!(found, expected(table, rows, buckets), "{} in {buckets} buckets", table.spec.name);
    }
    let found = target.row_digests(&table.spec, record, 1, &[0]).await.expect("row digests");
    assert_eq!(found.len(), rows.len());
    for row in rows {
        let (Cell::Key(name) | Cell::Text(name)) = &row[0] else { panic!("a key") };
        let found = found.iter().find(|found| found.key == *name).expect("the row");
        assert_eq!(found.cells, cell_hashes(table, row), "row {name}");
    }
}

pub(crate) async fn drop_means_nothing_happened(place: &Place) {
    let target = place.ready().await;
    let patients = patients();
    let mut load = open(target.as_ref(), "1").await;
    load.write(&patients.spec, &batch(&patients, &every_type())).await.expect("the rows fit");
    drop(load);
    assert_eq!(target.find_load("1").await.expect("an answer"), None);
    assert_eq!(place.value("SELECT count(*) FROM patients").await, "0");
    // The fence is free again, and the same rows fit.
    crate::place::load(target.as_ref(), "1", &[(&patients, &every_type())]).await;
}

pub(crate) async fn twice_is_already(place: &Place) {
    let target = place.ready().await;
    let patients = patients();
    let record = load(target.as_ref(), "1", &[(&patients, &every_type())]).await;
    match target.begin(&header("1")).await.expect("an answer") {
        Begun::Already(found) => assert_eq!(found, record),
        Begun::Open(_) => panic!("the order is loaded"),
    }
    assert_eq!(place.value("SELECT count(*) FROM patients").await, every_type().len().to_string());
}

pub(crate) async fn init_is_idempotent(place: &Place) {
    let target = place.target().await;
    assert_eq!(target.bookkeeping().await.expect("an answer"), Bookkeeping::Missing);
    assert_eq!(target.find_load("1").await.expect("an answer"), None);
    assert!(!target.catalog(&["patients".to_owned()]).await.expect("a catalogue").tables[0].exists);
    target.init(None).await.expect("made");
    target.init(None).await.expect("made before");
    assert_eq!(target.bookkeeping().await.expect("an answer"), Bookkeeping::Ready { version: 3 });
    let broken = "CREATE TABLE one (a integer);\nCREATE TABLE two (a integer, a integer)";
    let error = target.init(Some(broken)).await.expect_err("two columns of one name");
    assert!(matches!(error, Error::Refused { .. }), "{error}");
    let gone = target.catalog(&["one".to_owned()]).await.expect("a catalogue");
    assert!(!gone.tables[0].exists, "all in one transaction");
}

pub(crate) async fn needs_bookkeeping(place: &Place) {
    let target = place.target().await;
    let Err(error) = target.begin(&header("1")).await else { panic!("there is no bookkeeping") };
    assert_eq!(error.code(), "bookkeeping-missing");
    assert!(error.hint().is_some_and(|hint| hint.contains("chartlift target init")));
}

pub(crate) async fn newer_bookkeeping_is_refused(place: &Place) {
    let target = place.ready().await;
    let table = match place {
        Place::Sqlite(_) => "chartlift_version",
        Place::Postgres(_) => "chartlift.version",
    };
    place.execute(&format!("INSERT INTO {table} (version) VALUES (4)")).await;
    assert_eq!(target.bookkeeping().await.expect("an answer"), Bookkeeping::Newer { version: 4 });
    let Err(error) = target.begin(&header("1")).await else { panic!("a newer format") };
    assert_eq!(error.code(), "bookkeeping-newer");
}

pub(crate) async fn one_load_of_an_order_at_a_time(place: &Place) {
    let target = place.ready().await;
    let first = open(target.as_ref(), "1").await;
    let Err(error) = target.begin(&header("1")).await else { panic!("the order is being loaded") };
    assert!(matches!(error, Error::Fenced { .. }) || error.is_transient(), "{error}");
    drop(first);
    open(target.as_ref(), "1").await;
}

pub(crate) async fn reads_hostile_text_back(place: &Place) {
    let target = place.ready().await;
    let patients = patients();
    let texts = [
        "",
        " ",
        "\\N",
        "NULL",
        "null",
        "\\",
        "\\.",
        "'",
        "\"",
        ";--",
        "a\tb",
        "a\nb",
        "a\r\nb",
        "\u{feff}bom",
        "é",
        "e\u{301}",
        "世界",
        "🩺",
        "\u{202e}rtl",
        "%s {}",
        "-0",
        "1e5",
        "0123",
        "\u{1}\u{7f}",
        "x'; DROP TABLE patients; --",
    ];
    let mut rows: Vec<Vec<Cell>> =
        texts.iter().enumerate().map(|(index, text)| patient(&format!("{index}/{text}"), text)).collect();
    rows.push(patient("long", &"açúcar ".repeat(200_000)));
    let record = load(target.as_ref(), "o'1\"; --", &[(&patients, &rows)]).await;
    compare(target.as_ref(), &patients, &rows, &record).await;
}

pub(crate) async fn finds_a_changed_cell(place: &Place) {
    let target = place.ready().await;
    let (patients, rows) = (patients(), every_type());
    let record = load(target.as_ref(), "1", &[(&patients, &rows)]).await;
    place.execute("UPDATE patients SET visits = 4 WHERE visits = 3").await;
    let (found, wanted) = digests(target.as_ref(), &patients, &rows, &record).await;
    let different: Vec<(u32, usize)> = found
        .iter()
        .zip(&wanted)
        .flat_map(|(found, wanted)| {
            let columns = found.columns.iter().zip(&wanted.columns).enumerate();
            columns
                .filter(|(_, (found, wanted))| found != wanted)
                .map(|(index, _)| (found.bucket, index))
                .collect::<Vec<_>>()
        })
        .collect();
    let [(bucket, 2)] = different[..] else { panic!("one column of one bucket, not {different:?}") };
    let changed: Vec<String> = target
        .row_digests(&patients.spec, &record, 64, &[bucket])
        .await
        .expect("row digests")
        .into_iter()
        .filter(|found| !rows.iter().any(|row| cell_hashes(&patients, row) == found.cells))
        .map(|found| found.key)
        .collect();
    assert_eq!(changed, ["ordinary"]);
}

async fn digests(
    target: &dyn Target,
    table: &Table,
    rows: &[Vec<Cell>],
    record: &chartlift_io::target::LoadRecord,
) -> (Vec<chartlift_io::target::BucketDigest>, Vec<chartlift_io::target::BucketDigest>) {
    (target.digest(&table.spec, record, 64).await.expect("digests"), expected(table, rows, 64))
}

pub(crate) async fn finds_a_deleted_row(place: &Place) {
    let target = place.ready().await;
    let (patients, rows) = (patients(), every_type());
    let record = load(target.as_ref(), "1", &[(&patients, &rows)]).await;
    place.execute("DELETE FROM patients WHERE name = 'nulls'").await;
    let left: Vec<Vec<Cell>> = rows.into_iter().filter(|row| row[1] != text("nulls")).collect();
    compare(target.as_ref(), &patients, &left, &record).await;
}

fn encounter(name: &str, patient: &str, practitioner: Cell, part_of: Cell) -> Vec<Cell> {
    vec![key(name), key(patient), practitioner, part_of, text("note")]
}

pub(crate) async fn finds_a_row_under_another_parent(place: &Place) {
    let target = place.ready().await;
    let (patients, practitioners, encounters) = (patients(), practitioners(), encounters());
    let people = vec![patient("p1", "one"), patient("p2", "two")];
    let doctors = vec![vec![text("D 1"), text("Ana")], vec![text("D 2"), Cell::Null]];
    let mut visits =
        vec![encounter("e1", "p1", text("D 1"), Cell::Null), encounter("e2", "p2", Cell::Null, key("e1"))];
    let tables: [(&Table, &[Vec<Cell>]); 3] =
        [(&patients, &people), (&practitioners, &doctors), (&encounters, &visits)];
    let record = load(target.as_ref(), "1", &tables).await;
    compare(target.as_ref(), &practitioners, &doctors, &record).await;
    compare(target.as_ref(), &encounters, &visits, &record).await;
    place
        .execute(
            "UPDATE encounters SET patient = (SELECT id FROM patients WHERE name = 'two'), practitioner = 'D 2' \
             WHERE part_of IS NULL",
        )
        .await;
    visits[0][1] = key("p2");
    visits[0][2] = text("D 2");
    compare(target.as_ref(), &encounters, &visits, &record).await;
}

pub(crate) async fn ignores_rows_of_others(place: &Place) {
    let target = place.ready().await;
    let (patients, encounters) = (patients(), encounters());
    let first = vec![patient("p1", "one")];
    let second = vec![patient("p2", "two")];
    let visits = vec![encounter("e1", "p1", Cell::Null, Cell::Null)];
    let one = load(target.as_ref(), "1", &[(&patients, &first)]).await;
    // The second load refers to a row of the first.
    let two = load(target.as_ref(), "2", &[(&patients, &second), (&encounters, &visits)]).await;
    place
        .execute("INSERT INTO patients (id, name) VALUES ('00000000-0000-0000-0000-000000000001', 'by hand')")
        .await;
    compare(target.as_ref(), &patients, &first, &one).await;
    compare(target.as_ref(), &patients, &second, &two).await;
    compare(target.as_ref(), &encounters, &visits, &two).await;
    let of_first = target.digest(&encounters.spec, &one, 1).await.expect("a digest");
    assert!(of_first.iter().all(|bucket| bucket.rows == 0));
}

pub(crate) async fn refers_within_a_table(place: &Place) {
    let target = place.ready().await;
    let (patients, encounters) = (patients(), encounters());
    let people = vec![patient("p1", "one")];
    // Children before their parents.
    let visits: Vec<Vec<Cell>> = (0..500)
        .map(|index| {
            let parent = if index == 499 { Cell::Null } else { key(&format!("e{}", index + 1)) };
            encounter(&format!("e{index}"), "p1", Cell::Null, parent)
        })
        .collect();
    let record = load(target.as_ref(), "1", &[(&patients, &people), (&encounters, &visits)]).await;
    compare(target.as_ref(), &encounters, &visits, &record).await;
}

fn assert_silent(error: &Error, value: &str) {
    let mut told = format!("{error} {error:?}");
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        told.push_str(&format!(" {error} {error:?}"));
        source = error.source();
    }
    assert!(!told.contains(value), "the error tells a value: {told}");
}

/// Writes and commits what must be refused on the way.
async fn refusal(target: &dyn Target, order: &str, tables: &[(&Table, &[Vec<Cell>])]) -> Error {
    let mut load = open(target, order).await;
    let mut announced = Vec::new();
    for (table, rows) in tables {
        if let Err(error) = load.write(&table.spec, &batch(table, rows)).await {
            return error;
        }
        match load.merge(&table.spec, &Rulings::default()).await {
            Ok(merged) => announced.push((table.spec.name.as_str(), merged.loaded())),
            Err(error) => return error,
        }
    }
    load.commit(&outcome(&announced)).await.expect_err("it must be refused")
}

pub(crate) async fn refuses_taken_keys_without_telling_values(place: &Place) {
    let target = place.ready().await;
    let practitioners = practitioners();
    let row = vec![vec![text("CANARY-7f3a"), text("Ana")]];
    load(target.as_ref(), "1", &[(&practitioners, &row)]).await;
    let error = refusal(target.as_ref(), "2", &[(&practitioners, &row)]).await;
    let Error::Refused { refusal, .. } = &error else { panic!("{error:?}") };
    assert_eq!(refusal.table.as_deref(), Some("practitioners"));
    assert!(!error.is_transient());
    assert_silent(&error, "CANARY-7f3a");
    assert_eq!(target.find_load("2").await.expect("an answer"), None);
    assert_eq!(place.value("SELECT count(*) FROM practitioners").await, "1");
}

pub(crate) async fn refuses_loose_references(place: &Place) {
    let target = place.ready().await;
    let visits = vec![encounter("CANARY-51", "nobody", Cell::Null, Cell::Null)];
    let error = refusal(target.as_ref(), "1", &[(&encounters(), &visits)]).await;
    let Error::Refused { refusal, .. } = &error else { panic!("{error:?}") };
    assert_eq!(refusal.table.as_deref(), Some("encounters"));
    assert_silent(&error, "CANARY-51");
    assert_eq!(place.value("SELECT count(*) FROM encounters").await, "0");
}

pub(crate) async fn refuses_missing_values(place: &Place) {
    let target = place.ready().await;
    let mut row = patient("CANARY-52", "x");
    row[1] = Cell::Null;
    let error = refusal(target.as_ref(), "1", &[(&patients(), &[row])]).await;
    let Error::Refused { refusal, .. } = &error else { panic!("{error:?}") };
    assert_eq!(refusal.table.as_deref(), Some("patients"));
    assert_eq!(refusal.column.as_deref(), Some("name"));
    assert_silent(&error, "CANARY-52");
}

pub(crate) async fn refuses_what_was_not_announced(place: &Place) {
    let target = place.ready().await;
    let patients = patients();
    let mut load = open(target.as_ref(), "1").await;
    load.write(&patients.spec, &batch(&patients, &[patient("p1", "one")])).await.expect("the row fits");
    load.commit(&outcome(&[("patients", 2)])).await.expect_err("one row, not two");
    assert_eq!(place.value("SELECT count(*) FROM patients").await, "0");
}

pub(crate) async fn a_failed_write_cannot_be_committed(place: &Place) {
    let target = place.ready().await;
    let patients = patients();
    let mut load = open(target.as_ref(), "1").await;
    load.write(&patients.spec, &batch(&patients, &[patient("p1", "one")])).await.expect("the row fits");
    let mut unfit = patient("p2", "two");
    unfit[5] = Cell::Date(i32::MAX, "too late");
    let error = load.write(&patients.spec, &batch(&patients, &[unfit])).await.expect_err("no such date");
    assert!(
        matches!(&error, Error::Value { table, column, .. } if table == "patients" && column == "born"),
        "{error}"
    );
    load.commit(&outcome(&[("patients", 1)])).await.expect_err("the load has failed");
    assert_eq!(place.value("SELECT count(*) FROM patients").await, "0");
}

pub(crate) async fn catalogue_tells_keys(place: &Place) {
    let target = place.ready().await;
    place
        .execute("CREATE TABLE odd (\"Odd Name\" integer DEFAULT 1, a integer, b integer, UNIQUE (b, a))")
        .await;
    let names = ["encounters", "odd", "missing"].map(str::to_owned);
    let catalog = target.catalog(&names).await.expect("a catalogue");
    let encounters = catalog.table("encounters").expect("an entry");
    assert!(encounters.exists);
    assert_eq!(encounters.primary_key, ["id"]);
    let mut keys: Vec<_> = encounters
        .foreign_keys
        .iter()
        .map(|key| (key.columns.join(","), key.table.as_str(), key.referred_columns.join(",")))
        .collect();
    keys.sort();
    let wanted = [
        ("part_of", "encounters", "id"),
        ("patient", "patients", "id"),
        ("practitioner", "practitioners", "code"),
    ];
    assert_eq!(keys, wanted.map(|(column, table, key)| (column.to_owned(), table, key.to_owned())));
    assert!(!encounters.column("patient").expect("a column").nullable);
    assert!(encounters.column("note").expect("a column").nullable);
    let odd = catalog.table("odd").expect("an entry");
    assert!(odd.column("Odd Name").expect("a column").has_default);
    assert_eq!(odd.unique_keys, [["b", "a"]]);
    assert!(!catalog.table("missing").expect("an entry").exists);
    let note = encounters.column("note").expect("a column").class;
    assert!(matches!(note, TypeClass::Text | TypeClass::AnyText));
}

/// Also where the table itself has no key: the crosswalk has one.
pub(crate) async fn refuses_a_source_key_twice(place: &Place) {
    let target = place.ready().await;
    place.execute("CREATE TABLE loose (code text, name text)").await;
    let loose = table(
        "loose",
        &[("code", Role::Key(KeyKind::Natural), Kind::Text), ("name", Role::Data, Kind::Text)],
    );
    let row = vec![text("CANARY-53"), text("Ana")];
    let twice = refusal(target.as_ref(), "1", &[(&loose, &[row.clone(), row.clone()])]).await;
    load(target.as_ref(), "1", &[(&loose, std::slice::from_ref(&row))]).await;
    let again = refusal(target.as_ref(), "2", &[(&loose, &[row])]).await;
    for error in [twice, again] {
        assert!(matches!(error, Error::Refused { .. }) && !error.is_transient(), "{error:?}");
        assert_silent(&error, "CANARY-53");
    }
    assert_eq!(place.value("SELECT count(*) FROM loose").await, "1");
}

/// Later loads of a series use keyspaces that others made, and may bring new ones.
pub(crate) async fn later_loads_share_keyspaces(place: &Place) {
    let target = place.ready().await;
    let (patients, practitioners) = (patients(), practitioners());
    let first = vec![patient("p1", "one"), patient("p2", "two")];
    let second = vec![patient("p3", "three")];
    let doctors = vec![vec![text("D 1"), text("Ana")]];
    let one = load(target.as_ref(), "1", &[(&patients, &first)]).await;
    let two = load(target.as_ref(), "2", &[(&practitioners, &doctors), (&patients, &second)]).await;
    compare(target.as_ref(), &patients, &first, &one).await;
    compare(target.as_ref(), &patients, &second, &two).await;
    compare(target.as_ref(), &practitioners, &doctors, &two).await;
}

/// More crosswalk than is kept in memory, so that copies of rows and of the crosswalk alternate.
pub(crate) async fn alternates_rows_and_crosswalk(place: &Place) {
    let target = place.ready().await;
    let things = table(
        "things",
        &[
            ("id", Role::Key(KeyKind::Uuid), Kind::Uuid),
            ("patient", Role::Reference { table: "patients".to_owned(), kind: KeyKind::Uuid }, Kind::Uuid),
        ],
    );
    let kind = if matches!(place, Place::Sqlite(_)) { "text" } else { "uuid" };
    place
        .execute(&format!(
            "CREATE TABLE things (id {kind} PRIMARY KEY, patient {kind} REFERENCES patients (id))"
        ))
        .await;
    let patients = patients();
    let people = vec![patient("p1", "one")];
    let rows: Vec<Vec<Cell>> =
        (0..30_000).map(|index| vec![key(&format!("{index:0>150}")), key("p1")]).collect();
    let mut load = open(target.as_ref(), "1").await;
    load.write(&patients.spec, &batch(&patients, &people)).await.expect("the row fits");
    for part in rows.chunks(10_000) {
        load.write(&things.spec, &batch(&things, part)).await.expect("the rows fit");
    }
    let record = load.commit(&outcome(&[("patients", 1), ("things", 30_000)])).await.expect("committed");
    let found = target.digest(&things.spec, &record, 16).await.expect("digests");
    assert_eq!(found, expected(&things, &rows, 16));
}

pub(crate) async fn loads_nothing(place: &Place) {
    let target = place.ready().await;
    let patients = patients();
    let mut load = open(target.as_ref(), "1").await;
    assert_eq!(load.write(&patients.spec, &batch(&patients, &[])).await.expect("no rows"), 0);
    let record = load.commit(&outcome(&[("patients", 0), ("encounters", 0)])).await.expect("committed");
    let rows: u64 = target
        .digest(&patients.spec, &record, 4)
        .await
        .expect("digests")
        .iter()
        .map(|found| found.rows)
        .sum();
    assert_eq!(rows, 0);
    assert_eq!(target.row_digests(&patients.spec, &record, 1, &[0]).await.expect("none").len(), 0);
}
