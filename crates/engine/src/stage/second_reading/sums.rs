//! Sets of facts as sums of keyed hashes, by bucket of patients.

use std::collections::HashMap;

use crate::keys::{Entry, KeyWriter, Secret, hash_parts};

/// Patients are summed in so many buckets.
const BUCKETS: usize = 1 << 16;

/// What one entry says of a fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    None,
    Said(String),
    /// It could not be converted; this text of it was kept.
    Lost(String),
}

/// One entry of a patient.
pub(super) struct Told {
    pub(super) patient: String,
    pub(super) values: Vec<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// By the export's files.
    Stated,
    /// By the rows to load.
    Loaded,
}

pub(super) struct Sums {
    secret: Secret,
    buckets: Vec<u128>,
    keys: KeyWriter,
    last: u64,
    side: Side,
}

impl Sums {
    pub(super) fn new(secret: Secret, side: Side, keys: KeyWriter) -> Self {
        Self { secret, buckets: vec![0; BUCKETS], keys, last: 0, side }
    }

    pub(super) fn add(&mut self, told: &Told) {
        let patient = patient_hash(self.secret, told);
        // Rows of one patient mostly stand together.
        if patient != self.last {
            self.last = patient;
            self.keys.push(Entry { key: patient, row: 0, extra: self.side as u64 });
        }
        if let Some(sum) = self.buckets.get_mut(bucket(patient)) {
            *sum = sum.wrapping_add(entry_hash(self.secret, told));
        }
    }

    /// The buckets that are not the same.
    pub(super) fn differing(&self, other: &Self) -> Vec<usize> {
        let pairs = self.buckets.iter().zip(&other.buckets).enumerate();
        pairs.filter(|(_, (mine, theirs))| mine != theirs).map(|(number, _)| number).collect()
    }

    /// The hashes of the patients that were told of.
    pub(super) fn into_keys(self) -> KeyWriter {
        self.keys
    }
}

/// The patients of some buckets, each with a sum of its own.
pub(super) struct Patients {
    secret: Secret,
    chosen: Vec<bool>,
    sums: HashMap<u64, u128>,
}

impl Patients {
    pub(super) fn new(secret: Secret, buckets: &[usize]) -> Self {
        let mut chosen = vec![false; BUCKETS];
        for bucket in buckets {
            if let Some(one) = chosen.get_mut(*bucket) {
                *one = true;
            }
        }
        Self { secret, chosen, sums: HashMap::new() }
    }

    pub(super) fn add(&mut self, told: &Told, side: Side) {
        let patient = patient_hash(self.secret, told);
        if self.chosen.get(bucket(patient)) != Some(&true) {
            return;
        }
        let hash = entry_hash(self.secret, told);
        let sum = self.sums.entry(patient).or_default();
        *sum = match side {
            Side::Stated => sum.wrapping_add(hash),
            Side::Loaded => sum.wrapping_sub(hash),
        };
    }

    pub(super) fn differing(&self) -> u64 {
        self.sums.values().filter(|sum| **sum != 0).count() as u64
    }
}

fn bucket(patient: u64) -> usize {
    patient as usize & (BUCKETS - 1)
}

fn patient_hash(secret: Secret, told: &Told) -> u64 {
    hash_parts(secret, [told.patient.as_bytes()].into_iter())
}

/// 128 bits: sums of them are equal by chance for nobody.
fn entry_hash(secret: Secret, told: &Told) -> u128 {
    let half = |half: &'static [u8]| {
        let values = told.values.iter().flat_map(|value| match value {
            Value::None => [b"0".as_slice(), b""],
            Value::Said(text) => [b"1".as_slice(), text.as_bytes()],
            Value::Lost(text) => [b"2".as_slice(), text.as_bytes()],
        });
        hash_parts(secret, [half, told.patient.as_bytes()].into_iter().chain(values))
    };
    u128::from(half(b"high")) << 64 | u128::from(half(b"low"))
}
