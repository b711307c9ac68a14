//! What somebody has set for the database or the role must change nothing that is written or read, and what no session
//! can mend is refused by name.

use std::time::Duration;

use chartlift_io::Error;
use chartlift_io::target::connect;

use crate::conformance;
use crate::place::{Place, batch, header, load, open, outcome, patient, patients};
use crate::roll_back::removed;
use crate::server::connect as client;

/// The last one would have the database's own functions found before the server's.
const HOSTILE: [&str; 24] = [
    "TimeZone = 'America/Sao_Paulo'",
    "DateStyle = 'SQL, DMY'",
    "IntervalStyle = 'sql_standard'",
    "extra_float_digits = -10",
    "bytea_output = 'escape'",
    "client_encoding = 'LATIN1'",
    "standard_conforming_strings = off",
    "array_nulls = off",
    "transform_null_equals = on",
    "quote_all_identifiers = on",
    "xmloption = document",
    "default_transaction_isolation = 'serializable'",
    "default_transaction_deferrable = on",
    "synchronous_commit = off",
    "statement_timeout = '300ms'",
    "lock_timeout = '1ms'",
    "idle_in_transaction_session_timeout = '300ms'",
    "idle_session_timeout = '300ms'",
    "transaction_timeout = '300ms'",
    "tcp_keepalives_idle = 1",
    "jit = on",
    "lc_numeric = 'C'",
    "client_min_messages = 'debug5'",
    "search_path = public, pg_catalog",
];

/// A database with settings that nobody asked for.
async fn hostile() -> Place {
    let place = Place::postgres().await;
    let database = place.value("SELECT current_database()").await;
    for setting in HOSTILE {
        let (name, _) = setting.split_once(' ').expect("a name");
        // Later versions have more of them.
        if place.value(&format!("SELECT current_setting('{name}', true) IS NOT NULL")).await == "true" {
            place.execute(&format!("ALTER DATABASE {database} SET {setting}")).await;
        }
    }
    let function =
        "CREATE FUNCTION public.hashtextextended(text, bigint) RETURNS bigint LANGUAGE sql AS 'SELECT 7'";
    place.execute(function).await;
    place
}

#[tokio::test]
async fn hostile_settings_change_nothing() {
    let place = hostile().await;
    conformance::commits_every_type(&place).await;
    place.remove().await;
    let place = hostile().await;
    conformance::reads_hostile_text_back(&place).await;
    place.remove().await;
    let place = hostile().await;
    conformance::tells_what_is_there(&place).await;
    place.remove().await;
}

#[tokio::test]
async fn a_long_load_outlives_the_timeouts_of_its_role() {
    let place = hostile().await;
    let target = place.ready().await;
    let slow = "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END'; \
                CREATE TRIGGER slow AFTER INSERT ON patients EXECUTE FUNCTION slow()";
    place.execute(slow).await;
    let patients = patients();
    let rows = [patient("p1", "one"), patient("p2", "two")];
    let mut load = open(target.as_ref(), "1").await;
    load.write(&patients.spec, &batch(&patients, &rows)).await.expect("the rows fit");
    tokio::time::sleep(Duration::from_millis(700)).await;
    let record = load.commit(&outcome(&[("patients", 2)])).await.expect("the load commits");
    let gone = removed(target.as_ref(), &record, std::slice::from_ref(&patients.spec), false).await;
    assert_eq!(gone, [2]);
    place.remove().await;
}

#[tokio::test]
async fn other_encodings_are_refused() {
    let place = Place::postgres().await;
    let (front, name) =
        place.url().rsplit_once('/').map(|(f, n)| (f.to_owned(), n.to_owned())).expect("a URL");
    for encoding in ["LATIN1", "SQL_ASCII"] {
        let other = format!("{name}_{}", encoding.to_lowercase());
        let sql = format!(
            "CREATE DATABASE {other} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
        );
        place.execute(&sql).await;
        let error = connect(&format!("{front}/{other}")).await.err().expect("a refusal");
        assert_eq!((error.code(), error.is_transient()), ("database-encoding", false));
        assert!(error.to_string().contains(encoding), "{error}");
        place.execute(&format!("DROP DATABASE {other} WITH (FORCE)")).await;
    }
    place.remove().await;
}

#[tokio::test]
async fn sessions_without_checks_are_refused() {
    let place = Place::postgres().await;
    let database = place.value("SELECT current_database()").await;
    place.execute(&format!("ALTER DATABASE {database} SET session_replication_role = replica")).await;
    let error = connect(&place.url()).await.err().expect("a refusal");
    assert_eq!((error.code(), error.is_transient()), ("checks-disabled", false));
    place.remove().await;
}

#[tokio::test]
async fn a_database_set_read_only_is_left_alone_unless_told() {
    let place = Place::postgres().await;
    place.ready().await;
    let database = place.value("SELECT current_database()").await;
    place.execute(&format!("ALTER DATABASE {database} SET default_transaction_read_only = on")).await;
    let target = place.target().await;
    for error in [target.begin(&header("1")).await.err(), target.init(None).await.err()] {
        assert_eq!(error.map(|error| error.code()), Some("read-only-target"));
    }
    let url = format!("{}?options=-c%20default_transaction_read_only=off", place.url());
    let target = connect(&url).await.expect("an answer");
    load(target.as_ref(), "1", &[(&patients(), &[patient("p1", "one")])]).await;
    place.remove().await;
}

/// A role that may log in and use what lies in `public`, and its address.
async fn role(place: &Place) -> (String, String) {
    let role = format!("r_{}", place.value("SELECT current_database()").await);
    place.execute(&format!("CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA public TO {role}")).await;
    (place.url().replacen("postgres@", &format!("{role}@"), 1), role)
}

/// Nothing of a role may be left when it goes.
async fn drop_role(place: Place, role: &str) {
    let Place::Postgres(database) = &place else { return };
    client(&database.url)
        .await
        .batch_execute(&format!("DROP OWNED BY {role} CASCADE"))
        .await
        .expect("dropped");
    client(&database.url).await.batch_execute(&format!("DROP ROLE {role}")).await.expect("dropped");
    place.remove().await;
}

fn says(error: &Error, right: &str, grant: &str) {
    assert_eq!((error.code(), error.is_transient()), ("missing-privilege", false), "{error}");
    assert!(error.to_string().contains(right), "{error}: no `{right}`");
    let hint = error.hint().unwrap_or_default();
    assert!(hint.contains(grant), "{hint}: no `{grant}`");
}

#[track_caller]
fn refused<T>(answer: Result<T, Error>) -> Error {
    answer.err().expect("a right is missing")
}

#[tokio::test]
async fn a_missing_right_is_named() {
    let place = Place::postgres().await;
    let (url, role) = role(&place).await;
    let target = connect(&url).await.expect("a connection");
    let error = target.init(None).await.expect_err("no right to make a schema");
    says(
        &error,
        "lacks CREATE on the database",
        &format!("CREATE SCHEMA chartlift AUTHORIZATION \"{role}\""),
    );

    // As the hint says: the schema is enough, without the right to make others.
    place.execute(&format!("CREATE SCHEMA chartlift AUTHORIZATION {role}")).await;
    target.init(None).await.expect("the schema is there and theirs");
    place.execute(include_str!("clinic.postgres.sql")).await;
    let (patients, rows) = (patients(), [patient("p1", "one")]);
    let write = async || {
        let mut load = open(target.as_ref(), "1").await;
        load.write(&patients.spec, &batch(&patients, &rows)).await?;
        load.commit(&outcome(&[("patients", 1)])).await
    };
    let grant = |right: &str| format!("GRANT {right} ON \"patients\" TO \"{role}\"");
    place.execute(&format!("REVOKE CREATE ON SCHEMA chartlift FROM {role}")).await;
    let error = refused(write().await);
    says(&error, "lacks USAGE, CREATE on the schema `chartlift`", "USAGE, CREATE ON SCHEMA");
    place.execute(&format!("GRANT CREATE ON SCHEMA chartlift TO {role}")).await;
    says(&refused(write().await), "lacks INSERT on the table `patients`", &grant("INSERT"));
    place.execute(&grant("INSERT")).await;
    let others = format!(
        "ALTER TABLE chartlift.crosswalk OWNER TO postgres; GRANT ALL ON chartlift.crosswalk TO {role}"
    );
    place.execute(&others).await;
    says(&refused(write().await), "does not own the table `crosswalk`", "must belong to the user");
    place.execute(&format!("ALTER TABLE chartlift.crosswalk OWNER TO {role}")).await;
    let record = write().await.expect("INSERT is enough to insert");

    let error = target.digest(&patients.spec, &record, 1).await;
    says(&refused(error), "lacks SELECT on the table `patients`", &grant("SELECT"));
    place.execute(&grant("SELECT")).await;
    target.digest(&patients.spec, &record, 1).await.expect("SELECT is enough to verify");

    let tables = std::slice::from_ref(&patients.spec);
    let error = target.begin_roll_back(&record, tables).await;
    says(&refused(error), "lacks SELECT, DELETE on the table `patients`", &grant("SELECT, DELETE"));
    place.execute(&grant("SELECT, DELETE")).await;
    // Who refers to the rows that go has to be asked, whatever table it is.
    let mut asked = target.begin_roll_back(&record, tables).await.expect("the table may be written to");
    says(&refused(asked.standing().await), "lacks SELECT on the table `encounters`", "SELECT");
    drop(asked);
    place.execute(&grant("SELECT").replace("patients", "encounters")).await;
    assert_eq!(removed(target.as_ref(), &record, tables, false).await, [1]);

    place.execute(&format!("REVOKE USAGE ON SCHEMA chartlift FROM {role}")).await;
    let error = target.bookkeeping().await;
    says(&refused(error), "lacks USAGE on the schema `chartlift`", "ON SCHEMA \"chartlift\"");
    drop_role(place, &role).await;
}
