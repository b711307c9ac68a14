//! Which charts people should read, how many, and what they may conclude: arithmetic that anyone can do again.

use std::collections::BinaryHeap;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::project_key::hex;

/// Where no chart of the sample has a defect, the bound holds in this share of all samples.
pub const CONFIDENCE: f64 = 0.95;

/// The share of charts with a defect that the sample is made to find.
const PREVALENCE_PERCENT: u64 = 1;

/// Rounding must not push a probability that is exactly the limit over it.
const ROUNDING: f64 = 1e-12;

/// The chance that `drawn` of `charts` hold none of `defects`, drawn without replacement.
fn none_found(charts: u64, drawn: u64, defects: u64) -> f64 {
    if drawn.saturating_add(defects) > charts {
        return 0.0;
    }
    // C(charts - defects, drawn) / C(charts, drawn), by the shorter of two equal products.
    let (few, many) = (drawn.min(defects), drawn.max(defects));
    (0..few).map(|at| (charts - many - at) as f64 / (charts - at) as f64).product()
}

/// The fewest charts that, all clean, say with 95 % confidence that less than 1 % of `charts` have a defect.
pub fn charts_to_read(charts: u64) -> u64 {
    let defects = (charts * PREVALENCE_PERCENT).div_ceil(100);
    first(1, charts, |drawn| none_found(charts, drawn, defects) <= 1.0 - CONFIDENCE + ROUNDING)
}

/// At most so many of `charts` have a defect, with 95 % confidence, where `drawn` of them were read and all were clean.
pub fn upper_bound(charts: u64, drawn: u64) -> u64 {
    // One less than the fewest defects that would have shown.
    let shown = first(0, charts - drawn.min(charts) + 1, |defects| {
        none_found(charts, drawn, defects) <= 1.0 - CONFIDENCE + ROUNDING
    });
    shown.saturating_sub(1)
}

/// The first number from `low` to `high` for which a condition holds that never ceases to hold; `high` where none does.
fn first(low: u64, high: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (low, high);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    high
}

/// A simple random sample: of all keys, those with the lowest HMAC-SHA256 under the seed. Keeps no more than it draws.
pub struct Draw {
    seed: String,
    size: usize,
    lowest: BinaryHeap<([u8; 32], String)>,
}

impl Draw {
    pub fn new(seed: &str, size: u64) -> Self {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        Self { seed: seed.to_owned(), size, lowest: BinaryHeap::new() }
    }

    /// Each key once.
    pub fn offer(&mut self, key: &str) {
        let place = rank(&self.seed, key);
        if self.lowest.len() < self.size {
            self.lowest.push((place, key.to_owned()));
        } else if let Some(mut highest) = self.lowest.peek_mut()
            && place < highest.0
        {
            *highest = (place, key.to_owned());
        }
    }

    /// The drawn keys, in the order in which they were drawn.
    pub fn drawn(self) -> Vec<String> {
        self.lowest.into_sorted_vec().into_iter().map(|(_, key)| key).collect()
    }
}

/// HMAC-SHA256 of a key under a seed, both as UTF-8.
pub(super) fn rank(seed: &str, key: &str) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(seed.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(key.as_bytes());
    mac.finalize().into_bytes().into()
}

/// SHA-256 over the sorted keys, one a line: says which list a sample was drawn from.
pub fn frame_digest(sorted: &[String]) -> String {
    use sha2::Digest;
    let mut hasher = Sha256::new();
    for key in sorted {
        hasher.update(key.as_bytes());
        hasher.update(b"\n");
    }
    hex(&hasher.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_the_tables() {
        for (charts, drawn) in [
            (200, 155),
            (500, 225),
            (1_000, 258),
            (3_000, 284),
            (10_000, 294),
            (100_000_000, 299),
            (1, 1),
            (0, 0),
        ] {
            assert_eq!(charts_to_read(charts), drawn, "{charts}");
        }
    }

    #[test]
    fn a_size_is_the_smallest_that_will_do() {
        for charts in [2_u64, 19, 57, 101, 163, 999, 4_321] {
            let drawn = charts_to_read(charts);
            let defects = charts.div_ceil(100);
            assert!(none_found(charts, drawn, defects) <= 0.05 + ROUNDING, "{charts}");
            assert!(drawn == 1 || none_found(charts, drawn - 1, defects) > 0.05, "{charts}");
        }
    }

    #[test]
    fn the_bound_is_the_most_that_could_have_stayed_unseen() {
        assert_eq!(upper_bound(200, 155), 1);
        assert_eq!(upper_bound(200, 200), 0);
        assert_eq!(upper_bound(200, 0), 200);
        assert_eq!(upper_bound(0, 0), 0);
        for (charts, drawn) in [(163, 20), (163, 127), (1_000, 59), (10_000, 10)] {
            let bound = upper_bound(charts, drawn);
            assert!(none_found(charts, drawn, bound) > 0.05, "{charts} {drawn}");
            assert!(none_found(charts, drawn, bound + 1) <= 0.05, "{charts} {drawn}");
        }
    }

    /// For very many charts the bound is 1 - 0.05^(1/n).
    #[test]
    fn the_bound_of_many_charts_is_the_usual_one() {
        for drawn in [10_u64, 59, 299] {
            let charts = 10_000_000;
            let usual = 1.0 - 0.05_f64.powf(1.0 / drawn as f64);
            let bound = upper_bound(charts, drawn) as f64 / charts as f64;
            assert!((bound - usual).abs() < 1e-5, "{drawn}: {bound} and {usual}");
        }
    }

    /// Two products say the same: choose the sample, or choose the charts with a defect.
    #[test]
    fn the_chance_is_the_hypergeometric_one() {
        let exact = |charts: u64, drawn: u64, defects: u64| -> f64 {
            (0..drawn).map(|at| (charts - defects - at) as f64 / (charts - at) as f64).product()
        };
        for (charts, drawn, defects) in [(50, 10, 3), (50, 3, 10), (200, 155, 2), (12, 12, 0), (12, 4, 8)] {
            assert!((none_found(charts, drawn, defects) - exact(charts, drawn, defects)).abs() < 1e-12);
        }
    }

    /// `sorted(keys, key=lambda k: hmac.new(b"seed", k.encode(), "sha256").digest())[:4]` in Python.
    #[test]
    fn a_draw_is_the_one_of_the_documented_lines() {
        let mut draw = Draw::new("seed", 4);
        (1..=20).for_each(|key| draw.offer(&key.to_string()));
        assert_eq!(draw.drawn(), DRAWN_BY_PYTHON);
        let mut backwards = Draw::new("seed", 4);
        (1..=20).rev().for_each(|key| backwards.offer(&key.to_string()));
        assert_eq!(backwards.drawn(), DRAWN_BY_PYTHON);
    }

    const DRAWN_BY_PYTHON: [&str; 4] = ["11", "13", "16", "2"];
}
