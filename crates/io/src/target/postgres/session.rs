//! Connections to a PostgreSQL server: opened the same way each time, with settings of their own.

use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config};

use super::address::{Address, CONNECT_WAIT, Endpoint};
use super::refusal;
use super::setup::{self, Route};
use crate::Error;
use crate::target::Options;

/// A login may take this many times what the connection under it may.
const LOGIN_WAITS: u32 = 3;

/// Where the server is and how to behave towards it.
#[derive(Clone)]
pub(super) struct Server {
    address: Address,
    /// Without credentials.
    pub(super) shown: String,
    pub(super) lock_wait: std::time::Duration,
}

/// One connection and the task that drives it. Dropping the client ends both, and the server rolls back.
pub(super) struct Session {
    pub(super) client: Client,
    driver: JoinHandle<()>,
    /// Without credentials.
    pub(super) shown: String,
    /// Who logged in.
    user: String,
    /// The server's major version, where it says one.
    pub(super) version: Option<u32>,
    pub(super) route: Route,
}

impl Server {
    pub(super) fn new(address: Address, options: &Options) -> Self {
        Self { shown: address.shown.clone(), address, lock_wait: options.lock_wait }
    }

    /// Opens a connection to the first of the servers that takes one.
    pub(super) async fn open(&self, doing: &'static str) -> Result<Session, Error> {
        let mut refused: Option<Error> = None;
        for endpoint in &self.address.endpoints {
            match self.open_at(endpoint, doing).await {
                Ok(session) => return Ok(session),
                // A server that is there and says no would say no again; the next one is asked all the same, since
                // it may be the one that takes writes.
                Err(error) => {
                    refused = Some(match refused {
                        Some(first) if says_more(&error) <= says_more(&first) => first,
                        _ => error,
                    });
                }
            }
        }
        Err(refused.unwrap_or_else(|| super::address::problem("it names no server")))
    }

    /// The same for a session that writes: a server that takes no writes is told at once, before anything is begun.
    pub(super) async fn open_to_write(&self, doing: &'static str) -> Result<Session, Error> {
        let session = self.open(doing).await?;
        setup::demand_writes(&session, doing).await?;
        Ok(session)
    }

    async fn open_at(&self, endpoint: &Endpoint, doing: &'static str) -> Result<Session, Error> {
        let mut session = self.connect(endpoint, doing).await?;
        session.route = setup::settle(&session, doing, self.lock_wait).await?;
        Ok(session)
    }

    async fn connect(&self, endpoint: &Endpoint, doing: &'static str) -> Result<Session, Error> {
        let mut config = endpoint.config.clone();
        setup::mark(&mut config);
        match self.connect_with(endpoint, config, doing).await {
            // Poolers answer in the server's place, and some of them know no options.
            Err(Error::Refused { refusal, .. }) if setup::knows_no_options(&refusal.code) => {
                self.connect_with(endpoint, endpoint.config.clone(), doing).await
            }
            answer => answer,
        }
    }

    async fn connect_with(
        &self,
        endpoint: &Endpoint,
        mut config: Config,
        doing: &'static str,
    ) -> Result<Session, Error> {
        if let Some(iam) = &self.address.iam {
            config.password(iam.token(&endpoint.host, endpoint.port).await?);
        }
        // The driver's own limit ends with the TCP handshake: a server that hangs afterwards must not hold us.
        let limit = LOGIN_WAITS * config.get_connect_timeout().copied().unwrap_or(CONNECT_WAIT);
        let login = tokio::time::timeout(limit, config.connect(self.address.security.connector())).await;
        let (client, connection) = match login {
            Ok(answer) => answer.map_err(|error| refusal::of_login(doing, &self.address, error))?,
            Err(_) => {
                let source = format!("no answer within {} s", limit.as_secs()).into();
                return Err(Error::Connection { doing, target: self.shown.clone(), source });
            }
        };
        let version = connection.parameter("server_version").and_then(setup::major);
        // The connection's own end is told to the client by its next call.
        let driver = tokio::spawn(async move {
            let _ = connection.await;
        });
        let user = config.get_user().unwrap_or_default().to_owned();
        Ok(Session { client, driver, shown: self.shown.clone(), user, version, route: Route::Direct })
    }
}

/// Of several servers' refusals the one that helps most is told: a definite one before one that may pass, and last that
/// a server takes no writes, which is no news where another one should have.
fn says_more(error: &Error) -> u8 {
    match error {
        Error::ReadOnly { .. } => 0,
        error if error.is_transient() => 1,
        _ => 2,
    }
}

impl Session {
    pub(super) async fn run(&self, doing: &'static str, sql: &str) -> Result<(), Error> {
        self.client.batch_execute(sql).await.map_err(self.refused(doing))
    }

    pub(super) fn refused(&self, doing: &'static str) -> impl Fn(tokio_postgres::Error) -> Error + use<> {
        let (shown, user) = (self.shown.clone(), self.user.clone());
        move |error| refusal::of(doing, &shown, &user, error)
    }

    /// The same while writing to a table: a refusal that names no table is that table's.
    pub(super) fn refused_at(
        &self,
        doing: &'static str,
        table: &str,
    ) -> impl Fn(tokio_postgres::Error) -> Error + use<> {
        let (refused, table, user) = (self.refused(doing), table.to_owned(), self.user.clone());
        move |error| {
            let mut error = refused(error);
            if let Error::Refused { refusal, .. } = &mut error {
                refusal::at_table(refusal, doing, &user, &table);
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
