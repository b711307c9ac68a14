//! The world around an order fails: the server starts anew, the connection breaks at the commit, the server's disk is
//! full, somebody else holds a lock. It says so with its code, and the same command later ends as if nothing had been.

mod proxy;
mod server;

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::Test;
use crate::database::Kind;
use crate::interrupted::{Order, Outcome, Step};
use crate::workspace::{Finished, Workspace, copy_folder};
use proxy::{Loses, Proxy};
use server::Server;

pub(crate) const TESTS: &[Test] = &[
    ("the_server_starts_anew", the_server_starts_anew),
    ("the_answer_to_the_commit_is_lost", || commit_breaks(Loses::Answer, 0, None)),
    ("the_commit_is_lost", || commit_breaks(Loses::Request, 5, Some("connection-error"))),
    ("the_server_is_gone_after_the_commit", || commit_breaks(Loses::All, 5, Some("commit-unknown"))),
    ("the_servers_disk_is_full", the_servers_disk_is_full),
    ("a_table_is_locked", a_table_is_locked),
    ("the_orders_fence_is_taken", the_orders_fence_is_taken),
    ("the_file_is_locked", the_file_is_locked),
    ("two_workers_sqlite", || two_workers(Kind::Sqlite)),
    ("two_workers_postgres", || two_workers(Kind::Postgres)),
    ("two_copies_sqlite", || two_copies(Kind::Sqlite, 5, "database-busy")),
    ("two_copies_postgres", || two_copies(Kind::Postgres, 8, "order-locked")),
];

/// After a crash of the server in the middle of the load, its commit or its rollback.
fn the_server_starts_anew() -> anyhow::Result<()> {
    let Some(server) = Server::start(&[])? else { return Ok(()) };
    let undisturbed = Order::on_server(&server.url)?;
    undisturbed.prepared()?;
    let loaded = undisturbed.finish()?;
    undisturbed.done(Step::RollBack)?;
    let taken_back = undisturbed.outcome(Value::Null)?;
    for (step, failpoint, exit) in [
        (Step::Run, "copy-chunk", 5),
        (Step::Run, "load-committing", 5),
        // Committed is committed: nobody has to do anything.
        (Step::Run, "load-committed", 0),
        (Step::RollBack, "rollback-rows:2", 5),
    ] {
        let order = Order::on_server(&server.url)?;
        order.prepared()?;
        if step == Step::RollBack {
            order.finish()?;
        }
        let held = order.hold(step, failpoint)?;
        server.restart(None)?;
        let finished = held.let_go()?;
        ensure!(finished.exit == Some(exit), "{failpoint}: {finished}");
        ensure!(exit == 0 || code(&finished)? == "connection-error", "{failpoint}: {finished}");
        let compared = if step == Step::RollBack {
            order.done(step)?;
            order.outcome(Value::Null)?.must_equal(&taken_back)
        } else {
            order.finish()?.must_equal(&loaded)
        };
        compared.with_context(|| format!("the server started anew at {failpoint}"))?;
    }
    Ok(())
}

/// The connection breaks with the COMMIT on its way, or with its answer.
fn commit_breaks(loses: Loses, exit: i32, told: Option<&str>) -> anyhow::Result<()> {
    let Some(undisturbed) = undisturbed(Kind::Postgres)? else { return Ok(()) };
    let Some(order) = Order::create(Kind::Postgres)? else { return Ok(()) };
    order.impatient()?;
    let proxy = Proxy::before(&order.database.url(), loses)?;
    let target = format!("mini={}", proxy.url);
    let words = ["run", "--order", "1", "--json", "--target", &target];
    let finished = order.workspace.run(&words)?;
    ensure!(proxy.has_cut(), "no COMMIT came by: {finished}");
    ensure!(finished.exit == Some(exit), "{finished}");
    if let Some(told) = told {
        ensure!(code(&finished)? == told, "{finished}");
    }
    proxy.mend();
    let again = order.workspace.json(&words, 0)?;
    order.outcome(again)?.must_equal(&undisturbed)
}

/// A server that can write no file beyond 2 MiB, and then can.
fn the_servers_disk_is_full() -> anyhow::Result<()> {
    // Segments of the write-ahead log are smaller than the room.
    let Some(server) = Server::start(&[("INITDB", "--wal-segsize=1")])? else { return Ok(()) };
    let order = long_order(&server)?;
    // Not a multiple of a page: the server writes what fits, and calls the rest a full disk.
    server.restart(Some(2049))?;
    let finished = order.start(Step::Run)?;
    // Newer servers allocate beforehand, and have no code for what this limit answers to that.
    let told = match finished.exit {
        Some(5) => code(&finished)? == "out-of-space" && finished.stdout.contains("53100"),
        other => other == Some(6) && finished.stdout.contains("XX000"),
    };
    ensure!(told && finished.stdout.contains("`notes`"), "{finished}");
    let rows = order.database.query("select count(*) from people")?;
    ensure!(rows == [["1"]], "something was loaded: {rows:?}");
    server.restart(None)?;
    order.finish()?.must_equal(&long_order(&server)?.finish()?)
}

/// An order whose notes take more than 2 MiB.
fn long_order(server: &Server) -> anyhow::Result<Order> {
    let order = Order::on_server(&server.url)?;
    order.long_notes()?;
    order.prepared()?;
    Ok(order)
}

/// Somebody else works on a table: while it is loaded, and while it is verified.
fn a_table_is_locked() -> anyhow::Result<()> {
    let Some(undisturbed) = undisturbed(Kind::Postgres)? else { return Ok(()) };
    let Some(order) = Order::create(Kind::Postgres)? else { return Ok(()) };
    order.impatient()?;
    let locked = "begin; lock table visits in access exclusive mode";
    busy(order.database.beside(locked, || order.start(Step::Run))?)?;
    order.workspace.json(&["run", "--order", "1", "--until", "import", "--json"], 0)?;
    busy(order.database.beside(locked, || order.start(Step::Run))?)?;
    order.finish()?.must_equal(&undisturbed)
}

/// Another process is loading the order, as far as the server can tell.
fn the_orders_fence_is_taken() -> anyhow::Result<()> {
    let Some(undisturbed) = undisturbed(Kind::Postgres)? else { return Ok(()) };
    let Some(order) = Order::create(Kind::Postgres)? else { return Ok(()) };
    order.impatient()?;
    let fence = "select pg_advisory_lock(hashtextextended('1', hashtextextended('chartlift load', 0)))";
    let finished = order.database.beside(fence, || order.start(Step::Run))?;
    ensure!(finished.exit == Some(8) && code(&finished)? == "order-locked", "{finished}");
    order.finish()?.must_equal(&undisturbed)
}

/// SQLite has one lock for all writers.
fn the_file_is_locked() -> anyhow::Result<()> {
    let Some(undisturbed) = undisturbed(Kind::Sqlite)? else { return Ok(()) };
    let Some(order) = Order::create(Kind::Sqlite)? else { return Ok(()) };
    order.impatient()?;
    busy(order.database.beside("begin immediate", || order.start(Step::Run))?)?;
    order.finish()?.must_equal(&undisturbed)
}

/// While one worker loads, another on the same order's folder is told so.
fn two_workers(kind: Kind) -> anyhow::Result<()> {
    let Some(undisturbed) = undisturbed(kind)? else { return Ok(()) };
    let Some(order) = Order::create(kind)? else { return Ok(()) };
    let first = order.hold(Step::Run, "load-begun")?;
    for step in [Step::Run, Step::RollBack] {
        let second = order.start(step)?;
        ensure!(second.exit == Some(8) && code(&second)? == "order-locked", "{second}");
    }
    let first = first.let_go()?;
    ensure!(first.exit == Some(0), "{first}");
    order.finish()?.must_equal(&undisturbed)
}

/// Two copies of an order's folder, as on two machines: the target itself keeps the second out, and one load counts.
fn two_copies(kind: Kind, exit: i32, told: &str) -> anyhow::Result<()> {
    let Some(undisturbed) = undisturbed(kind)? else { return Ok(()) };
    let Some(order) = Order::create(kind)? else { return Ok(()) };
    order.impatient()?;
    order.workspace.json(&["run", "--order", "1", "--until", "validate", "--json"], 0)?;
    let copy = Workspace::new()?;
    copy_folder(order.workspace.path(), copy.path())?;
    let first = order.hold(Step::Run, "load-begun")?;
    let second = copy.run(&order.words(Step::Run))?;
    ensure!(second.exit == Some(exit) && code(&second)? == told, "{second}");
    let first = first.let_go()?;
    ensure!(first.exit == Some(0), "{first}");
    copy.json(&order.words(Step::Run), 0)?;
    order.finish()?.must_equal(&undisturbed)
}

fn undisturbed(kind: Kind) -> anyhow::Result<Option<Outcome>> {
    Order::create(kind)?.map(|order| order.finish()).transpose()
}

fn busy(finished: Finished) -> anyhow::Result<()> {
    ensure!(finished.exit == Some(5) && code(&finished)? == "database-busy", "{finished}");
    Ok(())
}

fn code(finished: &Finished) -> anyhow::Result<String> {
    let told: Value =
        serde_json::from_str(&finished.stdout).with_context(|| format!("no JSON object: {finished}"))?;
    Ok(told["error"]["code"].as_str().unwrap_or_default().to_owned())
}
