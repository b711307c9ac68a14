//! Where a server is and who logs in, as libpq would understand it: the address itself, then a service file, then the
//! environment's `PG...` variables, then defaults; passwords from a password file where none is given.
//!
//! On top of libpq's words an address may say `auth=rds-iam` (with `region`) or `secret` (a name in Secrets Manager).

mod passfile;
mod service;
mod url;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_postgres::Config;

use super::cloud::{self, Iam};
use super::tls::{Mode, Security};
use crate::Error;
use crate::target::Surroundings;

/// Names and values as libpq calls them.
type Parameters = BTreeMap<String, String>;

/// One server that the address names.
#[derive(Clone)]
pub(super) struct Endpoint {
    pub(super) config: Config,
    pub(super) host: String,
    pub(super) port: u16,
}

#[derive(Clone)]
pub(super) struct Address {
    /// To be tried in this order.
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) security: Security,
    /// Where a token is made for each connection instead of a password.
    pub(super) iam: Option<Iam>,
    /// Without credentials.
    pub(super) shown: String,
}

/// The parameters that the driver itself knows; their values go to it as they are.
const DRIVER: [&str; 14] = [
    "channel_binding",
    "connect_timeout",
    "dbname",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "load_balance_hosts",
    "options",
    "password",
    "sslnegotiation",
    "target_session_attrs",
    "tcp_user_timeout",
    "user",
];

/// The parameters that are dealt with here.
const OURS: [&str; 13] = [
    "application_name",
    "auth",
    "host",
    "hostaddr",
    "passfile",
    "port",
    "region",
    "secret",
    "service",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
];

const VARIABLES: [(&str, &str); 19] = [
    ("PGHOST", "host"),
    ("PGHOSTADDR", "hostaddr"),
    ("PGPORT", "port"),
    ("PGDATABASE", "dbname"),
    ("PGUSER", "user"),
    ("PGPASSWORD", "password"),
    ("PGPASSFILE", "passfile"),
    ("PGSERVICE", "service"),
    ("PGOPTIONS", "options"),
    ("PGSSLMODE", "sslmode"),
    ("PGSSLNEGOTIATION", "sslnegotiation"),
    ("PGSSLROOTCERT", "sslrootcert"),
    ("PGSSLCERT", "sslcert"),
    ("PGSSLKEY", "sslkey"),
    ("PGCHANNELBINDING", "channel_binding"),
    ("PGCONNECT_TIMEOUT", "connect_timeout"),
    ("PGTARGETSESSIONATTRS", "target_session_attrs"),
    ("PGLOADBALANCEHOSTS", "load_balance_hosts"),
    ("PGAPPNAME", "application_name"),
];

/// Where servers put their socket when nobody says otherwise.
const SOCKETS: [&str; 2] = ["/var/run/postgresql", "/tmp"];
const DEFAULT_PORT: u16 = 5432;
/// How long a server may take to answer at all.
pub(super) const CONNECT_WAIT: Duration = Duration::from_secs(10);
/// A connection on which nothing moves is asked after that long whether the other side is still there: firewalls forget
/// silent connections long before the driver's own two hours.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(60);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_RETRIES: u32 = 6;

impl Address {
    /// Reads an address with all that adds to it. A secret that it refers to is fetched now.
    pub(super) async fn read(text: &str, around: &Surroundings) -> Result<Self, Error> {
        let mut given = url::parse(text)?;
        let variables: Parameters = VARIABLES
            .iter()
            .filter_map(|(variable, name)| Some(((*name).to_owned(), around.variable(variable)?)))
            .collect();
        if let Some(name) = given.get("service").or_else(|| variables.get("service")) {
            let service = service::read(name, around)?;
            add(&mut given, service);
        }
        add(&mut given, variables);
        known(&given)?;
        if let Some(name) = given.get("secret").cloned() {
            let secret = cloud::secret(&name, given.get("region"), around).await?;
            add(&mut given, secret);
        }
        Self::of(&given, around)
    }

    fn of(given: &Parameters, around: &Surroundings) -> Result<Self, Error> {
        let home = around.variable("HOME").map(PathBuf::from);
        let mut given = given.clone();
        let user = match given.get("user").cloned() {
            Some(user) => user,
            None => around.variable("USER").ok_or_else(|| problem("it names no user"))?,
        };
        given.entry("dbname".to_owned()).or_insert_with(|| user.clone());
        given.insert("user".to_owned(), user);
        let servers = servers(&given)?;
        let iam = match given.get("auth").map(String::as_str) {
            None => None,
            Some("rds-iam") => Some(Iam::of(&given, &servers, around)?),
            Some(_) => return Err(problem("`auth` is not `rds-iam`, the only other way to log in")),
        };
        let mode = Mode::of(&given, home.as_deref())?;
        if iam.is_some() && !mode.names_the_server() {
            // Whoever answers in the server's place would get a token that logs in as this user.
            return Err(problem("`auth=rds-iam` needs `sslmode=verify-full`"));
        }
        let endpoints = servers
            .iter()
            .map(|(host, port)| endpoint(&given, host, *port, &mode, iam.is_some(), home.as_deref()))
            .collect::<Result<Vec<_>, Error>>()?;
        Ok(Self { endpoints, security: Security::new(&mode)?, iam, shown: describe(&given, &servers) })
    }
}

pub(super) fn problem(text: impl Into<String>) -> Error {
    Error::Address { problem: text.into() }
}

/// What is given already wins.
fn add(given: &mut Parameters, more: Parameters) {
    for (name, value) in more {
        given.entry(name).or_insert(value);
    }
}

fn known(given: &Parameters) -> Result<(), Error> {
    let unknown =
        given.keys().find(|name| !DRIVER.contains(&name.as_str()) && !OURS.contains(&name.as_str()));
    match unknown {
        // The name of a parameter is no secret; its value might be.
        Some(name) if name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') => {
            Err(problem(format!("it has an unknown parameter `{name}`")))
        }
        Some(_) => Err(problem("it has an unknown parameter")),
        None => Ok(()),
    }
}

/// Hosts with their ports; a path is a folder of sockets.
fn servers(given: &Parameters) -> Result<Vec<(String, u16)>, Error> {
    let hosts: Vec<String> = match given.get("host").or_else(|| given.get("hostaddr")) {
        Some(hosts) => {
            hosts.split(',').map(|host| if host.is_empty() { local() } else { host.to_owned() }).collect()
        }
        None => vec![local()],
    };
    let ports = match given.get("port") {
        Some(ports) => ports.split(',').map(port).collect::<Result<Vec<_>, Error>>()?,
        None => vec![DEFAULT_PORT],
    };
    match ports.as_slice() {
        [port] => Ok(hosts.into_iter().map(|host| (host, *port)).collect()),
        ports if ports.len() == hosts.len() => Ok(hosts.into_iter().zip(ports.iter().copied()).collect()),
        ports => Err(problem(format!("it has {} hosts and {} ports", hosts.len(), ports.len()))),
    }
}

fn port(text: &str) -> Result<u16, Error> {
    match text.parse() {
        _ if text.is_empty() => Ok(DEFAULT_PORT),
        Ok(port) if port > 0 => Ok(port),
        _ => Err(problem("a port is not a number from 1 to 65535")),
    }
}

fn local() -> String {
    let folder =
        SOCKETS.iter().find(|folder| Path::new(folder).join(format!(".s.PGSQL.{DEFAULT_PORT}")).exists());
    folder.map_or_else(|| "localhost".to_owned(), |folder| (*folder).to_owned())
}

fn endpoint(
    given: &Parameters,
    host: &str,
    port: u16,
    mode: &Mode,
    token: bool,
    home: Option<&Path>,
) -> Result<Endpoint, Error> {
    let mut driver: Parameters = given
        .iter()
        .filter(|(name, _)| DRIVER.contains(&name.as_str()))
        .map(|(n, v)| (n.clone(), v.clone()))
        .collect();
    if token {
        driver.remove("password");
    } else if !driver.contains_key("password") {
        let value = |name: &str| given.get(name).map_or("", String::as_str);
        let login = passfile::Login { host, port, database: value("dbname"), user: value("user") };
        if let Some(password) = passfile::find(given.get("passfile"), home, &login)? {
            driver.insert("password".to_owned(), password);
        }
    }
    // libpq's later word: a server that is no replica. The driver knows the older one.
    if let Some(wanted) = driver.get_mut("target_session_attrs").filter(|wanted| *wanted == "primary") {
        *wanted = "read-write".to_owned();
    }
    let text: Vec<String> = driver.iter().map(|(name, value)| format!("{name}={}", quoted(value))).collect();
    let mut config: Config = text
        .join(" ")
        .parse()
        // The parser's own message may repeat parts of the address, and so a password.
        .map_err(|_| problem("one of its parameters has a value that PostgreSQL does not know"))?;
    config.host(host).port(port).application_name("chartlift").ssl_mode(mode.for_host(host));
    if let Some(address) = given.get("host").and(given.get("hostaddr")) {
        let address = address.parse().map_err(|_| problem("`hostaddr` is not one numeric address"))?;
        config.hostaddr(address);
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_WAIT);
    }
    if !driver.contains_key("keepalives_idle") {
        config.keepalives_idle(KEEPALIVE_IDLE);
    }
    if config.get_keepalives_interval().is_none() {
        config.keepalives_interval(KEEPALIVE_INTERVAL);
    }
    if config.get_keepalives_retries().is_none() {
        config.keepalives_retries(KEEPALIVE_RETRIES);
    }
    Ok(Endpoint { config, host: host.to_owned(), port })
}

fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn describe(given: &Parameters, servers: &[(String, u16)]) -> String {
    let hosts: Vec<String> = servers.iter().map(|(host, port)| format!("{host}:{port}")).collect();
    let database = given.get("dbname").map(|name| format!("/{name}")).unwrap_or_default();
    format!("postgresql://{}{database}", hosts.join(","))
}

#[cfg(test)]
mod tests;
