//! Logins and encryption against a server with an authority of its own.

use std::path::PathBuf;

use chartlift_io::Error;
use chartlift_io::target::{Options, Surroundings, Target, connect_with};
use chrono::DateTime;

use crate::server::Private;

/// A server with an authority of its own, its port, and the folder with its certificates.
pub(crate) fn server(name: &str) -> (Private, String, PathBuf) {
    let folder = std::env::temp_dir().join(format!("chartlift-{name}-{}", std::process::id()));
    let server = Private::start(&folder, &[("TLS", "1")]);
    let (_, rest) = server.url.rsplit_once(':').expect("a URL with a port");
    let port = rest.split('/').next().unwrap_or(rest).to_owned();
    (server, port, folder.join("tls"))
}

pub(crate) async fn open(
    url: &str,
    variables: Vec<(&'static str, String)>,
) -> Result<Box<dyn Target>, Error> {
    let variable =
        move |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
    let surroundings = Surroundings::new(variable, || DateTime::UNIX_EPOCH);
    connect_with(url, &Options { surroundings, ..Options::default() }).await
}

/// The code of the refusal, and that it comes again however often one asks.
async fn refused(url: &str) -> &'static str {
    let error = open(url, Vec::new()).await.err().expect("a refusal");
    assert!(!error.is_transient(), "{error:?}");
    error.code()
}

#[tokio::test]
async fn trusts_only_the_server_it_was_told_to_trust() {
    let (_server, port, certificates) = server("trust");
    let (ca, other) = (certificates.join("ca.crt"), certificates.join("other.crt"));
    let (ca, other) = (ca.display(), other.display());
    let at = |host: &str, rest: &str| format!("postgresql://postgres@{host}:{port}/postgres?{rest}");
    for (host, rest) in [
        ("localhost", format!("sslmode=verify-full&sslrootcert={ca}")),
        // The certificate is for localhost; its authority is ours all the same.
        ("127.0.0.1", format!("sslmode=verify-ca&sslrootcert={ca}")),
        ("127.0.0.1", format!("sslmode=require&sslrootcert={ca}")),
        ("127.0.0.1", "sslmode=require".to_owned()),
        ("127.0.0.1", String::new()),
    ] {
        let target = open(&at(host, &rest), Vec::new()).await.expect("a connection");
        assert_eq!(target.dialect(), "postgres");
    }
    for (host, rest, code) in [
        ("127.0.0.1", format!("sslmode=verify-full&sslrootcert={ca}"), "untrusted-connection"),
        ("localhost", format!("sslmode=verify-full&sslrootcert={other}"), "untrusted-connection"),
        ("localhost", format!("sslmode=verify-ca&sslrootcert={other}"), "untrusted-connection"),
        ("localhost", "sslmode=verify-full&sslrootcert=system".to_owned(), "untrusted-connection"),
        // The server takes this user with encryption only.
        ("localhost", "sslmode=disable".to_owned(), "database-refused"),
    ] {
        assert_eq!(refused(&at(host, &rest)).await, code, "{host} {rest}");
    }
}

#[tokio::test]
async fn logs_in_with_a_certificate_or_a_password() {
    let (_server, port, certificates) = server("login");
    let file = |name: &str| certificates.join(name).display().to_string();
    let own = format!("sslcert={}&sslkey={}", file("client.crt"), file("client.key"));
    let clerk = format!("postgresql://clerk@localhost:{port}/postgres?sslmode=require");
    open(&format!("{clerk}&{own}"), Vec::new()).await.expect("a login by certificate");
    assert_eq!(refused(&clerk).await, "database-refused");
    let swapped = format!("{clerk}&sslcert={}&sslkey={}", file("client.crt"), file("other.key"));
    assert_eq!(refused(&swapped).await, "bad-address");

    let scram =
        format!("postgresql://scram@localhost:{port}/postgres?sslmode=require&channel_binding=require");
    open(&scram, vec![("PGPASSWORD", "pa ss-word".to_owned())]).await.expect("a login by password");
    let wrong = open(&scram, vec![("PGPASSWORD", "hunter2".to_owned())]).await.err().expect("a refusal");
    assert_eq!(wrong.code(), "database-refused");
    assert!(!format!("{wrong:?} {wrong}").contains("hunter2"));
    // Nobody can be asked for it, and trying again would not help.
    assert_eq!(refused(&scram).await, "no-credentials");
    let unbound =
        format!("postgresql://token@localhost:{port}/postgres?sslmode=require&channel_binding=require");
    assert_eq!(refused(&unbound).await, "no-credentials");

    // A service file and its password file, as for every other client of PostgreSQL.
    let folder = tempfile::tempdir().expect("a folder");
    let service = folder.path().join("services");
    let ca = file("ca.crt");
    let text = format!(
        "[clinic]\nhost=localhost\nport={port}\nuser=scram\ndbname=postgres\nsslmode=verify-full\nsslrootcert={ca}\n"
    );
    std::fs::write(&service, text).expect("a service file");
    let passwords = folder.path().join(".pgpass");
    std::fs::write(&passwords, "localhost:*:postgres:scram:pa ss-word\n").expect("a password file");
    std::fs::set_permissions(&passwords, std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .expect("its mode");
    let variables =
        vec![("PGSERVICEFILE", service.display().to_string()), ("HOME", folder.path().display().to_string())];
    open("postgresql://?service=clinic", variables).await.expect("a login by a service");
}

#[tokio::test]
async fn a_certificate_that_has_ended_is_refused() {
    let (_server, port, certificates) = server("expired");
    let ca = certificates.join("ca.crt");
    let url = format!(
        "postgresql://postgres@localhost:{port}/postgres?sslmode=verify-full&sslrootcert={}",
        ca.display()
    );
    let target = open(&url, Vec::new()).await.expect("a connection");
    // The server's own files are written over: they keep their owner.
    for kind in ["crt", "key"] {
        let expired = std::fs::read(certificates.join("expired").with_extension(kind)).expect("a file");
        std::fs::write(certificates.join("server").with_extension(kind), expired).expect("a file");
    }
    target.init(Some("SELECT pg_reload_conf()")).await.expect("the server reads them");
    let began = std::time::Instant::now();
    let error = loop {
        match open(&url, Vec::new()).await {
            Err(error) => break error,
            Ok(_) => assert!(began.elapsed().as_secs() < 30, "the server shows its old certificate"),
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    };
    assert_eq!((error.code(), error.is_transient()), ("untrusted-connection", false));
    assert!(error.to_string().contains("expired"), "{error}");
}

#[tokio::test]
async fn logs_in_over_a_socket() {
    let (_server, port, certificates) = server("socket");
    let sockets = certificates.with_file_name("sockets").display().to_string();
    let url = format!("postgresql://scram@{}:{port}/postgres", sockets.replace('/', "%2F"));
    let folder = tempfile::tempdir().expect("a folder");
    let passwords = folder.path().join("passwords");
    // Sockets are `localhost` there.
    std::fs::write(&passwords, format!("localhost:{port}:*:*:pa ss-word\n")).expect("a password file");
    std::fs::set_permissions(&passwords, std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .expect("its mode");
    let variables = vec![("PGPASSFILE", passwords.display().to_string())];
    open(&url, variables).await.expect("a login over a socket");
    let named = vec![("PGHOST", sockets), ("PGPORT", port), ("PGPASSWORD", "pa ss-word".to_owned())];
    open("postgresql://scram@/postgres", named).await.expect("a login over a socket");
}

#[tokio::test]
async fn goes_on_to_the_next_server() {
    let (_server, port, _) = server("hosts");
    // Nobody listens on port 1.
    let several = format!("postgresql://plain@127.0.0.1:1,127.0.0.1:{port}/postgres?sslmode=disable");
    open(&several, Vec::new()).await.expect("the second server's answer");
    let writes = format!("{several}&target_session_attrs=read-write");
    open(&writes, Vec::new()).await.expect("the second server's answer");
    let none = open("postgresql://plain@127.0.0.1:1/postgres", Vec::new()).await.err().expect("nobody");
    assert_eq!((none.code(), none.is_transient()), ("connection-error", true));
}
