//! Connections to a PostgreSQL server, and its errors reduced to a code and the names of the objects concerned.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_postgres::Client;
use tokio_postgres::error::ErrorPosition;

use super::address::{Address, Endpoint};
use super::tls;
use crate::target::Options;
use crate::{Error, Refusal};

/// Where the server is and how to behave towards it.
#[derive(Clone)]
pub(super) struct Server {
    address: Address,
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

/// What the server calls committed must outlive its crash, whatever somebody has set for speed.
const DURABLE: &str = "SELECT set_config('synchronous_commit', 'on', false) \
                       WHERE current_setting('synchronous_commit') = 'off'";

impl Server {
    pub(super) fn new(address: Address, options: &Options) -> Self {
        Self { shown: address.shown.clone(), address, lock_wait: options.lock_wait }
    }

    /// Opens a connection to the first of the servers that takes one.
    pub(super) async fn open(&self, doing: &'static str) -> Result<Session, Error> {
        let mut refused = None;
        for endpoint in &self.address.endpoints {
            match self.open_at(endpoint, doing).await {
                Ok(session) => return Ok(session),
                // A server that is there and says no would say no again; the next one is asked all the same, since
                // it may be the one that takes writes. What is told is the first refusal.
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        Err(refused.unwrap_or_else(|| super::address::problem("it names no server")))
    }

    async fn open_at(&self, endpoint: &Endpoint, doing: &'static str) -> Result<Session, Error> {
        let mut config = endpoint.config.clone();
        if let Some(iam) = &self.address.iam {
            config.password(iam.token(&endpoint.host, endpoint.port).await?);
        }
        let (client, connection) = config
            .connect(self.address.security.connector())
            .await
            .map_err(|error| reduce(doing, &self.shown, error))?;
        // The connection's own end is told to the client by its next call.
        let driver = tokio::spawn(async move {
            let _ = connection.await;
        });
        let session = Session { client, driver, shown: self.shown.clone() };
        // Nobody waits for ever for a table that somebody else has locked.
        let wait_ms = self.lock_wait.as_millis().clamp(1, i32::MAX as u128);
        session.run(doing, &format!("{SETTINGS}; {DURABLE}; SET lock_timeout = '{wait_ms}ms'")).await?;
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
        None => match tls::distrust(&error) {
            Some(problem) => Error::Untrusted { target: shown.to_owned(), problem },
            None => Error::Connection { doing, target: shown.to_owned(), source: Box::new(error) },
        },
    }
}
