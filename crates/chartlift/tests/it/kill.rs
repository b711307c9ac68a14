//! One order killed or out of room over and over ends as if nothing had happened. `sweep` kills many orders once.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::Test;
use crate::database::Kind;
use crate::interrupted::{Order, Outcome, Step};

pub(crate) const TESTS: &[Test] = &[
    ("again_and_again_sqlite", || again_and_again(Kind::Sqlite)),
    ("again_and_again_postgres", || again_and_again(Kind::Postgres)),
    ("rollback_without_its_record_sqlite", || rollback_without_its_record(Kind::Sqlite)),
    ("rollback_without_its_record_postgres", || rollback_without_its_record(Kind::Postgres)),
    ("no_room_then_again_sqlite", || no_room_then_again(Kind::Sqlite)),
    ("no_room_then_again_postgres", || no_room_then_again(Kind::Postgres)),
];

/// How many moments of a run are tried, evenly spread over its length.
const MOMENTS: u32 = 20;

/// The longest file that a run may write, in KiB, one run after the other: each gets a little further.
const ROOMS: [u32; 8] = [0, 2, 8, 16, 32, 64, 96, 192];

/// One order killed over and over, each time a little later.
fn again_and_again(kind: Kind) -> anyhow::Result<()> {
    let Some((undisturbed, length)) = undisturbed(kind)? else { return Ok(()) };
    let Some(order) = Order::create(kind)? else { return Ok(()) };
    for moment in 0..MOMENTS {
        order.kill_after(Step::Run, length * moment / MOMENTS)?;
    }
    order.finish()?.must_equal(&undisturbed)
}

/// Killed between the target's commit and the log's record of it: the same command finds that it is done.
fn rollback_without_its_record(kind: Kind) -> anyhow::Result<()> {
    let Some(recorded) = Order::create(kind)? else { return Ok(()) };
    recorded.finish()?;
    recorded.done(Step::RollBack)?;
    let undisturbed = recorded.finish()?;
    let Some(order) = Order::create(kind)? else { return Ok(()) };
    order.finish()?;
    order.done(Step::RollBack)?;
    let log = order.workspace.path().join("migrations/migration_1/log");
    let mut records =
        std::fs::read_dir(&log)?.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<Vec<_>>>()?;
    records.sort();
    std::fs::remove_file(records.last().context("the log is empty")?)?;
    order.done(Step::RollBack)?;
    order.finish()?.must_equal(&undisturbed)
}

/// One order that runs out of room in ever later places: it says so, and goes on once there is room.
fn no_room_then_again(kind: Kind) -> anyhow::Result<()> {
    let Some((undisturbed, _)) = undisturbed(kind)? else { return Ok(()) };
    let Some(order) = Order::create(kind)? else { return Ok(()) };
    let mut refused = 0;
    for room in ROOMS {
        let finished = order.run_with_room(room)?;
        // Try again (5), undone by itself (6), or enough room.
        ensure!(matches!(finished.exit, Some(0 | 5 | 6)), "with {room} KiB: {finished}");
        if finished.exit != Some(0) {
            refused += 1;
            let summary: Value = serde_json::from_str(&finished.stdout)
                .with_context(|| format!("with {room} KiB: {finished}"))?;
            ensure!(summary["error"]["code"].is_string(), "with {room} KiB: {finished}");
        }
    }
    ensure!(refused > 1, "only {refused} runs lacked room");
    order.finish()?.must_equal(&undisturbed)
}

fn undisturbed(kind: Kind) -> anyhow::Result<Option<(Outcome, Duration)>> {
    let Some(order) = Order::create(kind)? else { return Ok(None) };
    let began = Instant::now();
    let outcome = order.finish()?;
    Ok(Some((outcome, began.elapsed())))
}
