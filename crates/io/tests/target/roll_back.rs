//! What every target must do when a load is taken back: what is the load's alone goes, and nothing else does.

use chartlift_io::Error;
use chartlift_io::target::{LoadRecord, RollBack, Stays, TableSpec, TakenBack, Target, Why};

use crate::place::{Cell, Place, encounters, key, load, patient, patients, practitioners, text, uuid_of};

const EVERYTHING: &str = "SELECT (SELECT count(*) FROM patients) || ' ' || (SELECT count(*) FROM encounters) \
                          || ' ' || (SELECT count(*) FROM practitioners)";

/// As the databases write them.
fn id(source_key: &str) -> String {
    let hex: String = uuid_of(source_key).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

fn specs() -> Vec<TableSpec> {
    vec![patients().spec, practitioners().spec, encounters().spec]
}

fn seen(name: &str, patient: &str, part_of: Option<&str>) -> Vec<Cell> {
    vec![key(name), key(patient), text("d"), part_of.map_or(Cell::Null, key), text("CANARY-7")]
}

/// Three patients, a practitioner, four encounters of which one is part of another.
async fn loaded(target: &dyn Target, order: &str) -> LoadRecord {
    let people: Vec<_> = ["p1", "p2", "p3"].map(|name| patient(name, name)).into();
    let encounters_seen = [
        seen("e1", "p1", None),
        seen("e2", "p1", Some("e1")),
        seen("e3", "p2", None),
        seen("e4", "p3", None),
    ];
    let doctors = [vec![text("d"), text("Doctor")]];
    let tables: [(&crate::place::Table, &[Vec<Cell>]); 3] =
        [(&patients(), &people), (&practitioners(), &doctors), (&encounters(), &encounters_seen)];
    load(target, order, &tables).await
}

async fn begun(target: &dyn Target, record: &LoadRecord) -> Box<dyn RollBack> {
    target.begin_roll_back(record, &specs()).await.expect("nothing stands against it")
}

/// What stays, by the name of its table.
fn named(stays: Vec<Stays>) -> Vec<(String, String, Why)> {
    let tables = specs();
    let mut named: Vec<_> =
        stays.into_iter().map(|one| (tables[one.table].name.clone(), one.source_key, one.why)).collect();
    named.sort();
    named.dedup();
    named
}

fn row(table: &str, source_key: &str, why: Why) -> (String, String, Why) {
    (table.to_owned(), source_key.to_owned(), why)
}

async fn keep_row(open: &mut dyn RollBack, table: &TableSpec, source_key: &str) {
    open.keep(table, &[source_key.to_owned()]).await.expect("kept");
}

/// Everything that kept rows refer to, to the end.
async fn close(open: &mut dyn RollBack) -> Vec<(String, String, Why)> {
    let mut all = Vec::new();
    loop {
        let more = named(open.referred().await.expect("an answer"));
        if more.is_empty() {
            return all;
        }
        all.extend(more);
    }
}

fn counts(done: &TakenBack) -> Vec<(u64, u64, u64, u64)> {
    done.tables.iter().map(|table| (table.removed, table.restored, table.returned, table.kept)).collect()
}

/// Takes a load back of which nothing stays; the rows that went, by table.
pub(crate) async fn removed(
    target: &dyn Target,
    record: &LoadRecord,
    specs: &[TableSpec],
    dry_run: bool,
) -> Vec<u64> {
    let mut open = target.begin_roll_back(record, specs).await.expect("nothing stands against it");
    assert!(open.standing().await.expect("an answer").is_empty());
    let done = open.finish(dry_run).await.expect("taken back");
    done.tables.iter().map(|table| table.removed).collect()
}

pub(crate) async fn takes_a_load_back_whole(place: &Place) {
    let target = place.ready().await;
    place.execute("INSERT INTO practitioners (code, name) VALUES ('other', 'Other')").await;
    let record = loaded(target.as_ref(), "1").await;
    assert_eq!(removed(target.as_ref(), &record, &specs(), true).await, [3, 1, 4]);
    assert_eq!(place.value(EVERYTHING).await, "3 4 2", "it was only tried");
    assert_eq!(removed(target.as_ref(), &record, &specs(), false).await, [3, 1, 4]);
    assert_eq!(place.value(EVERYTHING).await, "0 0 1");
    assert_eq!(target.find_load("1").await.expect("an answer"), None);
    assert_eq!(target.find_rolled_back("1").await.expect("an answer"), Some(record.id));
    // It can come again, and go again.
    let record = loaded(target.as_ref(), "1").await;
    assert_eq!(removed(target.as_ref(), &record, &specs(), false).await, [3, 1, 4]);
    assert_eq!(place.value(EVERYTHING).await, "0 0 1");
}

pub(crate) async fn rows_that_somebody_wrote_to_stay(place: &Place) {
    let target = place.ready().await;
    place.execute("ALTER TABLE patients ADD COLUMN remark text").await;
    let record = loaded(target.as_ref(), "1").await;
    // In a column that the load wrote, in one that it did not, and altogether.
    place
        .execute(&format!(
            "UPDATE encounters SET note = 'by hand' WHERE id = '{}'; UPDATE patients SET remark = 'x' WHERE id = '{}';
             DELETE FROM encounters WHERE id = '{}'",
            id("e3"),
            id("p2"),
            id("e4")
        ))
        .await;
    let mut open = begun(target.as_ref(), &record).await;
    let standing = named(open.standing().await.expect("an answer"));
    let wanted = [
        row("encounters", "e3", Why::Edited),
        row("encounters", "e4", Why::Gone),
        row("patients", "p2", Why::Edited),
    ];
    assert_eq!(standing, wanted);
    for (table, source_key) in
        [(&specs()[2], "e3"), (&specs()[2], "e4"), (&specs()[0], "p2"), (&specs()[0], "p3")]
    {
        keep_row(open.as_mut(), table, source_key).await;
    }
    assert_eq!(close(open.as_mut()).await, [row("practitioners", "d", Why::Referenced)]);
    let done = open.finish(false).await.expect("taken back");
    assert_eq!(counts(&done), [(1, 0, 0, 2), (0, 0, 0, 1), (2, 0, 0, 2)]);
    assert_eq!(place.value(EVERYTHING).await, "2 1 1");
    assert_eq!(place.value("SELECT note FROM encounters").await, "by hand");
    assert_eq!(target.find_load("1").await.expect("an answer"), None, "it is no longer in force");
    let partly = target.find_partly_rolled_back("1").await.expect("an answer").expect("a load");
    assert_eq!((partly.id, partly.state.as_str()), (record.id, "partly-rolled-back"));
}

pub(crate) async fn rows_that_others_refer_to_stay(place: &Place) {
    let target = place.ready().await;
    let kind = if matches!(place, Place::Sqlite(_)) { "text" } else { "uuid" };
    place
        .execute(&format!(
            "CREATE TABLE bills (patient {kind} REFERENCES patients (id) ON DELETE CASCADE);
             CREATE TABLE \"Odd names\" (\"The patient\" {kind} REFERENCES patients (id) ON DELETE SET NULL);
             CREATE TABLE letters (encounter {kind} REFERENCES encounters (id) ON DELETE RESTRICT)"
        ))
        .await;
    let record = loaded(target.as_ref(), "1").await;
    place
        .execute(&format!(
            "INSERT INTO bills VALUES ('{p1}'); INSERT INTO \"Odd names\" VALUES ('{p2}'), (NULL);
             INSERT INTO letters VALUES ('{e4}');
             INSERT INTO encounters (id, patient, part_of) VALUES ('{own}', '{p2}', '{e3}')",
            p1 = id("p1"),
            p2 = id("p2"),
            e3 = id("e3"),
            e4 = id("e4"),
            own = id("own")
        ))
        .await;
    let mut open = begun(target.as_ref(), &record).await;
    let standing = named(open.standing().await.expect("an answer"));
    let wanted = [
        row("encounters", "e3", Why::Referenced),
        row("encounters", "e4", Why::Referenced),
        row("patients", "p1", Why::Referenced),
        row("patients", "p2", Why::Referenced),
    ];
    assert_eq!(standing, wanted);
    for (table, source_key, _) in &standing {
        let spec = specs().into_iter().find(|spec| spec.name == *table).expect("a table");
        keep_row(open.as_mut(), &spec, source_key).await;
    }
    let more = close(open.as_mut()).await;
    assert_eq!(more, [row("patients", "p3", Why::Referenced), row("practitioners", "d", Why::Referenced)]);
    let done = open.finish(false).await.expect("taken back");
    assert_eq!(counts(&done), [(0, 0, 0, 3), (0, 0, 0, 1), (2, 0, 0, 2)]);
    assert!(done.elsewhere.is_empty(), "nothing else was written to");
    let others = "SELECT (SELECT count(*) FROM bills) || ' ' || (SELECT count(\"The patient\") FROM \"Odd names\") \
                  || ' ' || (SELECT count(*) FROM letters)";
    assert_eq!(place.value(others).await, "1 1 1");
}

pub(crate) async fn what_kept_rows_refer_to_stays(place: &Place) {
    let target = place.ready().await;
    let record = loaded(target.as_ref(), "1").await;
    let mut open = begun(target.as_ref(), &record).await;
    assert!(open.standing().await.expect("an answer").is_empty());
    keep_row(open.as_mut(), &specs()[2], "e2").await;
    let mut more = close(open.as_mut()).await;
    more.sort();
    let wanted = [
        row("encounters", "e1", Why::Referenced),
        row("patients", "p1", Why::Referenced),
        row("practitioners", "d", Why::Referenced),
    ];
    assert_eq!(more, wanted);
    let done = open.finish(false).await.expect("taken back");
    assert_eq!(counts(&done), [(2, 0, 0, 1), (0, 0, 0, 1), (2, 0, 0, 2)]);
}

/// A practitioner's cells as the bookkeeping keeps them.
fn cells(place: &Place, code: &str, name: &str) -> (String, String) {
    match place {
        Place::Sqlite(_) => {
            ("'[\"code\",\"name\"]'".to_owned(), format!("'{}'", format_args!("[\"t{code}\",\"t{name}\"]")))
        }
        Place::Postgres(_) => ("ARRAY['code', 'name']".to_owned(), format!("ARRAY['{code}', '{name}']")),
    }
}

/// Makes it look as if the load had found the row of `d` with another name, and had deleted the row of `gone`.
async fn as_if_changed(place: &Place, record: &LoadRecord, edited: bool) {
    let (prefix, no) = match place {
        Place::Sqlite(_) => ("chartlift_", "0"),
        Place::Postgres(_) => ("chartlift.", "false"),
    };
    let yes = if no == "0" { "1" } else { "true" };
    let edited = if edited { yes } else { no };
    let (columns, d) = cells(place, "d", "Before");
    let (_, gone) = cells(place, "gone", "Deleted");
    let keyspace = format!("(SELECT id FROM {prefix}keyspace WHERE target_table = 'practitioners')");
    let load = record.id;
    place
        .execute(&format!(
            "UPDATE {prefix}crosswalk SET created = {no}, updated = {yes} WHERE load = {load} AND source_key = 'd';
             INSERT INTO {prefix}before (load, keyspace, source_key, target_key, deleted, edited, entry_load, \
             entry_created, entry_updated, columns, cells) VALUES \
             ({load}, {keyspace}, 'd', 'd', {no}, {edited}, 77, {yes}, NULL, {columns}, {d}), \
             ({load}, {keyspace}, 'gone', 'gone', {yes}, {no}, 77, {yes}, NULL, {columns}, {gone})"
        ))
        .await;
}

pub(crate) async fn changed_and_deleted_rows_come_back_as_they_were(place: &Place) {
    let target = place.ready().await;
    let record = loaded(target.as_ref(), "1").await;
    as_if_changed(place, &record, false).await;
    let mut open = begun(target.as_ref(), &record).await;
    assert!(open.standing().await.expect("an answer").is_empty());
    let done = open.finish(false).await.expect("taken back");
    assert_eq!(counts(&done), [(3, 0, 0, 0), (0, 1, 1, 0), (4, 0, 0, 0)]);
    assert_ne!(done.tables[1].digest_before, 0);
    assert_eq!(done.tables[1].digest_before, done.tables[1].digest_after);
    let names = "SELECT (SELECT name FROM practitioners WHERE code = 'd') || (SELECT name FROM practitioners WHERE code = 'gone')";
    assert_eq!(place.value(names).await, "BeforeDeleted");
    let prefix = if matches!(place, Place::Sqlite(_)) { "chartlift_" } else { "chartlift." };
    let entries = format!("SELECT count(*) FROM {prefix}crosswalk WHERE load = 77");
    assert_eq!(place.value(&entries).await, "2", "the entries are the earlier load's again");
    assert_eq!(place.value(&format!("SELECT count(*) FROM {prefix}before")).await, "0");
}

pub(crate) async fn a_row_edited_before_the_load_stays_edited(place: &Place) {
    let target = place.ready().await;
    let record = loaded(target.as_ref(), "1").await;
    as_if_changed(place, &record, true).await;
    removed(target.as_ref(), &record, &specs(), false).await;
    let prefix = if matches!(place, Place::Sqlite(_)) { "chartlift_" } else { "chartlift." };
    let exempt = format!("SELECT load || source_key || reason FROM {prefix}exempt");
    assert_eq!(place.value(&exempt).await, "77dedited");
}

pub(crate) async fn a_trigger_that_writes_a_restored_row_is_noticed(place: &Place) {
    let target = place.ready().await;
    let record = loaded(target.as_ref(), "1").await;
    as_if_changed(place, &record, false).await;
    place
        .execute(match place {
            Place::Sqlite(_) => {
                "CREATE TRIGGER meddle AFTER UPDATE ON practitioners WHEN new.name <> 'meddled' BEGIN \
                 UPDATE practitioners SET name = 'meddled' WHERE code = new.code; END"
            }
            Place::Postgres(_) => {
                "CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS \
                 'BEGIN new.name := ''meddled''; RETURN new; END'; \
                 CREATE TRIGGER meddle BEFORE UPDATE ON practitioners FOR EACH ROW EXECUTE FUNCTION meddle()"
            }
        })
        .await;
    let open = begun(target.as_ref(), &record).await;
    let error = open.finish(false).await.expect_err("the row is not as it was");
    assert_eq!(error.code(), "rollback-unproved");
    let Error::Unproved { table, columns } = &error else { panic!("{error}") };
    assert_eq!((table.as_str(), columns.as_slice()), ("practitioners", &["name".to_owned()][..]));
    assert!(!error.to_string().contains("meddled"));
    assert_eq!(place.value(EVERYTHING).await, "3 4 1", "nothing was taken back");
}

pub(crate) async fn what_stayed_goes_later(place: &Place) {
    let target = place.ready().await;
    let kind = if matches!(place, Place::Sqlite(_)) { "text" } else { "uuid" };
    place.execute(&format!("CREATE TABLE bills (patient {kind} REFERENCES patients (id))")).await;
    let record = loaded(target.as_ref(), "1").await;
    place.execute(&format!("INSERT INTO bills VALUES ('{}')", id("p2"))).await;
    let mut open = begun(target.as_ref(), &record).await;
    assert_eq!(named(open.standing().await.expect("an answer")), [row("patients", "p2", Why::Referenced)]);
    keep_row(open.as_mut(), &specs()[0], "p2").await;
    assert!(close(open.as_mut()).await.is_empty());
    open.finish(false).await.expect("taken back");
    assert_eq!(place.value(EVERYTHING).await, "1 0 0");
    let partly = target.find_partly_rolled_back("1").await.expect("an answer").expect("a load");
    let mut again = begun(target.as_ref(), &partly).await;
    assert_eq!(named(again.standing().await.expect("an answer")), [row("patients", "p2", Why::Referenced)]);
    drop(again);
    place.execute("DELETE FROM bills").await;
    assert_eq!(removed(target.as_ref(), &partly, &specs(), false).await, [1, 0, 0]);
    assert_eq!(place.value(EVERYTHING).await, "0 0 0");
    assert_eq!(target.find_partly_rolled_back("1").await.expect("an answer"), None);
}

pub(crate) async fn loads_of_nobody_knows_when_are_refused(place: &Place) {
    let target = place.ready().await;
    let record = loaded(target.as_ref(), "1").await;
    place
        .execute(match place {
            Place::Sqlite(_) => "UPDATE chartlift_crosswalk SET row_hash = NULL",
            Place::Postgres(_) => "DELETE FROM chartlift.transaction",
        })
        .await;
    let Err(error) = target.begin_roll_back(&record, &specs()).await else {
        panic!("nothing tells who wrote")
    };
    assert_eq!(error.code(), "rollback-untold");
    assert_eq!(place.value(EVERYTHING).await, "3 4 1");
}

pub(crate) async fn tables_in_a_circle_go_together(place: &Place) {
    let target = place.ready().await;
    let kind = if matches!(place, Place::Sqlite(_)) { "text" } else { "uuid" };
    place.execute(&format!("ALTER TABLE patients ADD COLUMN latest {kind} REFERENCES encounters (id)")).await;
    let record = loaded(target.as_ref(), "1").await;
    // A trigger might have written this; here the test says that it was part of the load.
    let latest = format!("UPDATE patients SET latest = '{}' WHERE id = '{}'", id("e1"), id("p1"));
    match place {
        Place::Sqlite(_) => {
            place.execute(&latest).await;
            let mut open = begun(target.as_ref(), &record).await;
            assert_eq!(
                named(open.standing().await.expect("an answer")),
                [row("patients", "p1", Why::Edited)]
            );
            // Nothing is kept here, on purpose: what both tables have of the load goes.
            let done = open.finish(false).await.expect("taken back");
            assert_eq!(counts(&done), [(3, 0, 0, 0), (1, 0, 0, 0), (4, 0, 0, 0)]);
        }
        Place::Postgres(_) => {
            let ours = format!(
                "BEGIN; {latest}; INSERT INTO chartlift.transaction SELECT load, kind, txid_current(), place \
                 FROM chartlift.transaction LIMIT 1; COMMIT"
            );
            place.execute(&ours).await;
            assert_eq!(removed(target.as_ref(), &record, &specs(), false).await, [3, 1, 4]);
        }
    }
    assert_eq!(place.value(EVERYTHING).await, "0 0 0");
}
