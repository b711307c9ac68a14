//! Every mark that holds or degrades, by the patient whom it concerns: numbers only, so that all of them fit into memory.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use chartlift_rules::{Disposition, RuleFile};

use super::cells::{each_row, text_at};
use super::{Hashes, hash_of};
use crate::Error;
use crate::land::read_rejects;
use crate::layer;
use crate::marks::{Check, RowId, read_all};
use crate::stage::Work;
use crate::statement::Stage;

/// Rows of a kind that is only noted and yet makes a chart worth reading; more than this many are not looked at.
const NOTED_MOST: usize = 200;

/// What kind of row a mark's id names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Level {
    /// A record of a source file.
    Source,
    /// A record of this category.
    Category(String),
    /// A row of this converted table.
    Converted(String),
}

/// All marks with the same check and level.
#[derive(Debug, Clone)]
pub(super) struct Kind {
    pub(super) stage: Stage,
    pub(super) check: Check,
    pub(super) level: Level,
}

impl Kind {
    /// Whether it makes a chart incomplete; otherwise it is only worth a look.
    pub(super) fn matters(&self) -> bool {
        matches!(
            self.check.disposition,
            Disposition::Degrade | Disposition::Quarantine | Disposition::Block | Disposition::Exclude
        )
    }

    pub(super) fn holds(&self) -> bool {
        self.check.disposition.holds()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    /// The patient's hash; `None` where the row names none.
    pub(super) patient: Option<u64>,
    pub(super) row: i64,
    pub(super) part: i32,
    /// The place in `kinds`.
    pub(super) kind: u32,
}

#[derive(Default)]
pub(super) struct Index {
    pub(super) kinds: Vec<Kind>,
    /// Sorted by patient once settled.
    pub(super) entries: Vec<Entry>,
    /// Those of nobody's chart.
    pub(super) chartless: Vec<Entry>,
}

/// Reads the marks of all stages that have any.
pub(super) fn read(work: &Work<'_>) -> Result<Index, Error> {
    let mut index = Index::default();
    for stage in [Stage::Check, Stage::Categorize, Stage::Convert, Stage::Validate] {
        let Ok(folder) = work.folder(stage) else { break };
        // A stage that marked no row of the system has made no folder for it.
        if !folder.exists() {
            continue;
        }
        let checks = &work.report(stage)?.checks;
        for layer in std::iter::once(folder.clone()).chain(layer::folders(&folder)?) {
            let name = layer.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let name = if layer == folder { None } else { Some(name) };
            let mut kinds: HashMap<i32, Option<u32>> = HashMap::new();
            let mut noted: HashMap<u32, usize> = HashMap::new();
            read_all(&layer, |mark| {
                let kind = *kinds.entry(mark.check).or_insert_with(|| {
                    let check = usize::try_from(mark.check).ok().and_then(|at| checks.get(at))?;
                    index.kind(level(work, stage, name.as_deref(), check).map(|level| Kind {
                        stage,
                        check: check.clone(),
                        level,
                    })?)
                });
                let Some(kind) = kind else { return };
                index.add(&mut noted, Entry { patient: None, row: mark.id.row, part: mark.id.part, kind });
            })?;
            if let (Stage::Check, Some(table)) = (stage, &name) {
                read_rejects(&layer, |reject| {
                    let check = Check::new(&reject.code, table, Disposition::Quarantine);
                    if let Some(kind) = index.kind(Kind { stage, check, level: Level::Source }) {
                        index.entries.push(Entry { patient: None, row: reject.row, part: 0, kind });
                    }
                })?;
            }
        }
    }
    Ok(index)
}

/// What rows a check's marks name; `None` where it says nothing of a chart.
fn level(work: &Work<'_>, stage: Stage, layer: Option<&str>, check: &Check) -> Option<Level> {
    let noted = ["duplicate-row", "merged-by-rule", "repaired"].contains(&check.code.as_str());
    let matters = match check.disposition {
        Disposition::Degrade => stage != Stage::Check,
        Disposition::Quarantine | Disposition::Block => true,
        // What a source's rule leaves out was not to be moved; a patient whom a target's rule leaves out is absent.
        Disposition::Exclude => stage == Stage::Convert && defines_patients(work, layer?),
        Disposition::Note | Disposition::Repair => noted,
    };
    if !matters {
        return None;
    }
    let by_key = ["key-conflict", "duplicate-row", "merged-by-rule"].contains(&check.code.as_str());
    let made = by_key || !check.disposition.holds();
    Some(match (stage, layer) {
        (Stage::Categorize, Some(category)) if made => Level::Category(category.to_owned()),
        (Stage::Check | Stage::Categorize, _) => Level::Source,
        (Stage::Convert, Some(table)) if !made => Level::Category(driving(work, table, check)?),
        (_, Some(table)) => Level::Converted(table.to_owned()),
        (_, None) => return None,
    })
}

fn defines_patients(work: &Work<'_>, table: &str) -> bool {
    work.target().ok().and_then(|target| target.table(table)).is_some_and(|table| {
        let patient = table.schema.extension.patient.as_ref().map(|patient| &patient.value);
        patient.is_some() && patient == table.schema.primary_key.first().map(|key| &key.value)
    })
}

/// The category whose rows a mark of a convert rule names.
fn driving(work: &Work<'_>, table: &str, check: &Check) -> Option<String> {
    if ["fan-out", "undecided", "uneven-lists", "excluded", "condition-failed"].contains(&check.code.as_str())
    {
        return Some(check.table.clone());
    }
    let file: &RuleFile = work.target().ok()?.rule_file(table)?;
    let named = file.rules.iter().find(|rule| Some(&rule.name.value) == check.name.as_ref());
    named.or(file.rules.first()).map(|rule| rule.from.value.clone())
}

impl Index {
    fn kind(&mut self, kind: Kind) -> Option<u32> {
        let known = self
            .kinds
            .iter()
            .position(|one| one.stage == kind.stage && one.check == kind.check && one.level == kind.level);
        let at = known.unwrap_or_else(|| {
            self.kinds.push(kind);
            self.kinds.len() - 1
        });
        u32::try_from(at).ok()
    }

    fn add(&mut self, noted: &mut HashMap<u32, usize>, entry: Entry) {
        if self.kind_of(&entry).is_some_and(|kind| !kind.matters()) {
            let count = noted.entry(entry.kind).or_default();
            *count += 1;
            if *count > NOTED_MOST {
                return;
            }
        }
        self.entries.push(entry);
    }

    pub(super) fn kind_of(&self, entry: &Entry) -> Option<&Kind> {
        self.kinds.get(usize::try_from(entry.kind).ok()?)
    }

    pub(super) fn holds(&self, entry: &Entry) -> bool {
        self.kind_of(entry).is_some_and(Kind::holds)
    }

    /// The numbers of all source rows that are named as such.
    pub(super) fn source_rows(&self) -> BTreeSet<i64> {
        let of_source = self
            .entries
            .iter()
            .filter(|one| self.kind_of(one).is_some_and(|kind| kind.level == Level::Source));
        of_source.map(|entry| entry.row).collect()
    }

    /// Gives the rows of the source their patients. A row may be in several charts.
    pub(super) fn attribute(&mut self, patients: &HashMap<i64, BTreeSet<u64>>) {
        let kinds = &self.kinds;
        let is_source = |entry: &Entry| {
            usize::try_from(entry.kind)
                .ok()
                .and_then(|at| kinds.get(at))
                .is_some_and(|kind| kind.level == Level::Source)
        };
        let mut also = Vec::new();
        for entry in self.entries.iter_mut().filter(|entry| is_source(entry)) {
            let mut of = patients.get(&entry.row).into_iter().flatten();
            entry.patient = of.next().copied();
            also.extend(of.map(|patient| Entry { patient: Some(*patient), ..*entry }));
        }
        self.entries.extend(also);
    }

    /// Gives the rows of layers their patients, and puts all in order.
    pub(super) fn settle(&mut self, work: &Work<'_>) -> Result<(), Error> {
        let mut wanted: BTreeMap<Level, HashMap<RowId, Vec<usize>>> = BTreeMap::new();
        for (at, entry) in self.entries.iter().enumerate() {
            if let Some(kind) = self.kind_of(entry).filter(|kind| kind.level != Level::Source) {
                let id = RowId { row: entry.row, part: entry.part };
                wanted.entry(kind.level.clone()).or_default().entry(id).or_default().push(at);
            }
        }
        for (level, rows) in wanted {
            let Some((folder, patient)) = place_of(work, &level)? else { continue };
            let Some(patient) = patient else { continue };
            each_row(&folder, Some(&["_row", "_part", &patient]), |batch, row, id| {
                if let (Some(entries), Some(key)) = (rows.get(&id), text_at(batch, &patient, row)) {
                    let hash = hash_of(work, key);
                    for at in entries {
                        if let Some(entry) = self.entries.get_mut(*at) {
                            entry.patient = Some(hash);
                        }
                    }
                }
                Ok(())
            })?;
        }
        self.entries.sort_unstable();
        self.entries.dedup();
        Ok(())
    }

    /// Lets go of what belongs to no listed chart: it is told apart.
    pub(super) fn keep_only(&mut self, listed: &Hashes) {
        let entries = std::mem::take(&mut self.entries);
        for entry in entries {
            if !self.kind_of(&entry).is_some_and(Kind::matters) {
                continue;
            }
            match entry.patient {
                Some(patient) if listed.contains(&patient) => self.entries.push(entry),
                _ => self.chartless.push(entry),
            }
        }
    }

    /// The entries of one chart.
    pub(super) fn of(&self, patient: u64) -> &[Entry] {
        let first = self.entries.partition_point(|entry| entry.patient < Some(patient));
        let rest = self.entries.get(first..).unwrap_or_default();
        let count = rest.partition_point(|entry| entry.patient == Some(patient));
        rest.get(..count).unwrap_or_default()
    }
}

/// A level's folder, and the column in it that names the patient.
pub(super) fn place_of(work: &Work<'_>, level: &Level) -> Result<Option<(PathBuf, Option<String>)>, Error> {
    let (folder, schema) = match level {
        Level::Source => return Ok(None),
        Level::Category(name) => {
            (work.folder(Stage::Categorize)?.join(name), work.environment.project.categories.get(name))
        }
        Level::Converted(name) => {
            (work.folder(Stage::Convert)?.join(name), work.target()?.table(name).map(|table| &table.schema))
        }
    };
    let patient =
        schema.and_then(|schema| schema.extension.patient.as_ref()).map(|patient| patient.value.clone());
    Ok(Some((folder, patient)))
}
