//! What a load does besides writing rows: triggers that are not to fire, sequences, statistics.

use chartlift_io::target::Target;

use crate::every_type::every_type;
use crate::place::{Place, batch, load, open, outcome, patients, practitioners, text};

/// A trigger that counts the patients, in the words of either database.
async fn with_trigger(place: &Place) -> Box<dyn Target> {
    let target = place.ready().await;
    let sql = match place {
        Place::Sqlite(_) => {
            "CREATE TABLE told (name text); CREATE TRIGGER \"Tell\" AFTER INSERT ON patients \
             BEGIN INSERT INTO told VALUES (new.name); END"
        }
        Place::Postgres(_) => {
            "CREATE TABLE told (name text); CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN INSERT INTO told VALUES (new.name); RETURN new; END $$; \
             CREATE TRIGGER \"Tell\" AFTER INSERT ON patients FOR EACH ROW EXECUTE FUNCTION tell()"
        }
    };
    place.execute(sql).await;
    target
}

pub(crate) async fn tells_triggers(place: &Place) {
    let target = with_trigger(place).await;
    let catalog = target.catalog(&["patients".to_owned()]).await.expect("a catalogue");
    let [trigger] = catalog.tables[0].facts.triggers.as_slice() else { panic!("one trigger") };
    assert_eq!((trigger.name.as_str(), trigger.fires.as_str()), ("Tell", "AFTER INSERT"));
    assert!(trigger.enabled && trigger.on_insert && !trigger.on_update);
}

pub(crate) async fn disables_triggers_for_the_load(place: &Place) {
    let target = with_trigger(place).await;
    let (patients, rows) = (patients(), every_type());
    let mut load = open(target.as_ref(), "1").await;
    load.disable_triggers(&patients.spec, &["Tell".to_owned()]).await.expect("disabled");
    load.write(&patients.spec, &batch(&patients, &rows)).await.expect("the rows fit");
    load.commit(&outcome(&[("patients", rows.len() as u64)])).await.expect("committed");
    assert_eq!(place.value("SELECT count(*) FROM told").await, "0");
    let catalog = target.catalog(&["patients".to_owned()]).await.expect("a catalogue");
    assert!(catalog.tables[0].facts.triggers[0].enabled, "as it was before");
    place.execute("UPDATE patients SET name = name; INSERT INTO patients (id, name) VALUES ('00000000-0000-4000-8000-000000000000', 'x')").await;
    assert_eq!(place.value("SELECT count(*) FROM told").await, "1");
}

pub(crate) async fn a_dropped_load_leaves_triggers_as_they_were(place: &Place) {
    let target = with_trigger(place).await;
    let (patients, rows) = (patients(), every_type());
    let mut load = open(target.as_ref(), "1").await;
    load.disable_triggers(&patients.spec, &["Tell".to_owned()]).await.expect("disabled");
    load.write(&patients.spec, &batch(&patients, &rows)).await.expect("the rows fit");
    drop(load);
    crate::place::load(target.as_ref(), "2", &[(&patients, &rows)]).await;
    assert_eq!(place.value("SELECT count(*) FROM told").await, rows.len().to_string());
}

/// Keys that were written by hand, beyond what the table's own numbers have reached.
pub(crate) async fn takes_numbers_past_the_keys_written(place: &Place) {
    let target = place.ready().await;
    let number = match place {
        Place::Sqlite(_) => "INTEGER PRIMARY KEY AUTOINCREMENT",
        Place::Postgres(_) => "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    };
    let own = |name: &str| format!("CREATE TABLE {name} (number {number}, code text UNIQUE)");
    place.execute(&own("counted")).await;
    let spec = chartlift_io::target::TableSpec {
        name: "counted".to_owned(),
        columns: ["code", "number"]
            .map(|name| chartlift_io::target::ColumnSpec {
                name: name.to_owned(),
                role: match name {
                    "code" => chartlift_io::target::Role::Key(chartlift_io::target::KeyKind::Natural),
                    _ => chartlift_io::target::Role::Data,
                },
            })
            .to_vec(),
        system: "sample".to_owned(),
        keyspace: "counted".to_owned(),
        mode: chartlift_io::target::WriteMode::Insert,
    };
    // Beyond what is drawn one by one, within it, and behind what was given meanwhile.
    for (order, number) in [("1", 50_000_i64), ("2", 50_010), ("3", 7)] {
        let keys: arrow::array::ArrayRef =
            std::sync::Arc::new(arrow::array::StringViewArray::from_iter_values([format!("c{order}")]));
        let columns: [(&str, arrow::array::ArrayRef); 3] = [
            ("code", std::sync::Arc::clone(&keys)),
            ("number", std::sync::Arc::new(arrow::array::Int64Array::from(vec![number]))),
            ("_key", keys),
        ];
        let batch = arrow::record_batch::RecordBatch::try_from_iter(columns).expect("equal lengths");
        let mut load = open(target.as_ref(), order).await;
        load.write(&spec, &batch).await.expect("an identity column takes numbers that are given");
        load.commit(&outcome(&[("counted", 1)])).await.expect("committed");
        place.execute(&format!("INSERT INTO counted (code) VALUES ('own {order}')")).await;
    }
    let own =
        place.value("SELECT min(number) || ' ' || max(number) FROM counted WHERE code LIKE 'own%'").await;
    assert_eq!(own, "50001 50012", "past the highest, never back");
}

pub(crate) async fn gathers_statistics(place: &Place) {
    let target = place.ready().await;
    let rows: Vec<Vec<_>> = (0..50).map(|row| vec![text(&format!("D{row}")), text("x")]).collect();
    load(target.as_ref(), "1", &[(&practitioners(), &rows)]).await;
    let left = target.analyze(&["practitioners".to_owned(), "nothing".to_owned()]).await.expect("an answer");
    assert_eq!(left, ["nothing"]);
    let known = match place {
        Place::Sqlite(_) => "SELECT count(*) > 0 FROM sqlite_stat1 WHERE tbl = 'practitioners'",
        Place::Postgres(_) => "SELECT reltuples = 50 FROM pg_class WHERE relname = 'practitioners'",
    };
    assert!(["1", "true"].contains(&place.value(known).await.as_str()));
}
