//! Addresses, with the files and variables that add to them.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use chrono::DateTime;

use super::Address;
use crate::Error;
use crate::target::Surroundings;

fn around(variables: &[(&str, &str)]) -> Surroundings {
    let variables: BTreeMap<String, String> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Surroundings::new(move |name| variables.get(name).cloned(), || DateTime::UNIX_EPOCH)
}

async fn read(text: &str, variables: &[(&str, &str)]) -> Result<Address, Error> {
    Address::read(text, &around(variables)).await
}

async fn problem(text: &str, variables: &[(&str, &str)]) -> String {
    let error = read(text, variables).await.err().expect("an address that cannot be used");
    assert!(!error.to_string().contains("hunter2"), "{error}");
    error.to_string()
}

/// User, password and database of each server.
fn logins(address: &Address) -> Vec<(String, u16, String, String, String)> {
    address
        .endpoints
        .iter()
        .map(|one| {
            let password = one.config.get_password().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
            (
                one.host.clone(),
                one.port,
                one.config.get_user().unwrap_or_default().to_owned(),
                password.unwrap_or_default(),
                one.config.get_dbname().unwrap_or_default().to_owned(),
            )
        })
        .collect()
}

fn login(
    host: &str,
    port: u16,
    user: &str,
    password: &str,
    database: &str,
) -> (String, u16, String, String, String) {
    (host.into(), port, user.into(), password.into(), database.into())
}

fn file(folder: &Path, name: &str, mode: u32, text: &str) -> String {
    let path = folder.join(name);
    std::fs::File::create(&path).unwrap().write_all(text.as_bytes()).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    path.display().to_string()
}

#[tokio::test]
async fn an_address_says_it_all() {
    let text = "postgresql://ana%40x:p%3Aw'%5C@h1:6000,[::1],/clinic?connect_timeout=3&sslmode=disable";
    let address = read(text, &[("PGUSER", "other"), ("PGPORT", "1")]).await.unwrap();
    let logins = logins(&address);
    assert_eq!(logins[0], login("h1", 6000, "ana@x", "p:w'\\", "clinic"));
    assert_eq!(logins[1], login("::1", 5432, "ana@x", "p:w'\\", "clinic"));
    assert_eq!(logins.len(), 3);
    assert!(!address.shown.contains("p:w") && !address.shown.contains("ana"), "{}", address.shown);
}

#[tokio::test]
async fn variables_and_services_fill_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let services = file(
        folder.path(),
        "services",
        0o644,
        "# ours\n[other]\nhost=elsewhere\n\n[clinic]\nhost=h1,h2\nport=6000\nuser=ana\npassword=hunter2\n[last]\nhost=x\n",
    );
    let variables =
        [("PGSERVICEFILE", services.as_str()), ("PGSERVICE", "clinic"), ("PGPORT", "7"), ("PGDATABASE", "d")];
    let address = read("postgresql://", &variables).await.unwrap();
    let expected = [login("h1", 6000, "ana", "hunter2", "d"), login("h2", 6000, "ana", "hunter2", "d")];
    assert_eq!(logins(&address), expected);
    let address = read("postgresql://bob@h3/?service=clinic", &variables[..1]).await.unwrap();
    assert_eq!(logins(&address), [login("h3", 6000, "bob", "hunter2", "bob")]);
    let said = problem("postgresql:///?service=nobody", &variables[..1]).await;
    assert!(said.contains("`nobody`"), "{said}");
}

#[tokio::test]
async fn passwords_stand_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let text = "# comment\nh1:5432:other:ana:no\nh1:*:clinic:ana:with\\:colon:and more\nlocalhost:5432:*:*:socket\n*:*:*:ana:any\n";
    file(folder.path(), ".pgpass", 0o600, text);
    let home = [("HOME", folder.path().to_str().unwrap())];
    let address = read("postgresql://ana@h1,h2,%2Frun%2Fpg/clinic?sslmode=disable", &home).await.unwrap();
    let expected = [
        login("h1", 5432, "ana", "with:colon:and more", "clinic"),
        login("h2", 5432, "ana", "any", "clinic"),
        login("/run/pg", 5432, "ana", "socket", "clinic"),
    ];
    assert_eq!(logins(&address), expected);
    let open = file(folder.path(), "open", 0o644, "*:*:*:*:hunter2\n");
    let said = problem("postgresql://ana@h1/clinic", &[("PGPASSFILE", &open)]).await;
    assert!(said.contains("others can read"), "{said}");
    let gone = read("postgresql://ana@h1/clinic?passfile=/nowhere/pgpass", &[]).await.err().unwrap();
    assert_eq!(gone.code(), "file-error");
}

#[tokio::test]
async fn what_cannot_be_used_is_told_without_its_secrets() {
    for (text, word) in [
        ("postgresql://ana:hunter2@h:port/d", "port"),
        ("postgresql://ana:hunter2@h1,h2,h3:1,2/d?port=1,2", "twice"),
        ("postgresql://ana:hunter2@h/d?sslmod=disable", "`sslmod`"),
        ("postgresql://ana:hunter2@h/d?sslmode=always", "sslmode"),
        ("postgresql://ana:hunter2@h/d?sslmode=verify-full", "whom to trust"),
        ("postgresql://ana:hunter2@h/d?sslcert=x", "sslkey"),
        ("postgresql://ana:hunter2@h/d?connect_timeout=soon", "value"),
        ("postgresql://ana:hunter2@h/d?auth=magic", "rds-iam"),
        ("postgresql://ana@h/d?auth=rds-iam", "region"),
        ("postgresql://ana@h/d?auth=rds-iam&region=eu-west-1", "verify-full"),
        ("postgresql://h/d", "user"),
        ("postgresql://ana:hunter2@[::1/d", "bracket"),
        ("postgresql://ana@h/d?secret=clinic", "region"),
    ] {
        let said = problem(text, &[]).await;
        assert!(said.contains(word), "{text}: {said}");
    }
}
