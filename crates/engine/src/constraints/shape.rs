//! Values of a simple shape: character classes in a row, each a number of times.

use arrow::array::StringViewArray;
use regex_syntax::hir::{Class, Hir, HirKind};

use super::{Missing, each};

/// The longest shape that is written out position by position.
const POSITIONS: usize = 256;
/// Classes are bits of a byte.
const CLASSES: usize = 8;

/// A shape whose items can be matched one after the other, each as often as it goes, without ever going back.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    /// For every byte the classes it belongs to.
    classes: [u8; 256],
    items: Vec<Item>,
    /// The class of every position, when all items have fixed counts.
    positions: Option<Vec<u8>>,
    ascii_only: bool,
}

#[derive(Debug, Clone, Copy)]
struct Item {
    /// One bit.
    class: u8,
    least: usize,
    most: usize,
}

/// The ASCII part of a character class.
type AsciiSet = u128;

impl Shape {
    pub(super) fn of(parsed: &Hir) -> Option<Self> {
        let mut draft = Draft { ascii_only: true, ..Draft::default() };
        draft.add(parsed, 1, 1)?;
        draft.goes_forward().then_some(())?;
        let mut distinct: Vec<AsciiSet> = Vec::new();
        let mut items = Vec::new();
        for (set, least, most) in draft.items {
            let index = distinct.iter().position(|known| *known == set).unwrap_or(distinct.len());
            if index == distinct.len() {
                distinct.push(set);
            }
            (index < CLASSES).then_some(())?;
            items.push(Item { class: 1 << index, least, most });
        }
        let mut classes = [0; 256];
        for (byte, bits) in classes.iter_mut().take(128).enumerate() {
            for (index, set) in distinct.iter().enumerate() {
                *bits |= u8::from(set >> byte & 1 == 1) << index;
            }
        }
        let positions = positions(&items);
        Some(Self { classes, items, positions, ascii_only: draft.ascii_only })
    }

    /// Whether the expression matches ASCII texts only.
    pub(super) fn ascii_only(&self) -> bool {
        self.ascii_only
    }

    pub(super) fn each(&self, column: &StringViewArray, missing: &Missing, out: &mut Vec<u32>) {
        match &self.positions {
            Some(positions) => each(column, missing, out, |text| self.fits(positions, text.as_bytes())),
            None => each(column, missing, out, |text| self.matches(text.as_bytes())),
        }
    }

    pub(super) fn matches(&self, text: &[u8]) -> bool {
        if let Some(positions) = &self.positions {
            return self.fits(positions, text);
        }
        let mut rest = text;
        for item in &self.items {
            let found = rest
                .iter()
                .take(item.most)
                .take_while(|byte| self.class_of(**byte) & item.class != 0)
                .count();
            match rest.get(found..) {
                Some(after) if found >= item.least => rest = after,
                _ => return false,
            }
        }
        rest.is_empty()
    }

    /// Without a branch for every byte, because nearly all values fit.
    #[inline]
    fn fits(&self, positions: &[u8], text: &[u8]) -> bool {
        text.len() == positions.len()
            && text
                .iter()
                .zip(positions)
                .fold(true, |fits, (byte, class)| fits & (self.class_of(*byte) & class != 0))
    }

    #[inline]
    fn class_of(&self, byte: u8) -> u8 {
        self.classes.get(usize::from(byte)).copied().unwrap_or_default()
    }
}

fn positions(items: &[Item]) -> Option<Vec<u8>> {
    let mut positions = Vec::new();
    for item in items {
        if item.least != item.most || positions.len() + item.least > POSITIONS {
            return None;
        }
        positions.resize(positions.len() + item.least, item.class);
    }
    Some(positions)
}

#[derive(Default)]
struct Draft {
    /// Set, least and most.
    items: Vec<(AsciiSet, usize, usize)>,
    ascii_only: bool,
}

impl Draft {
    /// `None` when the expression is no simple shape.
    fn add(&mut self, parsed: &Hir, least: usize, most: usize) -> Option<()> {
        match parsed.kind() {
            HirKind::Empty => {}
            HirKind::Class(class) => {
                let set = self.ascii_set(class);
                self.items.push((set, least, most));
            }
            HirKind::Literal(literal) if least == most => {
                for _ in 0..least {
                    self.literal(&literal.0)?;
                }
            }
            HirKind::Literal(literal) => match *literal.0 {
                [byte @ 0..128] => self.items.push((1 << byte, least, most)),
                _ => return None,
            },
            HirKind::Capture(capture) => self.add(&capture.sub, least, most)?,
            HirKind::Repetition(repetition) if (least, most) == (1, 1) => {
                let most = repetition.max.map_or(Some(usize::MAX), |most| usize::try_from(most).ok())?;
                self.add(&repetition.sub, usize::try_from(repetition.min).ok()?, most)?;
            }
            HirKind::Concat(parts) if least == most => {
                for _ in 0..least {
                    parts.iter().try_for_each(|part| self.add(part, 1, 1))?;
                }
            }
            _ => return None,
        }
        // Repeated groups multiply; nobody writes such shapes by hand.
        (self.items.len() <= POSITIONS).then_some(())
    }

    fn literal(&mut self, bytes: &[u8]) -> Option<()> {
        for byte in bytes {
            byte.is_ascii().then_some(())?;
            self.items.push((1 << byte, 1, 1));
            (self.items.len() <= POSITIONS).then_some(())?;
        }
        Some(())
    }

    fn ascii_set(&mut self, class: &Class) -> AsciiSet {
        let ranges: Vec<(u32, u32)> = match class {
            Class::Unicode(class) => {
                class.iter().map(|range| (u32::from(range.start()), u32::from(range.end()))).collect()
            }
            Class::Bytes(class) => {
                class.iter().map(|range| (u32::from(range.start()), u32::from(range.end()))).collect()
            }
        };
        let mut set = 0;
        for (first, last) in ranges {
            for character in first..=last.min(127) {
                set |= 1 << character;
            }
            self.ascii_only &= last < 128;
        }
        set
    }

    /// Whether taking as much as possible for each item is always right: what an item of variable count could take
    /// too much of is in no item that may come next.
    fn goes_forward(&self) -> bool {
        self.items.iter().enumerate().all(|(index, (set, least, most))| {
            if least == most {
                return true;
            }
            for (next, next_least, _) in self.items.iter().skip(index + 1) {
                if set & next != 0 {
                    return false;
                }
                if *next_least > 0 {
                    break;
                }
            }
            true
        })
    }
}
