//! Two workers on one order: one works, the other is told so.

use anyhow::ensure;

use crate::Test;
use crate::database::{Database, Kind};
use crate::workspace::{Workspace, files_under};

pub(crate) const TESTS: &[Test] = &[
    ("held_lock_is_a_conflict", held_lock_is_a_conflict),
    ("at_once_sqlite", || at_once(Kind::Sqlite)),
    ("at_once_postgres", || at_once(Kind::Postgres)),
];

/// Whoever holds the order's lock keeps everybody else out, with exit 8.
fn held_lock_is_a_conflict() -> anyhow::Result<()> {
    let (workspace, _database) =
        order(Kind::Sqlite)?.ok_or_else(|| anyhow::anyhow!("SQLite is always there"))?;
    let finished = workspace.run(&["run", "--order", "1", "--until", "identify"])?;
    ensure!(finished.exit == Some(0), "{finished}");
    let named_lock = |path: &std::path::PathBuf| path.file_name().is_some_and(|name| name == "lock");
    let lock = files_under(workspace.path())?.into_iter().find(named_lock);
    let file =
        std::fs::File::options().append(true).open(lock.ok_or_else(|| anyhow::anyhow!("no lock file"))?)?;
    file.lock()?;
    let refused = workspace.json(&["run", "--order", "1", "--json"], 8)?;
    ensure!(refused["error"]["code"].is_string(), "no error in {refused}");
    file.unlock()?;
    workspace.json(&["run", "--order", "1", "--json"], 0)?;
    Ok(())
}

/// Several processes started together: each ends well or with a conflict, and the rows arrive once.
fn at_once(kind: Kind) -> anyhow::Result<()> {
    let Some((workspace, database)) = order(kind)? else { return Ok(()) };
    let children: Vec<_> =
        (0..4).map(|_| workspace.spawn(&["run", "--order", "1"])).collect::<anyhow::Result<_>>()?;
    for mut child in children {
        let code = child.wait()?.code();
        ensure!(matches!(code, Some(0 | 8)), "one of several at once ended with {code:?}");
    }
    workspace.json(&["run", "--order", "1", "--json"], 0)?;
    let rows = database.query("select count(*) from visits")?;
    ensure!(rows == [["4"]], "{rows:?} visits instead of 4");
    Ok(())
}

fn order(kind: Kind) -> anyhow::Result<Option<(Workspace, Database)>> {
    let workspace = Workspace::with_base("mini")?;
    let Some(database) = Database::with_order(kind, &workspace)? else { return Ok(None) };
    Ok(Some((workspace, database)))
}
