//! What a record states: the declared columns as texts, dates and states that can be compared.

use std::collections::BTreeSet;

use crate::dates;

/// What a pack declares about the records of one table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reading {
    /// The column with the patient's source key.
    pub patient: String,
    /// Columns that hold lists, taken in step, and what stands between the pieces.
    pub split: Option<(Vec<String>, String)>,
    pub facts: Vec<Fact>,
    /// Texts that mean "no value" in any column.
    pub missing: Vec<String>,
}

/// One fact and the column that states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    pub column: String,
    pub kind: Kind,
    /// Further texts that mean "no value".
    pub missing: Vec<String>,
    /// The first that fits decides.
    pub unless: Vec<Unless>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// The text, white space squeezed.
    Text,
    /// A date by the first pattern that fits.
    Date(Vec<String>),
    /// An instant to the second by the first pattern that fits.
    Instant(Vec<String>),
    /// The digits of the text and nothing else.
    Digits,
    /// A number, and the character before its fraction.
    Number(char),
    /// Active where the text is one of these, not active where it is another one.
    Status(Vec<String>),
}

/// Where another column has one of some texts, the fact reads as if its own column had another text, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unless {
    pub column: String,
    /// Without regard to case; a final `*` stands for whatever follows.
    pub texts: Vec<String>,
    pub reads: Instead,
}

/// What a fact reads as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Instead {
    Nothing,
    Text(String),
    /// Its own column after all.
    Own,
}

impl Unless {
    fn fits(&self, text: &str) -> bool {
        let text = squeezed(text).to_lowercase();
        self.texts.iter().any(|one| {
            let one = squeezed(one).to_lowercase();
            one.strip_suffix('*').map_or(one == text, |start| text.starts_with(start))
        })
    }
}

/// One patient's entry of a category.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    pub patient: String,
    /// The facts in the order in which they are declared; `None`: nothing is said.
    pub values: Vec<Option<String>>,
    /// For each fact the cells that it was made from.
    cells: Vec<Vec<&'a str>>,
}

impl Entry<'_> {
    /// The text that stands for a fact where it could not be converted.
    pub fn raw(&self, fact: usize) -> Option<String> {
        told(self.cells.get(fact)?.iter().copied())
    }
}

/// White space at the ends taken off, and one blank for any of it inside.
pub fn squeezed(text: &str) -> String {
    let mut made = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !made.is_empty() {
            made.push(' ');
        }
        made.push_str(word);
    }
    made
}

/// What was kept of values that could not be converted, in a form that does not depend on how they were put together.
pub fn told<'a>(texts: impl Iterator<Item = &'a str>) -> Option<String> {
    let pieces: BTreeSet<String> =
        texts.flat_map(|text| text.split(" | ")).map(squeezed).filter(|piece| !piece.is_empty()).collect();
    (!pieces.is_empty()).then(|| pieces.into_iter().collect::<Vec<_>>().join(" | "))
}

/// The digits of a text; `None`: it has none.
pub fn digits(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    (!digits.is_empty()).then_some(digits)
}

/// A number without zeros that say nothing; what is none is told apart from every number.
pub fn number(text: &str, point: char) -> String {
    let (sign, plain) = match text.strip_prefix('-') {
        Some(plain) => ("-", plain),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = plain.split_once(point).unwrap_or((plain, ""));
    if !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit())
        || whole.len() + fraction.len() == 0
    {
        return format!("unreadable {text}");
    }
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    let whole = if whole.is_empty() { "0" } else { whole };
    match (whole, fraction) {
        ("0", "") => "0".into(),
        (whole, "") => format!("{sign}{whole}"),
        (whole, fraction) => format!("{sign}{whole}.{fraction}"),
    }
}

impl Reading {
    /// All columns it needs, each once.
    pub(crate) fn columns(&self) -> Vec<&str> {
        let of_facts = self.facts.iter().flat_map(|fact| {
            std::iter::once(&fact.column).chain(fact.unless.iter().map(|unless| &unless.column))
        });
        let lists = self.split.iter().flat_map(|(columns, _)| columns);
        let mut columns: Vec<&str> = Vec::new();
        for column in std::iter::once(&self.patient).chain(of_facts).chain(lists) {
            if !columns.contains(&column.as_str()) {
                columns.push(column);
            }
        }
        columns
    }

    pub(crate) fn entries<'a>(&self, columns: &[&str], cells: &'a [String]) -> Vec<Entry<'a>> {
        let place = |column: &str| columns.iter().position(|name| *name == column);
        let cell = |column: &str| place(column).and_then(|at| cells.get(at)).map_or("", String::as_str);
        let Some((lists, separator)) = &self.split else { return vec![self.entry(&cell)] };
        let pieces: Vec<Vec<&str>> = lists
            .iter()
            .map(|column| self.said(cell(column)).map_or_else(Vec::new, |text| pieces(text, separator)))
            .collect();
        let length = pieces.iter().map(Vec::len).max().unwrap_or(0);
        if pieces.iter().any(|list| !list.is_empty() && list.len() != length) {
            // What belongs to what cannot be told: one entry that states nothing, for a row that must be held.
            return vec![self.entry(&|_| "")];
        }
        let piece = |at: usize, column: &str| {
            let list = lists.iter().position(|list| list == column)?;
            Some(pieces.get(list).and_then(|list| list.get(at)).copied().unwrap_or_default())
        };
        (0..length)
            .filter(|at| lists.iter().any(|list| piece(*at, list).is_some_and(|text| !text.is_empty())))
            .map(|at| self.entry(&|column| piece(at, column).unwrap_or_else(|| cell(column))))
            .collect()
    }

    fn entry<'a>(&self, cell: &dyn Fn(&str) -> &'a str) -> Entry<'a> {
        let values = self.facts.iter().map(|fact| self.value(fact, cell)).collect();
        let cells = self.facts.iter().map(|fact| {
            let others = fact.unless.iter().map(|unless| cell(&unless.column));
            others.chain([cell(&fact.column)]).filter_map(|text| self.said(text)).collect()
        });
        Entry { patient: squeezed(cell(&self.patient)), values, cells: cells.collect() }
    }

    fn value<'a>(&self, fact: &Fact, cell: &dyn Fn(&str) -> &'a str) -> Option<String> {
        let instead = fact.unless.iter().find(|unless| unless.fits(cell(&unless.column)));
        let text = match instead.map(|unless| &unless.reads) {
            Some(Instead::Nothing) => return None,
            Some(Instead::Text(text)) => text,
            Some(Instead::Own) | None => self.said(cell(&fact.column)).unwrap_or_default(),
        };
        let text = squeezed(if fact.missing.iter().any(|missing| missing == text) { "" } else { text });
        if let Kind::Status(active) = &fact.kind {
            if active.iter().any(|one| squeezed(one) == text) {
                return Some("active".into());
            }
            return (!text.is_empty()).then(|| "not active".into());
        }
        if text.is_empty() {
            return None;
        }
        match &fact.kind {
            Kind::Date(patterns) => Some(first(patterns, &text, dates::date)),
            Kind::Instant(patterns) => Some(first(patterns, &text, dates::instant)),
            Kind::Digits => digits(&text),
            Kind::Number(point) => Some(number(&text, *point)),
            Kind::Text | Kind::Status(_) => Some(text),
        }
    }

    fn said<'a>(&self, text: &'a str) -> Option<&'a str> {
        (!text.is_empty() && !self.missing.iter().any(|missing| missing == text)).then_some(text)
    }
}

/// What no pattern reads is told apart from every date.
fn first(patterns: &[String], text: &str, read: fn(&str, &str) -> Option<String>) -> String {
    patterns.iter().find_map(|pattern| read(text, pattern)).unwrap_or_else(|| format!("unreadable {text}"))
}

fn pieces<'a>(text: &'a str, separator: &str) -> Vec<&'a str> {
    if separator.is_empty() { vec![text.trim()] } else { text.split(separator).map(str::trim).collect() }
}

#[cfg(test)]
mod tests {
    use super::{Fact, Instead, Kind, Reading, Unless, digits, number, told};

    fn fact(column: &str, kind: Kind) -> Fact {
        Fact { column: column.into(), kind, missing: Vec::new(), unless: Vec::new() }
    }

    fn values(reading: &Reading, columns: &[&str], cells: &[&str]) -> Vec<Vec<Option<String>>> {
        let cells: Vec<String> = cells.iter().map(|cell| (*cell).to_owned()).collect();
        reading.entries(columns, &cells).into_iter().map(|entry| entry.values).collect()
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn a_status_is_active_not_active_or_not_said() {
        let mut one = fact("state", Kind::Status(texts(&["A"])));
        let unless = |word: &str, reads| Unless { column: "refuted".into(), texts: texts(&[word]), reads };
        one.unless = vec![
            unless("r kept", Instead::Own),
            unless("r*", Instead::Text("I".into())),
            unless("n", Instead::Nothing),
        ];
        let reading = Reading { patient: "p".into(), facts: vec![one], ..Reading::default() };
        let columns = ["p", "state", "refuted"];
        let value = |cells: &[&str]| values(&reading, &columns, cells)[0][0].clone();
        assert_eq!(value(&["1", " A ", ""]), Some("active".into()));
        assert_eq!(value(&["1", "X", ""]), Some("not active".into()));
        assert_eq!(value(&["1", "", ""]), None);
        assert_eq!(value(&["1", "A", "Refuted"]), Some("not active".into()));
        assert_eq!(value(&["1", "A", "R kept"]), Some("active".into()));
        assert_eq!(value(&["1", "A", "N"]), None);
        let ended = Reading {
            patient: "p".into(),
            facts: vec![fact("end", Kind::Status(texts(&[""])))],
            ..Reading::default()
        };
        assert_eq!(values(&ended, &["p", "end"], &["1", ""])[0][0], Some("active".into()));
        assert_eq!(values(&ended, &["p", "end"], &["1", "2020"])[0][0], Some("not active".into()));
    }

    #[test]
    fn lists_are_taken_in_step_and_blank_pieces_are_none() {
        let reading = Reading {
            patient: "p".into(),
            split: Some((texts(&["s", "r"]), "|".into())),
            facts: vec![fact("s", Kind::Text), fact("r", Kind::Text)],
            ..Reading::default()
        };
        let columns = ["p", "s", "r"];
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            values(&reading, &columns, &["1", "a| |b  c", "x||y"]),
            [[some("a"), some("x")], [some("b c"), some("y")]]
        );
        assert_eq!(values(&reading, &columns, &["1", "", ""]), Vec::<Vec<Option<String>>>::new());
        assert_eq!(values(&reading, &columns, &["1", "a|b", "x"]), [[None, None]]);
    }

    #[test]
    fn what_no_pattern_reads_is_no_date() {
        let reading = Reading {
            patient: "p".into(),
            facts: vec![fact("d", Kind::Date(texts(&["DD/MM/YYYY", "YYYY"])))],
            missing: texts(&["", "-"]),
            ..Reading::default()
        };
        let value = |text: &str| values(&reading, &["p", "d"], &["1", text])[0][0].clone();
        assert_eq!(value("1980"), Some("1980".into()));
        assert_eq!(value("31/02/1980"), Some("unreadable 31/02/1980".into()));
        assert_eq!(value("-"), None);
    }

    #[test]
    fn numbers_are_compared_without_idle_zeros() {
        for (text, made) in [
            ("1,50", "1.5"),
            ("-0", "0"),
            ("007", "7"),
            (",5", "0.5"),
            ("-1,0", "-1"),
            ("1.5", "unreadable 1.5"),
            ("", "unreadable "),
        ] {
            assert_eq!(number(text, ','), made);
        }
        assert_eq!(digits("123.456-7"), Some("1234567".into()));
        assert_eq!(digits("none"), None);
    }

    #[test]
    fn what_was_kept_is_the_same_in_any_order() {
        assert_eq!(told(["b", "a"].into_iter()), told(["a | b"].into_iter()));
        assert_ne!(told(["a"].into_iter()), told(["a | b"].into_iter()));
        assert_eq!(told([" "].into_iter()), None);
    }
}
