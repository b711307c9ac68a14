//! What is added to a file leaves what stands there; what is carried over.

use std::sync::Arc;

use chrono::DateTime;

use super::*;
use crate::order::{FixedClock, InputSpec, OrderSpec, Store};

fn text(value: &str) -> Written {
    Written::Text(value.into())
}

#[test]
fn an_entry_keeps_comments_and_indentation() {
    let keys = [
        ("applies_to", text("visits")),
        ("held", Written::Word("3".into())),
        ("reason", text("so: \"it\" is")),
    ];
    let added = "- applies_to: visits\n  held: 3\n  reason: \"so: \\\"it\\\" is\"\n";
    assert_eq!(with_entry("", &keys), added);
    assert_eq!(with_entry("# why\n- { a: b } # c", &keys), format!("# why\n- {{ a: b }} # c\n{added}"));
    assert!(
        with_entry("  - a: b\n", &keys)
            .ends_with("  - applies_to: visits\n    held: 3\n    reason: \"so: \\\"it\\\" is\"\n")
    );
    assert_eq!(quoted("no"), "\"no\"");
    assert_eq!(quoted("2026-11-22"), "\"2026-11-22\"");
    assert_eq!(quoted("ana@host"), "\"ana@host\"");
}

#[test]
fn lines_follow_the_header() {
    let lines = [vec!["a,b".to_owned(), "c".to_owned()]];
    assert_eq!(with_lines("", &["x", "y"], &lines).unwrap(), "x,y\n\"a,b\",c\n");
    assert_eq!(with_lines("x,y\n1,2", &["x", "y"], &lines).unwrap(), "x,y\n1,2\n\"a,b\",c\n");
}

#[test]
fn decisions_are_carried_over_without_approvals() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path(), "tester", Arc::new(FixedClock(DateTime::UNIX_EPOCH)));
    let order = |id: &str| {
        let spec = OrderSpec {
            id: id.into(),
            series: "s".into(),
            inputs: vec![InputSpec { name: "main".into(), url: "x".into(), system: None, version: None }],
            target: "clinic".into(),
            follows: None,
            project_key_fingerprint: "ab".into(),
            created_at: DateTime::UNIX_EPOCH,
        };
        store.create(spec).unwrap().into_order().lock().unwrap()
    };
    let (one, two) = (order("1"), order("2"));
    for (name, text) in [("waivers.yaml", "# w\n"), ("maps/sex.csv", "m\n"), ("approvals/0001.yaml", "a\n")] {
        one.write_decision(name, text.as_bytes()).unwrap();
    }
    two.write_decision("waivers.yaml", b"# mine\n").unwrap();
    assert_eq!(carry_over(&one, &two).unwrap(), 1);
    let files = two.decision_files().unwrap();
    let files: Vec<_> = files.iter().map(|(path, text)| (path.to_str().unwrap(), text.as_str())).collect();
    assert_eq!(files, [("decisions/maps/sex.csv", "m\n"), ("decisions/waivers.yaml", "# mine\n")]);
    assert_eq!(carry_over(&one, &two).unwrap(), 0);
}
