//! Ways to a server: replicas before it, poolers before it, sockets, and servers that never answer.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use chartlift_io::Error;
use chartlift_io::target::{Options, Target, connect};
use tokio::net::TcpListener;

use crate::place::{batch, header, load, open, outcome, patient, patients};
use crate::server::{Private, SCRIPT, connect as client};

const TABLES: &str = include_str!("clinic.postgres.sql");

fn folder(name: &str) -> std::path::PathBuf {
    std::env::temp_dir().join(format!("chartlift-{name}-{}", std::process::id()))
}

fn port(url: &str) -> &str {
    let (_, rest) = url.rsplit_once(':').expect("a URL with a port");
    rest.split('/').next().unwrap_or(rest)
}

fn code(error: Option<Error>) -> (&'static str, bool) {
    error.map(|error| (error.code(), error.is_transient())).expect("a refusal")
}

#[tokio::test]
async fn a_replica_is_refused_before_anything_is_written() {
    let folder = folder("replica");
    let server = Private::start(&folder, &[("REPLICA", "1")]);
    let replica = std::fs::read_to_string(folder.join("replica.url")).expect("its URL").trim().to_owned();
    let primary = connect(&server.url).await.expect("a connection");
    primary.init(Some(TABLES)).await.expect("made");
    let (patients, rows) = (patients(), [patient("p1", "one")]);
    load(primary.as_ref(), "1", &[(&patients, &rows)]).await;

    // The replica follows by itself; wait until it has what the primary has.
    let seen = Instant::now();
    let there = connect(&replica).await.expect("a connection");
    while there.find_load("1").await.expect("an answer").is_none() {
        assert!(seen.elapsed() < Duration::from_secs(30), "the replica does not follow");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let error = there.begin(&header("2")).await.err();
    assert!(error.as_ref().is_some_and(|error| error.to_string().contains("replica")), "{error:?}");
    assert_eq!(code(error), ("read-only-target", false));
    assert_eq!(code(there.init(None).await.err()), ("read-only-target", false));
    let record = there.find_load("1").await.expect("an answer").expect("the load");
    let tables = std::slice::from_ref(&patients.spec);
    assert_eq!(code(there.begin_roll_back(&record, tables).await.err()), ("read-only-target", false));
    // What only reads works there.
    assert_eq!(there.digest(&patients.spec, &record, 1).await.expect("digests")[0].rows, 1);

    let hosts = |first: &str, second: &str, wanted: &str| {
        format!("postgresql://postgres@127.0.0.1:{first},127.0.0.1:{second}/postgres?{wanted}")
    };
    let (first, second) = (port(&replica), port(&server.url));
    let either = connect(&hosts(first, second, "")).await.expect("a connection");
    assert_eq!(code(either.begin(&header("2")).await.err()), ("read-only-target", false));
    for (order, wanted) in [("2", "target_session_attrs=read-write"), ("3", "target_session_attrs=primary")] {
        let target = connect(&hosts(first, second, wanted)).await.expect("a connection");
        load(target.as_ref(), order, &[(&patients, &[patient(order, "two")])]).await;
    }
    let wanted = "target_session_attrs=read-write";
    let only = format!("{replica}?{wanted}");
    assert_eq!(code(connect(&only).await.err()), ("read-only-target", false));
    // The server that takes writes may come back: try again.
    assert_eq!(code(connect(&hosts(first, "1", wanted)).await.err()), ("connection-error", true));
    let loads = client(&server.url).await.query("SELECT FROM chartlift.load", &[]).await.expect("rows");
    assert_eq!(loads.len(), 3);
}

#[tokio::test]
async fn a_pooler_of_transactions_is_refused() {
    let folder = folder("pool");
    let _server = Private::start(&folder, &[]);
    for (mode, more) in [
        ("session", ""),
        // Debian's PgBouncer refuses options of a login; this one drops them.
        ("session", "ignore_startup_parameters = options"),
        ("transaction", ""),
        ("transaction", "ignore_startup_parameters = options"),
        ("transaction", "server_round_robin = 1"),
        ("transaction", "default_pool_size = 1"),
        ("statement", ""),
    ] {
        let Some(url) = pool(&folder, mode, more) else {
            eprintln!("skipped: PgBouncer is not installed");
            return;
        };
        let answer = connect(&url).await;
        if mode != "session" {
            assert_eq!(code(answer.err()), ("pooled-connection", false), "{mode} {more}");
            continue;
        }
        let target = answer.expect("a connection of our own");
        target.init(more.is_empty().then_some(TABLES)).await.expect("made");
        let order = format!("{mode} {more}");
        load(target.as_ref(), &order, &[(&patients(), &[patient(&order, "one")])]).await;
    }
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let mute = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((connection, _)) = listener.accept().await {
            held.push(connection);
        }
    });
    let began = Instant::now();
    let url = format!("postgresql://postgres@127.0.0.1:{port}/postgres?connect_timeout=1&sslmode=disable");
    assert_eq!(code(connect(&url).await.err()), ("connection-error", true));
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    mute.abort();
}

#[tokio::test]
async fn sessions_say_who_they_are_and_look_for_their_client() {
    let folder = folder("session");
    let server = Private::start(&folder, &[]);
    let sockets = folder.join("sockets").display().to_string().replace('/', "%2F");
    let by_socket = format!("postgresql://postgres@{sockets}:{}/postgres", port(&server.url));
    for url in [&server.url, &by_socket] {
        let target: Box<dyn Target> =
            chartlift_io::target::connect_with(url, &Options::default()).await.expect("a connection");
        if target.bookkeeping().await.expect("an answer").demand("").is_err() {
            target.init(Some(TABLES)).await.expect("made");
        }
        // A trigger sees the settings of the load's own session.
        let client = client(&server.url).await;
        let seen = "CREATE TABLE IF NOT EXISTS seen (name text, value text); TRUNCATE seen; \
            CREATE OR REPLACE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
            INSERT INTO seen SELECT name, setting FROM pg_settings WHERE name IN ('application_name', \
            'client_connection_check_interval', 'lock_timeout'); RETURN NULL; END $$; \
            DROP TRIGGER IF EXISTS see ON patients; \
            CREATE TRIGGER see AFTER INSERT ON patients EXECUTE FUNCTION see()";
        client.batch_execute(seen).await.expect("a trigger");
        let (patients, order) = (patients(), if *url == server.url { "1" } else { "2" });
        let mut load = open(target.as_ref(), order).await;
        load.write(&patients.spec, &batch(&patients, &[patient(order, "one")])).await.expect("fits");
        load.commit(&outcome(&[("patients", 1)])).await.expect("commits");
        let rows = client.query("SELECT name, value FROM seen ORDER BY 1", &[]).await.expect("rows");
        let version: i32 = client
            .query_one("SELECT current_setting('server_version_num')::int / 10000", &[])
            .await
            .expect("a version")
            .get(0);
        let mut expected = vec![("application_name", "chartlift"), ("lock_timeout", "60000")];
        if version >= 14 {
            expected.insert(1, ("client_connection_check_interval", "2000"));
        }
        let rows: Vec<(String, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        let rows: Vec<(&str, &str)> =
            rows.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(rows, expected);
    }
}

/// A pooler before the folder's server, gone with it; none where PgBouncer is not installed.
fn pool(folder: &Path, mode: &str, settings: &str) -> Option<String> {
    Command::new("pgbouncer").arg("--version").stdout(Stdio::null()).status().ok()?;
    let output = Command::new(SCRIPT).arg("pool").arg(folder).arg(mode).env("POOLCONF", settings).output();
    let output = output.expect("tests/postgres runs");
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "no pooler for the test: {problem}");
    Some(String::from_utf8(output.stdout).expect("a URL").trim().to_owned())
}
