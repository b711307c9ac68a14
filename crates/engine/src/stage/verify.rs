//! verify: every row and cell that should be in the target against what is there, by digests that the database
//! computes; where they differ, down to the row and the column. Then the statement is balanced, or it is not.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use arrow::array::AsArray;
use chartlift_io::target::{BucketDigest, Link, LoadRecord, RowDigest, TableSpec, Target as Database};
use chartlift_rules::{Fill, LoadMode, TargetTable};

use super::loadable::{Loadable, in_load_order, table_spec};
use super::{Finished, Work, filled, linked};
use crate::Error;
use crate::digest::{DigestColumn, TableDigest, hex_of_buckets, row_digests};
use crate::project_key::sha256_of;
use crate::report::receipt::{self, Proof};
use crate::report::{StageReport, table_of};
use crate::statement::{LoadBalance, Mismatch, Stage, Trouble, Verdict};
use crate::summary;

/// Buckets that a differing table is divided into, to find the rows that differ without comparing the rest: so many that
/// each holds some hundreds of rows, within what both sides can keep sums of.
const FEWEST_BUCKETS: u32 = 1 << 10;
const MOST_BUCKETS: u32 = 1 << 15;
const ROWS_A_BUCKET: u64 = 256;
/// Mismatches that are listed of a table. Once there are so many, the rest of what differs is not looked at row by
/// row: all its rows count as not proved.
const MOST_MISMATCHES: usize = 1000;
/// Rows of differing buckets that are compared at once, which bounds their memory.
const ROWS_AT_ONCE: u64 = 100_000;

pub(crate) async fn run(work: &Work<'_>) -> Result<Finished, Error> {
    let target = work.target()?;
    let connection = work.connect().await?;
    let Some(record) = connection.find_load(&work.order.spec().id).await? else {
        return Err(Error::Usage {
            code: "not-loaded",
            message: format!("order `{}` is not in {}", work.order.spec().id, connection.describe()),
            hint: "import it first with `chartlift run`".into(),
        });
    };
    let mut report = StageReport::default();
    let mut unlinked = BTreeMap::new();
    let mut digests = Vec::new();
    let loads = &work.report(Stage::Import)?.loads;
    work.environment.progress.begin(Stage::Verify, "verifying", loads.iter().map(|load| load.loaded).sum());
    for table in in_load_order(target) {
        let Some(load) = loads.iter().find(|load| load.table == table.name.value) else { continue };
        let load = table_digest(work, connection.as_ref(), table, &record, load.clone(), &mut report).await?;
        let mut missing = prove_links(work, connection.as_ref(), table, &record, &mut report).await?;
        missing += prove_filled(work, connection.as_ref(), table, &record, &mut report).await?;
        if missing > 0 {
            unlinked.insert(load.table.clone(), missing);
        }
        digests.push(format!("{} {}", load.table, load.digest.clone().unwrap_or_default()));
        work.environment.progress.advance(load.loaded);
        report.loads.push(load);
    }
    work.environment.progress.end();
    // The order of the pack reads better than the order of the load.
    report.loads.sort_by_key(|load| loads.iter().position(|known| known.table == load.table));
    let digest = sha256_of(digests.iter().map(String::as_bytes));
    let verdict = judge(work, &mut report, &record, &digest, &unlinked);
    Ok(Finished { report, verdict, digest })
}

async fn table_digest(
    work: &Work<'_>,
    connection: &dyn Database,
    table: &TargetTable,
    record: &LoadRecord,
    mut load: LoadBalance,
    report: &mut StageReport,
) -> Result<LoadBalance, Error> {
    let live = connection.catalog(&[table.database_name().to_owned()]).await?;
    let mut digests = Vec::new();
    let mut wrong = 0;
    for one in work.systems()? {
        let spec = table_spec(work.target()?, table, &one.system()?.name);
        let unanswered = connection.unanswered(&spec, record).await?;
        load.superseded += tokio::task::block_in_place(|| named(&one, table, &unanswered.superseded))?;
        let without = unanswered.superseded.into_iter().chain(unanswered.skipped).chain(unanswered.kept);
        let loadable = Loadable::open(&one, table)?.without(without);
        let columns = DigestColumn::of(&spec, live.table(&spec.name));
        let expected =
            tokio::task::block_in_place(|| digest_of(&loadable, &columns, 1, work.environment.threads))?;
        let found = connection.digest(&spec, record, 1).await?;
        let digest = hex_of_buckets(&columns, &found);
        if digest != expected.hex() {
            wrong += locate(&one, connection, &spec, &columns, &loadable, record, report).await?;
        }
        digests.push((one.label(), digest));
    }
    load.digest = Some(match digests.as_slice() {
        [(None, only)] => only.clone(),
        several => sha256_of(
            several
                .iter()
                .flat_map(|(system, digest)| [system.unwrap_or_default().as_bytes(), digest.as_bytes()]),
        ),
    });
    load.verified = load.loaded.saturating_sub(load.superseded + wrong);
    Ok(load)
}

/// How many of a table's rows have one of these source keys.
fn named(work: &Work<'_>, table: &TargetTable, keys: &[String]) -> Result<u64, Error> {
    if keys.is_empty() {
        return Ok(0);
    }
    let keys: HashSet<&str> = keys.iter().map(String::as_str).collect();
    let mut rows = 0;
    for batch in Loadable::open(work, table)?.only(&[]).batches() {
        let batch = batch?;
        let own = batch.columns().last().and_then(|column| column.as_string_view_opt());
        let own = own.into_iter().flatten().flatten();
        rows += own.filter(|key| keys.contains(key)).count() as u64;
    }
    Ok(rows)
}

/// Every row that was matched has its entry in the crosswalk, and the entry names a row that is there; no other row is
/// said to be matched by this load. Returns how many are not so.
async fn prove_links(
    work: &Work<'_>,
    connection: &dyn Database,
    table: &TargetTable,
    record: &LoadRecord,
    report: &mut StageReport,
) -> Result<u64, Error> {
    if table.schema.extension.mode != LoadMode::Match {
        return Ok(0);
    }
    let spec = table_spec(work.target()?, table, &work.system()?.name);
    let expected = linked::read(&work.folder(Stage::Validate)?.join(&table.name.value))?;
    let existing = connection.existing(&spec, &[], &record.series).await?;
    let there: HashSet<&str> = existing.rows.iter().map(|row| row.key.as_str()).collect();
    let entries: HashMap<&str, &Link> =
        existing.links.iter().map(|link| (link.source_key.as_str(), link)).collect();
    let mut found = Found { work, spec: &spec, listed: Vec::new(), wrong: 0 };
    let key = table.schema.primary_key.first().map(|key| key.value.as_str()).unwrap_or_default();
    for (source, target) in &expected {
        let entry = entries.get(source.as_str()).filter(|link| link.target_key == *target);
        if entry.is_none() || !there.contains(target.as_str()) {
            found.wrong += 1;
            found.mismatch(source, key);
        }
    }
    let ours = existing.links.iter().filter(|link| link.load == record.id && !link.created);
    for link in ours.filter(|link| !expected.contains_key(&link.source_key)) {
        found.wrong += 1;
        found.mismatch(&link.source_key, key);
    }
    report.mismatches.append(&mut found.listed);
    Ok(found.wrong)
}

/// Every cell that was filled in is as it was converted. Returns how many are not so.
async fn prove_filled(
    work: &Work<'_>,
    connection: &dyn Database,
    table: &TargetTable,
    record: &LoadRecord,
    report: &mut StageReport,
) -> Result<u64, Error> {
    if table.schema.extension.fill == Fill::Nothing {
        return Ok(0);
    }
    let live = connection.catalog(&[table.database_name().to_owned()]).await?;
    let differing = filled::differing(work, connection, table, record, &live).await?;
    let spec = table_spec(work.target()?, table, &work.system()?.name);
    let mut found = Found { work, spec: &spec, listed: Vec::new(), wrong: 0 };
    for (key, column) in &differing {
        found.wrong += 1;
        found.mismatch(key, column);
    }
    report.mismatches.append(&mut found.listed);
    Ok(found.wrong)
}

/// Digests the parts of a table, some at a time.
fn digest_of(
    loadable: &Loadable,
    columns: &[DigestColumn],
    buckets: u32,
    threads: usize,
) -> Result<TableDigest, Error> {
    let share = loadable.parts().len().div_ceil(threads.max(1)).max(1);
    std::thread::scope(|scope| {
        let work: Vec<_> = loadable
            .parts()
            .chunks(share)
            .map(|parts| {
                scope.spawn(move || {
                    let mut digest = TableDigest::new(columns.to_vec(), buckets);
                    for part in parts {
                        for batch in loadable.part(part) {
                            digest.add(&batch?)?;
                        }
                    }
                    Ok::<_, Error>(digest)
                })
            })
            .collect();
        let mut whole = TableDigest::new(columns.to_vec(), buckets);
        for one in work {
            match one.join() {
                Ok(digest) => whole.merge(&digest?),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok(whole)
    })
}

/// Finds the rows and columns that differ; returns how many rows are not proved.
async fn locate(
    work: &Work<'_>,
    connection: &dyn Database,
    spec: &TableSpec,
    columns: &[DigestColumn],
    loadable: &Loadable,
    record: &LoadRecord,
    report: &mut StageReport,
) -> Result<u64, Error> {
    let rows = record.tables.iter().filter(|table| table.name == spec.name).map(|table| table.rows).sum();
    let buckets = buckets_for(rows);
    let expected =
        tokio::task::block_in_place(|| digest_of(loadable, columns, buckets, work.environment.threads))?;
    let found = connection.digest(spec, record, buckets).await?;
    let mut found_rows = Found { work, spec, listed: Vec::new(), wrong: 0 };
    for (chosen, rows) in differing(&expected.buckets(), &found) {
        if found_rows.listed.len() >= MOST_MISMATCHES {
            found_rows.wrong += rows;
            continue;
        }
        let there = connection.row_digests(spec, record, buckets, &chosen).await?;
        let wanted = tokio::task::block_in_place(|| {
            let mut wanted = Vec::new();
            for batch in loadable.batches() {
                wanted.extend(row_digests(columns, &batch?, buckets, &chosen)?);
            }
            Ok::<_, Error>(wanted)
        })?;
        found_rows.compare(&wanted, &there);
    }
    report.mismatches.append(&mut found_rows.listed);
    Ok(found_rows.wrong)
}

/// A power of two.
fn buckets_for(rows: u64) -> u32 {
    let wanted = u32::try_from(rows / ROWS_A_BUCKET).unwrap_or(MOST_BUCKETS).min(MOST_BUCKETS);
    wanted.next_power_of_two().max(FEWEST_BUCKETS)
}

/// The buckets that differ, in groups of few enough rows to compare at once, each with its number of rows, in ascending
/// order.
fn differing(expected: &[BucketDigest], found: &[BucketDigest]) -> Vec<(Vec<u32>, u64)> {
    let by_number = |all: &[BucketDigest]| -> BTreeMap<u32, BucketDigest> {
        all.iter().map(|one| (one.bucket, one.clone())).collect()
    };
    let (expected, found) = (by_number(expected), by_number(found));
    let mut groups: Vec<(Vec<u32>, u64)> = Vec::new();
    let numbers: BTreeSet<u32> = expected.keys().chain(found.keys()).copied().collect();
    for bucket in numbers {
        let (wanted, there) = (expected.get(&bucket), found.get(&bucket));
        if wanted == there {
            continue;
        }
        let rows = wanted.into_iter().chain(there).map(|one| one.rows).max().unwrap_or_default();
        match groups.last_mut() {
            Some((buckets, sum)) if *sum + rows <= ROWS_AT_ONCE => {
                buckets.push(bucket);
                *sum += rows;
            }
            _ => groups.push((vec![bucket], rows)),
        }
    }
    groups
}

/// What comparing a table's rows came to.
struct Found<'a> {
    work: &'a Work<'a>,
    spec: &'a TableSpec,
    listed: Vec<Mismatch>,
    wrong: u64,
}

impl Found<'_> {
    fn mismatch(&mut self, key: &str, column: &str) {
        if self.listed.len() < MOST_MISMATCHES {
            let table = self.spec.keyspace.clone();
            // Equal keys of two systems are two rows.
            let keyspace = self.work.label().map_or(table.clone(), |system| table_of(system, &table));
            self.listed.push(Mismatch {
                row_key_hash: self.work.environment.key.hash_row_key(&keyspace, key),
                table,
                column: column.to_owned(),
            });
        }
    }

    fn compare(&mut self, wanted: &[RowDigest], there: &[RowDigest]) {
        let mut found: BTreeMap<&str, &RowDigest> = there.iter().map(|row| (row.key.as_str(), row)).collect();
        for row in wanted {
            let Some(other) = found.remove(row.key.as_str()) else {
                self.wrong += 1;
                self.mismatch(&row.key, "*");
                continue;
            };
            let mut differs = false;
            for (column, (cell, other)) in self.spec.columns.iter().zip(row.cells.iter().zip(&other.cells)) {
                if cell != other {
                    differs = true;
                    self.mismatch(&row.key, &column.name);
                }
            }
            self.wrong += u64::from(differs);
        }
        for key in found.keys() {
            self.wrong += 1;
            self.mismatch(key, "*");
        }
    }
}

fn judge(
    work: &Work<'_>,
    report: &mut StageReport,
    record: &LoadRecord,
    digest: &str,
    unlinked: &BTreeMap<String, u64>,
) -> Verdict {
    if let Some(load) = report.loads.iter().find(|load| load.verified + load.superseded != load.loaded) {
        report.trouble = Some(Trouble {
            code: "verify-mismatch".into(),
            message: format!(
                "{} rows of `{}` are not proved to be in the target as they were converted",
                load.loaded.saturating_sub(load.verified + load.superseded),
                load.table
            ),
            hint: "the mismatches name rows by keyed hash and the columns; see --json".into(),
        });
        return Verdict::Fail;
    }
    if let Some((table, rows)) = unlinked.first_key_value() {
        report.trouble = Some(Trouble {
            code: "verify-mismatch".into(),
            message: format!(
                "{rows} rows that were matched in `{table}` are no longer there, no longer linked, or no longer hold what was filled in"
            ),
            hint: "the mismatches name rows by keyed hash; see --json".into(),
        });
        return Verdict::Fail;
    }
    report.load = Some(record.id);
    let statement = summary::statement(|stage| match stage {
        Stage::Verify => Some(&*report),
        earlier => work.earlier.get(&earlier).map(|before| &before.report),
    });
    if statement.balanced {
        let proof = Proof { statement: &statement, digest, record };
        report.receipt = Some(receipt::sealed(work.order.spec(), work.earlier, &proof));
    }
    Verdict::Pass
}
