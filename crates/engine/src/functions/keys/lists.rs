//! Lists that are written as text, with a separator between their items.

use std::collections::HashSet;

/// The items that are not blank, without the white space around them.
pub(super) fn items<'t>(text: &'t str, separator: &str) -> impl Iterator<Item = &'t str> {
    text.split(separator).map(str::trim).filter(|item| !item.is_empty())
}

/// The item at a place: 1 is the first, -1 the last.
pub(super) fn item_at<'t>(text: &'t str, separator: &str, place: i64) -> Option<&'t str> {
    if place > 0 {
        return items(text, separator).nth(steps(place)?);
    }
    text.rsplit(separator).map(str::trim).filter(|item| !item.is_empty()).nth(steps(place)?)
}

/// How many items are passed over to reach a place from its end.
pub(in crate::functions) fn steps(place: i64) -> Option<usize> {
    usize::try_from(place.unsigned_abs().checked_sub(1)?).ok()
}

/// All items; `None` for an empty separator.
pub(super) fn collect<'t>(text: &'t str, separator: &str) -> Option<Vec<&'t str>> {
    (!separator.is_empty()).then(|| items(text, separator).collect())
}

/// Leaves the first of equal items.
pub(super) fn distinct(items: &mut Vec<&str>) {
    let mut seen = HashSet::with_capacity(items.len());
    items.retain(|item| seen.insert(*item));
}

pub(super) fn write_list(items: &[&str], separator: &str, out: &mut String) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(separator);
        }
        out.push_str(item);
    }
}
