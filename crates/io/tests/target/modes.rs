//! Rows that are there already: written over, or left as they are.

use chartlift_io::Error;
use chartlift_io::target::{LoadRecord, Merged, Path, Reason, Rulings, Target, WriteMode};

use crate::conformance::compare;
use crate::place::{Cell, Place, Table, batch, load, open, outcome, patient, patients, practitioners, text};

fn with_mode(table: Table, mode: WriteMode) -> Table {
    let mut table = table;
    table.spec.mode = mode;
    table
}

fn upserted() -> Table {
    with_mode(practitioners(), WriteMode::Upsert)
}

fn doctor(code: &str, name: &str) -> Vec<Cell> {
    vec![text(code), text(name)]
}

/// Loads one table in its mode; what its rows came to.
async fn merge(target: &dyn Target, order: &str, table: &Table, rows: &[Vec<Cell>]) -> (Merged, LoadRecord) {
    let mut load = open(target, order).await;
    let plan = load.plan(&table.spec).await.expect("a plan");
    assert_eq!((plan.path, plan.why), (Path::Staged, vec![Reason::Mode]));
    // In two batches: the rows wait until all of them are there.
    let (first, second) = rows.split_at(rows.len() / 2);
    for rows in [first, second] {
        load.write(&table.spec, &batch(table, rows)).await.expect("the rows fit");
    }
    let merged = load.merge(&table.spec, &Rulings::default()).await.expect("the rows fit");
    let name = table.spec.name.as_str();
    (merged, load.commit(&outcome(&[(name, merged.loaded())])).await.expect("committed"))
}

async fn by_hand(place: &Place) {
    place
        .execute(
            "INSERT INTO practitioners (code, name) VALUES ('D 1', 'Ana'), ('D 2', 'Bia'), ('D 3', NULL), \
             ('D 9', 'Other')",
        )
        .await;
}

async fn names(place: &Place) -> String {
    let list = match place {
        Place::Sqlite(_) => "group_concat(code || '=' || coalesce(name, '-'), ';' ORDER BY code)",
        Place::Postgres(_) => "string_agg(code || '=' || coalesce(name, '-'), ';' ORDER BY code)",
    };
    place.value(&format!("SELECT {list} FROM practitioners")).await
}

fn bookkeeping(place: &Place, table: &str) -> String {
    match place {
        Place::Sqlite(_) => format!("chartlift_{table}"),
        Place::Postgres(_) => format!("chartlift.{table}"),
    }
}

async fn count(place: &Place, table: &str, which: &str) -> String {
    place.value(&format!("SELECT count(*) FROM {} WHERE {which}", bookkeeping(place, table))).await
}

pub(crate) async fn upsert_writes_what_differs(place: &Place) {
    let target = place.ready().await;
    by_hand(place).await;
    let rows = [doctor("D 1", "Ana"), doctor("D 2", "Beatriz"), doctor("D 3", "Caio"), doctor("D 4", "Davi")];
    let (merged, record) = merge(target.as_ref(), "1", &upserted(), &rows).await;
    assert_eq!(merged, Merged { inserted: 1, updated: 2, unchanged: 1, ..Merged::default() });
    assert_eq!(names(place).await, "D 1=Ana;D 2=Beatriz;D 3=Caio;D 4=Davi;D 9=Other");
    let told = &record.tables[0];
    assert_eq!((told.rows, told.updated, told.unchanged, told.matched), (4, 2, 1, 0));
    // The load answers for all four, also for the one that it had no need to write.
    compare(target.as_ref(), &upserted(), &rows, &record).await;
    assert_eq!(count(place, "crosswalk", "updated AND NOT created").await, "3");
    assert_eq!(count(place, "crosswalk", "created").await, "1");
    place.execute("UPDATE practitioners SET name = 'Anna' WHERE code = 'D 1'").await;
    let found = target.row_digests(&upserted().spec, &record, 1, &[0]).await.expect("row digests");
    assert_eq!(found.len(), 4, "the row is still looked at");
    let digest = target.digest(&upserted().spec, &record, 1).await.expect("digests");
    assert_ne!(digest, crate::place::expected(&upserted(), &rows, 1), "and found changed");
}

pub(crate) async fn upsert_keeps_what_rows_were(place: &Place) {
    let target = place.ready().await;
    by_hand(place).await;
    let rows = [doctor("D 1", "Ana"), doctor("D 2", "O'Neil"), doctor("D 3", "Caio"), doctor("D 4", "Davi")];
    merge(target.as_ref(), "1", &upserted(), &rows).await;
    let before = bookkeeping(place, "before");
    assert_eq!(count(place, "before", "edited AND NOT deleted AND entry_load IS NULL").await, "2");
    let cells = match place {
        Place::Sqlite(_) => "group_concat(source_key || columns || cells, ';' ORDER BY source_key)",
        Place::Postgres(_) => {
            "string_agg(source_key || columns::text || cells::text, ';' ORDER BY source_key)"
        }
    };
    let wanted = match place {
        Place::Sqlite(_) => r#"D 2["code","name"]["tD 2","tBia"];D 3["code","name"]["tD 3",null]"#,
        Place::Postgres(_) => r#"D 2{code,name}{"D 2",Bia};D 3{code,name}{"D 3",NULL}"#,
    };
    assert_eq!(place.value(&format!("SELECT {cells} FROM {before}")).await, wanted);
}

pub(crate) async fn upsert_compares_by_bytes(place: &Place) {
    let target = place.ready().await;
    let patients = with_mode(patients(), WriteMode::Upsert);
    let mut rows = crate::every_type::every_type();
    merge(target.as_ref(), "1", &patients, &rows).await;
    let (merged, _) = merge(target.as_ref(), "2", &patients, &rows).await;
    let all = rows.len() as u64;
    assert_eq!(merged, Merged { unchanged: all, ..Merged::default() }, "every type is equal to itself");
    rows.truncate(1);
    rows[0][1] = text("ordinary ");
    let (merged, record) = merge(target.as_ref(), "3", &patients, &rows).await;
    assert_eq!(merged, Merged { updated: 1, ..Merged::default() });
    compare(target.as_ref(), &patients, &rows, &record).await;
}

pub(crate) async fn upsert_takes_rows_of_earlier_loads_over(place: &Place) {
    let target = place.ready().await;
    let patients = with_mode(patients(), WriteMode::Upsert);
    let first = [patient("p1", "one"), patient("p2", "two"), patient("p3", "three")];
    let (_, one) = merge(target.as_ref(), "1", &patients, &first).await;
    place.execute("UPDATE patients SET name = 'by hand' WHERE name = 'two'").await;
    let second = [patient("p1", "uno"), patient("p2", "dos"), patient("p4", "four")];
    let (merged, two) = merge(target.as_ref(), "2", &patients, &second).await;
    assert_eq!(merged, Merged { inserted: 1, updated: 2, ..Merged::default() });
    compare(target.as_ref(), &patients, &second, &two).await;
    // The first load answers only for what no later one has written to.
    compare(target.as_ref(), &patients, &first[2..], &one).await;
    let mut unanswered = target.unanswered(&patients.spec, &one).await.expect("an answer");
    unanswered.superseded.sort();
    assert_eq!(unanswered.superseded, ["p1", "p2"]);
    assert!(target.unanswered(&patients.spec, &two).await.expect("an answer").superseded.is_empty());
    let entries = format!("load = {} AND entry_load = {} AND entry_created", two.id, one.id);
    assert_eq!(count(place, "before", &entries).await, "2");
    assert_eq!(count(place, "before", &format!("{entries} AND edited")).await, "1", "one was edited by hand");
    let others = format!("load = {} AND updated AND NOT created", two.id);
    assert_eq!(count(place, "crosswalk", &others).await, "2");
}

pub(crate) async fn upsert_refuses_a_key_twice(place: &Place) {
    let target = place.ready().await;
    by_hand(place).await;
    let mut load = open(target.as_ref(), "1").await;
    let table = upserted();
    let rows = [doctor("D 1", "CANARY-77"), doctor("D 1", "CANARY-78")];
    load.write(&table.spec, &batch(&table, &rows)).await.expect("staged");
    let merged = load.merge(&table.spec, &Rulings::default()).await;
    let error = match merged {
        Err(error) => error,
        Ok(merged) => {
            let announced = outcome(&[("practitioners", merged.loaded())]);
            load.commit(&announced).await.expect_err("one of them would be lost")
        }
    };
    assert!(matches!(error, Error::Refused { .. } | Error::Short { .. } | Error::Shape { .. }), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("CANARY"));
    assert_eq!(names(place).await, "D 1=Ana;D 2=Bia;D 3=-;D 9=Other");
}

pub(crate) async fn skip_existing_leaves_rows_alone(place: &Place) {
    let target = place.ready().await;
    by_hand(place).await;
    let table = with_mode(practitioners(), WriteMode::SkipExisting);
    let rows = [doctor("D 1", "Another"), doctor("D 2", "Bia"), doctor("D 4", "Davi")];
    let (merged, record) = merge(target.as_ref(), "1", &table, &rows).await;
    assert_eq!(merged, Merged { inserted: 1, matched: 2, ..Merged::default() });
    assert_eq!(names(place).await, "D 1=Ana;D 2=Bia;D 3=-;D 4=Davi;D 9=Other");
    assert_eq!((record.tables[0].rows, record.tables[0].matched), (1, 2));
    compare(target.as_ref(), &table, &rows[2..], &record).await;
    assert_eq!(count(place, "before", "true").await, "0", "nothing was written to");
    let mut skipped = target.unanswered(&table.spec, &record).await.expect("an answer").skipped;
    skipped.sort();
    assert_eq!(skipped, ["D 1", "D 2"]);
    place.execute("DELETE FROM practitioners WHERE code = 'D 2'").await;
    let skipped = target.unanswered(&table.spec, &record).await.expect("an answer").skipped;
    assert_eq!(skipped, ["D 1"], "a row that is gone stands for nothing");
    // Rows of an earlier load stay its own.
    let (merged, two) = merge(target.as_ref(), "2", &table, &rows[2..]).await;
    assert_eq!(merged, Merged { matched: 1, ..Merged::default() });
    compare(target.as_ref(), &table, &rows[2..], &record).await;
    compare(target.as_ref(), &table, &[], &two).await;
}

pub(crate) async fn rulings_keep_rows(place: &Place) {
    let target = place.ready().await;
    by_hand(place).await;
    let table = upserted();
    let mut load = open(target.as_ref(), "1").await;
    let rows = [doctor("D 1", "New"), doctor("D 2", "New")];
    load.write(&table.spec, &batch(&table, &rows)).await.expect("staged");
    let rulings = Rulings { keep: vec!["D 2".to_owned()], ..Rulings::default() };
    let merged = load.merge(&table.spec, &rulings).await.expect("merged");
    assert_eq!(merged, Merged { updated: 1, kept: 1, ..Merged::default() });
    load.commit(&outcome(&[("practitioners", 1)])).await.expect("committed");
    assert_eq!(names(place).await, "D 1=New;D 2=Bia;D 3=-;D 9=Other");
    assert_eq!(count(place, "exempt", "reason = 'kept' AND source_key = 'D 2'").await, "1");
}

pub(crate) async fn staged_rows_are_loaded_once_merged(place: &Place) {
    let target = place.ready().await;
    let table = upserted();
    let mut staged = open(target.as_ref(), "1").await;
    staged.write(&table.spec, &batch(&table, &[doctor("D 1", "Ana")])).await.expect("staged");
    let error = staged.commit(&outcome(&[("practitioners", 1)])).await.expect_err("it was not merged");
    assert!(matches!(error, Error::Shape { .. }), "{error:?}");
    assert_eq!(place.value("SELECT count(*) FROM practitioners").await, "0");
    load(target.as_ref(), "1", &[(&table, &[doctor("D 1", "Ana")])]).await;
    assert_eq!(names(place).await, "D 1=Ana");
}
