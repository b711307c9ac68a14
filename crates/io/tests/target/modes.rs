//! Rows that are there already: written over, or left as they are.

use chartlift_io::Error;
use chartlift_io::target::{
    KeyKind, LoadRecord, Merged, Path, Reason, Role, Rulings, Target, WriteMode, connect,
};

use crate::conformance::compare;
use crate::place::{
    Cell, Kind, Place, Table, batch, encounters, key, load, open, outcome, patient, patients, practitioners,
    table, text,
};

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

fn visit(name: &str, part_of: Cell) -> Vec<Cell> {
    vec![key(name), key("p1"), Cell::Null, part_of, text("note")]
}

pub(crate) async fn late_columns_are_filled_in(place: &Place) {
    let target = place.ready().await;
    let (patients, encounters) = (patients(), encounters());
    let part_of = Role::Reference { table: "encounters".to_owned(), kind: KeyKind::Uuid };
    let columns = [("id", Role::Key(KeyKind::Uuid), Kind::Uuid), ("part_of", part_of, Kind::Uuid)];
    let late = with_mode(table("encounters", &columns), WriteMode::Late);
    let mut load = open(target.as_ref(), "1").await;
    load.write(&patients.spec, &batch(&patients, &[patient("p1", "one")])).await.expect("the row fits");
    load.merge(&patients.spec, &Rulings::default()).await.expect("merged");
    let rows = [visit("e1", Cell::Null), visit("e2", Cell::Null), visit("e3", Cell::Null)];
    load.write(&encounters.spec, &batch(&encounters, &rows)).await.expect("the rows fit");
    let merged = load.merge(&encounters.spec, &Rulings::default()).await.expect("merged");
    assert_eq!(merged, Merged { inserted: 3, ..Merged::default() });
    let parents = [vec![key("e1"), key("e3")], vec![key("e2"), Cell::Null], vec![key("e3"), key("e2")]];
    load.write(&late.spec, &batch(&late, &parents)).await.expect("the rows fit");
    let merged = load.merge(&late.spec, &Rulings::default()).await.expect("filled in");
    assert_eq!(merged, Merged::default(), "these rows are counted already");
    load.check().await.expect("all references lead somewhere");
    let announced = outcome(&[("patients", 1), ("encounters", 3)]);
    let record = load.commit(&announced).await.expect("committed");
    let whole = [visit("e1", key("e3")), visit("e2", Cell::Null), visit("e3", key("e2"))];
    compare(target.as_ref(), &encounters, &whole, &record).await;
}

pub(crate) async fn a_check_tells_what_the_end_would(place: &Place) {
    let target = place.ready().await;
    if let Place::Postgres(_) = place {
        place
            .execute(
                "ALTER TABLE encounters ALTER CONSTRAINT encounters_patient_fkey DEFERRABLE INITIALLY DEFERRED",
            )
            .await;
    }
    let encounters = encounters();
    let mut load = open(target.as_ref(), "1").await;
    load.write(&encounters.spec, &batch(&encounters, &[visit("CANARY-3", Cell::Null)]))
        .await
        .expect("written");
    load.merge(&encounters.spec, &Rulings::default()).await.expect("it waits");
    let error = load.check().await.expect_err("there is no such patient");
    let Error::Refused { refusal, .. } = &error else { panic!("{error:?}") };
    assert_eq!(refusal.table.as_deref(), Some("encounters"));
    assert!(!format!("{error} {error:?}").contains("CANARY"));
}

pub(crate) async fn self_references_are_checked_together(place: &Place) {
    let target = place.ready().await;
    let mut load = open(target.as_ref(), "1").await;
    let plan = load.plan(&encounters().spec).await.expect("a plan");
    match place {
        // All references are looked at when the load ends.
        Place::Sqlite(_) => assert_eq!((plan.path, plan.why), (Path::Direct, Vec::new())),
        Place::Postgres(_) => {
            assert_eq!((plan.path, plan.why), (Path::Staged, vec![Reason::SelfReference]));
        }
    }
    let plan = load.plan(&patients().spec).await.expect("a plan");
    assert_eq!((plan.path, plan.why), (Path::Direct, Vec::new()));
}

/// COPY refuses tables whose policies hold for the role; rows go through a stage.
#[tokio::test]
async fn rows_pass_the_policies_of_their_table() {
    let place = Place::postgres().await;
    let target = place.ready().await;
    drop(target);
    let role = format!("loader_{}", std::process::id());
    place
        .execute(&format!(
            "CREATE ROLE {role} LOGIN; GRANT USAGE, CREATE ON SCHEMA chartlift TO {role}; \
             GRANT USAGE ON SCHEMA public TO {role}; GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}; \
             GRANT ALL ON ALL TABLES IN SCHEMA chartlift TO {role}; \
             ALTER TABLE chartlift.crosswalk OWNER TO {role}; \
             ALTER TABLE practitioners ENABLE ROW LEVEL SECURITY; \
             CREATE POLICY some ON practitioners TO {role} USING (true) WITH CHECK (code LIKE 'D %')"
        ))
        .await;
    let url = place.url();
    let (scheme, rest) = url.split_once("://").expect("a URL");
    let server = rest.split_once('@').map_or(rest, |(_, server)| server);
    let target = connect(&format!("{scheme}://{role}@{server}")).await.expect("the role may log in");
    let doctors = practitioners();
    let mut refused = open(target.as_ref(), "1").await;
    let plan = refused.plan(&doctors.spec).await.expect("a plan");
    assert_eq!((plan.path, plan.why), (Path::Staged, vec![Reason::RowSecurity]));
    refused.write(&doctors.spec, &batch(&doctors, &[doctor("CANARY-8", "Ana")])).await.expect("staged");
    let error = refused.merge(&doctors.spec, &Rulings::default()).await.expect_err("against the policy");
    assert!(!format!("{error} {error:?}").contains("CANARY"));
    drop(refused);
    let rows = [doctor("D 1", "Ana"), doctor("D 2", "Bia")];
    let record = load(target.as_ref(), "2", &[(&doctors, &rows)]).await;
    compare(target.as_ref(), &doctors, &rows, &record).await;
    place
        .execute(&format!("REASSIGN OWNED BY {role} TO CURRENT_USER; DROP OWNED BY {role}; DROP ROLE {role}"))
        .await;
    place.remove().await;
}
