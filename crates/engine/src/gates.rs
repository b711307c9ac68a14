//! Acceptance gates: how many rows of a table may be held before the order stops, and what releases it then.
//!
//! A stage keeps what it measured in its report, so that another gate or a waiver is judged without doing its work
//! again.

mod open;

use std::collections::BTreeMap;

use chartlift_rules::{Accepts, Decisions, Disposition, Project, SafetyCritical, Waiver};
use serde::{Deserialize, Serialize};

use crate::report::StageReport;
use crate::statement::{Finding, OpenDecision, Stage, Trouble, Verdict, Waived};

pub(crate) use open::{command, file_of};

/// The share of a table or category that is not safety-critical which may be held, by default.
const DEFAULT_SHARE: f64 = 0.005;

/// One table or category at one stage.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measured {
    pub name: String,
    /// Whose rows they are, where the order has several systems.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    pub read: u64,
    pub excluded: u64,
    /// Quarantined and blocked, without rows whose only fault is a held parent.
    pub held: u64,
    /// Of these, the safety-critical ones.
    pub critical: u64,
    /// Further tables under whose names the findings of these rows stand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
}

impl Measured {
    /// `future`: how many of the held rows lie in the future, where that matters.
    pub(crate) fn with_critical(mut self, safety: SafetyCritical, future: u64) -> Self {
        self.critical = match safety {
            SafetyCritical::No => 0,
            SafetyCritical::Yes => self.held,
            SafetyCritical::Future => future.min(self.held),
        };
        self
    }

    fn covers(&self, finding: &Finding) -> bool {
        let named = |table: &String| *table == self.name || self.also.contains(table);
        finding.table.as_ref().is_some_and(named)
            && (self.system.is_none() || finding.system.is_none() || self.system == finding.system)
    }
}

/// Whose gates they are.
pub(crate) struct Judge<'a> {
    pub(crate) order: &'a str,
    pub(crate) project: &'a Project,
    pub(crate) decisions: &'a Decisions,
    pub(crate) stage: Stage,
}

/// What the rules make of a stage's blocked rows and of what it measured; `Pass` is nothing to say.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Judgement {
    /// A row blocks, and nobody has accepted it.
    blocked: bool,
    suspended: bool,
    failed: bool,
    pub(crate) trouble: Option<Trouble>,
    pub(crate) open: Vec<OpenDecision>,
    pub(crate) waived: Vec<Waived>,
}

impl Judgement {
    pub(crate) fn verdict(&self) -> Verdict {
        match (self.failed, self.suspended) {
            _ if self.blocked => Verdict::Suspended,
            (true, _) => Verdict::Fail,
            (_, true) => Verdict::Suspended,
            _ => Verdict::Pass,
        }
    }
}

impl Judge<'_> {
    /// Judges and writes into the report what came of it.
    pub(crate) fn settle(&self, report: &mut StageReport) -> Verdict {
        let judgement = self.judge(report);
        let verdict = judgement.verdict();
        report.judged = true;
        report.trouble = judgement.trouble;
        report.open = judgement.open;
        report.waived = judgement.waived;
        verdict
    }

    /// Whether the same figures would be judged otherwise now.
    pub(crate) fn differs(&self, report: &StageReport, verdict: Verdict) -> bool {
        let now = self.judge(report);
        report.judged
            && (now.verdict() != verdict
                || now.trouble != report.trouble
                || now.open != report.open
                || now.waived != report.waived)
    }

    fn judge(&self, report: &StageReport) -> Judgement {
        let mut judgement = Judgement::default();
        let released = self.blocks(report, &mut judgement);
        for one in report.measured.iter().filter(|one| one.held > 0) {
            self.gate(one, report, &released, &mut judgement);
        }
        judgement
    }

    /// A row that blocks suspends the order, whatever the gates say, until it is accepted. Answers all blocks: to a
    /// gate they count as accepted, because nobody has to accept the same rows twice.
    fn blocks<'r>(&self, report: &'r StageReport, judgement: &mut Judgement) -> Vec<(&'r str, &'r str)> {
        let mut blocked: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        for finding in &report.findings {
            if finding.disposition == Disposition::Block.name() && finding.rows > 0 {
                let table = finding.table.as_deref().unwrap_or_default();
                *blocked.entry((table, finding.code.as_str())).or_default() += finding.rows;
            }
        }
        for ((table, code), rows) in &blocked {
            let waiver = self.waiver(|waiver| {
                waiver.applies_to.value == *table
                    && waiver.code.as_deref() == Some(*code)
                    && matches!(waiver.accepts, Accepts::Blocked(_))
            });
            match waiver {
                Some(waiver) if matches!(waiver.accepts, Accepts::Blocked(most) if *rows <= most) => {
                    judgement.waived.push(self.waived(waiver, *rows));
                }
                _ => {
                    let open = self.open_block(table, code, *rows, waiver.is_some());
                    judgement.blocked = true;
                    judgement.trouble.get_or_insert(open.0);
                    judgement.open.push(open.1);
                    self.answers(report, |finding| finding.code == *code, judgement);
                }
            }
        }
        blocked.into_keys().collect()
    }

    fn gate(
        &self,
        one: &Measured,
        report: &StageReport,
        released: &[(&str, &str)],
        judgement: &mut Judgement,
    ) {
        let Left { held, waivers } = self.left(one, report, released);
        let critical = one.critical.min(held);
        let counted = one.read.saturating_sub(one.excluded);
        let (suspends, fails, limit) = self.exceeds(one, held, critical, counted);
        if self.exceeds(one, one.held, one.critical, counted) != (false, false, limit) {
            judgement.waived.extend(waivers);
        }
        if !suspends && !fails {
            return;
        }
        let whole = self.waiver(|waiver| {
            waiver.applies_to.value == one.name
                && waiver.code.is_none()
                && !matches!(waiver.accepts, Accepts::Blocked(_))
        });
        let accepted = |waiver: &Waiver| match waiver.accepts {
            Accepts::Held(most) => held <= most,
            Accepts::Share(most) => share(held, counted) <= most,
            Accepts::Blocked(_) => false,
        };
        if let Some(waiver) = whole.filter(|waiver| accepted(waiver)) {
            judgement.waived.push(self.waived(waiver, held));
            return;
        }
        let exceeded = Exceeded { one, held, critical, counted, limit, waived: whole.is_some() };
        let (trouble, open) = self.open_gate(&exceeded);
        let worse = fails && !judgement.failed && !judgement.blocked;
        if judgement.trouble.is_none() || worse {
            judgement.trouble = Some(trouble);
        }
        judgement.suspended |= suspends;
        judgement.failed |= fails;
        judgement.open.push(open);
        self.answers(report, |finding| one.covers(finding), judgement);
    }

    /// Whether so many held rows suspend the order, whether they fail it, and the limit that counts.
    fn exceeds(&self, one: &Measured, held: u64, critical: u64, counted: u64) -> (bool, bool, f64) {
        let gate = self.project.settings.gates.iter().rev().find(|gate| {
            gate.applies_to.value == one.name
                && gate.stage.as_ref().is_none_or(|named| named == self.stage.name())
        });
        match gate {
            Some(gate) => {
                let over = share(held, counted) > gate.quarantined;
                (over && critical > 0, over && critical == 0, gate.quarantined)
            }
            None => {
                let fails = share(held - critical, counted) > DEFAULT_SHARE;
                (critical > 0, fails, if critical > 0 { 0.0 } else { DEFAULT_SHARE })
            }
        }
    }

    /// The held rows that no waiver of a code accepts. A row may have several marks, so it is not known which rows
    /// have other faults as well: as many count as could have.
    fn left(&self, one: &Measured, report: &StageReport, released: &[(&str, &str)]) -> Left {
        let mut codes: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        for finding in report.findings.iter().filter(|finding| one.covers(finding)) {
            let holds = [Disposition::Quarantine.name(), Disposition::Block.name()];
            // At validate a gate does not count rows whose only fault is a reference.
            let reference = self.stage == Stage::Validate
                && ["parent-held", "foreign-key"].contains(&finding.code.as_str());
            if holds.contains(&finding.disposition.as_str()) && !reference {
                let table = finding.table.as_deref().unwrap_or_default();
                *codes.entry((table, &finding.code)).or_default() += finding.rows;
            }
        }
        let mut left = Left { held: one.held, waivers: Vec::new() };
        let (mut all, mut open) = (0, 0);
        for ((table, code), rows) in codes {
            all += rows;
            let waiver = self.waiver(|waiver| {
                let name = &waiver.applies_to.value;
                (*name == one.name || name == table)
                    && waiver.code.as_deref() == Some(code)
                    && matches!(waiver.accepts, Accepts::Held(_))
            });
            match waiver {
                _ if released.contains(&(table, code)) => {}
                Some(waiver) if matches!(waiver.accepts, Accepts::Held(most) if rows <= most) => {
                    left.waivers.push(self.waived(waiver, rows));
                }
                _ => open += rows,
            }
        }
        if open < all {
            left.held = one.held.min(open + one.held.saturating_sub(all));
        }
        left
    }

    /// The last waiver of this stage that fits.
    fn waiver(&self, fits: impl Fn(&Waiver) -> bool) -> Option<&Waiver> {
        let here = |waiver: &&Waiver| {
            waiver.stage.as_ref().is_none_or(|stage| stage == self.stage.name()) && fits(waiver)
        };
        self.decisions.waivers.iter().rev().find(here)
    }

    fn waived(&self, waiver: &Waiver, rows: u64) -> Waived {
        Waived {
            stage: self.stage,
            applies_to: waiver.applies_to.value.clone(),
            code: waiver.code.clone(),
            rows,
            accepted: match waiver.accepts {
                Accepts::Held(1) | Accepts::Blocked(1) => "1 row".into(),
                Accepts::Held(most) | Accepts::Blocked(most) => format!("{most} rows"),
                Accepts::Share(most) => format!("{} %", most * 100.0),
            },
            author: waiver.decided.author.clone(),
            date: waiver.decided.date.clone(),
            reason: waiver.decided.reason.clone(),
        }
    }
}

/// What waivers of codes leave of a table's held rows.
struct Left {
    held: u64,
    waivers: Vec<Waived>,
}

/// A gate that does not let the order through.
struct Exceeded<'a> {
    one: &'a Measured,
    held: u64,
    critical: u64,
    counted: u64,
    limit: f64,
    /// There is a waiver, for fewer rows.
    waived: bool,
}

fn share(held: u64, counted: u64) -> f64 {
    if held == 0 {
        return 0.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "a share for comparing with a limit, not a count")]
    let share = held as f64 / counted.max(1) as f64;
    // A row may make several records, and all of them may be held: more than everything is everything.
    share.min(1.0)
}

/// The findings that an answer or a map entry would release.
fn answerable<'a>(
    report: &'a StageReport,
    of: impl Fn(&Finding) -> bool + 'a,
) -> impl Iterator<Item = &'a Finding> {
    let holds = [Disposition::Quarantine.name(), Disposition::Block.name()];
    report.findings.iter().filter(move |finding| {
        finding.rows > 0 && holds.contains(&finding.disposition.as_str()) && of(finding)
    })
}

#[cfg(test)]
mod tests;
