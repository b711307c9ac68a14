//! Killed at any moment and started again, an order ends as if nothing had happened.

use std::fmt::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::Test;
use crate::database::{Database, Kind, Rows};
use crate::workspace::{Finished, Workspace};

pub(crate) const TESTS: &[Test] = &[
    ("anywhere_then_again_sqlite", || anywhere_then_again(Kind::Sqlite)),
    ("anywhere_then_again_postgres", || anywhere_then_again(Kind::Postgres)),
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

/// One kill in each of many fresh orders.
fn anywhere_then_again(kind: Kind) -> anyhow::Result<()> {
    let Some((undisturbed, length)) = undisturbed(kind)? else { return Ok(()) };
    for moment in 0..MOMENTS {
        let delay = length * moment / MOMENTS;
        let Some(order) = Order::create(kind)? else { return Ok(()) };
        order.kill_after(delay)?;
        let outcome = order.finish().with_context(|| format!("after a kill at {delay:?} of {length:?}"))?;
        outcome.must_equal(&undisturbed).with_context(|| format!("killed at {delay:?} of {length:?}"))?;
    }
    Ok(())
}

/// One order killed over and over, each time a little later.
fn again_and_again(kind: Kind) -> anyhow::Result<()> {
    let Some((undisturbed, length)) = undisturbed(kind)? else { return Ok(()) };
    let Some(order) = Order::create(kind)? else { return Ok(()) };
    for moment in 0..MOMENTS {
        order.kill_after(length * moment / MOMENTS)?;
    }
    order.finish()?.must_equal(&undisturbed)
}

/// Killed between the target's commit and the log's record of it: the same command finds that it is done.
fn rollback_without_its_record(kind: Kind) -> anyhow::Result<()> {
    let Some((undisturbed, _)) = undisturbed(kind)? else { return Ok(()) };
    let Some(order) = Order::create(kind)? else { return Ok(()) };
    order.finish()?;
    order.workspace.json(&["rollback", "--order", "1", "--json"], 0)?;
    let log = order.workspace.path().join("migrations/migration_1/log");
    let mut records =
        std::fs::read_dir(&log)?.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<Vec<_>>>()?;
    records.sort();
    std::fs::remove_file(records.last().context("the log is empty")?)?;
    order.workspace.json(&["rollback", "--order", "1", "--json"], 0)?;
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
            ensure!(finished.stderr.contains("code: "), "with {room} KiB: {finished}");
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

struct Order {
    workspace: Workspace,
    database: Database,
}

impl Order {
    fn create(kind: Kind) -> anyhow::Result<Option<Self>> {
        let workspace = Workspace::with_base("mini")?;
        enlarge(&workspace)?;
        let Some(database) = Database::create(kind, &workspace)? else { return Ok(None) };
        let target = format!("mini={}", database.url());
        for words in [
            ["target", "init", "--with-tables", "--target", &target].as_slice(),
            &["order", "create", "--id", "1", "--input", "input", "--target", &target],
        ] {
            let finished = workspace.run(words)?;
            ensure!(finished.exit == Some(0), "{finished}");
        }
        Ok(Some(Self { workspace, database }))
    }

    fn kill_after(&self, delay: Duration) -> anyhow::Result<()> {
        let mut child = self.workspace.spawn(&["run", "--order", "1"])?;
        std::thread::sleep(delay);
        // On Unix this is SIGKILL: the program learns nothing of it.
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Every write beyond the room fails, as on a full disk; the signal that would come with it is ignored.
    fn run_with_room(&self, kibibytes: u32) -> anyhow::Result<Finished> {
        let ours = self.workspace.command(&["run", "--order", "1"]);
        let mut command = Command::new("bash");
        command.args([
            "-c",
            "trap '' XFSZ; ulimit -f \"$1\"; shift; exec \"$@\"",
            "bash",
            &kibibytes.to_string(),
        ]);
        command.arg(ours.get_program()).args(ours.get_args()).current_dir(self.workspace.path()).env_clear();
        command.envs(ours.get_envs().filter_map(|(name, value)| Some((name, value?))));
        Ok(Finished::from(command.output().context("starting bash")?))
    }

    fn finish(&self) -> anyhow::Result<Outcome> {
        let summary = self.workspace.json(&["run", "--order", "1", "--json"], 0)?;
        ensure!(summary["statement"]["balanced"] == true, "not balanced: {summary}");
        Ok(Outcome { digests: digests(&summary), contents: self.database.contents()? })
    }
}

struct Outcome {
    digests: Value,
    contents: Vec<(String, Rows)>,
}

impl Outcome {
    fn must_equal(&self, other: &Self) -> anyhow::Result<()> {
        let (ours, theirs) = (&self.digests, &other.digests);
        ensure!(ours == theirs, "the digests differ:\n{ours:#}\nundisturbed:\n{theirs:#}");
        ensure!(self.contents == other.contents, "the rows in the target differ");
        Ok(())
    }
}

/// What must not depend on how often an order was interrupted, nor on the folder: everything but times, what was
/// skipped, and where the target is.
fn digests(summary: &Value) -> Value {
    let mut kept = summary.clone();
    kept["target"] = Value::Null;
    if let Some(stages) = kept["stages"].as_array_mut() {
        for stage in stages {
            if let Some(stage) = stage.as_object_mut() {
                stage.retain(|name, _| name != "seconds" && name != "skipped");
            }
        }
    }
    kept
}

/// Enough rows that each stage takes a moment in which it can be killed.
fn enlarge(workspace: &Workspace) -> anyhow::Result<()> {
    let mut people = String::from("id;name;born;sex;phone\n");
    let mut visits = String::from("id;person;day;status\n");
    let mut notes = String::from("person;written;text\n");
    for id in 1..=400 {
        writeln!(people, "{id};Person Number {id};{:02}/03/1970;F;", id % 28 + 1)?;
        for part in 0..5 {
            writeln!(visits, "{};{id};{:02}/01/2024;done", id * 10 + part, part + 1)?;
            writeln!(notes, "{id};{:02}/01/2024;\"note {part} of {id},\nin two lines\"", part + 1)?;
        }
    }
    let folder = workspace.path().join("input");
    std::fs::write(folder.join("people.csv"), people)?;
    std::fs::write(folder.join("visits.csv"), visits)?;
    std::fs::write(folder.join("notes.csv"), notes)?;
    Ok(())
}
