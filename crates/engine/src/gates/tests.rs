//! Limits, waivers that are large enough and too small, and blocked rows.

use chartlift_rules::{Decided, Located, Place};

use super::*;

fn measured(critical: SafetyCritical, held: u64, read: u64) -> Measured {
    Measured { name: "x".into(), read, held, ..Measured::default() }.with_critical(critical, 1)
}

fn waiver(code: Option<&str>, accepts: Accepts) -> Waiver {
    Waiver {
        applies_to: Located { value: "x".into(), place: Place::default() },
        stage: Some("check".into()),
        code: code.map(str::to_owned),
        accepts,
        decided: Decided { author: "a".into(), date: "2026-11-22".into(), reason: "r".into() },
    }
}

fn finding(code: &str, disposition: Disposition, rows: u64) -> Finding {
    crate::marks::Check::new(code, "x", disposition).finding(Stage::Check, rows)
}

fn judge(measured: Vec<Measured>, findings: Vec<Finding>, waivers: Vec<Waiver>) -> (Verdict, StageReport) {
    let mut report = StageReport { measured, findings, ..StageReport::default() };
    let (project, decisions) = (Project::default(), Decisions { waivers, ..Decisions::default() });
    let judge = Judge { order: "1", project: &project, decisions: &decisions, stage: Stage::Check };
    let verdict = judge.settle(&mut report);
    assert!(!judge.differs(&report, verdict));
    assert_eq!(verdict == Verdict::Pass, report.open.is_empty() && report.trouble.is_none());
    (verdict, report)
}

#[test]
fn defaults_follow_the_semantics() {
    let verdict =
        |critical, held, read| judge(vec![measured(critical, held, read)], Vec::new(), Vec::new()).0;
    assert_eq!(verdict(SafetyCritical::No, 5, 1000), Verdict::Pass);
    assert_eq!(verdict(SafetyCritical::No, 6, 1000), Verdict::Fail);
    assert_eq!(verdict(SafetyCritical::Yes, 0, 1000), Verdict::Pass);
    assert_eq!(verdict(SafetyCritical::Yes, 1, 1_000_000), Verdict::Suspended);
    assert_eq!(verdict(SafetyCritical::No, 3, 0), Verdict::Fail);
    // One of the held rows lies in the future.
    assert_eq!(verdict(SafetyCritical::Future, 1, 1_000_000), Verdict::Suspended);
    assert_eq!(verdict(SafetyCritical::Future, 100, 1000), Verdict::Fail);
}

#[test]
fn a_waiver_accepts_so_many_rows_and_not_one_more() {
    let with = |held, accepts| {
        judge(vec![measured(SafetyCritical::Yes, held, 100)], Vec::new(), vec![waiver(None, accepts)])
    };
    let (verdict, report) = with(3, Accepts::Held(3));
    assert_eq!((verdict, report.waived.len(), report.waived[0].rows), (Verdict::Pass, 1, 3));
    let (verdict, report) = with(4, Accepts::Held(3));
    assert_eq!((verdict, report.waived.len()), (Verdict::Suspended, 0));
    assert!(report.open[0].command.contains("--held 4"), "{:?}", report.open);
    assert_eq!(with(4, Accepts::Share(0.04)).0, Verdict::Pass);
    assert_eq!(with(5, Accepts::Share(0.04)).0, Verdict::Suspended);
}

#[test]
fn a_waiver_of_a_code_accepts_no_row_with_another_fault() {
    let with = |held, findings| {
        judge(
            vec![measured(SafetyCritical::Yes, held, 100)],
            findings,
            vec![waiver(Some("type-error"), Accepts::Held(3))],
        )
        .0
    };
    let quarantined = |code, rows| finding(code, Disposition::Quarantine, rows);
    assert_eq!(with(3, vec![quarantined("type-error", 3)]), Verdict::Pass);
    assert_eq!(with(4, vec![quarantined("type-error", 4)]), Verdict::Suspended);
    // Two rows, one of them with two such marks: the other one's fault stays.
    assert_eq!(
        with(2, vec![quarantined("type-error", 2), quarantined("foreign-key", 1)]),
        Verdict::Suspended
    );
    // A held row without a finding of its own is nobody's.
    assert_eq!(with(4, vec![quarantined("type-error", 3)]), Verdict::Suspended);
}

#[test]
fn a_share_is_at_most_all() {
    assert_eq!(share(3, 2), 1.0, "a gate of 100 % takes all");
}

#[test]
fn blocked_rows_are_accepted_once() {
    let findings = || vec![finding("foreign-key", Disposition::Block, 2)];
    let gate = || vec![measured(SafetyCritical::Yes, 2, 100)];
    let (verdict, report) = judge(gate(), findings(), Vec::new());
    assert_eq!((verdict, report.open.len()), (Verdict::Suspended, 1), "{:?}", report.open);
    assert!(report.open[0].command.contains("--code foreign-key --rows 2"), "{:?}", report.open);
    let accept = |most| judge(gate(), findings(), vec![waiver(Some("foreign-key"), Accepts::Blocked(most))]);
    let (verdict, report) = accept(2);
    assert_eq!((verdict, report.waived.len()), (Verdict::Pass, 1));
    assert_eq!(accept(1).0, Verdict::Suspended);
}
