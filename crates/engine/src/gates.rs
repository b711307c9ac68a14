//! Acceptance gates: how large a share of a table may be quarantined before the order stops.

use chartlift_rules::{Project, SafetyCritical};

use crate::statement::{Stage, Trouble, Verdict};

/// The share of a table or category that is not safety-critical which may be held, by default.
const DEFAULT_SHARE: f64 = 0.005;

/// One table or category at one stage.
pub(crate) struct Measured<'a> {
    pub name: &'a str,
    pub safety_critical: SafetyCritical,
    pub read: u64,
    pub excluded: u64,
    /// Quarantined and blocked, without rows whose only fault is a held parent.
    pub held: u64,
}

/// What the gates of a stage say: the worst verdict, and why.
pub(crate) fn judge(
    project: &Project,
    stage: Stage,
    measured: &[Measured<'_>],
) -> (Verdict, Option<Trouble>) {
    let mut worst = (Verdict::Pass, None);
    for one in measured {
        let gate = project.settings.gates.iter().rev().find(|gate| {
            gate.applies_to.value == one.name && gate.stage.as_ref().is_none_or(|named| named == stage.name())
        });
        let critical = one.safety_critical == SafetyCritical::Yes;
        let limit = gate.map_or(if critical { 0.0 } else { DEFAULT_SHARE }, |gate| gate.quarantined);
        let share = share(one.held, one.read.saturating_sub(one.excluded));
        if share <= limit {
            continue;
        }
        let verdict = if critical { Verdict::Suspended } else { Verdict::Fail };
        if verdict > worst.0 {
            worst = (verdict, Some(trouble(stage, one, share, limit)));
        }
    }
    worst
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

fn trouble(stage: Stage, one: &Measured<'_>, share: f64, limit: f64) -> Trouble {
    let safety = if one.safety_critical == SafetyCritical::Yes { ", which is safety-critical," } else { "" };
    Trouble {
        code: "gate-exceeded".into(),
        message: format!(
            "`{}`{safety} has {} of {} rows held ({:.2} %) after {}; the gate is {:.2} %",
            one.name,
            one.held,
            one.read.saturating_sub(one.excluded),
            share * 100.0,
            stage.name(),
            limit * 100.0
        ),
        hint: format!(
            "see the rows with `chartlift rejects`; correct the export or the rules, or accept them with a gate \
             (applies_to: {}, stage: {}, author, date, reason) in chartlift.yaml",
            one.name,
            stage.name()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(critical: SafetyCritical, held: u64, read: u64) -> Verdict {
        let one = Measured { name: "x", safety_critical: critical, read, excluded: 0, held };
        judge(&Project::default(), Stage::Check, &[one]).0
    }

    #[test]
    fn defaults_follow_the_semantics() {
        assert_eq!(verdict(SafetyCritical::No, 5, 1000), Verdict::Pass);
        assert_eq!(verdict(SafetyCritical::No, 6, 1000), Verdict::Fail);
        assert_eq!(verdict(SafetyCritical::Yes, 0, 1000), Verdict::Pass);
        assert_eq!(verdict(SafetyCritical::Yes, 1, 1_000_000), Verdict::Suspended);
        assert_eq!(verdict(SafetyCritical::No, 3, 0), Verdict::Fail);
        assert_eq!(share(3, 2), 1.0, "a gate of 100 % takes all");
    }
}
