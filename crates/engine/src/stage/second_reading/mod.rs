//! The independent second reading: what the export's files state of each patient's allergies, medicines, diagnoses
//! and the like, beside the rows that import would load.
//!
//! The reader has a crate of its own and shares nothing with landing and rules. What it finds, less what a stage held,
//! merged or left out by name, must be what was converted, patient by patient. Each entry is hashed with its patient
//! under the project key, and the hashes of a patient's entries are summed, in buckets of patients: memory does not
//! grow with the export. Only where a bucket differs are its patients told apart.

mod converted;
mod settled;
mod source;
mod sums;

use chartlift_rules::{
    Carried, CarriedFact, PATIENT, ReadFact, ReadTable, RuleFile, SourceTable, System, TargetTable,
};

use super::Work;
use crate::Error;
use crate::keys::{KeySet, KeyWriter};
use crate::report::StageReport;
use crate::statement::{Finding, SecondReading, Stage, Trouble, Verdict};
use settled::Settled;
use sums::{Patients, Side, Sums};

/// A category and the target table that carries it.
struct Comparison<'a> {
    carried: &'a Carried,
    target: &'a TargetTable,
    /// How each rule's entries are read; the rule by its place in the category's file.
    readings: Vec<Reading<'a>>,
    timezone: chrono_tz::Tz,
}

struct Reading<'a> {
    rule: usize,
    source: &'a SourceTable,
    declared: &'a ReadTable,
    /// What is compared: the facts that the source states and the target carries.
    facts: Vec<(&'a ReadFact, &'a CarriedFact)>,
}

/// What the second reading of all categories came to, system by system; findings and trouble where one differs, and
/// trouble where rows are to be loaded that nobody has said how to read twice.
pub(super) fn run(work: &Work<'_>) -> Result<StageReport, Error> {
    let mut report = StageReport::default();
    for one in &work.systems()? {
        let before = report.lengths();
        report.second_reading.extend(of_system(one)?);
        report.of_system(before, one.label());
    }
    let differing = report.second_reading.iter().filter(|one| one.verdict == Verdict::Fail);
    report.findings = differing.clone().map(finding).collect();
    let mut undeclared = report.second_reading.iter().filter(|one| one.verdict == Verdict::Suspended);
    report.trouble = differing.clone().next().map(|one| Trouble {
        code: "second-reading".into(),
        message: format!(
            "a second reading of `{}` differs from what was converted, for {} patients: nothing was loaded",
            one.category, one.differing
        ),
        hint: "see `statement.second_reading`; `chartlift explain second-reading` says what it can mean"
            .into(),
    });
    let missing = undeclared.next().map(|one| Trouble {
        code: "second-reading-missing".into(),
        message: format!(
            "`{}` of `{}` is safety-critical, and it cannot be read a second time: {}",
            one.table,
            one.category,
            one.reason.as_deref().unwrap_or_default()
        ),
        hint:
            "declare `second_reading` in the pack, or say there `none: REASON`; `chartlift lint` shows where"
                .into(),
    });
    report.trouble = report.trouble.or(missing);
    Ok(report)
}

fn of_system(work: &Work<'_>) -> Result<Vec<SecondReading>, Error> {
    let (system, target) = (work.system()?, work.target()?);
    let mut list = Vec::new();
    for table in &target.tables {
        let Some(carried) = &table.schema.extension.second_reading else { continue };
        let file = system.categorize.iter().find(|file| file.into.value == carried.category.value);
        let Some(file) = file else { continue };
        list.push(one(work, system, file, table, carried)?);
    }
    undeclared(work, system, &mut list)?;
    Ok(list)
}

/// What is not declared has not been read: with rows to load a person must say so.
fn unread(work: &Work<'_>, table: &TargetTable) -> Result<Verdict, Error> {
    let loads = &work.report(Stage::Validate)?.loads;
    let rows =
        loads.iter().find(|load| load.table == table.name.value).map_or(0, |load| load.converted - load.held);
    Ok(if rows > 0 { Verdict::Suspended } else { Verdict::NotRun })
}

fn one(
    work: &Work<'_>,
    system: &System,
    file: &RuleFile,
    table: &TargetTable,
    carried: &Carried,
) -> Result<SecondReading, Error> {
    let mut made = SecondReading {
        system: None,
        category: carried.category.value.clone(),
        table: table.name.value.clone(),
        verdict: Verdict::NotRun,
        read: 0,
        held: 0,
        converted: 0,
        patients: 0,
        differing: 0,
        reason: None,
    };
    let declared = system.second_reading.iter().find(|one| one.category.value == carried.category.value);
    let none = carried.none.as_ref().or(declared.and_then(|one| one.none.as_ref()));
    if let Some(reason) = none {
        made.reason = Some(reason.clone());
        return Ok(made);
    }
    if carried.category.value == PATIENT && work.label().is_some() {
        made.reason = Some("patients of several systems may be joined".into());
        return Ok(made);
    }
    let Some(declared) = declared else {
        made.reason = Some("the system's pack does not declare it".into());
        made.verdict = unread(work, table)?;
        return Ok(made);
    };
    let timezone = system.timezone.parse().unwrap_or(chrono_tz::UTC);
    let readings = declared.tables.iter().filter_map(|one| reading(system, file, carried, one)).collect();
    let comparison = Comparison { carried, target: table, readings, timezone };
    let settled = Settled::of(work, &comparison, file)?;
    compare(work, &comparison, &settled, &mut made)?;
    Ok(made)
}

fn reading<'a>(
    system: &'a System,
    file: &RuleFile,
    carried: &'a Carried,
    declared: &'a ReadTable,
) -> Option<Reading<'a>> {
    let named = |name: &str| declared.rule.as_ref().is_none_or(|rule| rule.value == name);
    let rule = file
        .rules
        .iter()
        .position(|rule| rule.from.value == declared.table.value && named(&rule.name.value))?;
    let carries = |fact: &ReadFact| carried.facts.iter().find(|one| one.field.value == fact.field.value);
    let facts = declared.facts.iter().filter_map(|fact| Some((fact, carries(fact)?))).collect();
    Some(Reading { rule, source: system.table(&declared.table.value)?, declared, facts })
}

/// Categories that are declared for the system and that no table of the target carries do not stand in the list;
/// those that are safety-critical, converted and not declared do.
fn undeclared(work: &Work<'_>, system: &System, list: &mut Vec<SecondReading>) -> Result<(), Error> {
    let target = work.target()?;
    for file in &target.convert {
        let Some(into) = target.tables.iter().find(|table| table.name.value == file.into.value) else {
            continue;
        };
        for rule in &file.rules {
            let (category, table) = (&rule.from.value, &file.into.value);
            let filled = system.categorize.iter().any(|file| file.into.value == *category);
            let known = list.iter().any(|one| one.category == *category && one.table == *table);
            let schema = work.environment.project.categories.get(category);
            let critical = schema.is_some_and(|schema| {
                schema.extension.safety_critical == chartlift_rules::SafetyCritical::Yes
            });
            let declared = system.second_reading.iter().find(|one| one.category.value == *category);
            let none = declared.and_then(|one| one.none.clone());
            if filled && critical && !known {
                list.push(SecondReading {
                    system: None,
                    category: category.clone(),
                    table: table.clone(),
                    verdict: if none.is_some() { Verdict::NotRun } else { unread(work, into)? },
                    read: 0,
                    held: 0,
                    converted: 0,
                    patients: 0,
                    differing: 0,
                    reason: none.or_else(|| Some("the target's pack does not declare it".into())),
                });
            }
        }
    }
    Ok(())
}

fn finding(one: &SecondReading) -> Finding {
    Finding {
        code: "second-reading".into(),
        severity: "error".into(),
        disposition: chartlift_rules::Disposition::Block.name().into(),
        stage: Stage::Import,
        system: one.system.clone(),
        table: Some(one.table.clone()),
        column: None,
        rows: one.differing,
        message: Some(format!("patients whose facts of `{}` are not those of the export", one.category)),
    }
}

/// Both sides at once, in one pass each; a second pass where they differ.
fn compare(
    work: &Work<'_>,
    comparison: &Comparison<'_>,
    settled: &Settled,
    made: &mut SecondReading,
) -> Result<(), Error> {
    let secret = work.secret();
    let mut keys = Vec::new();
    let (stated, loaded) = both(
        || {
            let mut sums = Sums::new(secret, Side::Stated, KeyWriter::new(&work.pool));
            let counts = source::read(work, comparison, settled, |told| sums.add(&told))?;
            Ok((sums, counts))
        },
        || {
            let mut sums = Sums::new(secret, Side::Loaded, KeyWriter::new(&work.pool));
            let rows = converted::read(work, comparison, |told| sums.add(&told))?;
            Ok((sums, rows))
        },
    )?;
    let ((stated, counts), (loaded, rows)) = (stated, loaded);
    (made.read, made.held, made.converted) = (counts.read, counts.held, rows);
    let differing = stated.differing(&loaded);
    keys.extend([stated.into_keys(), loaded.into_keys()]);
    made.patients = KeySet::finish(keys)?.distinct()?;
    made.verdict = Verdict::Pass;
    if !differing.is_empty() || counts.unreadable > 0 {
        made.verdict = Verdict::Fail;
        made.reason = (counts.unreadable > 0)
            .then(|| format!("{} records that were landed cannot be read a second time", counts.unreadable));
        let mut patients = Patients::new(secret, &differing);
        source::read(work, comparison, settled, |told| patients.add(&told, Side::Stated))?;
        converted::read(work, comparison, |told| patients.add(&told, Side::Loaded))?;
        made.differing = patients.differing();
    }
    Ok(())
}

/// Runs the two sides on two threads.
fn both<A: Send, B>(
    one: impl FnOnce() -> Result<A, Error> + Send,
    other: impl FnOnce() -> Result<B, Error>,
) -> Result<(A, B), Error> {
    tokio::task::block_in_place(|| {
        std::thread::scope(|scope| {
            let one = scope.spawn(one);
            let other = other();
            match one.join() {
                Ok(one) => Ok((one?, other?)),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    })
}
