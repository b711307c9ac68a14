//! Patients of a later system that are patients of an earlier one: found by what the project declares, merged into
//! the earlier record, and remembered, so that everything of the later chart goes into the earlier one's.
//!
//! It comes after all systems have their records. What it leaves beside a later system's patient records: `joined.parquet`
//! with the keys of both, and in `joined/` each merged record as others of its system shall find it: under its own key,
//! with what the record that stays says.

mod joined;
mod records;
mod rows;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use chartlift_rules::{Disposition, Keep, PATIENT, TableSchema};

pub(super) use joined::{Joined, joined_tables, refuse_natural_keys};

use super::Work;
use super::persons::{self, Outcome};
use super::transform::Patients;
use crate::Error;
use crate::keys::hash_parts;
use crate::marks::{Check, Mark, MarkWriter, RowId, RowSet, read_rows, write_rows};
use crate::report::StageReport;
use records::Record;

/// A later record that went into an earlier system's.
struct Join {
    later: Record,
    /// The place of the system whose record stays, and that record.
    into: usize,
    stays: Record,
}

/// What joining came to.
#[derive(Default)]
pub(super) struct Joining {
    /// How many patient records went into others.
    pub(super) joined: u64,
    /// Says which, for the stage's digest.
    pub(super) layers: Vec<String>,
}

/// Joins the patients of all systems; `known` are the patients of each system that lack something.
pub(super) async fn join(
    systems: &[Work<'_>],
    folder: &Path,
    known: &mut [&mut Patients],
    report: &mut StageReport,
    counts: &mut Vec<u64>,
) -> Result<Joining, Error> {
    let mut joining = Joining::default();
    let Some((first, settings)) =
        systems.first().and_then(|one| Some((one, one.environment.project.settings.patients.as_ref()?)))
    else {
        return Ok(joining);
    };
    let Some(schema) = first.environment.project.category(PATIENT).filter(|_| systems.len() > 1) else {
        return Ok(joining);
    };
    let mut places = Places { systems, schema, folders: Vec::new() };
    let mut all = Vec::new();
    for one in systems {
        places.folders.push(one.under(folder)?.join(PATIENT));
        all.push(records::read(one, &one.under(folder)?, settings)?);
    }
    let (mut records, prints): (Vec<Vec<Record>>, Vec<Vec<persons::Prints>>) = all.into_iter().unzip();
    let outcomes = persons::decide(&prints, settings.alternatives.len());
    drop(prints);
    for (nth, outcomes) in outcomes.iter().enumerate().skip(1) {
        let Some(known) = known.get_mut(nth) else { continue };
        let (joins, unclear) = settled(&records, nth, outcomes);
        let before = report.lengths();
        mark(&places, nth, &joins, &unclear, report, counts)?;
        report.of_system(before, systems.get(nth).and_then(Work::label));
        if let Some(work) = systems.get(nth) {
            let hash = |record: &Record| hash_parts(work.secret(), [record.key.as_bytes()].into_iter());
            known.absent.extend(unclear.iter().map(hash));
        }
        if settings.keep == Keep::Fill {
            fill(&places, nth, &joins, &mut records).await?;
        }
        joining.joined += joins.len() as u64;
    }
    for (nth, outcomes) in outcomes.iter().enumerate().skip(1) {
        // With the ids that the records that stay have in the end.
        let (joins, _) = settled(&records, nth, outcomes);
        joining.layers.extend(publish(&places, nth, &joins).await?);
    }
    Ok(joining)
}

struct Places<'a> {
    systems: &'a [Work<'a>],
    schema: &'a TableSchema,
    /// Of each system's patient records.
    folders: Vec<PathBuf>,
}

impl Places<'_> {
    fn folder(&self, nth: usize) -> &Path {
        self.folders.get(nth).map_or(Path::new(""), PathBuf::as_path)
    }
}

/// The records of one system that went into others, and those of which nobody can tell.
fn settled(records: &[Vec<Record>], nth: usize, outcomes: &[Outcome]) -> (Vec<Join>, Vec<Record>) {
    let (mut joins, mut unclear) = (Vec::new(), Vec::new());
    let own = records.get(nth).map(Vec::as_slice).unwrap_or_default();
    for (record, outcome) in own.iter().zip(outcomes) {
        match outcome {
            Outcome::Separate => {}
            Outcome::Ambiguous => unclear.push(record.clone()),
            Outcome::Joined { system, record: at } => {
                if let Some(stays) = records.get(*system).and_then(|records| records.get(*at)) {
                    joins.push(Join { later: record.clone(), into: *system, stays: stays.clone() });
                }
            }
        }
    }
    (joins, unclear)
}

/// Marks and holds the records of one system that do not go on, and counts them.
fn mark(
    places: &Places<'_>,
    nth: usize,
    joins: &[Join],
    unclear: &[Record],
    report: &mut StageReport,
    counts: &mut Vec<u64>,
) -> Result<(), Error> {
    let folder = places.folder(nth);
    let mut marks = MarkWriter::new(folder.join("marks-joined.parquet"));
    let mut held = read_rows(&folder.join("held.parquet"))?;
    let joined: Vec<RowId> = joins.iter().map(|join| join.later.id).collect();
    let ambiguous: Vec<RowId> = unclear.iter().map(|record| record.id).collect();
    for (code, disposition, ids) in [
        ("joined-patient", Disposition::Note, &joined),
        ("ambiguous-match", Disposition::Quarantine, &ambiguous),
    ] {
        let check = i32::try_from(report.checks.len()).unwrap_or(i32::MAX);
        report.checks.push(Check::new(code, PATIENT, disposition));
        counts.resize(report.checks.len() - 1, 0);
        counts.push(ids.len() as u64);
        for id in ids {
            held.insert(*id);
            marks.push(Mark { id: *id, check })?;
        }
    }
    marks.close()?;
    if !held.is_empty() {
        write_rows(&folder.join("held.parquet"), &held)?;
    }
    let system = places.systems.get(nth).and_then(Work::label);
    let own = |one: &&mut crate::statement::CategoryBalance| {
        one.category == PATIENT && one.system.as_deref() == system
    };
    if let Some(balance) = report.categories.iter_mut().find(own) {
        let (joined, ambiguous) = (joined.len() as u64, ambiguous.len() as u64);
        balance.merged += joined;
        balance.quarantined += ambiguous;
        balance.rows = balance.rows.saturating_sub(joined + ambiguous);
    }
    Ok(())
}

/// Fills what the records that stay leave empty: each is replaced by a record that says what both say.
async fn fill(
    places: &Places<'_>,
    nth: usize,
    joins: &[Join],
    records: &mut [Vec<Record>],
) -> Result<(), Error> {
    for into in 0..nth {
        let own: Vec<&Join> = joins.iter().filter(|join| join.into == into).collect();
        if own.is_empty() {
            continue;
        }
        let part = rows::filled_part(places, into, nth)?;
        rows::fill(places, (nth, into), &own, part).await?;
        let replaced: HashSet<RowId> = own.iter().map(|join| join.stays.id).collect();
        let held_path = places.folder(into).join("held.parquet");
        let mut held: RowSet = read_rows(&held_path)?;
        for record in records.get_mut(into).into_iter().flatten() {
            if replaced.contains(&record.id) {
                held.insert(record.id);
                record.id = rows::filled(record.id, part);
            }
        }
        write_rows(&held_path, &held)?;
    }
    Ok(())
}

/// Writes what later stages need to find the records that stay.
async fn publish(places: &Places<'_>, nth: usize, joins: &[Join]) -> Result<Vec<String>, Error> {
    if joins.is_empty() {
        return Ok(Vec::new());
    }
    joined::write(places.folder(nth), joins)?;
    let mut digests = Vec::new();
    for into in 0..nth {
        let own: Vec<&Join> = joins.iter().filter(|join| join.into == into).collect();
        if !own.is_empty() {
            let digest = rows::write_stand_ins(places, (nth, into), &own).await?;
            let label = places.systems.get(nth).and_then(Work::label);
            digests.push(format!("{}/{PATIENT} joined {}", label.unwrap_or_default(), digest.hex()));
        }
    }
    Ok(digests)
}
