//! What a stage's verdict is: blocked rows, then the gates.

use crate::facts::Facts;
use crate::model::Case;

pub(super) struct Measured<'a> {
    pub(super) name: &'a str,
    pub(super) critical: bool,
    pub(super) read: u64,
    pub(super) excluded: u64,
    pub(super) held: u64,
}

/// Says the verdict; true: it goes on.
pub(super) fn judge(case: &Case, stage: &str, measured: &[Measured<'_>], facts: &mut Facts) -> bool {
    let start = format!("finding {stage} ");
    let blocked = facts.0.keys().any(|line| line.starts_with(&start) && line.ends_with(" block"));
    let mut verdict = if blocked { "suspended" } else { "pass" };
    for one in measured.iter().filter(|_| !blocked) {
        let gate = case
            .gates
            .iter()
            .rev()
            .find(|gate| gate.applies_to == one.name && gate.stage.is_none_or(|named| named == stage));
        let default = if one.critical { 0.0 } else { 0.005 };
        let limit = gate.map_or(default, |gate| f64::from(gate.percent) / 100.0);
        let counted = one.read.saturating_sub(one.excluded).max(1);
        let share = (one.held as f64 / counted as f64).min(1.0);
        if share > limit {
            verdict = if one.critical && verdict != "fail" { "suspended" } else { "fail" };
        }
    }
    facts.say(format!("stage {stage}"), verdict);
    verdict == "pass"
}
