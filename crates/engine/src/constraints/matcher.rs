//! `pattern`: a regular expression on whole values, by the cheapest machine that gives its answer.
//!
//! Most patterns in schemas are no more than a shape (`[0-9]{3}-[A-Z]{2}`) or a list of words (`M|F`): those are
//! recognised from the parsed expression and never reach the regular expression engine.

use arrow::array::StringViewArray;
use regex::Regex;
use regex_syntax::hir::literal::{ExtractKind, Extractor};
use regex_syntax::hir::{Class, ClassUnicodeRange, Hir, HirKind, Look};

use super::shape::Shape;
use super::words::WordSet;
use super::{Missing, each};

#[derive(Debug)]
pub(super) enum Matcher {
    Words(WordSet),
    Shape(Shape),
    /// A shape on ASCII values; others, which its classes may also allow, go to the engine.
    AsciiShape(Shape, Regex),
    Regex(Regex),
    /// Anything may stand around it, so that the search ends where it is found and never walks a long text.
    Within(Regex),
}

impl Matcher {
    /// XML Schema's expressions match the whole value; anchors around them do no harm.
    pub(super) fn compile(pattern: &str) -> Result<Self, String> {
        let regex = chartlift_rules::pattern_regex(pattern)?;
        let Ok(parsed) = regex_syntax::parse(pattern) else { return Ok(Self::Regex(regex)) };
        let parsed = without_anchors(parsed);
        if !parsed.properties().look_set().is_empty() {
            return Ok(Self::Regex(regex));
        }
        if let Some(inner) = within(&parsed).and_then(|inner| Regex::new(&inner.to_string()).ok()) {
            return Ok(Self::Within(inner));
        }
        if let Some(words) = words(&parsed) {
            return Ok(Self::Words(WordSet::new(words)));
        }
        Ok(match Shape::of(&parsed) {
            Some(shape) if shape.ascii_only() => Self::Shape(shape),
            Some(shape) => Self::AsciiShape(shape, regex),
            None => Self::Regex(regex),
        })
    }

    pub(super) fn failures(&self, column: &StringViewArray, missing: &Missing, out: &mut Vec<u32>) {
        match self {
            Self::Words(words) => words.failures(column, missing, out),
            Self::Shape(shape) => shape.each(column, missing, out),
            Self::AsciiShape(shape, regex) => each(column, missing, out, |text| {
                shape.matches(text.as_bytes()) || (!text.is_ascii() && regex.is_match(text))
            }),
            Self::Regex(regex) | Self::Within(regex) => {
                each(column, missing, out, |text| regex.is_match(text))
            }
        }
    }
}

/// Takes `^` at the start and `$` at the end away; the whole value is matched anyway.
fn without_anchors(parsed: Hir) -> Hir {
    let HirKind::Concat(parts) = parsed.kind() else { return parsed };
    let mut parts = parts.clone();
    if parts.first().is_some_and(|part| matches!(part.kind(), HirKind::Look(Look::Start))) {
        parts.remove(0);
    }
    if parts.last().is_some_and(|part| matches!(part.kind(), HirKind::Look(Look::End))) {
        parts.pop();
    }
    Hir::concat(parts)
}

/// What stands between a leading and a trailing "anything, line ends too" (`[\s\S]*`).
fn within(parsed: &Hir) -> Option<Hir> {
    let HirKind::Concat(parts) = parsed.kind() else { return None };
    let [first, inner @ .., last] = parts.as_slice() else { return None };
    (is_anything(first) && is_anything(last)).then(|| Hir::concat(inner.to_vec()))
}

fn is_anything(part: &Hir) -> bool {
    let HirKind::Repetition(repetition) = part.kind() else { return false };
    let open = repetition.min == 0 && repetition.max.is_none();
    let HirKind::Class(Class::Unicode(class)) = repetition.sub.kind() else { return false };
    open && class.ranges() == [ClassUnicodeRange::new('\0', char::MAX)]
}

/// All texts that match, when they are few.
fn words(parsed: &Hir) -> Option<Vec<String>> {
    let mut extractor = Extractor::new();
    extractor.kind(ExtractKind::Prefix).limit_class(16).limit_total(64);
    let found = extractor.extract(parsed);
    let literals = found.literals()?;
    literals
        .iter()
        .map(|literal| {
            literal.is_exact().then_some(())?;
            String::from_utf8(literal.as_bytes().to_vec()).ok()
        })
        .collect()
}
