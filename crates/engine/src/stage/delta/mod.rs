//! Orders that follow another: rows of earlier loads are compared before they are written over. Rows that were edited in
//! the target, and rows that the export no longer has, are for a person to decide.

mod earlier;
mod listing;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use chartlift_io::target::{Absent, Exemption, Load, Rulings, TableSpec, Touched};
use chartlift_rules::{LoadMode, RowRuling, Ruling, RulingFile, TargetTable};

use self::listing::{Line, Listing};
use super::loadable::{Loadable, table_spec};
use super::{Finished, Work};
use crate::Error;
use crate::gates::{command, file_of};
use crate::order::Event;
use crate::report::StageReport;
use crate::rollback::charts_kept;
use crate::statement::{Finding, LoadBalance, OpenDecision, Stage, Trouble, Verdict};

/// The share of a table's known rows that may be missing from an export unseen, by default.
const ABSENT_SHARE: f64 = 0.05;
/// Keyed hashes of rows that a finding names.
const MOST_NAMED: usize = 20;

const CONFLICT: &str = "edited-in-target";
const KEPT: &str = "edited-kept";
const ABSENT: &str = "row-absent";
const TOO_MANY: &str = "too-many-absent";
const REFERRED: &str = "absent-referred";

/// What is settled, table by table, while a load is written.
pub(super) struct Delta {
    /// This order, and those it follows, the nearest first.
    orders: Vec<String>,
    input_digest: String,
    listing: Listing,
    /// In load order.
    tables: Vec<Settled>,
    findings: Vec<Finding>,
    trouble: Option<Trouble>,
    open: Vec<OpenDecision>,
}

/// What became of a table's rows of earlier loads.
#[derive(Default)]
struct Settled {
    table: String,
    absent: u64,
    deleted: u64,
    /// Source keys of rows that somebody decided to delete.
    delete: Vec<String>,
}

impl Delta {
    /// `None` for an order that follows none and was never taken back: all its rows are new.
    pub(super) fn of(work: &Work<'_>, input_digest: &str) -> Result<Option<Self>, Error> {
        let again =
            work.order.records().iter().any(|record| matches!(&record.event, Event::RolledBack { report, .. } if charts_kept(report.as_ref()) > 0));
        if work.order.spec().follows.is_none() && !again {
            return Ok(None);
        }
        Ok(Some(Self {
            orders: earlier::chain(work)?,
            input_digest: input_digest.to_owned(),
            listing: Listing::default(),
            tables: Vec::new(),
            findings: Vec::new(),
            trouble: None,
            open: Vec::new(),
        }))
    }

    /// Between a table's last row and its merge: what the merge is to do with rows that were edited.
    pub(super) async fn settle(
        &mut self,
        work: &Work<'_>,
        table: &TargetTable,
        spec: &TableSpec,
        load: &mut dyn Load,
    ) -> Result<Rulings, Error> {
        if table.schema.extension.mode == LoadMode::Match {
            return Ok(Rulings::default());
        }
        let found = load.compare(spec, &self.orders).await?;
        if found.known > 0 || !found.touched.is_empty() || !found.absent.is_empty() {
            self.one_system(work)?;
        }
        let mut exempt: Vec<(String, Exemption)> = Vec::new();
        let rulings = self.touched(work, table, found.touched)?;
        self.absent(work, table, found.absent, found.known, &mut exempt)?;
        load.exempt(spec, &exempt).await?;
        Ok(rulings)
    }

    /// Rows of several systems in one table are not told apart well enough yet.
    fn one_system(&self, work: &Work<'_>) -> Result<(), Error> {
        let what = "following an order whose rows are in the target";
        work.one_system_only(what)?;
        if earlier::had_several_systems(work, &self.orders)? {
            return Err(super::several_systems(what));
        }
        Ok(())
    }

    fn touched(
        &mut self,
        work: &Work<'_>,
        table: &TargetTable,
        touched: Vec<Touched>,
    ) -> Result<Rulings, Error> {
        let mut rulings = Rulings::default();
        let name = &table.name.value;
        let decided = work.environment.decisions.rulings_of(RulingFile::Conflicts, name);
        let mut undecided = Vec::new();
        let mut kept = Vec::new();
        for row in touched {
            let seen = self.seen(work, name, &row.source_key, row.seen);
            match holds(decided.get(row.source_key.as_str()), &seen) {
                Some(Ruling::Overwrite) => rulings.overwrite.push(row.source_key),
                Some(_) => kept.push(row.source_key),
                None => undecided.push((row, seen)),
            }
        }
        let asked: BTreeSet<&str> = undecided.iter().map(|(row, _)| row.source_key.as_str()).collect();
        let same = earlier::said_the_same(work, table, &asked, &self.orders)?;
        let own = &work.order.spec().id;
        let mut open = Vec::new();
        for (row, seen) in undecided {
            let unchanged = same.contains(&row.source_key)
                || (row.order == *own && row.input_digest == self.input_digest);
            if unchanged { kept.push(row.source_key) } else { open.push((row, seen)) }
        }
        if !kept.is_empty() {
            let message =
                format!("left as they are; {}", hashes(work, name, kept.iter().map(String::as_str)));
            self.findings.push(finding(KEPT, "note", name, kept.len(), message));
        }
        self.conflicts(work, name, &open);
        rulings.keep = kept;
        rulings.keep.extend(open.into_iter().map(|(row, _)| row.source_key));
        Ok(rulings)
    }

    /// Rows about which somebody has to decide.
    fn conflicts(&mut self, work: &Work<'_>, table: &str, open: &[(Touched, String)]) {
        if open.is_empty() {
            return;
        }
        let mut columns: BTreeMap<&str, usize> = BTreeMap::new();
        for (row, _) in open {
            row.differs.iter().for_each(|column| *columns.entry(column).or_default() += 1);
        }
        let gone = open.iter().filter(|(row, _)| row.gone).count();
        let mut said: Vec<String> =
            columns.iter().map(|(column, rows)| format!("`{column}` {rows}")).collect();
        said.extend((gone > 0).then(|| format!("gone {gone}")));
        let keys = open.iter().map(|(row, _)| row.source_key.as_str());
        let message = format!("{}; {}", said.join(", "), hashes(work, table, keys));
        self.findings.push(finding(CONFLICT, "block", table, open.len(), message));
        for (row, seen) in open {
            let about = if row.gone { "(gone)".to_owned() } else { row.differs.join(" ") };
            self.listing.add(RulingFile::Conflicts, Line::of(work, table, &row.source_key, seen, about));
        }
        let decision = self.decision(work, CONFLICT, table, RulingFile::Conflicts);
        let trouble = Trouble {
            code: CONFLICT.into(),
            message: format!(
                "{} rows of `{table}` were edited in the target since they were loaded, and the export says otherwise \
                 now: nothing was loaded",
                open.len()
            ),
            hint: format!(
                "see `delta/{}` in the order's folder, then decide with `{}` (or `overwrite`), {}",
                RulingFile::Conflicts.name(),
                decision.command,
                file_of(&decision)
            ),
        };
        self.stop(trouble, decision);
    }

    fn absent(
        &mut self,
        work: &Work<'_>,
        table: &TargetTable,
        absent: Vec<Absent>,
        known: u64,
        exempt: &mut Vec<(String, Exemption)>,
    ) -> Result<(), Error> {
        let name = &table.name.value;
        let mut settled = Settled { table: name.clone(), ..Settled::default() };
        let held = if absent.is_empty() { HashSet::new() } else { held_keys(work, table)? };
        let decided = work.environment.decisions.rulings_of(RulingFile::Absences, name);
        let (mut unseen, mut left) = (0, Vec::new());
        for row in absent {
            if !self.orders.contains(&row.order) {
                exempt.push((row.source_key, Exemption::Other));
                continue;
            }
            if held.contains(&row.source_key) {
                exempt.push((row.source_key, Exemption::Held));
                continue;
            }
            let seen = self.seen(work, name, &row.source_key, row.seen);
            let ruling = holds(decided.get(row.source_key.as_str()), &seen);
            if ruling == Some(Ruling::Delete) && !row.gone {
                settled.delete.push(row.source_key);
                continue;
            }
            if ruling.is_none() {
                unseen += u64::from(!row.listed && !row.gone);
                let about = match (row.gone, row.edited) {
                    (true, _) => "(gone)",
                    (_, true) => "(edited)",
                    _ => "",
                };
                let line = Line::of(work, name, &row.source_key, &seen, about.to_owned());
                self.listing.add(RulingFile::Absences, line);
            }
            exempt.push((row.source_key.clone(), Exemption::Absent));
            left.push(row.source_key);
        }
        settled.absent = left.len() as u64;
        if !left.is_empty() {
            let message =
                format!("left in the target; {}", hashes(work, name, left.iter().map(String::as_str)));
            self.findings.push(finding(ABSENT, "note", name, left.len(), message));
        }
        self.tables.push(settled);
        self.limit(work, name, unseen, known);
        Ok(())
    }

    /// Stops where more rows are missing than a clinic deletes.
    fn limit(&mut self, work: &Work<'_>, table: &str, unseen: u64, known: u64) {
        let limits = work.environment.project.settings.absences.iter().rev();
        let limit =
            limits.clone().find(|limit| limit.table.value == table).map_or(ABSENT_SHARE, |limit| limit.share);
        #[expect(clippy::cast_precision_loss, reason = "a share for comparing with a limit, not a count")]
        let share = unseen as f64 / known.max(1) as f64;
        if unseen == 0 || share <= limit {
            return;
        }
        let decision = self.decision(work, TOO_MANY, table, RulingFile::Absences);
        let trouble = Trouble {
            code: TOO_MANY.into(),
            message: format!(
                "{unseen} of {known} rows of `{table}` that earlier orders loaded are missing now ({:.2} %); the limit is \
                 {:.2} %: nothing was loaded",
                share * 100.0,
                limit * 100.0
            ),
            hint: format!(
                "compare the export with `delta/{}` in the order's folder, then decide with `{}` (or `delete`), {}",
                RulingFile::Absences.name(),
                decision.command,
                file_of(&decision)
            ),
        };
        self.stop(trouble, decision);
    }

    fn decision(&self, work: &Work<'_>, code: &str, table: &str, file: RulingFile) -> OpenDecision {
        let word = match file {
            RulingFile::Conflicts => "conflict",
            RulingFile::Absences => "absence",
        };
        OpenDecision {
            code: code.into(),
            stage: Stage::Import,
            applies_to: table.to_owned(),
            command: command(&work.order.spec().id, &format!("{word} --table {table} --ruling keep")),
            file: format!("decisions/{}", file.name()),
        }
    }

    fn stop(&mut self, trouble: Trouble, decision: OpenDecision) {
        self.trouble.get_or_insert(trouble);
        self.open.push(decision);
    }

    /// What a row looked like, as the listing says it: keyed, for it is made from values.
    fn seen(&self, work: &Work<'_>, table: &str, key: &str, seen: i64) -> String {
        work.environment.key.hash_row_key(table, &format!("{key}\u{0}{seen}"))
    }

    /// After all tables are merged: takes out what somebody decided to, children before their parents.
    pub(super) async fn remove(&mut self, work: &Work<'_>, load: &mut dyn Load) -> Result<(), Error> {
        let target = work.target()?;
        for settled in self.tables.iter_mut().rev().filter(|settled| !settled.delete.is_empty()) {
            let Some(table) = target.table(&settled.table) else { continue };
            let spec = table_spec(target, table, &work.system()?.name);
            let removed = load.remove(&spec, &settled.delete).await?;
            let exempt: Vec<(String, Exemption)> =
                removed.referred.iter().map(|key| (key.clone(), Exemption::Absent)).collect();
            load.exempt(&spec, &exempt).await?;
            settled.deleted = removed.rows;
            settled.absent += removed.referred.len() as u64;
            if !removed.referred.is_empty() {
                let keys = removed.referred.iter().map(String::as_str);
                let message =
                    format!("still referred to, so not deleted; {}", hashes(work, &settled.table, keys));
                self.findings.push(finding(
                    REFERRED,
                    "note",
                    &settled.table,
                    removed.referred.len(),
                    message,
                ));
            }
        }
        Ok(())
    }

    /// Writes what is open where a person finds it; the outcome of the stage, where somebody has to decide first.
    pub(super) fn suspended(
        &mut self,
        work: &Work<'_>,
        loads: &[LoadBalance],
    ) -> Result<Option<Finished>, Error> {
        self.listing.write(work.order)?;
        let Some(trouble) = self.trouble.take() else { return Ok(None) };
        let report = StageReport {
            loads: loads.to_vec(),
            findings: std::mem::take(&mut self.findings),
            open: std::mem::take(&mut self.open),
            trouble: Some(trouble),
            ..StageReport::default()
        };
        Ok(Some(Finished { report, verdict: Verdict::Suspended, digest: String::new() }))
    }

    /// What somebody has to decide first, where nothing is to be written about it.
    pub(super) fn into_trouble(self) -> Option<Trouble> {
        self.trouble
    }

    pub(super) fn findings(&mut self) -> Vec<Finding> {
        std::mem::take(&mut self.findings)
    }
}

/// What was decided of a row, if it still looks as it did then.
fn holds(decided: Option<&&RowRuling>, seen: &str) -> Option<Ruling> {
    let decided = decided.filter(|one| one.seen.as_deref().is_none_or(|then| then == seen))?;
    Some(decided.ruling)
}

/// The source keys of converted rows that are held.
fn held_keys(work: &Work<'_>, table: &TargetTable) -> Result<HashSet<String>, Error> {
    tokio::task::block_in_place(|| Loadable::open(work, table)?.held_keys())
}

/// Rows as a report may name them.
fn hashes<'a>(work: &Work<'_>, table: &str, keys: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = keys.len().saturating_sub(MOST_NAMED);
    let named: Vec<String> =
        keys.take(MOST_NAMED).map(|key| work.environment.key.hash_row_key(table, key)).collect();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("rows by keyed hash: {}{more}", named.join(" "))
}

fn finding(code: &str, disposition: &str, table: &str, rows: usize, message: String) -> Finding {
    Finding {
        code: code.into(),
        severity: if disposition == "block" { "error" } else { "warning" }.into(),
        disposition: disposition.into(),
        stage: Stage::Import,
        system: None,
        table: Some(table.to_owned()),
        column: None,
        rows: rows as u64,
        message: Some(message),
    }
}
