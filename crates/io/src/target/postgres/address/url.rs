//! `postgresql://user:password@host:port,host2/database?name=value`, taken apart.

use percent_encoding::percent_decode_str;

use super::{Parameters, problem};
use crate::Error;

pub(super) fn parse(text: &str) -> Result<Parameters, Error> {
    let rest = text
        .strip_prefix("postgresql://")
        .or_else(|| text.strip_prefix("postgres://"))
        .ok_or_else(|| problem("it does not begin with `postgresql://`"))?;
    let (rest, query) = match rest.split_once('?') {
        Some((rest, query)) => (rest, Some(query)),
        None => (rest, None),
    };
    let (authority, database) = match rest.split_once('/') {
        Some((authority, database)) => (authority, Some(database)),
        None => (rest, None),
    };
    let mut given = Parameters::new();
    let servers = match authority.rsplit_once('@') {
        Some((login, servers)) => {
            let (user, password) = match login.split_once(':') {
                Some((user, password)) => (user, Some(password)),
                None => (login, None),
            };
            put(&mut given, "user", user)?;
            put(&mut given, "password", password.unwrap_or_default())?;
            servers
        }
        None => authority,
    };
    hosts(&mut given, servers)?;
    put(&mut given, "dbname", database.unwrap_or_default())?;
    for pair in query.into_iter().flat_map(|query| query.split('&')).filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or_else(|| problem("a parameter has no value"))?;
        let name = decoded(name)?;
        if given.contains_key(&name) {
            return Err(problem("it says something twice"));
        }
        given.insert(name, decoded(value)?);
    }
    Ok(given)
}

fn hosts(given: &mut Parameters, servers: &str) -> Result<(), Error> {
    if servers.is_empty() {
        return Ok(());
    }
    let (mut hosts, mut ports) = (Vec::new(), Vec::new());
    for server in servers.split(',') {
        // A numeric IPv6 address stands in brackets, since it has colons of its own.
        let (host, port) = match server.strip_prefix('[').map(|rest| rest.split_once(']')) {
            Some(Some((host, rest))) => (host, rest.strip_prefix(':').unwrap_or(rest)),
            Some(None) => return Err(problem("a bracket is not closed")),
            None => server.split_once(':').unwrap_or((server, "")),
        };
        hosts.push(decoded(host)?);
        ports.push(decoded(port)?);
    }
    if hosts.iter().any(|host| !host.is_empty()) {
        given.insert("host".to_owned(), hosts.join(","));
    }
    if ports.iter().any(|port| !port.is_empty()) {
        given.insert("port".to_owned(), ports.join(","));
    }
    Ok(())
}

fn put(given: &mut Parameters, name: &str, value: &str) -> Result<(), Error> {
    if !value.is_empty() {
        given.insert(name.to_owned(), decoded(value)?);
    }
    Ok(())
}

fn decoded(text: &str) -> Result<String, Error> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(Into::into).map_err(|_| problem("a part of it is not UTF-8"))
}
