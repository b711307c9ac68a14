//! The databases that tests load into: a SQLite file in the test's folder, or a PostgreSQL database of its own.

use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context;
use tokio_postgres::SimpleQueryMessage;

use crate::workspace::{Workspace, variable};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

impl Kind {
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "sqlite" => Some(Self::Sqlite),
            "postgres" => Some(Self::Postgres),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// Columns of the bookkeeping that hold numbers given by the database, times, and what changes with every attempt.
const PASSING: [&str; 8] = ["id", "load", "keyspace", "started", "committed", "log_head", "xid", "place"];

/// Rows as text, column by column; null is `NULL`.
pub(crate) type Rows = Vec<Vec<String>>;

pub(crate) enum Database {
    Sqlite(std::path::PathBuf),
    /// The server's URL, dropped with the database named in `url`.
    Postgres {
        server: String,
        name: String,
        url: String,
    },
}

impl Database {
    /// `None` where there is no PostgreSQL to test with; on CI that is a failure.
    pub(crate) fn create(kind: Kind, workspace: &Workspace) -> anyhow::Result<Option<Self>> {
        if kind == Kind::Sqlite {
            return Ok(Some(Self::Sqlite(workspace.path().join("out.db"))));
        }
        let Some(server) = variable("CHARTLIFT_TEST_POSTGRES") else {
            anyhow::ensure!(variable("CI").is_none(), "CHARTLIFT_TEST_POSTGRES is not set: run ./test");
            eprintln!("skipped: CHARTLIFT_TEST_POSTGRES is not set (./test starts a server)");
            return Ok(None);
        };
        Self::on_server(&server).map(Some)
    }

    /// The same, made ready, with order 1 of the workspace's `input` placed into it.
    pub(crate) fn with_order(kind: Kind, workspace: &Workspace) -> anyhow::Result<Option<Self>> {
        let Some(database) = Self::create(kind, workspace)? else { return Ok(None) };
        let target = format!("mini={}", database.url());
        for words in [
            ["target", "init", "--with-tables", "--target", &target].as_slice(),
            &["order", "create", "--id", "1", "--input", "input", "--target", &target],
        ] {
            let finished = workspace.run(words)?;
            anyhow::ensure!(finished.exit == Some(0), "{finished}");
        }
        Ok(Some(database))
    }

    /// A new database of the PostgreSQL server that the URL is of.
    pub(crate) fn on_server(server: &str) -> anyhow::Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{number}", std::process::id());
        query_postgres(server, &format!("create database {name}"))?;
        let (base, _) = server.rsplit_once('/').context("the server's URL names no database")?;
        Ok(Self::Postgres { url: format!("{base}/{name}"), server: server.to_owned(), name })
    }

    /// Does something while another session has run these statements and its transaction is open.
    pub(crate) fn beside<T>(
        &self,
        statements: &str,
        work: impl FnOnce() -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        match self {
            Self::Sqlite(path) => {
                let connection = rusqlite::Connection::open(path)?;
                connection.execute_batch(statements)?;
                work()
            }
            Self::Postgres { url, .. } => {
                let runtime =
                    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
                let client = runtime.block_on(async {
                    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
                    tokio::spawn(connection);
                    client.batch_execute(statements).await?;
                    Ok::<_, anyhow::Error>(client)
                })?;
                let done = work();
                drop(client);
                done
            }
        }
    }

    /// As it stands after `--target NAME=`.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite:{}", path.display()),
            Self::Postgres { url, .. } => url.clone(),
        }
    }

    /// Runs one statement; the rows of a query come back as text.
    pub(crate) fn query(&self, sql: &str) -> anyhow::Result<Rows> {
        match self {
            Self::Sqlite(path) => query_sqlite(path, sql),
            Self::Postgres { url, .. } => query_postgres(url, sql),
        }
        .with_context(|| format!("running `{sql}`"))
    }

    /// The tables that a migration fills, without Chartlift's own.
    pub(crate) fn tables(&self) -> anyhow::Result<Vec<String>> {
        let sql = match self {
            Self::Sqlite(_) => {
                "select name from sqlite_master where type = 'table' and name not like 'chartlift%' \
                 and name not like 'sqlite%' order by 1"
            }
            Self::Postgres { .. } => {
                "select table_name from information_schema.tables where table_schema = 'public' \
                 and table_type = 'BASE TABLE' order by 1"
            }
        };
        Ok(self.query(sql)?.into_iter().flatten().collect())
    }

    /// What Chartlift keeps about its loads, but for numbers, times and the columns named, for comparing two runs.
    pub(crate) fn books(&self, without: &[&str]) -> anyhow::Result<Vec<(String, Rows)>> {
        let (tables, columns, prefix) = match self {
            Self::Sqlite(_) => (
                "select name from sqlite_master where type = 'table' and name like 'chartlift%' order by 1",
                "select name from pragma_table_info('TABLE')",
                "chartlift_",
            ),
            Self::Postgres { .. } => (
                "select c.relname from pg_class c where c.relnamespace = 'chartlift'::regnamespace \
                 and c.relkind in ('r', 'p') and not c.relispartition order by 1",
                "select attname from pg_attribute where attrelid = 'chartlift.TABLE'::regclass and attnum > 0 \
                 and not attisdropped order by attnum",
                "chartlift.",
            ),
        };
        let mut queries = Vec::new();
        for table in self.query(tables)?.into_iter().flatten() {
            let columns = self.query(&columns.replace("TABLE", &table))?.into_iter().flatten();
            let kept = columns.filter(|column| {
                let column = column.as_str();
                !PASSING.contains(&column) && !without.contains(&column)
            });
            let kept: Vec<_> = kept.collect();
            let whole = format!("{prefix}{}", table.trim_start_matches(prefix));
            queries.push((table, format!("select {} from {whole}", kept.join(", "))));
        }
        // Which load and which keyspace an entry is of, by what they mean.
        let links = "select l.order_id, l.state, k.series, k.system, k.target_table, c.source_key \
            from PREcrosswalk c join PREload l on l.id = c.load join PREkeyspace k on k.id = c.keyspace";
        queries.push(("links".to_owned(), links.replace("PRE", prefix)));
        let mut books = Vec::new();
        for (name, sql) in queries {
            let mut rows = self.query(&sql)?;
            rows.sort();
            books.push((name, rows));
        }
        Ok(books)
    }

    /// The names of all that the database holds, temporary tables too; numbers in them do not count.
    pub(crate) fn relations(&self) -> anyhow::Result<Rows> {
        let sql = match self {
            Self::Sqlite(_) => {
                // Statistics may be gathered or not.
                "select type, name from sqlite_master where name not like 'sqlite_stat%' order by 1, 2"
            }
            Self::Postgres { .. } => {
                "select n.nspname, c.relkind::text, regexp_replace(c.relname, '[0-9]+', '#') from pg_class c \
                 join pg_namespace n on n.oid = c.relnamespace where n.nspname not in ('pg_catalog', \
                 'information_schema') and n.nspname not like 'pg_toast%' order by 1, 2, 3"
            }
        };
        self.query(sql)
    }

    /// Everything that a migration put there, for comparing two runs.
    pub(crate) fn contents(&self) -> anyhow::Result<Vec<(String, Rows)>> {
        let mut contents = Vec::new();
        for table in self.tables()? {
            let mut rows = self.query(&format!("select * from \"{table}\""))?;
            rows.sort();
            contents.push((table, rows));
        }
        Ok(contents)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Self::Postgres { server, name, .. } = self
            && let Err(error) =
                query_postgres(server, &format!("drop database if exists {name} with (force)"))
        {
            eprintln!("could not drop the test database {name}: {error:#}");
        }
    }
}

fn query_sqlite(path: &std::path::Path, sql: &str) -> anyhow::Result<Rows> {
    let connection = rusqlite::Connection::open(path)?;
    let mut statement = connection.prepare(sql)?;
    let width = statement.column_count();
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let cells = (0..width).map(|column| row.get_ref(column).map(sqlite_text));
        found.push(cells.collect::<Result<_, _>>()?);
    }
    Ok(found)
}

fn sqlite_text(value: rusqlite::types::ValueRef<'_>) -> String {
    use rusqlite::types::ValueRef;
    match value {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        ValueRef::Blob(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

fn query_postgres(url: &str, sql: &str) -> anyhow::Result<Rows> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
        let connection = tokio::spawn(connection);
        let messages = client.simple_query(sql).await?;
        drop(client);
        connection.await??;
        let rows = messages.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|column| row.get(column).unwrap_or("NULL").to_owned()).collect())
            }
            _ => None,
        });
        Ok(rows.collect())
    })
}
