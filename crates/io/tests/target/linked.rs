//! What every target must do for tables whose rows are matched or get their keys from the target itself.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringViewArray};
use arrow::record_batch::RecordBatch;
use chartlift_io::Error;
use chartlift_io::target::{
    Begun, Bookkeeping, KeyKind, Load, LoadHeader, LoadRecord, Role, TableSpec, Target,
};

use crate::place::{Cell, Kind, Place, Table, array, expected, header, key, open, outcome, table, text};

use crate::roll_back::removed;

fn people(kind: Kind) -> Table {
    table("people", &[("id", Role::Key(KeyKind::Linked), kind), ("name", Role::Data, Kind::Text)])
}

fn visits(kind: Kind) -> Table {
    let person = Role::Reference { table: "people".to_owned(), kind: KeyKind::Linked };
    table("visits", &[("id", Role::Key(KeyKind::Linked), kind), ("person", person, kind)])
}

/// People and visits with integer keys; three people are there, numbered by hand.
async fn ready(place: &Place) -> Box<dyn Target> {
    let target = place.target().await;
    let number = match place {
        Place::Sqlite(_) => "INTEGER PRIMARY KEY AUTOINCREMENT",
        Place::Postgres(_) => "integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    };
    let given = match place {
        Place::Sqlite(_) => "",
        Place::Postgres(_) => "OVERRIDING SYSTEM VALUE",
    };
    let ddl = format!(
        "CREATE TABLE people (id {number}, name text NOT NULL);\n\
         CREATE TABLE visits (id {number}, person integer NOT NULL REFERENCES people (id));\n\
         INSERT INTO people (id, name) {given} VALUES (1, 'Ana'), (2, 'Bia'), (5, 'CANARY-91');"
    );
    target.init(Some(&ddl)).await.expect("the tables can be made");
    target
}

/// Rows of a linked table: source keys apart from the cells, which are the target's.
fn rows_of(table: &Table, rows: &[(&str, Vec<Cell>)]) -> RecordBatch {
    let mut columns: Vec<(String, ArrayRef)> = Vec::new();
    for (index, (column, kind)) in table.spec.columns.iter().zip(&table.kinds).enumerate() {
        let cells: Vec<Cell> = rows.iter().map(|(_, cells)| cells[index].clone()).collect();
        columns.push((column.name.clone(), array(&cells, *kind)));
    }
    let keys: StringViewArray = rows.iter().map(|(key, _)| Some(*key)).collect();
    columns.push(("_key".to_owned(), Arc::new(keys)));
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)))
        .expect("equal lengths")
}

fn pair(source: &str, target: &str) -> (String, String) {
    (source.to_owned(), target.to_owned())
}

async fn everything(place: &Place) -> String {
    let people = "SELECT coalesce(sum(id * 31 + length(name)), 0) || '/' || count(*) FROM people";
    place.value(people).await + "," + &place.value("SELECT count(*) FROM visits").await
}

async fn digest(target: &dyn Target, table: &Table, record: &LoadRecord, rows: &[Vec<Cell>]) {
    let found = target.digest(&table.spec, record, 16).await.expect("digests");
    assert_eq!(found, expected(table, rows, 16));
    let chosen: Vec<u32> = (0..16).collect();
    assert_eq!(target.row_digests(&table.spec, record, 16, &chosen).await.expect("rows").len(), rows.len());
}

/// Ana is matched and Dora made; each has a visit.
async fn first_load(target: &dyn Target, order: &str) -> LoadRecord {
    let (people, visits) = (people(Kind::Integer), visits(Kind::Integer));
    let mut load = open(target, order).await;
    load.lock(&[people.spec.clone(), visits.spec.clone()]).await.expect("locks");
    let dora = load.reserve(&people.spec, 1).await.expect("a number")[0];
    let seen = load.reserve(&visits.spec, 2).await.expect("numbers");
    load.link(&people.spec, &[pair("a", "1")], 0).await.expect("linked");
    let made = rows_of(&people, &[("d", vec![Cell::Integer(dora), text("Dora")])]);
    assert_eq!(load.write(&people.spec, &made).await.expect("the row fits"), 1);
    let both = [
        ("v1", vec![Cell::Integer(seen[0]), Cell::Integer(1)]),
        ("v2", vec![Cell::Integer(seen[1]), Cell::Integer(dora)]),
    ];
    assert_eq!(load.write(&visits.spec, &rows_of(&visits, &both)).await.expect("the rows fit"), 2);
    load.commit(&outcome(&[("people", 1), ("visits", 2)])).await.expect("committed")
}

pub(crate) async fn tells_what_is_there(place: &Place) {
    let target = ready(place).await;
    let spec = people(Kind::Integer).spec;
    let columns = ["name".to_owned()];
    let before = target.existing(&spec, &columns, "clinic-1").await.expect("an answer");
    let mut rows: Vec<(String, Option<String>)> =
        before.rows.iter().map(|row| (row.key.clone(), row.cells[0].clone())).collect();
    rows.sort();
    let wanted = [("1", "Ana"), ("2", "Bia"), ("5", "CANARY-91")];
    assert_eq!(rows, wanted.map(|(key, name)| (key.to_owned(), Some(name.to_owned()))));
    assert!(before.links.is_empty());
    let record = first_load(target.as_ref(), "1").await;
    let after = target.existing(&spec, &[], "clinic-1").await.expect("an answer");
    assert_eq!(after.rows.len(), 4);
    let mut links: Vec<(&str, bool, i64)> =
        after.links.iter().map(|link| (link.source_key.as_str(), link.created, link.load)).collect();
    links.sort_unstable();
    assert_eq!(links, [("a", false, record.id), ("d", true, record.id)]);
    let others = target.existing(&spec, &[], "clinic-2").await.expect("an answer");
    assert!(others.links.is_empty(), "another series has links of its own");
}

pub(crate) async fn assigns_numbers_that_no_row_has(place: &Place) {
    let target = ready(place).await;
    let spec = people(Kind::Integer).spec;
    let mut load = open(target.as_ref(), "1").await;
    load.lock(std::slice::from_ref(&spec)).await.expect("locked");
    assert!(load.reserve(&spec, 0).await.expect("nothing").is_empty());
    // The sequence lags behind the rows that were numbered by hand.
    let mut numbers = load.reserve(&spec, 40).await.expect("numbers");
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 40);
    assert!(numbers.iter().all(|number| *number > 0 && ![1, 2, 5].contains(number)), "{numbers:?}");
}

pub(crate) async fn assigns_numbers_where_there_is_no_sequence(place: &Place) {
    let target = ready(place).await;
    place.execute("CREATE TABLE plain (id integer PRIMARY KEY); INSERT INTO plain VALUES (7)").await;
    let plain = table("plain", &[("id", Role::Key(KeyKind::Linked), Kind::Integer)]);
    let mut load = open(target.as_ref(), "1").await;
    load.lock(std::slice::from_ref(&plain.spec)).await.expect("locked");
    assert_eq!(load.reserve(&plain.spec, 2).await.expect("numbers"), [8, 9]);
}

pub(crate) async fn matched_rows_are_linked_and_stay(place: &Place) {
    let target = ready(place).await;
    let before = everything(place).await;
    let record = first_load(target.as_ref(), "1").await;
    let people_loaded = record.tables.iter().find(|table| table.name == "people").expect("an entry");
    assert_eq!((people_loaded.rows, people_loaded.matched), (1, 1));
    digest(target.as_ref(), &people(Kind::Integer), &record, &[vec![key("d"), text("Dora")]]).await;
    let seen = [vec![key("v1"), key("a")], vec![key("v2"), key("d")]];
    digest(target.as_ref(), &visits(Kind::Integer), &record, &seen).await;
    // Under another person the visit is another.
    place.execute("UPDATE visits SET person = 2 WHERE person = 1").await;
    let moved = target.digest(&visits(Kind::Integer).spec, &record, 16).await.expect("digests");
    assert_ne!(moved, expected(&visits(Kind::Integer), &seen, 16));
    let specs = [visits(Kind::Integer).spec, people(Kind::Integer).spec];
    for dry_run in [true, false] {
        assert_ne!(everything(place).await, before, "it was only tried");
        let mut open = target.begin_roll_back(&record, &specs).await.expect("nothing stands against it");
        let standing = open.standing().await.expect("an answer");
        assert_eq!(standing.iter().map(|one| one.source_key.as_str()).collect::<Vec<_>>(), ["v1"]);
        // Nothing is kept, on purpose.
        let done = open.finish(dry_run).await.expect("taken back");
        assert_eq!(done.tables.iter().map(|table| table.removed).collect::<Vec<_>>(), [2, 1]);
    }
    assert_eq!(everything(place).await, before);
    let left = target.existing(&people(Kind::Integer).spec, &[], "clinic-1").await.expect("an answer");
    assert!(left.links.is_empty(), "links go with their load");
}

pub(crate) async fn links_by_text_and_uuid(place: &Place) {
    const SEED: &str = "0f0e0d0c-0b0a-4908-8706-050403020100";
    const MADE: &str = "00112233-4455-8677-8899-aabbccddeeff";
    let target = place.target().await;
    let kind = if matches!(place, Place::Sqlite(_)) { "text" } else { "uuid" };
    let ddl = format!(
        "CREATE TABLE people (id {kind} PRIMARY KEY, name text NOT NULL);\n\
         CREATE TABLE visits (id text PRIMARY KEY, person {kind} NOT NULL REFERENCES people (id));\n\
         INSERT INTO people (id, name) VALUES ('{SEED}', 'Ana');"
    );
    target.init(Some(&ddl)).await.expect("the tables can be made");
    let (people, visits) = (people(Kind::Text), visits(Kind::Text));
    let mut load = open(target.as_ref(), "1").await;
    load.link(&people.spec, &[pair("a", SEED)], 0).await.expect("linked");
    let made = rows_of(&people, &[("d", vec![text(MADE), text("Dora")])]);
    load.write(&people.spec, &made).await.expect("the row fits");
    let both = [("v1", vec![text("x"), text(SEED)]), ("v2", vec![text("y"), text(MADE)])];
    load.write(&visits.spec, &rows_of(&visits, &both)).await.expect("the rows fit");
    let record = load.commit(&outcome(&[("people", 1), ("visits", 2)])).await.expect("committed");
    digest(target.as_ref(), &people, &record, &[vec![key("d"), text("Dora")]]).await;
    digest(target.as_ref(), &visits, &record, &[vec![key("v1"), key("a")], vec![key("v2"), key("d")]]).await;
    let gone = removed(target.as_ref(), &record, &[visits.spec, people.spec], false).await;
    assert_eq!(gone, [2, 1]);
    assert_eq!(place.value("SELECT name FROM people").await, "Ana");
}

fn specs() -> [TableSpec; 2] {
    [visits(Kind::Integer).spec, people(Kind::Integer).spec]
}

pub(crate) async fn a_load_that_another_stands_on_stays(place: &Place) {
    let target = ready(place).await;
    let before = everything(place).await;
    let one = first_load(target.as_ref(), "1").await;
    let spec = people(Kind::Integer).spec;
    let mut load = open(target.as_ref(), "2").await;
    // Both are known from the first load: their entries stay its own.
    load.link(&spec, &[], 2).await.expect("linked");
    let two = load.commit(&outcome(&[("people", 0)])).await.expect("committed");
    assert_eq!(two.tables[0].matched, 2);
    let Err(error) = target.begin_roll_back(&one, &specs()).await else {
        panic!("the second load stands on it")
    };
    assert!(matches!(error, Error::Stood { later, .. } if later == two.id), "{error}");
    assert_eq!(removed(target.as_ref(), &two, &specs(), false).await, [0, 0]);
    assert_eq!(removed(target.as_ref(), &one, &specs(), false).await, [2, 1]);
    assert_eq!(everything(place).await, before);
}

pub(crate) async fn a_row_matched_from_another_series_keeps_its_load(place: &Place) {
    let target = ready(place).await;
    let one = first_load(target.as_ref(), "1").await;
    let spec = people(Kind::Integer).spec;
    let made = target.existing(&spec, &[], "clinic-1").await.expect("an answer");
    let dora = made.links.iter().find(|link| link.created).expect("an entry").target_key.clone();
    let other = LoadHeader { series: "clinic-2".to_owned(), ..header("2") };
    let Ok(Begun::Open(mut load)) = target.begin(&other).await else { panic!("another order") };
    load.link(&spec, &[pair("x", &dora)], 0).await.expect("linked");
    load.commit(&outcome(&[("people", 0)])).await.expect("committed");
    let Err(error) = target.begin_roll_back(&one, &specs()).await else { panic!("a row of it is matched") };
    assert_eq!(error.code(), "newer-load");
}

pub(crate) async fn the_lock_keeps_writers_out(place: &Place) {
    const INSERT: &str = "INSERT INTO people (name) VALUES ('late')";
    let target = ready(place).await;
    let spec = people(Kind::Integer).spec;
    let mut load: Box<dyn Load> = open(target.as_ref(), "1").await;
    load.lock(std::slice::from_ref(&spec)).await.expect("locked");
    assert!(!place.allows(INSERT).await, "nobody writes while rows are matched");
    assert!(place.allows("SELECT count(*) FROM people").await, "everybody reads");
    drop(load);
    // PostgreSQL ends the abandoned transaction in its own time, and has used up numbers that rows have.
    let mut tries = 0;
    while !place.allows(INSERT).await {
        tries += 1;
        assert!(tries < 50, "the lock ends with the load");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

pub(crate) async fn bookkeeping_of_version_1_is_brought_up_to_date(place: &Place) {
    let target = ready(place).await;
    let (prefix, tables, columns) = match place {
        Place::Sqlite(_) => {
            place.execute("DROP INDEX chartlift_crosswalk_key").await;
            ("chartlift_", &["before", "exempt"][..], &["target_key", "updated", "row_hash"][..])
        }
        Place::Postgres(_) => {
            ("chartlift.", &["before", "exempt", "transaction"][..], &["target_key", "updated"][..])
        }
    };
    for table in tables {
        place.execute(&format!("DROP TABLE {prefix}{table}")).await;
    }
    for column in columns {
        place.execute(&format!("ALTER TABLE {prefix}crosswalk DROP COLUMN {column}")).await;
    }
    place.execute(&format!("UPDATE {prefix}version SET version = 1")).await;
    assert_eq!(target.bookkeeping().await.expect("an answer"), Bookkeeping::Older { version: 1 });
    let Err(error) = target.begin(&header("1")).await else { panic!("an older format") };
    assert_eq!(error.code(), "bookkeeping-older");
    assert!(error.hint().is_some_and(|hint| hint.contains("chartlift target init")));
    target.init(None).await.expect("brought up to date");
    assert_eq!(target.bookkeeping().await.expect("an answer"), Bookkeeping::Ready { version: 3 });
    first_load(target.as_ref(), "1").await;
}
