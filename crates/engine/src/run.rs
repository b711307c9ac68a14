//! Advances an order: does what is missing, skips what is done and unchanged, and sums it up.

mod fingerprint;
mod logs;
pub(crate) mod marked;
mod reports;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use chartlift_rules::{Decisions, Project};

use crate::Error;
use crate::gates::Judge;
use crate::order::{Clock, Done, Event, Locked, Order, Outcome, Store};
use crate::progress::Progress;
use crate::project_key::ProjectKey;
use crate::report::StageReport;
use crate::stage::{self, Before, Finished, TARGET_CHANGED, Work};
use crate::statement::{Stage, Summary, Verdict};
use crate::summary;

use fingerprint::fingerprint;
pub(crate) use fingerprint::{rule_files, rulings};

/// What the outside gives an order.
pub struct Environment {
    /// With the order's decisions over it.
    pub project: Project,
    /// Of the order that is worked on.
    pub decisions: Decisions,
    pub key: ProjectKey,
    pub storage: PathBuf,
    pub clock: Arc<dyn Clock>,
    pub progress: Arc<dyn Progress>,
    /// Who acts, e.g. `ana@host`.
    pub actor: String,
    pub threads: usize,
    /// How to connect to targets.
    pub connection: chartlift_io::target::Options,
}

impl Environment {
    pub fn store(&self) -> Store {
        Store::new(&self.storage, self.actor.clone(), Arc::clone(&self.clock))
    }

    pub(crate) fn judge<'a>(&'a self, order: &'a str, stage: Stage) -> Judge<'a> {
        Judge { order, project: &self.project, decisions: &self.decisions, stage }
    }
}

/// Which stages to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stages {
    /// All that are missing, up to and with this one.
    Until(Stage),
    /// This one; the earlier ones must be done.
    Only(Stage),
}

impl Stages {
    fn last(self) -> Stage {
        match self {
            Self::Until(stage) | Self::Only(stage) => stage,
        }
    }
}

/// A target pack, and where it is.
#[derive(Debug, Clone)]
pub struct TargetChoice {
    pub name: String,
    pub url: Option<String>,
}

/// Does what is missing of an order, in order.
pub async fn advance(
    environment: &Environment,
    order: &str,
    stages: Stages,
    target: &TargetChoice,
) -> Result<Summary, Error> {
    let order = environment.store().open(order)?;
    check_key(environment, &order)?;
    let mut order = order.lock()?;
    let mut states = Vec::new();
    let advanced = do_missing(environment, &mut order, stages, target, &mut states).await;
    let kept = keep_reports(&order, &states);
    // What stopped the stages says more than what then stopped the reports.
    let summary = advanced?;
    kept.map(|()| summary)
}

async fn do_missing(
    environment: &Environment,
    order: &mut Locked,
    stages: Stages,
    target: &TargetChoice,
    states: &mut Vec<State>,
) -> Result<Summary, Error> {
    let mut earlier: BTreeMap<Stage, Before> = BTreeMap::new();
    let mut digest = String::new();
    for stage in Stage::ALL.into_iter().filter(|stage| *stage <= stages.last()) {
        let fingerprint = fingerprint(environment, order, stage, &digest, target)?;
        let mut current = order.current(stage, &fingerprint).cloned().filter(|done| still_holds(order, done));
        if stage == Stage::Import && current.is_some() && !in_target(environment, order, target).await? {
            current = None;
        }
        let state = match current {
            Some(done) => judged(environment, order, done)?,
            None if matches!(stages, Stages::Only(only) if only != stage) => break,
            None => {
                refuse_stale_load(order, stage)?;
                let state = run_stage(environment, order, stage, fingerprint, &earlier, target).await?;
                logs::catch_up(order, stage)?;
                state
            }
        };
        let report: StageReport = read_report(&state.done)?;
        digest.clone_from(&state.done.digest);
        earlier.insert(stage, Before { report, folder: order.folder(stage), digest: digest.clone() });
        let verdict = state.done.verdict;
        states.push(state);
        if verdict != Verdict::Pass {
            break;
        }
    }
    Ok(summary::build(order, states, &earlier, stages.last()))
}

/// The stages up to and with `last`, all passed on what there is now, for reading; otherwise the first that did not.
pub(crate) fn passed_until(
    environment: &Environment,
    order: &Order,
    last: Stage,
    target: &TargetChoice,
) -> Result<Result<BTreeMap<Stage, Before>, Stage>, Error> {
    let mut earlier: BTreeMap<Stage, Before> = BTreeMap::new();
    let mut digest = String::new();
    for stage in Stage::ALL.into_iter().filter(|stage| *stage <= last) {
        let fingerprint = fingerprint(environment, order, stage, &digest, target)?;
        let Some(done) = order.current(stage, &fingerprint) else { return Ok(Err(stage)) };
        let report = read_report(done)?;
        let judged = environment.judge(&order.spec().id, stage).differs(&report, done.verdict);
        if done.verdict != Verdict::Pass || judged {
            return Ok(Err(stage));
        }
        digest.clone_from(&done.digest);
        earlier.insert(stage, Before { report, folder: order.folder(stage), digest: digest.clone() });
    }
    Ok(Ok(earlier))
}

/// What a stage made stands; its gates are judged by the rules and waivers of now.
fn judged(environment: &Environment, order: &mut Locked, done: Done) -> Result<State, Error> {
    let stage = done.stage;
    let mut report = read_report(&done)?;
    let id = order.spec().id.clone();
    let judge = environment.judge(&id, stage);
    if !judge.differs(&report, done.verdict) {
        return Ok(State { stage, done, skipped: true });
    }
    refuse_stale_load(order, stage)?;
    let verdict = judge.settle(&mut report);
    order.judged_anew(done, verdict, serde_json::to_value(&report).unwrap_or_default())?;
    logs::catch_up(order, stage)?;
    Ok(State { stage, done: latest(order, stage)?, skipped: true })
}

fn latest(order: &Order, stage: Stage) -> Result<Done, Error> {
    order.latest(stage).cloned().ok_or_else(|| Error::Broken {
        code: "log-broken",
        message: "a finished stage is not in the log".into(),
        hint: "report this".into(),
    })
}

/// Whether what the log says of a stage can stand. The target may have changed since: verify reads it each time, and a
/// stage that did not like what it found there looks again.
fn still_holds(order: &Order, done: &Done) -> bool {
    match done.stage {
        Stage::Verify => false,
        Stage::Validate => done.verdict == Verdict::Pass && !saw_another_target(order),
        Stage::Import => done.verdict == Verdict::Pass,
        Stage::Identify | Stage::Check | Stage::Categorize | Stage::Convert => true,
    }
}

/// Whether the target still has the order's load: it may have been restored from a backup of before, or a rollback
/// may have been killed before the log had its record.
async fn in_target(environment: &Environment, order: &Order, target: &TargetChoice) -> Result<bool, Error> {
    let Some(url) = &target.url else { return Ok(true) };
    let connection = chartlift_io::target::connect_with(url, &environment.connection).await?;
    Ok(connection.find_load(&order.spec().id).await?.is_some())
}

/// Whether import found the target other than validate had, and nothing has looked at it since.
fn saw_another_target(order: &Order) -> bool {
    let last = order.records().iter().rev().find_map(|record| match &record.event {
        Event::Done(done) if done.stage >= Stage::Validate => Some(false),
        Event::Failed { stage: Stage::Import, code, .. } if code == TARGET_CHANGED => Some(true),
        _ => None,
    });
    last.unwrap_or_default()
}

/// All that the log says of an order.
pub struct Account {
    pub order: Order,
    pub summary: Summary,
    /// What the stages in force reported.
    pub reports: BTreeMap<Stage, StageReport>,
}

impl Account {
    /// The sealed receipt, while the order is proved and balanced.
    pub fn receipt(&self) -> Option<&serde_json::Value> {
        reports::receipt(&self.summary, self.reports.get(&Stage::Verify))
    }
}

/// What the log says of an order; nothing is run.
pub fn account(store: &Store, order: &str) -> Result<Account, Error> {
    let order = store.open(order)?;
    let (states, reports) = in_force(&order)?;
    let summary = summary::build(&order, &states, &reports, Stage::Verify);
    let reports = reports.into_iter().map(|(stage, before)| (stage, before.report)).collect();
    Ok(Account { order, summary, reports })
}

/// The sum of what the log says of an order.
pub fn status(store: &Store, order: &str) -> Result<Summary, Error> {
    Ok(account(store, order)?.summary)
}

/// The reports and logs speak of the whole order, whichever stages were asked for; `states` are those.
pub(crate) fn keep_reports(order: &Locked, states: &[State]) -> Result<(), Error> {
    Stage::ALL.into_iter().try_for_each(|stage| logs::catch_up(order, stage))?;
    let (mut all, reports) = in_force(order)?;
    for state in &mut all {
        let asked = states.iter().find(|asked| asked.stage == state.stage);
        state.skipped = asked.is_none_or(|asked| asked.skipped);
    }
    let verify = reports.get(&Stage::Verify).map(|before| &before.report);
    reports::write(order, &summary::build(order, &all, &reports, Stage::Verify), verify)
}

/// The stages in force, and what they reported.
pub(crate) fn in_force(order: &Order) -> Result<(Vec<State>, BTreeMap<Stage, Before>), Error> {
    let mut earlier = BTreeMap::new();
    let mut states = Vec::new();
    for done in chain(order) {
        let stage = done.stage;
        let before =
            Before { report: read_report(&done)?, folder: order.folder(stage), digest: done.digest.clone() };
        earlier.insert(stage, before);
        states.push(State { stage, done, skipped: true });
    }
    Ok((states, earlier))
}

/// The latest record of each stage that no later run of an earlier stage has overtaken, in the order of the stages.
fn chain(order: &Order) -> Vec<Done> {
    let mut latest: BTreeMap<Stage, &Done> = BTreeMap::new();
    for record in order.records() {
        match &record.event {
            // The later stages read the same as before.
            Event::Done(done) if done.judged_anew => {
                latest.insert(done.stage, done);
            }
            Event::Done(done) => {
                latest.retain(|stage, _| *stage < done.stage);
                latest.insert(done.stage, done);
            }
            Event::RolledBack { .. } => latest.retain(|stage, _| *stage < Stage::Import),
            Event::Created(_) | Event::Started { .. } | Event::Failed { .. } => {}
        }
    }
    // Judged anew, a stage may no longer let the later ones count.
    let mut stopped = false;
    let counts = |done: &&Done| !std::mem::replace(&mut stopped, done.verdict != Verdict::Pass);
    latest.into_values().take_while(counts).cloned().collect()
}

/// A stage and what its record says.
pub(crate) struct State {
    pub(crate) stage: Stage,
    pub(crate) done: Done,
    pub(crate) skipped: bool,
}

async fn run_stage(
    environment: &Environment,
    order: &mut Locked,
    stage: Stage,
    fingerprint: String,
    earlier: &BTreeMap<Stage, Before>,
    target: &TargetChoice,
) -> Result<State, Error> {
    let started = Instant::now();
    let attempt = order.begin(stage)?;
    let folder = attempt.folder()?;
    let work = Work::new(environment, order, target, &folder, earlier);
    let finished = stage::run(stage, &work, &folder).await;
    match finished {
        Ok(Finished { mut report, verdict, digest }) => {
            if matches!(stage, Stage::Convert | Stage::Validate) {
                report.seals = stage::seals(&folder, environment.threads)?;
            }
            let report = serde_json::to_value(&report).unwrap_or_default();
            let seconds = started.elapsed().as_secs_f64();
            order.done(attempt, Outcome { fingerprint, digest, verdict, seconds, report })?;
        }
        Err(error) => {
            order.failed(attempt, error.code(), &error.to_string())?;
            return Err(error);
        }
    }
    Ok(State { stage, done: latest(order, stage)?, skipped: false })
}

pub(crate) fn read_report(done: &Done) -> Result<StageReport, Error> {
    serde_json::from_value(done.report.clone()).map_err(|error| Error::Broken {
        code: "log-broken",
        message: format!("the report of {} cannot be read: {error}", done.stage.name()),
        hint: "the order was written by another version of chartlift".into(),
    })
}

/// Ids made with another key would not be the ids of the earlier orders.
pub(crate) fn check_key(environment: &Environment, order: &Order) -> Result<(), Error> {
    if order.spec().project_key_fingerprint == environment.key.fingerprint() {
        return Ok(());
    }
    Err(Error::Usage {
        code: "wrong-project-key",
        message: format!("order `{}` was created with another project key", order.spec().id),
        hint: "give the key that `chartlift init` wrote for this project".into(),
    })
}

/// What was loaded cannot be made anew from other files or rules.
fn refuse_stale_load(order: &Order, stage: Stage) -> Result<(), Error> {
    let loaded = order.latest(Stage::Import).is_some_and(|done| done.verdict == Verdict::Pass);
    if !loaded || stage >= Stage::Import {
        return Ok(());
    }
    Err(Error::Conflict {
        code: "order-loaded",
        message: format!(
            "order `{}` is loaded, and what its stage {} read has changed since",
            order.spec().id,
            stage.name()
        ),
        hint: "roll back first, or follow it with a new order".into(),
    })
}
