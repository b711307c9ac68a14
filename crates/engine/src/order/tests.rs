//! The log under tampering, truncation and kills; attempts; two workers.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use serde_json::json;

use super::log::{Log, file_name};
use super::*;

fn time() -> DateTime<Utc> {
    DateTime::from_timestamp(1_793_600_000, 123_000_000).unwrap()
}

fn spec(id: &str) -> OrderSpec {
    OrderSpec {
        id: id.to_owned(),
        series: "clinic-1".to_owned(),
        inputs: vec![InputSpec {
            name: "export".to_owned(),
            url: "input_files".to_owned(),
            system: Some("synthea".to_owned()),
            version: None,
        }],
        target: "clinic=sqlite:out.db".to_owned(),
        follows: None,
        project_key_fingerprint: "ab12".to_owned(),
        created_at: time(),
    }
}

fn outcome(fingerprint: &str) -> Outcome {
    Outcome {
        fingerprint: fingerprint.to_owned(),
        digest: "made".to_owned(),
        verdict: Verdict::Pass,
        seconds: 0.25,
        report: json!({ "tables": { "patients": 3 }, "share": 0.1 }),
    }
}

fn store(folder: &Path) -> Store {
    Store::new(folder, "tester", Arc::new(FixedClock(time())))
}

/// An order with one stage done: records created, started, done.
fn order_with_a_stage(folder: &Path) -> PathBuf {
    let mut order = store(folder).create(spec("o1")).unwrap().into_order().lock().unwrap();
    let attempt = order.begin(Stage::Check).unwrap();
    std::fs::write(attempt.folder().unwrap().join("patients.parquet"), "x").unwrap();
    order.done(attempt, outcome("f1")).unwrap();
    order.root().to_path_buf()
}

fn code_of(result: Result<Order, Error>) -> (&'static str, String) {
    match result {
        Err(
            Error::Broken { code, message, .. }
            | Error::Usage { code, message, .. }
            | Error::Conflict { code, message, .. },
        ) => (code, message),
        Err(other) => panic!("unexpected error {other:?}"),
        Ok(_) => panic!("the log was accepted"),
    }
}

#[test]
fn a_done_stage_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let root = order_with_a_stage(folder.path());
    let order = store(folder.path()).open("o1").unwrap();
    assert_eq!(order.spec(), &spec("o1"));
    assert_eq!(order.records().len(), 3);
    let done = order.latest(Stage::Check).unwrap();
    assert_eq!((done.seconds, &done.report["share"]), (0.25, &json!(0.1)));
    assert_eq!(order.folder(Stage::Check), Some(root.join("checked_files/1")));
    assert_eq!(order.folder(Stage::Convert), None);
    assert!(order.current(Stage::Check, "f1").is_some());
    assert!(order.current(Stage::Check, "f2").is_none());
    assert_eq!(order.input_path(&order.spec().inputs[0]), root.join("input_files"));
    std::fs::remove_dir_all(root.join("checked_files/1")).unwrap();
    assert!(order.current(Stage::Check, "f1").is_none(), "artefacts that are gone are made again");
}

#[test]
fn creating_twice() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    assert!(matches!(store.create(spec("o1")).unwrap(), Creation::New(_)));
    let later = OrderSpec { created_at: time() + chrono::TimeDelta::hours(1), ..spec("o1") };
    assert!(
        matches!(store.create(later).unwrap(), Creation::Already(order) if order.spec().created_at == time())
    );
    let other = OrderSpec { target: "elsewhere".to_owned(), ..spec("o1") };
    assert_eq!(code_of(store.create(other).map(Creation::into_order)).0, "order-exists");
    store.create(spec("o2")).unwrap();
    std::fs::create_dir(folder.path().join("migrations/migration_empty")).unwrap();
    assert_eq!(store.list().unwrap(), ["o1", "o2"]);
    assert_eq!(code_of(store.open("o3")).0, "order-not-found");
    for id in ["", ".", "..", "a/b", "ação", &"x".repeat(65)] {
        assert_eq!(code_of(store.open(id)).0, "order-id", "{id}");
    }
}

#[test]
fn tampering_gaps_and_strays_are_found() {
    let check = |change: &dyn Fn(&Path), code: &str, named: &str| {
        let folder = tempfile::tempdir().unwrap();
        let log = order_with_a_stage(folder.path()).join("log");
        change(&log);
        let (found, message) = code_of(store(folder.path()).open("o1"));
        assert_eq!(found, code, "{message}");
        assert!(message.contains(named), "{message}");
    };
    let replace = |log: &Path, number: usize, from: &str, to: &str| {
        let path = log.join(file_name(number));
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{text}");
        std::fs::write(path, text.replacen(from, to, 1)).unwrap();
    };
    check(&|log| replace(log, 0, "clinic-1", "clinic-2"), "log-broken", "00000001.json");
    check(&|log| replace(log, 1, "\"attempt\":1", "\"attempt\":7"), "log-broken", "00000002.json");
    check(&|log| replace(log, 2, "\"format\":1", "\"format\":2"), "log-newer", "00000002.json");
    check(&|log| replace(log, 2, "\"format\":1", "\"format\":0"), "log-broken", "00000002.json");
    check(&|log| replace(log, 2, "\"done\"", "\"sealed\""), "log-newer", "`sealed`");
    check(&|log| replace(log, 2, "\"attempt\"", "\"attempts\""), "log-broken", "00000002.json");
    check(&|log| replace(log, 2, "\n", "\n\n"), "log-broken", "00000002.json");
    check(&|log| std::fs::remove_file(log.join(file_name(1))).unwrap(), "log-broken", "00000001.json");
    check(&|log| std::fs::remove_file(log.join(file_name(0))).unwrap(), "log-broken", "00000000.json");
    check(&|log| std::fs::write(log.join("0000003.json"), "").unwrap(), "log-broken", "0000003.json");
    check(
        &|log| {
            std::fs::rename(log.parent().unwrap(), log.parent().unwrap().with_file_name("migration_o2"))
                .unwrap()
        },
        "order-not-found",
        "o1",
    );
}

#[test]
fn a_renamed_order_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let root = order_with_a_stage(folder.path());
    std::fs::rename(&root, root.with_file_name("migration_o2")).unwrap();
    assert_eq!(code_of(store(folder.path()).open("o2")).0, "log-broken");
}

#[test]
fn a_killed_writer_leaves_no_record() {
    let folder = tempfile::tempdir().unwrap();
    let log = order_with_a_stage(folder.path()).join("log");
    let draft = log.join(".00000003.json.4711.draft");
    std::fs::write(&draft, "{\"format\":1,\"prev").unwrap();
    // Killed between making the name and removing the draft: the same file under two names.
    let linked = log.join(".00000002.json.4711.draft");
    std::fs::hard_link(log.join(file_name(2)), &linked).unwrap();
    let order = store(folder.path()).open("o1").unwrap();
    assert_eq!(order.records().len(), 3);
    let mut order = order.lock().unwrap();
    order.begin(Stage::Categorize).unwrap();
    assert!(!draft.exists() && !linked.exists());
    assert_eq!(store(folder.path()).open("o1").unwrap().records(), order.records());
}

#[test]
fn a_record_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let log = order_with_a_stage(folder.path()).join("log");
    let mut one = Log::open(&log).unwrap();
    let mut two = Log::open(&log).unwrap();
    let event = || Event::Started { stage: Stage::Convert, attempt: 1 };
    one.append(event(), time(), "one").unwrap();
    let lost = two.append(event(), time(), "two");
    assert!(matches!(lost, Err(Error::Conflict { code: "log-conflict", .. })), "{lost:?}");
    two.refresh().unwrap();
    assert_eq!((two.head(), two.records()), (one.head(), one.records()));
}

#[test]
fn only_one_worker() {
    let folder = tempfile::tempdir().unwrap();
    let root = order_with_a_stage(folder.path());
    let reader = store(folder.path()).open("o1").unwrap();
    let mut first = store(folder.path()).open("o1").unwrap().lock().unwrap();
    let second = store(folder.path()).open("o1").unwrap().lock();
    assert!(matches!(second, Err(Error::Locked { order }) if order == "o1"));
    assert!(store(folder.path()).create(spec("o1")).is_err());
    first.begin(Stage::Categorize).unwrap();
    drop(first);
    let late = reader.lock().unwrap();
    assert_eq!(late.records().len(), 4, "a lock taken late sees what was added before it");
    assert!(root.join("lock").exists());
}

#[test]
fn attempts_publish_and_clean() {
    let folder = tempfile::tempdir().unwrap();
    let root = order_with_a_stage(folder.path());
    let mut order = store(folder.path()).open("o1").unwrap().lock().unwrap();
    std::fs::write(root.join("checked_files/note.txt"), "").unwrap();
    let second = order.begin(Stage::Check).unwrap();
    std::fs::write(second.folder().unwrap().join("half"), "").unwrap();
    drop(second);
    assert_eq!(order.folder(Stage::Check), Some(root.join("checked_files/1")));
    let third = order.begin(Stage::Check).unwrap();
    assert_eq!(third.number(), 3);
    assert!(root.join("checked_files/1").exists() && !root.join("checked_files/2").exists());
    third.folder().unwrap();
    order.done(third, outcome("f3")).unwrap();
    let fourth = order.begin(Stage::Check).unwrap();
    assert!(!root.join("checked_files/1").exists() && root.join("checked_files/3").exists());
    assert!(root.join("checked_files/note.txt").exists());
    order.failed(fourth, "out-of-space", "the disk is full").unwrap();
    assert_eq!(order.latest(Stage::Check).unwrap().attempt, 3);
    let quiet = order.begin(Stage::Verify).unwrap();
    order.done(quiet, outcome("v")).unwrap();
    assert_eq!(order.latest(Stage::Verify).unwrap().folder, None);
    assert!(order.current(Stage::Verify, "v").is_some());
    for text in ["one\n", "half a", "two\n"] {
        order.log_file("check.log").unwrap().write_all(text.as_bytes()).unwrap();
    }
    let text = std::fs::read_to_string(root.join("logs/check.log")).unwrap();
    assert_eq!(text, "one\nhalf a\ntwo\n");
}

#[test]
fn the_chain_ends_where_a_stage_is_out_of_date() {
    let folder = tempfile::tempdir().unwrap();
    let mut order = store(folder.path()).create(spec("o1")).unwrap().into_order().lock().unwrap();
    let mut run = |stage: Stage, digest: &str, verdict: Verdict| {
        let attempt = order.begin(stage).unwrap();
        order.done(attempt, Outcome { digest: digest.to_owned(), verdict, ..outcome("f") }).unwrap();
        order.chain().iter().map(|done| done.stage).collect::<Vec<_>>()
    };
    assert_eq!(run(Stage::Check, "c1", Verdict::Pass), []);
    assert_eq!(run(Stage::Identify, "i1", Verdict::Pass), [Stage::Identify], "check came before identify");
    assert_eq!(run(Stage::Check, "c1", Verdict::Pass), [Stage::Identify, Stage::Check]);
    assert_eq!(run(Stage::Identify, "i1", Verdict::Pass), [Stage::Identify, Stage::Check], "nothing changed");
    assert_eq!(run(Stage::Identify, "i2", Verdict::Pass), [Stage::Identify]);
    assert_eq!(run(Stage::Check, "c2", Verdict::Fail), [Stage::Identify, Stage::Check]);
    assert_eq!(run(Stage::Categorize, "a1", Verdict::Pass), [Stage::Identify, Stage::Check]);
}

#[cfg(unix)]
#[test]
fn everything_is_private() {
    use std::os::unix::fs::PermissionsExt;
    fn check(path: &Path) {
        let metadata = std::fs::metadata(path).unwrap();
        let wanted = if metadata.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(metadata.permissions().mode() & 0o777, wanted, "{}", path.display());
        if metadata.is_dir() {
            for entry in std::fs::read_dir(path).unwrap() {
                check(&entry.unwrap().path());
            }
        }
    }
    let folder = tempfile::tempdir().unwrap();
    order_with_a_stage(folder.path());
    check(&folder.path().join("migrations"));
}

#[test]
fn every_kind_is_known() {
    let done = Done {
        stage: Stage::Check,
        attempt: 1,
        folder: None,
        fingerprint: String::new(),
        digest: String::new(),
        after: None,
        verdict: Verdict::Fail,
        judged_anew: false,
        seconds: 1.0,
        report: json!(null),
    };
    let events = [
        Event::Created(spec("o1")),
        Event::Started { stage: Stage::Check, attempt: 1 },
        Event::Done(done),
        Event::Failed { stage: Stage::Check, attempt: 1, code: String::new(), message: String::new() },
        Event::RolledBack { load: 1, report: None },
    ];
    let kinds = events.map(|event| serde_json::to_value(event).unwrap()["kind"].as_str().unwrap().to_owned());
    assert_eq!(kinds, Event::KINDS);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_truncation_of_the_last_record_is_found(cut in 0.0..1.0_f64, report in ".{0,40}") {
        let folder = tempfile::tempdir().unwrap();
        let root = order_with_a_stage(folder.path());
        let mut order = store(folder.path()).open("o1").unwrap().lock().unwrap();
        let attempt = order.begin(Stage::Verify).unwrap();
        order.done(attempt, Outcome { report: json!(report), ..outcome("f") }).unwrap();
        let path = root.join("log").join(file_name(4));
        let bytes = std::fs::read(&path).unwrap();
        let kept = ((bytes.len() as f64) * cut) as usize;
        for length in [kept, bytes.len() - 1] {
            std::fs::write(&path, &bytes[..length]).unwrap();
            prop_assert_eq!(code_of(store(folder.path()).open("o1")).0, "log-broken");
        }
    }

    #[test]
    fn any_changed_byte_before_the_last_record_is_found(at in 0.0..1.0_f64, number in 0_usize..2, flip in 1_u8..=255) {
        let folder = tempfile::tempdir().unwrap();
        let root = order_with_a_stage(folder.path());
        let path = root.join("log").join(file_name(number));
        let mut bytes = std::fs::read(&path).unwrap();
        let at = ((bytes.len() as f64) * at) as usize;
        bytes[at] ^= flip;
        std::fs::write(&path, &bytes).unwrap();
        prop_assert!(store(folder.path()).open("o1").is_err());
    }
}
