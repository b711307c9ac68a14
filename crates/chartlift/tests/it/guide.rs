//! `docs/rds.md` as far as it can be played without Amazon: its SQL and its commands, run as they stand there, by users
//! that have the rights it gives them and no others.

use anyhow::{Context, bail, ensure};

use crate::Test;
use crate::database::{Database, Kind};
use crate::workspace::{Workspace, repository};

pub(crate) const TESTS: &[Test] = &[("the_guide_to_rds_works_postgres", the_guide_to_rds_works)];

/// A block of code: what is said behind its three backticks, and its lines.
struct Block {
    about: Vec<String>,
    text: String,
}

/// The names that the guide gives, and what they are called here: roles are the whole server's.
struct Names {
    replaced: Vec<(&'static str, String)>,
    /// Of the server, with its superuser, and without the database's name.
    front: String,
}

impl Names {
    fn localised(&self, text: &str) -> String {
        self.replaced.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
    }

    fn of(&self, name: &str) -> String {
        self.localised(name)
    }

    /// An address with another user and database.
    fn url(&self, user: &str, database: &str) -> String {
        format!("{}/{database}", self.front.replacen("postgres@", &format!("{user}@"), 1))
    }
}

fn the_guide_to_rds_works() -> anyhow::Result<()> {
    let mut workspace = Workspace::with_base("mini")?;
    let Some(admin) = Database::create(Kind::Postgres, &workspace)? else { return Ok(()) };
    let url = admin.url();
    let (front, own) = url.rsplit_once('/').context("a URL")?;
    let names = Names {
        replaced: ["clinic_owner", "clinic_loader", "clinic_master", "clinic_records"]
            .map(|name| (name, format!("{name}_{own}")))
            .into(),
        front: front.to_owned(),
    };
    let played = play(&mut workspace, &admin, &names);
    let (owner, loader, master) =
        (names.of("clinic_owner"), names.of("clinic_loader"), names.of("clinic_master"));
    admin.query(&format!("drop database if exists {} with (force)", names.of("clinic_records")))?;
    admin.query(&format!("drop role if exists {loader}, {owner}, {master}"))?;
    played
}

fn play(workspace: &mut Workspace, admin: &Database, names: &Names) -> anyhow::Result<()> {
    // As on Amazon: the master user is no superuser.
    let master = names.of("clinic_master");
    admin.query(&format!("create role {master} login createdb createrole"))?;
    let blocks = blocks(&std::fs::read_to_string(repository().join("docs/rds.md"))?);
    let mut ran = Vec::new();
    for block in &blocks {
        let about: Vec<&str> = block.about.iter().map(String::as_str).collect();
        match about.as_slice() {
            ["sql", "master"] => sql(&names.url(&master, "postgres"), &names.localised(&block.text))?,
            ["sql", "master", database] => {
                let (text, url) = (names.localised(&block.text), names.url(&master, &names.of(database)));
                if text.contains("GRANT USAGE ON SCHEMA") {
                    install(&url, &names.of("clinic_owner"))?;
                }
                sql(&url, &text)?;
            }
            ["sh", "run"] => commands(workspace, names, &block.text)?,
            ["json"] => {
                serde_json::from_str::<serde_json::Value>(&block.text).context("the policy")?;
            }
            ["sh" | "sql", "amazon"] => continue,
            other => bail!("who runs a block that is called {other:?}?"),
        }
        ran.push(about.join(" "));
    }
    ensure!(ran.len() == 5, "the blocks that ran: {ran:?}");
    loaded(names)
}

/// What the new system's own installation does.
fn install(url: &str, owner: &str) -> anyhow::Result<()> {
    let ddl = repository().join("tests/bases/mini/targets/mini/1/ddl/postgres.sql");
    let ddl = std::fs::read_to_string(&ddl).with_context(|| format!("reading `{}`", ddl.display()))?;
    sql(url, &format!("SET ROLE {owner}; {ddl}"))
}

/// One statement at a time, as `psql` would: databases are not made in a transaction.
fn sql(url: &str, text: &str) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
        tokio::spawn(connection);
        for statement in text.split(';').map(str::trim).filter(|statement| !statement.is_empty()) {
            client.batch_execute(statement).await.with_context(|| statement.to_owned())?;
        }
        Ok(())
    })
}

/// The pack of the guide is `clinic`; here a smaller one stands for it, and its export for the clinic's.
fn commands(workspace: &mut Workspace, names: &Names, text: &str) -> anyhow::Result<()> {
    for line in text.lines() {
        if let Some((name, _)) = line.strip_prefix("export ").and_then(|rest| rest.split_once('=')) {
            let url = names.url(&names.of("clinic_loader"), &names.of("clinic_records"));
            workspace.environment.push((name.to_owned(), url));
            continue;
        }
        let local = line.replace("clinic=env", "mini=env").replace("/exports/77", "input");
        let mut words = local.split_whitespace();
        ensure!(words.next() == Some("chartlift"), "`{line}` is no command of ours");
        let finished = workspace.run(&words.collect::<Vec<_>>())?;
        ensure!(finished.exit == Some(0), "`{line}` ended otherwise: {finished}");
    }
    Ok(())
}

/// The load is there, and the loader could do nothing else.
fn loaded(names: &Names) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let url = names.url("postgres", &names.of("clinic_records"));
        let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await?;
        tokio::spawn(connection);
        let people: i64 = client.query_one("SELECT count(*) FROM people", &[]).await?.get(0);
        ensure!(people > 0, "nobody was loaded");
        let loader = names.of("clinic_loader");
        let more = "SELECT rolsuper OR rolcreatedb OR rolcreaterole OR rolbypassrls \
             OR has_database_privilege(oid, current_database(), 'CREATE') \
             OR has_table_privilege(oid, 'people', 'TRUNCATE, REFERENCES, TRIGGER') \
             OR EXISTS (SELECT FROM pg_auth_members WHERE member = pg_roles.oid) FROM pg_roles WHERE rolname = $1";
        let more: bool = client.query_one(more, &[&loader]).await?.get(0);
        ensure!(!more, "the loader has rights that the guide does not give");
        Ok(())
    })
}

fn blocks(text: &str) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        match (line.strip_prefix("```"), open) {
            (Some(about), false) => {
                let about = about.split_whitespace().map(str::to_owned).collect();
                found.push(Block { about, text: String::new() });
                open = true;
            }
            (Some(_), true) => open = false,
            (None, true) => {
                if let Some(block) = found.last_mut() {
                    block.text.push_str(line);
                    block.text.push('\n');
                }
            }
            (None, false) => {}
        }
    }
    found
}
