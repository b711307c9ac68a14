//! Connections to a PostgreSQL server, and its errors reduced to a code and the names of the objects concerned.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_postgres::config::Host;
use tokio_postgres::error::ErrorPosition;
use tokio_postgres::{Client, Config, NoTls};

use crate::target::Options;
use crate::{Error, Refusal};

/// Where the server is and how to behave towards it.
#[derive(Clone)]
pub(super) struct Server {
    config: Config,
    /// Without credentials.
    pub(super) shown: String,
    pub(super) lock_wait: Duration,
}

/// One connection and the task that drives it. Dropping the client ends both, and the server rolls back.
pub(super) struct Session {
    pub(super) client: Client,
    driver: JoinHandle<()>,
    shown: String,
}

/// How values are written as text must not depend on the server's or the user's settings.
const SETTINGS: &str = "SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'iso_8601'; \
                        SET extra_float_digits = 1; SET standard_conforming_strings = on; SET bytea_output = hex";

impl Server {
    pub(super) fn new(mut config: Config, options: &Options) -> Self {
        config.application_name("chartlift");
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(10));
        }
        let shown = describe(&config);
        Self { config, shown, lock_wait: options.lock_wait }
    }

    pub(super) async fn open(&self, doing: &'static str) -> Result<Session, Error> {
        let (client, connection) =
            self.config.connect(NoTls).await.map_err(|error| reduce(doing, &self.shown, error))?;
        // The connection's own end is told to the client by its next call.
        let driver = tokio::spawn(async move {
            let _ = connection.await;
        });
        let session = Session { client, driver, shown: self.shown.clone() };
        session.run(doing, SETTINGS).await?;
        // Lets the server notice a killed client in the middle of a statement; older servers and some systems
        // do not know it, and only make others wait longer.
        let _ = session.client.batch_execute("SET client_connection_check_interval = '2s'").await;
        Ok(session)
    }
}

impl Session {
    pub(super) async fn run(&self, doing: &'static str, sql: &str) -> Result<(), Error> {
        self.client.batch_execute(sql).await.map_err(self.refused(doing))
    }

    pub(super) fn refused(&self, doing: &'static str) -> impl Fn(tokio_postgres::Error) -> Error + use<> {
        let shown = self.shown.clone();
        move |error| reduce(doing, &shown, error)
    }

    /// The same while writing to a table: a refusal that names no table is that table's.
    pub(super) fn refused_at(
        &self,
        doing: &'static str,
        table: &str,
    ) -> impl Fn(tokio_postgres::Error) -> Error + use<> {
        let (shown, table) = (self.shown.clone(), table.to_owned());
        move |error| {
            let mut error = reduce(doing, &shown, error);
            if let Error::Refused { refusal, .. } = &mut error {
                refusal.table.get_or_insert_with(|| table.clone());
            }
            error
        }
    }

    /// Says goodbye and waits until the driver has sent it.
    pub(super) async fn close(self) {
        drop(self.client);
        let _ = self.driver.await;
    }
}

/// The line of a script that an error points at.
pub(super) fn line_of(error: &tokio_postgres::Error, script: &str) -> Option<usize> {
    let ErrorPosition::Original(position) = error.as_db_error()?.position()? else { return None };
    let characters = usize::try_from(*position).ok()?;
    Some(script.chars().take(characters.saturating_sub(1)).filter(|character| *character == '\n').count() + 1)
}

fn reduce(doing: &'static str, shown: &str, error: tokio_postgres::Error) -> Error {
    match error.as_db_error() {
        Some(database) => {
            let refusal = Refusal {
                code: database.code().code().to_owned(),
                table: database.table().map(str::to_owned),
                constraint: database.constraint().map(str::to_owned),
                column: database.column().map(str::to_owned),
                line: None,
            };
            Error::Refused { doing, refusal: Box::new(refusal) }
        }
        None => Error::Connection { doing, target: shown.to_owned(), source: Box::new(error) },
    }
}

fn describe(config: &Config) -> String {
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(host)) => host.clone(),
        #[cfg(unix)]
        Some(Host::Unix(path)) => path.display().to_string(),
        None => String::new(),
    };
    let port = config.get_ports().first().map(|port| format!(":{port}")).unwrap_or_default();
    let database = config.get_dbname().map(|name| format!("/{name}")).unwrap_or_default();
    format!("postgresql://{host}{port}{database}")
}
