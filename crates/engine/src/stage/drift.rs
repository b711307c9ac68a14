//! How an export differs in form from that of the order that this one follows: names of files and columns, never a
//! value.

use std::collections::BTreeSet;

use chartlift_rules::{Disposition, Project};

use crate::Error;
use crate::identify::{Candidate, Decision, LEAD_NEEDED, Ranking};
use crate::order::Order;
use crate::report::{StageReport, SystemChoice};
use crate::run::{Environment, read_report};
use crate::statement::{Finding, Stage};

/// What identify found in the order that another one follows.
pub(super) struct Earlier {
    order: String,
    report: StageReport,
}

/// The digest of what the earlier order identified: the same means the same drift.
pub(crate) fn followed(environment: &Environment, order: &Order) -> Result<String, Error> {
    let done = |order: &Order| order.latest(Stage::Identify).map(|done| done.digest.clone());
    Ok(open(environment, order)?.as_ref().and_then(done).unwrap_or_default())
}

/// An order that is gone since has nothing to be compared with.
fn open(environment: &Environment, order: &Order) -> Result<Option<Order>, Error> {
    let Some(id) = &order.spec().follows else { return Ok(None) };
    match environment.store().open(id) {
        Ok(earlier) => Ok(Some(earlier)),
        Err(error) if error.code() == "order-not-found" => Ok(None),
        Err(error) => Err(error),
    }
}

impl Earlier {
    /// What the order that this one follows was made of, where it says so.
    pub(super) fn of(environment: &Environment, order: &Order) -> Result<Option<Self>, Error> {
        let Some(earlier) = open(environment, order)? else { return Ok(None) };
        let report = earlier.latest(Stage::Identify).map(read_report).transpose()?;
        Ok(report.map(|report| Self { order: earlier.spec().id.clone(), report }))
    }

    /// Where several packs fit an input equally well, the one of the earlier export is meant.
    pub(super) fn settle(&self, input: &str, only: bool, ranking: &mut Ranking) {
        let Some(choice) = self.choice(input, only).filter(|_| ranking.decision == Decision::Ambiguous)
        else {
            return;
        };
        let best = ranking.candidates.first().map_or(0.0, |best| best.score);
        let meant = |candidate: &Candidate| {
            candidate.system == choice.system
                && candidate.version == choice.version
                && best - candidate.score < LEAD_NEEDED
        };
        if let Some(at) = ranking.candidates.iter().position(meant) {
            ranking.chosen = Some(at);
            ranking.decision = Decision::Identified;
            ranking.reason = format!(
                "{}; order `{}`, which this one follows, is of `{}` {}",
                ranking.reason, self.order, choice.system, choice.version
            );
        }
    }

    /// The same input of the earlier order: by its name, or because both have one.
    fn choice(&self, input: &str, only: bool) -> Option<&SystemChoice> {
        let named = self.report.systems.iter().find(|choice| choice.input == input);
        match self.report.systems.as_slice() {
            [one] if only => named.or(Some(one)),
            _ => named,
        }
    }

    /// What is otherwise now.
    pub(super) fn drift(&self, project: &Project, now: &StageReport) -> Vec<Finding> {
        let mut findings = Vec::new();
        let only = now.systems.len() == 1;
        for choice in &now.systems {
            let Some(before) = self.choice(&choice.input, only) else {
                findings.push(fact(None, None, format!("the input `{}` is new", choice.input)));
                continue;
            };
            let mut own = Vec::new();
            if (&before.system, &before.version) != (&choice.system, &choice.version) {
                let message = format!(
                    "`{}` {} before, `{}` {} now",
                    before.system, before.version, choice.system, choice.version
                );
                own.push(fact(None, None, message));
            }
            let then = Form::of(project, &self.report, before);
            own.extend(then.compared(&Form::of(project, now, choice)));
            if !only {
                for finding in &mut own {
                    let message = finding.message.take().unwrap_or_default();
                    finding.message = Some(format!("input `{}`: {message}", choice.input));
                }
            }
            findings.extend(own);
        }
        let gone = |before: &&SystemChoice| {
            !now.systems
                .iter()
                .any(|choice| self.choice(&choice.input, only).is_some_and(|same| same.input == before.input))
        };
        let gone = self.report.systems.iter().filter(gone);
        findings.extend(gone.map(|one| fact(None, None, format!("the input `{}` is missing", one.input))));
        findings
    }
}

/// The tables, columns and other files of an input.
#[derive(Default)]
struct Form {
    columns: BTreeSet<(String, String)>,
    tables: BTreeSet<String>,
    /// Files that no table claims.
    unknown: BTreeSet<String>,
}

impl Form {
    fn of(project: &Project, report: &StageReport, choice: &SystemChoice) -> Self {
        let mut form = Self::default();
        for source in report.sources.iter().filter(|source| source.input == choice.input) {
            match &source.table {
                Some(table) => form.tables.insert(table.clone()),
                None => form.unknown.insert(source.file.clone()),
            };
        }
        let ranking = report.rankings.iter().find(|ranking| ranking.input == choice.input);
        let ranking = ranking.and_then(|one| serde_json::from_value::<Ranking>(one.ranking.clone()).ok());
        let Some(ranking) = ranking else { return form };
        let chosen = ranking.chosen.and_then(|chosen| ranking.candidates.get(chosen));
        let pack = project.system(&choice.system, &choice.version);
        for claim in chosen.iter().flat_map(|chosen| &chosen.tables) {
            let declared = pack.and_then(|pack| pack.table(&claim.table));
            let declared = declared.iter().flat_map(|table| &table.schema.fields);
            let there = declared
                .map(|field| &field.name.value)
                .filter(|name| !claim.missing_columns.contains(name))
                .chain(&claim.extra_columns);
            form.columns.extend(there.map(|name| (claim.table.clone(), name.clone())));
        }
        form
    }

    /// What differs in `now`: whole tables first, then columns of tables that both have.
    fn compared(&self, now: &Self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (one, other, word) in [(self, now, "missing"), (now, self, "new")] {
            for table in one.tables.difference(&other.tables) {
                findings.push(fact(Some(table), None, format!("the table is {word}")));
            }
            for file in one.unknown.difference(&other.unknown) {
                findings.push(fact(None, None, format!("the file `{file}` is {word}")));
            }
            let both = |table: &String| one.tables.contains(table) && other.tables.contains(table);
            for (table, column) in one.columns.difference(&other.columns).filter(|(table, _)| both(table)) {
                findings.push(fact(Some(table), Some(column), format!("the column is {word}")));
            }
        }
        findings
    }
}

fn fact(table: Option<&String>, column: Option<&String>, message: String) -> Finding {
    Finding {
        code: "format-drift".into(),
        severity: "warning".into(),
        disposition: Disposition::Note.name().into(),
        stage: Stage::Identify,
        system: None,
        table: table.cloned(),
        column: column.cloned(),
        rows: 0,
        message: Some(message),
    }
}
