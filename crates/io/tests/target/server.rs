//! A PostgreSQL server for tests: the one that `CHARTLIFT_TEST_POSTGRES` names, or a private one for this process.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio_postgres::{Client, NoTls};

/// Keeps the guard alive: it stops the server when this process has ended.
static SERVER: OnceLock<(String, Option<Private>)> = OnceLock::new();

pub(crate) const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/postgres");

/// The URL of a server's superuser.
#[expect(clippy::disallowed_methods, reason = "tests are told their server by the environment")]
fn server() -> &'static str {
    let (url, _) = SERVER.get_or_init(|| match std::env::var("CHARTLIFT_TEST_POSTGRES") {
        Ok(url) => (url, None),
        Err(_) => {
            let folder = std::env::temp_dir().join(format!("chartlift-io-{}", std::process::id()));
            let server = Private::start(&folder, &[]);
            (server.url.clone(), Some(server))
        }
    });
    url
}

/// A server of a test's own, with settings that others must not have.
pub(crate) struct Private {
    pub(crate) url: String,
    /// Stops the server when its pipe closes: with this process, however it ends.
    _guard: Child,
}

impl Private {
    /// In a folder that is new, and goes with the server.
    pub(crate) fn start(folder: &Path, settings: &[(&str, &str)]) -> Self {
        let output = Command::new(SCRIPT)
            .arg("start")
            .arg(folder)
            .envs(settings.iter().copied())
            .output()
            .expect("tests/postgres runs");
        let problem = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "no PostgreSQL for the test: {problem}");
        let guard = Command::new("sh")
            .arg("-c")
            .arg("cat >/dev/null; \"$0\" stop \"$1\"; rm -rf \"$1\"")
            .arg(SCRIPT)
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh runs");
        let url = String::from_utf8(output.stdout).expect("a URL").trim().to_owned();
        Self { url, _guard: guard }
    }
}

/// A database that one test has for itself.
pub(crate) struct Database {
    name: String,
    pub(crate) url: String,
}

impl Database {
    pub(crate) async fn create() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let mut random = [0_u8; 8];
        std::fs::File::open("/dev/urandom")
            .and_then(|mut file| file.read_exact(&mut random))
            .expect("randomness");
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("t{:016x}_{number}", u64::from_le_bytes(random));
        let admin = connect(server()).await;
        admin.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE template0")).await.expect("a database");
        let (rest, _) = server().rsplit_once('/').expect("a URL with a database");
        Self { url: format!("{rest}/{name}"), name }
    }

    pub(crate) async fn remove(self) {
        let admin = connect(server()).await;
        let _ = admin.batch_execute(&format!("DROP DATABASE {} WITH (FORCE)", self.name)).await;
    }
}

pub(crate) async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("the test's server answers");
    tokio::spawn(async move {
        let _ = connection.await;
    });
    client
}
