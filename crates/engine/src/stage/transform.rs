//! What categorize and convert share: run every rule of a file into one layer, settle equal keys, count.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use chartlift_rules::{Diagnostic, Disposition, RuleFile, TableSchema};
use datafusion::execution::context::SessionContext;

use super::held_rows::HeldRows;
use super::{Work, overruled, same_key};
use crate::Error;
use crate::compile::{self, Level, Origin, RuleInput};
use crate::constraints::{self, ColumnCheck};
use crate::digest::ArtefactDigest;
use crate::keys::KeySet;
use crate::marks::{Check, MarkWriter, RowId, RowSet, write_rows};
use crate::produce::{self, Job, Outcome, Unproduced};
use crate::report::StageReport;
use crate::reshape::Shape;
use crate::statement::{CategoryBalance, RuleBalance, Stage, TableBalance};

/// One rule file to run.
pub(super) struct Transform<'a> {
    pub(super) work: &'a Work<'a>,
    pub(super) context: &'a SessionContext,
    pub(super) stage: Stage,
    pub(super) level: Level,
    pub(super) file: &'a RuleFile,
    pub(super) into: &'a TableSchema,
    pub(super) origins: &'a [Origin<'a>],
    pub(super) timezone: &'a str,
    /// The layer's folder.
    pub(super) folder: PathBuf,
    /// The rows that check held; `None`: later stages never see them.
    pub(super) held: Option<&'a HeldRows<'a>>,
}

impl Transform<'_> {
    /// The fields that a merge rule looks at: the key and what it orders by; none without one.
    fn merge_fields(&self) -> Vec<String> {
        let Some(merge) = &self.file.merge else { return Vec::new() };
        let key = self.into.primary_key.first().into_iter();
        let mut fields: Vec<String> = key.chain(&merge.order).map(|name| name.value.clone()).collect();
        let mut seen = HashSet::new();
        fields.retain(|name| seen.insert(name.clone()));
        fields
    }
}

impl Transform<'_> {
    /// The layer's name and digest; layers of several systems are told apart.
    pub(super) fn layer(&self, digest: &ArtefactDigest) -> String {
        let (name, digest) = (&self.file.into.value, digest.hex());
        match self.work.label() {
            Some(system) => format!("{system}/{name} {digest}"),
            None => format!("{name} {digest}"),
        }
    }
}

/// What a rule file came to.
pub(super) struct Transformed {
    /// The outcome of each rule, with the table it read and the tables its joins reached.
    pub(super) rules: Vec<(String, Outcome)>,
    pub(super) joins: Vec<Vec<compile::Reached>>,
    pub(super) balance: CategoryBalance,
    pub(super) digest: ArtefactDigest,
    /// Records of held rows, as far as a merge rule must know them.
    pub(super) held: Vec<RecordBatch>,
    pub(super) incomplete: HashSet<u64>,
    pub(super) absent: HashSet<u64>,
    /// The keys of all rows, where they name patients.
    pub(super) patients: Option<KeySet>,
    /// Rows that are held because they share a key with another one.
    pub(super) conflicts: RowSet,
}

/// Rows of a driving table before any rule sees them, and those an earlier stage held or merged.
#[derive(Clone, Copy, Default)]
pub(super) struct Earlier {
    pub(super) rows: u64,
    pub(super) quarantined: u64,
    pub(super) merged: u64,
}

impl Earlier {
    pub(super) fn of(table: &TableBalance) -> Self {
        Self { rows: table.landed, quarantined: table.quarantined, merged: table.merged }
    }
}

pub(super) async fn transform(
    one: &Transform<'_>,
    earlier: &BTreeMap<String, Earlier>,
    report: &mut StageReport,
    counts: &mut Vec<u64>,
) -> Result<Transformed, Error> {
    let into = one.file.into.value.as_str();
    let checks = match one.level {
        Level::Checked => constraints::typed_checks(&one.into.with_required_keys()).0,
        // The target's own constraints are validate's.
        Level::Categorized => Vec::new(),
    };
    let mut marks = MarkWriter::new(one.folder.join("marks-keys.parquet"));
    let mut made = Transformed {
        rules: Vec::new(),
        joins: Vec::new(),
        balance: CategoryBalance { category: into.into(), ..CategoryBalance::default() },
        digest: ArtefactDigest::default(),
        held: Vec::new(),
        incomplete: HashSet::new(),
        absent: HashSet::new(),
        patients: None,
        conflicts: RowSet::default(),
    };
    let mut next_part = 0;
    let mut keys = Vec::new();
    for number in 0..one.file.rules.len() {
        let (rule, mut outcome) = run_rule(one, number, &checks, &mut next_part, report).await?;
        count(&outcome, counts, report.checks.len());
        made.balance.emitted += outcome.emitted;
        made.digest.merge(&outcome.digest)?;
        keys.append(&mut outcome.keys);
        made.held.append(&mut outcome.held);
        let before = earlier.get(&rule.from).copied().unwrap_or_default();
        report.rules.push(balance(one.stage, &rule, into, before, &outcome));
        made.incomplete.extend(std::mem::take(&mut outcome.incomplete));
        made.absent.extend(std::mem::take(&mut outcome.absent));
        made.rules.push((rule.from.clone(), outcome));
        made.joins.push(rule.joins);
    }
    same_key::settle(one, keys, next_part, report, counts, &mut marks, &mut made)?;
    marks.close()?;
    made.balance.rows = made.balance.emitted - made.balance.merged - made.balance.quarantined;
    Ok(made)
}

async fn run_rule(
    one: &Transform<'_>,
    number: usize,
    checks: &[ColumnCheck],
    next_part: &mut usize,
    report: &mut StageReport,
) -> Result<(compile::CompiledRule, Outcome), Error> {
    let Some(rule) = one.file.rules.get(number) else { return Err(Error::no_rule()) };
    let input = RuleInput {
        context: one.context,
        project: &one.work.environment.project,
        rule,
        origins: one.origins,
        into: one.into,
        timezone: one.timezone,
        reshaped: None,
        driving: None,
    };
    let shape = Shape::of(rule);
    let reshaped = match &shape {
        Some(shape) => Some(shape.run(&input, one.folder.join(format!("shaped-{number}"))).await?),
        None => None,
    };
    let input = RuleInput { reshaped: reshaped.as_ref().map(|made| made.folder.as_path()), ..input };
    let compiled = compile::compile(&input).await.map_err(|problems| Error::rules(&problems))?;
    let first_check = report.checks.len();
    let into = one.file.into.value.as_str();
    for (field, counts) in &compiled.kept_zeros {
        let check = Check::new("zeros-kept", into, Disposition::Note).column(field).named(&counts.evidence());
        report.findings.push(check.finding(one.stage, counts.short));
    }
    let own = produce::rule_checks(&compiled, into, checks);
    report.checks.extend(own.into_iter().map(|check| check.of_rule(number)));
    let of_held = one.merge_fields();
    let job = Job {
        rule: &compiled,
        number,
        level: one.level,
        into: one.into,
        folder: &one.folder,
        secret: one.work.secret(),
        pool: &one.work.pool,
        checks,
        of_held: &of_held,
        progress: &one.work.environment.progress,
        now: one.work.now(),
    };
    let mut outcome = produce::run(&job, first_check, next_part).await?;
    if let Some(held) = one.held.filter(|_| !of_held.is_empty()) {
        outcome.held.extend(overruled::of_held(held, rule, one.into, &of_held).await?);
    }
    if let Some(reshaped) = reshaped {
        outcome.left_out(Unproduced::Merged, reshaped.merged);
        outcome.left_out(Unproduced::Excluded("no-values".into()), reshaped.nothing);
        if reshaped.folder.exists() {
            std::fs::remove_dir_all(&reshaped.folder).map_err(Error::file("remove", &reshaped.folder))?;
        }
    }
    Ok((compiled, outcome))
}

fn count(outcome: &Outcome, counts: &mut Vec<u64>, checks: usize) {
    counts.resize(checks, 0);
    for (check, rows) in &outcome.marked {
        if let Some(count) = usize::try_from(*check).ok().and_then(|check| counts.get_mut(check)) {
            *count += rows;
        }
    }
}

fn balance(
    stage: Stage,
    rule: &compile::CompiledRule,
    into: &str,
    before: Earlier,
    outcome: &Outcome,
) -> RuleBalance {
    let mut excluded: BTreeMap<String, u64> = rule.excludes.iter().map(|name| (name.clone(), 0)).collect();
    let (mut quarantined, mut merged) = (before.quarantined, before.merged);
    for (reason, rows) in &outcome.unproduced {
        match reason {
            Unproduced::Merged => merged += rows.len(),
            Unproduced::Quarantined => quarantined += rows.len(),
            Unproduced::Excluded(name) => *excluded.entry(name.clone()).or_default() += rows.len(),
        }
    }
    RuleBalance {
        stage,
        system: None,
        rule: rule.name.clone(),
        from: rule.from.clone(),
        into: into.to_owned(),
        read: before.rows,
        produced: outcome.produced,
        merged,
        excluded,
        quarantined,
        emitted: outcome.emitted,
    }
}

/// Hashes of patients, kept between stages beside the layer.
#[derive(Default)]
pub(crate) struct Patients {
    pub(crate) incomplete: HashSet<u64>,
    pub(crate) absent: HashSet<u64>,
}

const INCOMPLETE: i32 = 1;
const ABSENT: i32 = 2;

impl Patients {
    /// Leads patients to the persons they are.
    pub(super) fn lead(&mut self, person: impl Fn(u64) -> u64) {
        for set in [&mut self.incomplete, &mut self.absent] {
            *set = set.iter().map(|patient| person(*patient)).collect();
        }
    }

    pub(super) fn add(&mut self, more: Self) {
        self.incomplete.extend(more.incomplete);
        self.absent.extend(more.absent);
    }

    pub(crate) fn read(folder: &Path) -> Result<Self, Error> {
        let (mut incomplete, mut absent) = (HashSet::new(), HashSet::new());
        for id in crate::marks::read_rows(&folder.join("patients.parquet"))?.iter() {
            let set = if id.part == INCOMPLETE { &mut incomplete } else { &mut absent };
            set.insert(id.row.cast_unsigned());
        }
        Ok(Self { incomplete, absent })
    }

    pub(super) fn write(&self, folder: &Path) -> Result<(), Error> {
        let mut rows = RowSet::default();
        for (hashes, part) in [(&self.incomplete, INCOMPLETE), (&self.absent, ABSENT)] {
            for hash in hashes {
                rows.insert(RowId { row: hash.cast_signed(), part });
            }
        }
        write_rows(&folder.join("patients.parquet"), &rows)
    }
}

impl Error {
    /// The rules changed between lint and run, or lint has a hole.
    pub(super) fn rules(problems: &[Diagnostic]) -> Self {
        let first = problems.first();
        Self::Usage {
            code: first.map_or("internal-error", |one| one.code),
            message: first.map_or_else(String::new, |one| one.message.clone()),
            hint: "see all problems with `chartlift lint`".into(),
        }
    }

    fn no_rule() -> Self {
        Self::Usage {
            code: "internal-error",
            message: "a rule vanished while it ran".into(),
            hint: "report this".into(),
        }
    }
}
