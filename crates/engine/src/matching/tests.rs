//! Which row is which: by alternatives, by links of earlier loads, by decisions.

use std::collections::HashMap;

use super::{Candidates, Decision, Decisions, Kind, Matches, Settling, Value, comparable};
use crate::marks::RowId;

/// Parts: cpf, name, born. A blank is null.
fn parts(cells: [&str; 3]) -> Vec<Option<String>> {
    let kinds = [Kind::Text, Kind::Text, Kind::Date];
    cells.iter().zip(kinds).map(|(cell, kind)| comparable(&kind, cell)).collect()
}

fn candidates(rows: &[(&str, [&str; 3])]) -> Candidates {
    let mut candidates = Candidates::new(vec![vec![0], vec![1, 2]]);
    for (key, cells) in rows {
        candidates.add((*key).to_owned(), parts(*cells));
    }
    candidates
}

#[derive(Default)]
struct Case {
    known: HashMap<String, String>,
    decisions: Decisions,
}

impl Case {
    fn settle(&self, there: &Candidates, rows: &[(&str, [&str; 3])]) -> Matches {
        let mut settling = Settling::new(there, &self.known, &self.decisions);
        for (place, (key, cells)) in rows.iter().enumerate() {
            let values: Vec<Option<Value>> =
                parts(*cells).into_iter().map(|part| part.map(Value::Is)).collect();
            settling.row(RowId::source(place as i64), key, &values);
        }
        settling.finish()
    }
}

/// `key>target` of every link, and `key?` of every row that cannot be told.
fn outcome(there: &[(&str, [&str; 3])], rows: &[(&str, [&str; 3])], case: &Case) -> Vec<String> {
    let matches = case.settle(&candidates(there), rows);
    let mut said: Vec<String> = matches
        .links
        .iter()
        .map(|(source, link)| format!("{source}>{}{}", link.target_key, if link.known { "!" } else { "" }))
        .collect();
    said.extend(matches.ambiguous.iter().map(|id| format!("{}?", rows[id.row as usize].0)));
    said.sort();
    said
}

const ANA: [&str; 3] = ["908.394.690-80", "JOSÉ  da Silva", "1990-05-02"];

#[test]
fn one_normaliser_for_both_sides() {
    let equal = |kind: Kind, one: &str, other: &str| {
        let one = comparable(&kind, one);
        assert!(one.is_some());
        one == comparable(&kind, other)
    };
    assert!(equal(Kind::Text, "908.394.690-80", "90839469080"));
    assert!(equal(Kind::Text, "JOSÉ  da Silva", "José da Silva"));
    assert!(!equal(Kind::Text, "José da Silva", "José de Silva"));
    assert!(equal(Kind::Number, "1.50", "1.5"));
    assert!(equal(Kind::Date, "1990-05-02", "1990-05-02 00:00:00"));
    assert!(equal(Kind::Instant, "2021-02-01T11:30:00.000000Z", "2021-02-01 11:30:00"));
    assert!(equal(Kind::Instant, "2021-02-01T11:30:00Z", "2021-02-01T08:30:00-03:00"));
    assert!(!equal(Kind::Instant, "2021-02-01T11:30:00Z", "2021-02-01T11:30:01Z"));
    assert!(equal(Kind::Time, "08:30:00", "08:30:00.000"));
    assert!(equal(Kind::Boolean, "true", "1"));
    assert!(!equal(Kind::Reference("t".into()), "a-1", "A1"));
    for (kind, nothing) in
        [(Kind::Text, " -. "), (Kind::Date, "soon"), (Kind::Number, "x"), (Kind::Instant, "1990-05-02x")]
    {
        assert_eq!(comparable(&kind, nothing), None);
    }
}

#[test]
fn found_by_either_alternative_or_made() {
    let there = [("1", ["90839469080", "", ""]), ("2", ["", "bruno", "1975-10-14"])];
    let rows = [("a", ANA), ("b", ["111", "Bruno", "1975-10-14"]), ("c", ["222", "Bruno", "1975-10-15"])];
    assert_eq!(outcome(&there, &rows, &Case::default()), ["a>1", "b>2"]);
}

#[test]
fn parts_that_are_null_find_nothing() {
    let there = [("1", ["", "ana", ""]), ("2", ["", "", ""])];
    let rows = [("a", ["", "ana", ""]), ("b", ["", "", ""])];
    assert!(outcome(&there, &rows, &Case::default()).is_empty());
}

#[test]
fn several_or_disagreeing_rows_cannot_be_told() {
    let homonyms = [("1", ["", "carla", "1990-01-01"]), ("2", ["", "Carla", "1990-01-01"])];
    let carla = [("c", ["", "Carla", "1990-01-01"])];
    assert_eq!(outcome(&homonyms, &carla, &Case::default()), ["c?"]);
    let father = [("1", ["161", "davi", "1979-04-30"])];
    let child = [("d", ["161", "Davi", "2012-06-05"])];
    assert_eq!(outcome(&father, &child, &Case::default()), ["d?"]);
    // The other way round: the name fits, and the numbers are two.
    let namesake = [("1", ["999", "davi", "2012-06-05"])];
    assert_eq!(outcome(&namesake, &child, &Case::default()), ["d?"]);
    // One alternative finds one row, another the other.
    let two = [("1", ["161", "", ""]), ("2", ["", "davi", "2012-06-05"])];
    assert_eq!(outcome(&two, &child, &Case::default()), ["d?"]);
}

#[test]
fn one_row_stands_for_one_row() {
    let there = [("1", ["", "ana", "1980-01-01"])];
    let twice = [("a", ["5", "Ana", "1980-01-01"]), ("b", ["6", "ANA", "1980-01-01"])];
    assert_eq!(outcome(&there, &twice, &Case::default()), ["a?", "b?"]);
}

#[test]
fn links_of_earlier_loads_come_first() {
    let there = [("1", ["5", "ana", "1980-01-01"]), ("2", ["6", "", ""])];
    let rows = [("a", ["6", "Ana", "1999-09-09"]), ("b", ["5", "", ""])];
    let case = Case { known: HashMap::from([("a".into(), "1".into())]), ..Case::default() };
    // `b` finds the row that is `a`'s already.
    assert_eq!(outcome(&there, &rows, &case), ["a>1!", "b?"]);
    // Also where `a` is not in this export.
    assert_eq!(outcome(&there, &rows[1..], &case), ["b?"]);
    let gone = Case { known: HashMap::from([("a".into(), "7".into())]), ..Case::default() };
    assert_eq!(outcome(&there, &rows[..1], &gone), ["a?"]);
}

#[test]
fn decisions_name_the_row_or_say_that_it_is_new() {
    let there = [("1", ["", "carla", "1990-01-01"]), ("2", ["", "Carla", "1990-01-01"])];
    let carla = ["", "Carla", "1990-01-01"];
    let rows = [("c", carla), ("d", carla), ("e", carla)];
    let decisions = Decisions::from([
        ("c".into(), Decision::Row("2".into())),
        ("d".into(), Decision::New),
        ("e".into(), Decision::Row("9".into())),
    ]);
    let case = Case { decisions, ..Case::default() };
    assert_eq!(outcome(&there, &rows, &case), ["c>2", "e?"], "a row that is not there is no answer");
    let both = Decisions::from(["c", "d"].map(|key| (key.to_owned(), Decision::Row("2".into()))));
    let case = Case { decisions: both, ..Case::default() };
    assert_eq!(outcome(&there, &rows[..2], &case), ["c?", "d?"]);
}

#[test]
fn nothing_refers_to_a_row_that_is_made_now() {
    let mut there = Candidates::new(vec![vec![0, 1], vec![1]]);
    there.add("1".into(), vec![Some("7".into()), Some("x".into())]);
    let settle = |of: Value| {
        let (known, decisions) = (HashMap::new(), Decisions::new());
        let mut settling = Settling::new(&there, &known, &decisions);
        settling.row(RowId::source(0), "a", &[Some(of), Some(Value::Is("x".into()))]);
        settling.finish()
    };
    assert_eq!(settle(Value::Is("7".into())).links.len(), 1);
    // Found by the second alternative, and of another patient by the first.
    let of_new = settle(Value::OfNewRow);
    assert!(of_new.links.is_empty() && of_new.ambiguous.len() == 1);
}
