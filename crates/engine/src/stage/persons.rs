//! Which patient records of several systems are one person: the decision alone, over values made comparable.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sha2::{Digest, Sha256};

/// What a record has to be compared by: for each alternative the fingerprints of its values, none where a part has no
/// value, several where the person has several identifiers of a kind.
pub(super) type Prints = Vec<Vec<Print>>;

/// Of all parts of an alternative.
pub(super) type Print = [u8; 16];

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Nobody before is this person.
    Separate,
    /// The same person as the record at this place of this system.
    Joined { system: usize, record: usize },
    /// Nobody can tell.
    Ambiguous,
}

pub(super) fn print_of(parts: &[&str]) -> Print {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().first_chunk().copied().unwrap_or_default()
}

/// A person known so far.
struct Person {
    /// The system and place of the record that leads.
    system: usize,
    record: usize,
    /// Of all its records.
    prints: Prints,
    /// Who this is could not be told: nobody is joined to it.
    ambiguous: bool,
}

/// Decides for the records of every system, in the order of the systems, whom of those before they are.
pub(super) fn decide(systems: &[Vec<Prints>], alternatives: usize) -> Vec<Vec<Outcome>> {
    let mut known = Known { people: Vec::new(), by_print: vec![HashMap::new(); alternatives] };
    let mut outcomes = Vec::new();
    for (system, records) in systems.iter().enumerate() {
        let mut found: Vec<Found> = records.iter().map(|prints| known.find(prints)).collect();
        // Two records of one system are two charts there; that both are one person is for a person to say.
        let mut claims: BTreeMap<usize, usize> = BTreeMap::new();
        for person in found.iter().filter_map(|found| found.person()) {
            *claims.entry(person).or_default() += 1;
        }
        for one in &mut found {
            if one.person().is_some_and(|person| claims.get(&person).is_some_and(|claims| *claims > 1)) {
                *one = Found::Unclear;
            }
        }
        let settled = found.iter().zip(records).enumerate();
        outcomes.push(
            settled.map(|(record, (found, prints))| known.settle(*found, system, record, prints)).collect(),
        );
    }
    outcomes
}

#[derive(Clone, Copy)]
enum Found {
    Nobody,
    Person(usize),
    Unclear,
}

impl Found {
    fn person(self) -> Option<usize> {
        match self {
            Self::Person(person) => Some(person),
            Self::Nobody | Self::Unclear => None,
        }
    }
}

struct Known {
    people: Vec<Person>,
    /// For each alternative, who has a print.
    by_print: Vec<HashMap<Print, Vec<usize>>>,
}

impl Known {
    fn find(&self, prints: &Prints) -> Found {
        let mut hits = BTreeSet::new();
        let mut first = None;
        for (at, (own, known)) in prints.iter().zip(&self.by_print).enumerate() {
            for people in own.iter().filter_map(|print| known.get(print)) {
                hits.extend(people.iter().copied());
                first.get_or_insert(at);
            }
        }
        let (Some(only), Some(first)) = (hits.first().copied(), first) else { return Found::Nobody };
        let Some(person) = self.people.get(only).filter(|person| hits.len() == 1 && !person.ambiguous) else {
            return Found::Unclear;
        };
        // A stronger alternative that both have values for, and other ones, speaks against it.
        let against = prints
            .iter()
            .zip(&person.prints)
            .take(first)
            .any(|(own, other)| !own.is_empty() && !other.is_empty());
        if against { Found::Unclear } else { Found::Person(only) }
    }

    fn settle(&mut self, found: Found, system: usize, record: usize, prints: &Prints) -> Outcome {
        let (person, outcome) = match found {
            Found::Person(at) => {
                let Some(person) = self.people.get_mut(at) else { return Outcome::Ambiguous };
                for (all, more) in person.prints.iter_mut().zip(prints) {
                    all.extend_from_slice(more);
                }
                (at, Outcome::Joined { system: person.system, record: person.record })
            }
            Found::Nobody | Found::Unclear => {
                let ambiguous = matches!(found, Found::Unclear);
                self.people.push(Person { system, record, prints: prints.clone(), ambiguous });
                let outcome = if ambiguous { Outcome::Ambiguous } else { Outcome::Separate };
                (self.people.len() - 1, outcome)
            }
        };
        for (known, own) in self.by_print.iter_mut().zip(prints) {
            for print in own {
                known.entry(*print).or_default().push(person);
            }
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `cpf/name` of each record; `-` is no value.
    fn check(systems: &[&[&str]], expected: &[&str]) {
        let prints = |text: &&str| -> Prints {
            let part = |text: &str| match text {
                "-" => Vec::new(),
                text => vec![print_of(&[text])],
            };
            text.split('/').map(part).collect()
        };
        let records: Vec<Vec<Prints>> =
            systems.iter().map(|records| records.iter().map(prints).collect()).collect();
        let told: Vec<String> = decide(&records, 2)
            .iter()
            .map(|outcomes| {
                let told = outcomes.iter().map(|outcome| match outcome {
                    Outcome::Separate => "new".to_owned(),
                    Outcome::Joined { system, record } => format!("{system}.{record}"),
                    Outcome::Ambiguous => "?".to_owned(),
                });
                told.collect::<Vec<_>>().join(" ")
            })
            .collect();
        assert_eq!(told, expected, "{systems:?}");
    }

    #[test]
    fn who_is_whom() {
        // By the first alternative, by the second, nobody.
        check(&[&["1/ana", "-/bia"], &["1/ana", "-/bia", "3/caio"]], &["new new", "0.0 0.1 new"]);
        // A married name: the stronger alternative decides.
        check(&[&["1/ana"], &["1/ana lima"]], &["new", "0.0"]);
        // The same name and another number.
        check(&[&["1/ana"], &["2/ana"]], &["new", "?"]);
        // Two people of one name, two records of one person, alternatives that find two people.
        check(&[&["-/ana", "-/ana"], &["-/ana"]], &["new new", "?"]);
        check(&[&["1/ana"], &["1/ana", "-/ana"]], &["new", "? ?"]);
        check(&[&["1/ana", "2/bia"], &["1/bia"]], &["new new", "?"]);
        // Without any value nobody is anybody.
        check(&[&["-/-"], &["-/-"]], &["new", "new"]);
        // A third system finds the person by what only the second knew, and nobody by way of an unclear one.
        check(&[&["-/ana"], &["7/ana"], &["7/ana maria"]], &["new", "0.0", "0.0"]);
        check(&[&["1/ana"], &["2/ana"], &["2/anna"]], &["new", "?", "?"]);
        // Two charts in one system stay two.
        check(&[&["1/ana", "1/ana"]], &["new new"]);
    }

    #[test]
    fn parts_stay_apart() {
        assert_ne!(print_of(&["ab", "c"]), print_of(&["a", "bc"]));
    }
}
