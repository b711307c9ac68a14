//! What the clinical edition of the report says of an order's patients: who is incomplete or absent and of what, and
//! which charts a clinician should read. Everything here holds values: it goes into the order's data area only.
//!
//! Only marks, hashes and names of the patients concerned are held in memory; the texts of rows are read again, for a
//! few charts at a time.

mod cells;
mod charts;
mod facts;
mod index;
mod naming;
mod risks;
pub mod sample;
mod standing;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::PathBuf;

use chartlift_rules::{Disposition, FieldType};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::Error;
use crate::keys::hash_parts;
use crate::order::{Event, Order};
use crate::run::{Environment, TargetChoice, check_key, in_force};
use crate::stage::{Before, Work};
use crate::statement::Stage;

pub use facts::{ChartFacts, Fact, FactGroup};
pub use risks::{Risk, Why};

/// A value as it is kept, with its type, so that it can be written in a language's form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// The column's name in its own table.
    pub name: String,
    /// Dates in ISO 8601; instants too, in the old system's own time and without a zone.
    pub text: String,
    pub kind: FieldType,
}

/// Who a patient is, as far as the source's fields could be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// The source key: the chart's number in the old system.
    pub key: String,
    pub name: Option<String>,
    /// Another name that the patient goes by.
    pub social_name: Option<String>,
    /// ISO 8601, as much of it as the source knew; `None` with `birth_text` where the source's text is no date.
    pub birth_date: Option<String>,
    pub birth_text: Option<String>,
    pub mother: Option<String>,
}

/// What became of a patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    Incomplete,
    Absent,
}

/// A patient who is not whole, and everything that is the matter.
#[derive(Debug, Clone)]
pub struct Chart {
    pub identity: Identity,
    pub standing: Standing,
    pub problems: Vec<Problem>,
}

/// One row of the source that was held, or lost a value.
#[derive(Debug, Clone)]
pub struct Problem {
    /// The source table.
    pub table: String,
    pub file: String,
    /// The record's number in the file, from 1.
    pub record: i64,
    /// Nothing of the row is in the new system by this rule; otherwise it is, without the values below.
    pub held: bool,
    pub reasons: Vec<Reason>,
    /// Held rows: the record as the old system wrote it, columns without a value left out.
    pub row: Vec<Cell>,
}

/// Why a row was held or degraded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    pub stage: Stage,
    pub code: String,
    pub disposition: Disposition,
    /// The column of the source, where a rule copies one; else the field of the category or target table.
    pub label: Option<String>,
    /// The constraint, the rule or the table concerned.
    pub detail: Option<String>,
    /// What stood there, as the source wrote it.
    pub text: Option<String>,
    /// Table and column of the new system where a degraded value is shown.
    pub shown: Option<(String, String)>,
}

/// How the charts to read are chosen.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// No more than so many charts at random.
    pub most: Option<u64>,
    /// Instead of the seed that the order's log gives.
    pub seed: Option<String>,
}

/// Where a sample's seed comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeedFrom {
    /// The log's head when the load began: nobody chose it, and it stays.
    Load,
    /// The log's head now: it changes with the next run.
    LogNow,
    /// Chosen by hand.
    Hand,
}

/// A simple random sample of the whole charts.
#[derive(Debug, Clone)]
pub struct Sample {
    pub seed: String,
    pub seed_from: SeedFrom,
    /// The source keys of all whole charts, sorted: what was drawn from.
    pub frame: Vec<String>,
    pub frame_digest: String,
    /// How many it takes for 95 % confidence that less than 1 % of the charts have a defect.
    pub wanted: u64,
    /// In the order in which they were drawn.
    pub drawn: Vec<String>,
    /// At most so many of the frame have a defect, with 95 % confidence, if all drawn charts are clean.
    pub bound: u64,
}

/// Everything about an order's patients but the texts of their rows.
pub struct Clinical<'a> {
    work: Work<'a>,
    /// The last stage whose rows could be read.
    pub reached: Stage,
    /// The IANA zone of the old system, in which times are told.
    pub timezone: String,
    index: index::Index,
    /// Patients who are not whole, by name.
    touched: Vec<(Identity, Standing, u64)>,
    /// `None` before convert: nothing can be compared yet.
    pub sample: Option<Sample>,
    /// Charts chosen for their risks, each with the reasons.
    pub risks: Vec<Risk>,
}

/// An order opened for reading, with what is needed to read it.
pub struct Opened {
    order: Order,
    /// The stages in force.
    earlier: BTreeMap<Stage, Before>,
}

impl Opened {
    pub fn new(environment: &Environment, order: &str) -> Result<Self, Error> {
        let order = environment.store().open(order)?;
        check_key(environment, &order)?;
        let (_, earlier) = in_force(&order)?;
        Ok(Self { order, earlier })
    }
}

/// Reads the marks of all stages and finds out whose they are.
pub async fn examine<'a>(
    environment: &'a Environment,
    opened: &'a Opened,
    target: &TargetChoice,
    wish: &Wish,
) -> Result<Clinical<'a>, Error> {
    let Opened { order, earlier } = opened;
    let reached = [Stage::Validate, Stage::Convert, Stage::Categorize, Stage::Check]
        .into_iter()
        .find(|stage| earlier.get(stage).is_some_and(|before| before.folder.is_some()));
    let Some(reached) = reached else {
        return Err(Error::Usage {
            code: "stage-missing",
            message: format!("order `{}` has no checked rows, and so no patients", order.spec().id),
            hint: "run the order at least to its check with `chartlift run --until check`".into(),
        });
    };
    // Nothing here asks the target.
    let work = Work { target_url: None, ..Work::new(environment, order, target, order.root(), earlier) };
    work.one_system_only("the clinical edition")?;
    let scratch = Scratch::new(order)?;
    let mut index = index::read(&work)?;
    let named = naming::attribute(&work, &mut index, &scratch.0).await?;
    drop(scratch);
    index.settle(&work)?;
    let standing = standing::of(&work, reached, &named)?;
    let mut identities = named.identities;
    naming::of_layers(&work, &standing.touched(), &mut identities)?;
    let mut touched = standing.listed(&mut identities);
    touched.sort_by(|one, other| by_name(&one.0).cmp(&by_name(&other.0)));
    let mut sample = None;
    let mut risks = Vec::new();
    if reached >= Stage::Convert {
        let drawn = draw(&work, &standing, wish)?;
        risks = risks::choose(&work, &index, &standing, &drawn.seed)?;
        sample = Some(drawn);
    }
    index.keep_only(&touched.iter().map(|(_, _, hash)| *hash).collect());
    let timezone = work.system()?.timezone.clone();
    Ok(Clinical { work, reached, timezone, index, touched, sample, risks })
}

impl Clinical<'_> {
    /// How many patients are listed.
    pub fn touched(&self) -> (usize, usize) {
        let absent = self.touched.iter().filter(|(_, standing, _)| *standing == Standing::Absent).count();
        (self.touched.len() - absent, absent)
    }

    /// Every patient who is not whole, by name.
    pub fn listed(&self) -> impl Iterator<Item = (&Identity, Standing)> {
        self.touched.iter().map(|(identity, standing, _)| (identity, *standing))
    }

    /// Hands out every patient who is not whole, by name, the texts of a few charts in memory at a time.
    pub fn charts<E: From<Error>>(&self, mut each: impl FnMut(Chart) -> Result<(), E>) -> Result<(), E> {
        charts::each(&self.work, &self.index, &self.touched, &mut each)
    }

    /// Held and degraded rows that are in nobody's chart, and how many there are in all.
    pub fn chartless(&self, most: usize) -> Result<(Vec<Problem>, usize), Error> {
        charts::chartless(&self.work, &self.index, most)
    }

    /// What the old and the new system say of the charts to read: the drawn ones, then those chosen for their risks.
    pub fn facts(&self) -> Result<HashMap<String, ChartFacts>, Error> {
        let drawn = self.sample.iter().flat_map(|sample| &sample.drawn);
        let keys: BTreeSet<&str> =
            drawn.map(String::as_str).chain(self.risks.iter().map(|risk| risk.key.as_str())).collect();
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        facts::of(&self.work, &keys)
    }
}

/// Names as they would stand in a telephone book of the plainest kind.
fn by_name(identity: &Identity) -> (bool, String, &str) {
    let plain = |name: &String| -> String {
        name.nfd().filter(|letter| !is_combining_mark(*letter)).flat_map(char::to_lowercase).collect()
    };
    let name = identity.name.as_ref().map(plain);
    (name.is_none(), name.unwrap_or_default(), &identity.key)
}

fn draw(work: &Work<'_>, standing: &standing::Settled, wish: &Wish) -> Result<Sample, Error> {
    let (seed, seed_from) = match &wish.seed {
        Some(seed) => (seed.clone(), SeedFrom::Hand),
        None => seed_of(work.order),
    };
    let mut frame = Vec::new();
    standing.arriving(work, |key, hash| {
        if !standing.incomplete.contains(&hash) {
            frame.push(key.to_owned());
        }
    })?;
    frame.sort_unstable();
    frame.dedup();
    let charts = frame.len() as u64;
    let wanted = sample::charts_to_read(charts);
    let mut draw = sample::Draw::new(&seed, wanted.min(wish.most.unwrap_or(u64::MAX)));
    frame.iter().for_each(|key| draw.offer(key));
    let drawn = draw.drawn();
    let bound = sample::upper_bound(charts, drawn.len() as u64);
    Ok(Sample { seed, seed_from, frame_digest: sample::frame_digest(&frame), frame, wanted, drawn, bound })
}

/// The log's head when the load began, as the load's own record has it; before a load, the head now.
fn seed_of(order: &Order) -> (String, SeedFrom) {
    let attempt = order.latest(Stage::Import).map(|done| done.attempt);
    let started = order.records().iter().rposition(|record| {
        matches!(&record.event, Event::Started { stage: Stage::Import, attempt: number } if Some(*number) == attempt)
    });
    let after = started.and_then(|at| order.records().get(at + 1));
    match after {
        Some(record) => (record.previous.clone(), SeedFrom::Load),
        None => (order.head().to_owned(), SeedFrom::LogNow),
    }
}

fn hash_of(work: &Work<'_>, key: &str) -> u64 {
    hash_parts(work.secret(), [key.as_bytes()].into_iter())
}

/// A folder for lists of rows that plans read, in the order's data area; gone when this is dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(order: &Order) -> Result<Self, Error> {
        let folder = order.subfolder("clinical");
        crate::order::make_folder(&folder)?;
        let folder = folder.join(format!(".work-{}", std::process::id()));
        crate::order::make_folder(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left holds row numbers only.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

type Hashes = HashSet<u64>;
