//! Logins with tokens: made for each login from the keys and the time of that moment. The signature is worked out here
//! once more, from AWS's description of it; the server takes exactly that token for the user's password.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use chartlift_io::Error;
use chartlift_io::target::{Options, Surroundings, Target, connect_with};
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::place::{batch, load, open, outcome, patient, patients};
use crate::secure::{open as login, server};

const BEGAN: i64 = 1_790_000_000;
const QUARTER: i64 = 15 * 60;

/// Time as a test moves it, in seconds since 1970.
#[derive(Clone)]
struct Clock(Arc<AtomicI64>);

impl Clock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.0.load(Ordering::SeqCst), 0).expect("a time")
    }

    fn forward(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

/// Connects as `token`, with the environment and the time that the test gives.
async fn by_token(
    port: &str,
    certificates: &Path,
    clock: &Clock,
    variables: Vec<(&'static str, String)>,
) -> Result<Box<dyn Target>, Error> {
    let ca = certificates.join("ca.crt");
    let url = format!(
        "postgresql://token@localhost:{port}/postgres?sslmode=verify-full&sslrootcert={}&auth=rds-iam&region=eu-west-1",
        ca.display()
    );
    let clock = clock.clone();
    let variable =
        move |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
    let surroundings = Surroundings::new(variable, move || clock.now());
    connect_with(&url, &Options { surroundings, ..Options::default() }).await
}

/// The token for `token@localhost` that keys give at a time.
fn token(port: &str, key: &str, secret: &str, session: Option<&str>, now: DateTime<Utc>) -> String {
    let (day, time) = (now.format("%Y%m%d"), now.format("%Y%m%dT%H%M%SZ"));
    let scope = format!("{day}/eu-west-1/rds-db/aws4_request");
    let session = session.map(|token| format!("&X-Amz-Security-Token={token}")).unwrap_or_default();
    let query = format!(
        "Action=connect&DBUser=token&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={key}%2F{}&X-Amz-Date={time}\
         &X-Amz-Expires=900{session}&X-Amz-SignedHeaders=host",
        scope.replace('/', "%2F")
    );
    let digest = |text: &str| hex(&Sha256::digest(text.as_bytes()));
    let request = format!("GET\n/\n{query}\nhost:localhost:{port}\n\nhost\n{}", digest(""));
    let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", digest(&request));
    let mut signed = format!("AWS4{secret}").into_bytes();
    for part in [day.to_string().as_str(), "eu-west-1", "rds-db", "aws4_request", &text] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&signed).expect("a key");
        mac.update(part.as_bytes());
        signed = mac.finalize().into_bytes().to_vec();
    }
    // What is sent has the session's token last.
    let sent = query.replace(&session, "") + &session;
    format!("localhost:{port}/?{sent}&X-Amz-Signature={}", hex(&signed))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// From now on the server takes this and nothing else.
async fn takes(port: &str, password: &str) {
    let admin =
        login(&format!("postgresql://postgres@localhost:{port}/postgres?sslmode=require"), Vec::new()).await;
    let sql = format!("ALTER ROLE token PASSWORD '{password}'");
    admin.expect("a connection").init(Some(&sql)).await.expect("a password");
}

#[tokio::test]
async fn each_login_has_a_token_of_its_own_time() {
    let (_server, port, certificates) = server("tokens");
    let clock = Clock(Arc::new(AtomicI64::new(BEGAN)));
    let keys = vec![
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "hunter2+secret".to_owned()),
    ];
    let at = |clock: &Clock| token(&port, "AKIDEXAMPLE", "hunter2+secret", None, clock.now());
    takes(&port, &at(&clock)).await;
    let target = by_token(&port, &certificates, &clock, keys).await.expect("a login by token");
    target.init(Some(include_str!("clinic.postgres.sql"))).await.expect("made");
    let (patients, rows) = (patients(), [patient("p1", "one")]);
    let mut open = open(target.as_ref(), "1").await;

    // A token lasts a quarter of an hour, and the load goes on beyond it on the connection that it has.
    clock.forward(QUARTER + 60);
    open.write(&patients.spec, &batch(&patients, &rows)).await.expect("fits");
    let record = open.commit(&outcome(&[("patients", 1)])).await.expect("commits");
    // Whoever logged in now with the first token would get in.
    let error = target.digest(&patients.spec, &record, 1).await.expect_err("a newer token");
    assert_eq!((error.code(), error.is_transient()), ("no-credentials", false));
    let told = format!("{error} {error:?}");
    assert!(!told.contains("hunter2") && !told.contains("Signature"), "{told}");
    takes(&port, &at(&clock)).await;
    assert_eq!(target.digest(&patients.spec, &record, 1).await.expect("digests")[0].rows, 1);
    // Just before the end of a token: it is not kept for that long.
    clock.forward(QUARTER - 1);
    assert_eq!(target.find_load("1").await.expect_err("a newer token").code(), "no-credentials");
    takes(&port, &at(&clock)).await;
    load(target.as_ref(), "2", &[(&patients, &[patient("p2", "two")])]).await;
}

/// Hands out keys that last as long as told, each with a number of its own: as a container's keeper of keys, and as a
/// machine's, which wants to be asked for a token and a role first.
async fn keys_for(minutes: Vec<i64>) -> (String, Arc<AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let request = head(&mut connection).await;
            let path = request.split(' ').nth(1).unwrap_or_default();
            let body = match path.rsplit_once('/') {
                Some((_, "token")) => "asked".to_owned(),
                Some((_, "")) => "role".to_owned(),
                _ => {
                    let number = count.fetch_add(1, Ordering::SeqCst) + 1;
                    keys(number, minutes.get(number as usize - 1).copied().unwrap_or(60))
                }
            };
            let length = body.len();
            let answer =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
            let _ = connection.write_all(answer.as_bytes()).await;
        }
    });
    (url, asked)
}

async fn head(connection: &mut TcpStream) -> String {
    let mut request = Vec::new();
    let mut piece = [0_u8; 4096];
    while !request.windows(4).any(|window| window == b"\r\n\r\n") {
        let Ok(read @ 1..) = connection.read(&mut piece).await else { break };
        request.extend_from_slice(&piece[..read]);
    }
    String::from_utf8_lossy(&request).into_owned()
}

fn keys(number: u32, minutes: i64) -> String {
    // How long keys last is counted in real time.
    let ends = (Utc::now() + TimeDelta::minutes(minutes)).format("%Y-%m-%dT%H:%M:%SZ");
    format!(
        r#"{{"AccessKeyId":"ASIA{number}","SecretAccessKey":"secret{number}","Token":"session{number}","Expiration":"{ends}"}}"#
    )
}

#[tokio::test]
async fn keys_that_end_soon_are_fetched_again() {
    let (_server, port, certificates) = server("keys");
    let clock = Clock(Arc::new(AtomicI64::new(BEGAN)));
    let folder = tempfile::tempdir().expect("a folder");
    let identity = folder.path().join("identity");
    std::fs::write(&identity, "who-we-are").expect("a file");
    let identity = identity.display().to_string();
    for container in [true, false] {
        // The first keys end before a token of theirs would: they log in once and are not kept.
        let (url, asked) = keys_for(vec![2, 60]).await;
        let variables = if container {
            vec![
                ("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{url}/keys")),
                ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", identity.clone()),
            ]
        } else {
            vec![("AWS_METADATA_ENDPOINT", url)]
        };
        let of = |number: u32| {
            let (key, secret, session) =
                (format!("ASIA{number}"), format!("secret{number}"), format!("session{number}"));
            token(&port, &key, &secret, Some(&session), clock.now())
        };
        takes(&port, &of(1)).await;
        let target = by_token(&port, &certificates, &clock, variables).await.expect("a login by token");
        // Longer than the pause that the keeper of keys makes between two questions.
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        takes(&port, &of(2)).await;
        target.bookkeeping().await.expect("a login with new keys");
        target.bookkeeping().await.expect("a login with the same keys");
        assert_eq!(asked.load(Ordering::SeqCst), 2, "keys for an hour are kept");
    }
}
