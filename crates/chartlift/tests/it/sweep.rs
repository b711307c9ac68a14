//! Killed at every named moment of writing and at random ones, then done again: nothing is lost, doubled or left over.
//!
//! The short sweep samples; `CHARTLIFT_SWEEP=200` makes that many kills in each database, every failpoint among them.
//! `CHARTLIFT_SWEEP_SEED` repeats a sweep: its failure names the seed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use chartlift_io::failpoint::NAMES;
use serde_json::Value;

use crate::Test;
use crate::database::Kind;
use crate::interrupted::{Order, Outcome, Shape, Step};
use crate::workspace::variable;

pub(crate) const TESTS: &[Test] = &[
    ("every_failpoint_is_come_by", every_failpoint_is_come_by),
    ("killed_then_again_sqlite", || sweep(Kind::Sqlite, Shape::Made, KILLS)),
    ("killed_then_again_postgres", || sweep(Kind::Postgres, Shape::Made, KILLS)),
    ("killed_with_assigned_keys_sqlite", || sweep(Kind::Sqlite, Shape::Assigned, KILLS_WITH_ASSIGNED_KEYS)),
    ("killed_with_assigned_keys_postgres", || {
        sweep(Kind::Postgres, Shape::Assigned, KILLS_WITH_ASSIGNED_KEYS)
    }),
    ("run_after_a_killed_rollback_sqlite", || run_after_a_killed_rollback(Kind::Sqlite)),
    ("run_after_a_killed_rollback_postgres", || run_after_a_killed_rollback(Kind::Postgres)),
];

/// Kills of the short sweep, in each database.
const KILLS: usize = 10;
const KILLS_WITH_ASSIGNED_KEYS: usize = 3;

/// Of so many kills one is at a random moment, and of so many one is followed by another.
const MOMENT_OF: usize = 4;
const SECOND_OF: usize = 3;

/// A name that nothing comes by stands for a moment that is no longer tried.
fn every_failpoint_is_come_by() -> anyhow::Result<()> {
    let mut seen = BTreeSet::new();
    for kind in [Kind::Sqlite, Kind::Postgres] {
        for shape in [Shape::Made, Shape::Assigned] {
            let Some(undisturbed) = Undisturbed::play(kind, shape)? else { return Ok(()) };
            seen.extend(undisturbed.hits.into_keys().map(|(_, name)| name));
        }
    }
    let missed: Vec<_> = NAMES.iter().filter(|name| !seen.contains(**name)).collect();
    ensure!(missed.is_empty(), "nothing comes by {missed:?}");
    Ok(())
}

/// Killed between the target's commit and the log's record of a rollback, and then run instead of rolled back again.
fn run_after_a_killed_rollback(kind: Kind) -> anyhow::Result<()> {
    let Some(undisturbed) = Undisturbed::play(kind, Shape::Made)? else { return Ok(()) };
    let Some(mut order) = Order::create(kind)? else { return Ok(()) };
    order.finish()?;
    let at = At::Point { name: "rollback-unrecorded".to_owned(), nth: 1 };
    Kill { step: Step::RollBack, at, then: None }.strike(&mut order)?;
    let theirs = undisturbed.outcomes.get(&Step::RunAgain).context("nothing was run again")?;
    order.finish()?.must_equal(theirs)
}

fn sweep(kind: Kind, shape: Shape, usual: usize) -> anyhow::Result<()> {
    let Some(undisturbed) = Undisturbed::play(kind, shape)? else { return Ok(()) };
    let seed = match variable("CHARTLIFT_SWEEP_SEED") {
        Some(seed) => seed.parse()?,
        None => RandomState::new().hash_one(kind.name()),
    };
    let count = variable("CHARTLIFT_SWEEP").map(|count| count.parse()).transpose()?.unwrap_or(usual);
    let kills = undisturbed.kills(count, &mut Random(seed));
    let began = Instant::now();
    for (nth, kill) in kills.iter().enumerate() {
        let told = || format!("kill {} of {count}: {kill} (CHARTLIFT_SWEEP_SEED={seed})", nth + 1);
        undisturbed.survives(kind, kill).with_context(told)?;
    }
    let points: BTreeSet<_> = kills.iter().filter_map(Kill::point).collect();
    eprintln!(
        "{} with {shape:?} keys: {} kills at {} failpoints and at random moments in {:.0?}, seed {seed}",
        kind.name(),
        kills.len(),
        points.len(),
        began.elapsed()
    );
    Ok(())
}

/// A life of an order that nobody disturbs: loaded, taken back, loaded again.
struct Undisturbed {
    /// What is there after each step that changes the target's rows.
    outcomes: BTreeMap<Step, Outcome>,
    /// How often each step comes by each failpoint.
    hits: BTreeMap<(Step, String), u64>,
    lengths: BTreeMap<Step, Duration>,
    shape: Shape,
}

impl Undisturbed {
    fn play(kind: Kind, shape: Shape) -> anyhow::Result<Option<Self>> {
        let Some(mut order) = Order::unprepared(kind, shape)? else { return Ok(None) };
        let trace = order.workspace.path().join("trace");
        let traced = ("CHARTLIFT_FAILPOINT_TRACE".to_owned(), trace.display().to_string());
        order.workspace.environment.push(traced);
        let mut played =
            Self { outcomes: BTreeMap::new(), hits: BTreeMap::new(), lengths: BTreeMap::new(), shape };
        for step in Step::ALL {
            let began = Instant::now();
            let outcome = to_the_end(&order, step, false)?;
            played.lengths.insert(step, began.elapsed());
            played.outcomes.extend(outcome.map(|outcome| (step, outcome)));
            for name in std::fs::read_to_string(&trace)?.lines() {
                *played.hits.entry((step, name.to_owned())).or_default() += 1;
            }
            std::fs::remove_file(&trace)?;
        }
        Ok(Some(played))
    }

    /// Every failpoint at its first, second, middle and last two hits; as many of these as are asked for, and random
    /// moments between them and when they are all used.
    fn kills(&self, count: usize, random: &mut Random) -> Vec<Kill> {
        let mut points = Vec::new();
        for ((step, name), hits) in &self.hits {
            let chosen = BTreeSet::from([1, 2, hits.div_ceil(2), hits.saturating_sub(1), *hits]);
            points.extend(chosen.into_iter().filter(|nth| (1..=*hits).contains(nth)).map(|nth| {
                let at = At::Point { name: name.clone(), nth };
                Kill { step: *step, at, then: None }
            }));
        }
        random.shuffle(&mut points);
        // No failpoint a second time before each had its first.
        let mut seen = BTreeSet::new();
        let (mut points, more): (Vec<_>, Vec<_>) =
            points.into_iter().partition(|kill| seen.insert(kill.point().map(str::to_owned)));
        points.extend(more);
        let moments = (count / MOMENT_OF).max(count.saturating_sub(points.len()));
        points.truncate(count.saturating_sub(moments));
        points.extend((0..moments).map(|_| {
            let step = if random.below(4) == 0 { Step::RollBack } else { Step::Run };
            Kill { step, at: At::Moment(self.moment(step, random)), then: None }
        }));
        for kill in &mut points {
            let again = random.below(SECOND_OF) == 0;
            kill.then = again.then(|| self.moment(kill.step, random));
        }
        points
    }

    fn moment(&self, step: Step, random: &mut Random) -> Duration {
        let length = self.lengths.get(&step).copied().unwrap_or_default();
        length * u32::try_from(random.below(1000)).unwrap_or_default() / 1000
    }

    /// A fresh order, killed, and then done to the end.
    fn survives(&self, kind: Kind, kill: &Kill) -> anyhow::Result<()> {
        let Some(mut order) = Order::unprepared(kind, self.shape)? else { return Ok(()) };
        // A rollback that was killed has to leave an order that can be loaded again.
        let last = if kill.step >= Step::RollBack { Step::RunAgain } else { Step::Run };
        for step in Step::ALL.into_iter().filter(|step| *step <= last) {
            let killed = step == kill.step;
            if killed {
                kill.strike(&mut order)?;
            }
            let outcome = to_the_end(&order, step, killed)?;
            if let (Some(ours), Some(theirs)) = (outcome, self.outcomes.get(&step)) {
                ours.must_equal(theirs).with_context(|| format!("after {step:?}"))?;
            }
        }
        Ok(())
    }
}

/// Does a step, or does it again after a kill, and looks at what is there then.
fn to_the_end(order: &Order, step: Step, killed: bool) -> anyhow::Result<Option<Outcome>> {
    match step {
        Step::Prepare | Step::Create => {
            order.done(step)?;
            Ok(None)
        }
        Step::RollBack => {
            let finished = order.start(step)?;
            // Killed after its record: there is nothing left to take back, which changes nothing.
            let before = killed && finished.exit == Some(2) && finished.stdout.contains("not-loaded");
            ensure!(finished.exit == Some(0) || before, "{step:?}: {finished}");
            order.outcome(Value::Null).map(Some)
        }
        Step::Run | Step::RunAgain => order.finish().map(Some),
    }
}

/// Where a command is ended, and once more when it is done again.
struct Kill {
    step: Step,
    at: At,
    then: Option<Duration>,
}

enum At {
    Point { name: String, nth: u64 },
    Moment(Duration),
}

impl Kill {
    fn point(&self) -> Option<&str> {
        match &self.at {
            At::Point { name, .. } => Some(name),
            At::Moment(_) => None,
        }
    }

    fn strike(&self, order: &mut Order) -> anyhow::Result<()> {
        match &self.at {
            At::Moment(delay) => order.kill_after(self.step, *delay)?,
            At::Point { name, nth } => {
                let charge = ("CHARTLIFT_FAILPOINT".to_owned(), format!("{name}:{nth}"));
                order.workspace.environment.push(charge);
                let finished = order.start(self.step)?;
                order.workspace.environment.pop();
                ensure!(finished.exit.is_none(), "it was not killed there: {finished}");
            }
        }
        self.then.map_or(Ok(()), |delay| order.kill_after(self.step, delay))
    }
}

impl fmt::Display for Kill {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.at {
            At::Point { name, nth } => write!(formatter, "{:?} at {name}:{nth}", self.step)?,
            At::Moment(delay) => write!(formatter, "{:?} after {delay:?}", self.step)?,
        }
        self.then.map_or(Ok(()), |delay| write!(formatter, ", again after {delay:?}"))
    }
}

/// Xorshift: the same seed gives the same sweep.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 |= 1;
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit.max(1)
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.below(at + 1));
        }
    }
}
