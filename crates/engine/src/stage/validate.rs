//! validate: will the target take these rows? Its constraints, its live catalogue, and every reference, before
//! anything is written. Children of held parents are held or emptied, to a fixpoint.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use arrow::array::{Array, AsArray};
use chartlift_io::target::{Catalog, Target as Database};
use chartlift_rules::{Disposition, LoadMode, SafetyCritical, Target, TargetTable};

use super::joined_rows::JoinedRows;
use super::joining::{Joined, joined_tables};
use super::loadable::{emptied_path, row_ids};
use super::row_checks::{Live, RowChecks};
use super::transform::Patients;
use super::whole::count_patients;
use super::{Finished, Work, matched, seal};
use crate::Error;
use crate::catalog;
use crate::gates::Measured;
use crate::keys::{Entry, KeySet, KeyWriter, hash_parts};
use crate::layer;
use crate::marks::{Check, Mark, MarkWriter, RowId, RowSet, read_rows, write_rows};
use crate::matching::Matches;
use crate::report::StageReport;
use crate::statement::{Stage, Verdict};

pub(super) async fn run(work: &Work<'_>, folder: &Path) -> Result<Finished, Error> {
    let target = work.target()?;
    if let Some(mut refused) = seal::broken(work, Stage::Validate, &[Stage::Convert])? {
        refused.report.loads.clone_from(&work.report(Stage::Convert)?.loads);
        return Ok(refused);
    }
    let mut report =
        StageReport { loads: work.report(Stage::Convert)?.loads.clone(), ..StageReport::default() };
    let connection = work.connect().await?;
    let catalog = live_catalog(connection.as_ref(), target, &mut report).await?;
    let live = Live { database: connection.as_ref(), catalog };
    // What is not as the pack says stops the stage anyway, and could not be read.
    let unlike: Vec<String> = report.findings.iter().filter_map(|finding| finding.table.clone()).collect();
    let place = matched::Place::Target(connection.as_ref());
    let matches = matched::find(work, target, place, &unlike).await?;
    tokio::task::block_in_place(|| validate(work, target, &live, &matches, report, folder))
}

fn validate(
    work: &Work<'_>,
    target: &Target,
    live: &Live<'_>,
    matches: &BTreeMap<String, Matches>,
    mut report: StageReport,
    folder: &Path,
) -> Result<Finished, Error> {
    let total = report.loads.iter().map(|load| load.converted).sum();
    work.environment.progress.begin(Stage::Validate, "validating", total);
    let systems = work.systems()?;
    let mut tables = Vec::new();
    let mut patients = Patients::default();
    for one in &systems {
        let before = report.lengths();
        for table in &target.tables {
            tables.push(Table::read(one, target, table, live, &one.under(folder)?, &mut report)?);
        }
        report.of_system(before, one.label());
        patients.add(Patients::read(&one.folder(Stage::Categorize)?)?);
        patients.add(Patients::read(&one.folder(Stage::Convert)?)?);
    }
    work.environment.progress.end();
    for table in &mut tables {
        if let Some(matches) = matches.get(&table.name) {
            table.hold_ambiguous(matches)?;
        }
    }
    let joined = JoinedRows::of(&systems, &tables)?;
    patients.lead(|patient| joined.person(patient));
    cascade(&mut tables, &joined)?;
    let mut counts = vec![0; report.checks.len()];
    let mut links = BTreeMap::new();
    let mut measured = Vec::new();
    for table in &mut tables {
        table.publish(&mut counts)?;
        if let Some(load) = report.loads.iter_mut().find(|load| load.table == table.name) {
            load.held += table.held.len();
            // A table has one gate, whoever fills it.
            let seen = measured.iter().any(|one: &Measured| one.name == table.name);
            let one = systems.get(table.nth).unwrap_or(work);
            measured.push(measure(one, target, table, if seen { 0 } else { load.converted })?);
            if let Some(matches) = matches.get(&table.name) {
                let published = matched::publish(&table.folder, matches, &table.held)?;
                load.matched = published.len() as u64;
                links.insert(table.name.clone(), published);
            }
        }
    }
    measured.into_iter().for_each(|one| report.add_measured(one));
    report.patients = Some(count_patients(work, &systems, &tables, &joined, patients)?);
    report.count_findings(Stage::Validate, &counts);
    let verdict = verdict(work, &mut report);
    let loads = serde_json::to_vec(&report.loads).unwrap_or_default();
    let findings = serde_json::to_vec(&report.findings).unwrap_or_default();
    let links = if links.is_empty() { Vec::new() } else { serde_json::to_vec(&links).unwrap_or_default() };
    let parts = [loads.as_slice(), &findings, &links];
    let digest = crate::project_key::sha256_of(parts.into_iter().filter(|part| !part.is_empty()));
    Ok(Finished { report, verdict, digest })
}

/// Asks the target what it has, and reports where the pack sees it otherwise.
async fn live_catalog(
    connection: &dyn Database,
    target: &Target,
    report: &mut StageReport,
) -> Result<Catalog, Error> {
    // Not a fact about the rows: once the tables are made, the same command goes on.
    connection.bookkeeping().await?.demand(&connection.describe())?;
    let names: Vec<String> = target.tables.iter().map(|table| table.database_name().to_owned()).collect();
    let live = connection.catalog(&names).await?;
    live.demand_writes(connection.describe())?;
    report.findings.extend(catalog::compare(target, &live));
    Ok(live)
}

/// A reference of a table: where it stands, and what a held parent means.
struct Reference {
    column: String,
    parent: String,
    required: bool,
    check: usize,
    children: KeySet,
}

/// The rows of one target table that come from one system, as validate sees them.
pub(super) struct Table {
    pub(super) name: String,
    /// The system's place among the order's.
    pub(super) nth: usize,
    folder: std::path::PathBuf,
    pub(super) keys: KeySet,
    references: Vec<Reference>,
    /// The check of rows that cannot be told, where the table's rows are matched.
    ambiguous: Option<usize>,
    pub(super) held: RowSet,
    /// Rows that a check of their own holds, whatever became of their parents.
    own: RowSet,
    /// Keys of the rows newly held since their children were last looked at.
    pub(super) fresh: HashSet<u64>,
    /// Optional references to emptied, by the reference's place.
    pub(super) emptied: Vec<(usize, RowSet)>,
    marks: MarkWriter,
    /// How many rows failed each check, by its place in the stage's list.
    marked: BTreeMap<usize, u64>,
}

impl Table {
    fn read(
        work: &Work<'_>,
        target: &Target,
        table: &TargetTable,
        live: &Live<'_>,
        folder: &Path,
        report: &mut StageReport,
    ) -> Result<Self, Error> {
        let name = table.name.value.as_str();
        let source = work.folder(Stage::Convert)?.join(name);
        let held_before = read_rows(&source.join("held.parquet"))?;
        let checks = RowChecks::new(target, table, live);
        let first_check = report.checks.len();
        report.checks.extend(checks.declared(name));
        let mut references = reference_checks(work, target, table, report);
        let ambiguous = (table.schema.extension.mode == LoadMode::Match).then(|| {
            report.checks.push(Check::new("ambiguous-match", name, Disposition::Quarantine));
            report.checks.len() - 1
        });
        let key = table.schema.primary_key.first().map(|key| key.value.clone()).unwrap_or_default();
        let columns = needed(&checks, &references, &key);
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        let mut reading = Reading {
            secret: work.secret(),
            checks: &checks,
            first_check,
            key: &key,
            held_before: &held_before,
            keys: KeyWriter::new(&work.pool),
            children: references.iter().map(|_| KeyWriter::new(&work.pool)).collect(),
            held: RowSet::default(),
            marks: MarkWriter::new(folder.join(name).join("marks-target.parquet")),
            marked: BTreeMap::new(),
            held_keys: HashSet::new(),
        };
        for part in layer::parts(&source)? {
            for batch in layer::batches_of(&part, Some(&columns))? {
                let batch = batch?;
                work.environment.progress.advance(batch.num_rows() as u64);
                reading.batch(&batch, &references)?;
            }
        }
        if joined_tables(target).iter().any(|joined| joined.name.value == name) {
            reading.stand_ins(work)?;
        }
        let Reading { keys, children, held, marks, marked, held_keys, .. } = reading;
        for (reference, children) in references.iter_mut().zip(children) {
            reference.children = KeySet::finish(vec![children])?;
        }
        Ok(Self {
            name: name.to_owned(),
            nth: work.nth,
            folder: folder.join(name),
            keys: KeySet::finish(vec![keys])?,
            emptied: references.iter().enumerate().map(|(at, _)| (at, RowSet::default())).collect(),
            references,
            ambiguous,
            fresh: held_keys,
            own: held.clone(),
            held,
            marks,
            marked,
        })
    }

    /// Holds the rows of which nobody can tell whether they are in the target.
    fn hold_ambiguous(&mut self, matches: &Matches) -> Result<(), Error> {
        let Some(check) = self.ambiguous else { return Ok(()) };
        for id in matches.ambiguous.iter() {
            self.mark(id, check)?;
            self.held.insert(id);
            self.own.insert(id);
        }
        self.keys.each(|entry| {
            if matches.ambiguous.contains(id_of(entry)) {
                self.fresh.insert(entry.key);
            }
        })
    }

    fn mark(&mut self, id: RowId, check: usize) -> Result<(), Error> {
        *self.marked.entry(check).or_default() += 1;
        self.marks.push(Mark { id, check: i32::try_from(check).unwrap_or(i32::MAX) })
    }

    /// Writes what later stages leave out.
    fn publish(&mut self, counts: &mut [u64]) -> Result<(), Error> {
        for (check, rows) in &self.marked {
            if let Some(count) = counts.get_mut(*check) {
                *count += rows;
            }
        }
        self.marks.close()?;
        if !self.held.is_empty() {
            write_rows(&self.folder.join("held.parquet"), &self.held)?;
        }
        for (reference, rows) in &self.emptied {
            if let Some(reference) = self.references.get(*reference).filter(|_| !rows.is_empty()) {
                write_rows(&emptied_path(&self.folder, &reference.column), rows)?;
            }
        }
        Ok(())
    }
}

/// One check a reference: `parent-held` where the source has vouched for the parent, else `foreign-key`.
fn reference_checks(
    work: &Work<'_>,
    target: &Target,
    table: &TargetTable,
    report: &mut StageReport,
) -> Vec<Reference> {
    let mut references = Vec::new();
    for foreign in &table.schema.foreign_keys {
        let (Some(column), parent) = (foreign.fields.first(), &foreign.resource.value) else { continue };
        if !target.tables.iter().any(|other| other.name.value == *parent) {
            continue;
        }
        let column = column.value.as_str();
        let required = table.schema.field(column).is_some_and(|field| field.constraints.required);
        let vouched = super::lineage::vouched(work, table, column);
        let critical = work.critical_table(&table.name.value) == SafetyCritical::Yes;
        let is_patient =
            table.schema.extension.patient.as_ref().is_some_and(|patient| patient.value == column);
        let disposition = match (required, vouched) {
            (false, _) => Disposition::Degrade,
            // The row would be in no chart at all: a person must decide.
            (true, false) if critical && is_patient => Disposition::Block,
            (true, _) => Disposition::Quarantine,
        };
        let code = if vouched { "parent-held" } else { "foreign-key" };
        report.checks.push(Check::new(code, &table.name.value, disposition).column(column).named(parent));
        references.push(Reference {
            column: column.to_owned(),
            parent: parent.clone(),
            required,
            check: report.checks.len() - 1,
            children: KeySet::default(),
        });
    }
    references
}

fn needed(checks: &RowChecks<'_>, references: &[Reference], key: &str) -> Vec<String> {
    let mut columns: Vec<String> = ["_row", "_part", key].map(str::to_owned).to_vec();
    columns.extend(checks.columns().map(str::to_owned));
    columns.extend(references.iter().map(|reference| reference.column.clone()));
    columns.sort();
    columns.dedup();
    columns
}

struct Reading<'a> {
    secret: crate::keys::Secret,
    checks: &'a RowChecks<'a>,
    first_check: usize,
    key: &'a str,
    held_before: &'a RowSet,
    keys: KeyWriter,
    children: Vec<KeyWriter>,
    held: RowSet,
    marks: MarkWriter,
    marked: BTreeMap<usize, u64>,
    held_keys: HashSet<u64>,
}

impl Reading<'_> {
    /// The keys of patients whose rows are another system's. They name no row of this one.
    fn stand_ins(&mut self, work: &Work<'_>) -> Result<(), Error> {
        for (row, (key, ..)) in (i64::MIN..).zip(Joined::read(work)?.iter()) {
            let key = hash_parts(self.secret, [key.as_bytes()].into_iter());
            self.keys.push(Entry { key, row, extra: 0 });
        }
        Ok(())
    }

    fn batch(&mut self, batch: &arrow::array::RecordBatch, references: &[Reference]) -> Result<(), Error> {
        let ids = row_ids(batch);
        let mut held = HashSet::new();
        for at in 0..self.checks.len() {
            for row in self.checks.failures(at, batch, &held)? {
                let row = row as usize;
                let Some(id) = ids.get(row).filter(|id| !self.held_before.contains(**id)) else { continue };
                let number = self.first_check + at;
                self.marks.push(Mark { id: *id, check: i32::try_from(number).unwrap_or(i32::MAX) })?;
                *self.marked.entry(number).or_default() += 1;
                held.insert(row);
            }
        }
        let key = batch.column_by_name(self.key).and_then(|column| column.as_string_view_opt());
        for (row, id) in ids.iter().enumerate() {
            if self.held_before.contains(*id) {
                continue;
            }
            let extra = u64::from(id.part.cast_unsigned());
            let hash = |text: &str| hash_parts(self.secret, [text.as_bytes()].into_iter());
            if let Some(key) = key.filter(|key| key.is_valid(row)) {
                let key = hash(key.value(row));
                self.keys.push(Entry { key, row: id.row, extra });
                if held.contains(&row) {
                    self.held_keys.insert(key);
                }
            }
            if held.contains(&row) {
                self.held.insert(*id);
            }
            for (reference, children) in references.iter().zip(&mut self.children) {
                let column =
                    batch.column_by_name(&reference.column).and_then(|column| column.as_string_view_opt());
                if let Some(column) = column.filter(|column| column.is_valid(row)) {
                    children.push(Entry { key: hash(column.value(row)), row: id.row, extra });
                }
            }
        }
        Ok(())
    }
}

/// Children of parents that are not there, and of parents that are held, until nothing changes.
fn cascade(tables: &mut [Table], joined: &JoinedRows) -> Result<(), Error> {
    let place: BTreeMap<(usize, String), usize> =
        tables.iter().enumerate().map(|(at, table)| ((table.nth, table.name.clone()), at)).collect();
    let parent =
        |child: &Table, reference: &Reference| place.get(&(child.nth, reference.parent.clone())).copied();
    let missing = |child: &Reference, parent: usize, rows: &mut RowSet| {
        let Some(parents) = tables.get(parent) else { return Ok(()) };
        child.children.missing_from(&parents.keys, |entry| {
            rows.insert(id_of(entry));
        })
    };
    let lost = orphans(tables, parent, missing)?;
    lost.into_iter().enumerate().try_for_each(|(child, rows)| settle(tables, child, rows))?;
    joined.missing(tables)?;
    loop {
        let mut fresh: Vec<HashSet<u64>> =
            tables.iter_mut().map(|table| std::mem::take(&mut table.fresh)).collect();
        joined.follow(&mut fresh);
        if fresh.iter().all(HashSet::is_empty) {
            return Ok(());
        }
        let orphaned = |child: &Reference, parent: usize, rows: &mut RowSet| {
            let Some(held) = fresh.get(parent).filter(|held| !held.is_empty()) else { return Ok(()) };
            child.children.contained_in(held, |entry| {
                rows.insert(id_of(entry));
            })
        };
        let lost = orphans(tables, parent, orphaned)?;
        lost.into_iter().enumerate().try_for_each(|(child, rows)| settle(tables, child, rows))?;
    }
}

/// For each table and each of its references, the rows that `find` says have lost their parent.
fn orphans(
    tables: &[Table],
    parent: impl Fn(&Table, &Reference) -> Option<usize>,
    find: impl Fn(&Reference, usize, &mut RowSet) -> Result<(), Error>,
) -> Result<Vec<Vec<RowSet>>, Error> {
    let of = |child: &Table, reference: &Reference| {
        let mut rows = RowSet::default();
        if let Some(parent) = parent(child, reference) {
            find(reference, parent, &mut rows)?;
        }
        Ok(rows)
    };
    let all = |table: &Table| table.references.iter().map(|reference| of(table, reference)).collect();
    tables.iter().map(all).collect()
}

fn id_of(entry: &Entry) -> RowId {
    RowId { row: entry.row, part: u32::try_from(entry.extra).unwrap_or_default().cast_signed() }
}

/// Holds or empties the rows of a table whose parents are not to be had, reference by reference.
fn settle(tables: &mut [Table], child: usize, orphans: Vec<RowSet>) -> Result<(), Error> {
    let Some(table) = tables.get_mut(child) else { return Ok(()) };
    let mut newly_held = RowSet::default();
    for (at, rows) in orphans.into_iter().enumerate() {
        let Some((check, required)) =
            table.references.get(at).map(|reference| (reference.check, reference.required))
        else {
            continue;
        };
        for id in rows.iter() {
            let new = if required {
                let new = table.held.insert(id);
                if new {
                    newly_held.insert(id);
                }
                new
            } else {
                table.emptied.get_mut(at).is_some_and(|(_, rows)| rows.insert(id))
            };
            if new {
                table.mark(id, check)?;
            }
        }
    }
    if !newly_held.is_empty() {
        table.keys.each(|entry| {
            if newly_held.contains(id_of(entry)) {
                table.fresh.insert(entry.key);
            }
        })?;
    }
    Ok(())
}

/// A target that is not as the pack says fails, or suspends; otherwise the gates decide.
fn verdict(work: &Work<'_>, report: &mut StageReport) -> Verdict {
    let Some((verdict, trouble)) = catalog::stops(&report.findings) else {
        return work.judge(Stage::Validate, report);
    };
    report.trouble = Some(trouble);
    verdict
}

/// The rows that a fault of their own holds: those whose only fault is a reference are not a gate's.
fn measure(work: &Work<'_>, target: &Target, table: &Table, converted: u64) -> Result<Measured, Error> {
    let safety = work.critical_table(&table.name);
    let mut future = 0;
    if safety == SafetyCritical::Future {
        let categorized = work.folder(Stage::Categorize)?;
        for file in target.convert.iter().filter(|file| file.into.value == table.name) {
            future += work.future_of_target_rows(file, &categorized, &table.own)?;
        }
    }
    let measured =
        Measured { name: table.name.clone(), read: converted, held: table.own.len(), ..Measured::default() };
    Ok(measured.with_critical(safety, future))
}
