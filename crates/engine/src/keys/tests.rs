//! Key sets against hash maps, with pools so small that everything goes through the disk.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;

use super::*;

fn pool(limit: usize) -> Arc<Pool> {
    Pool::with_run_entries(limit, 4, &std::env::temp_dir())
}

/// Spreads entries over writers as threads would.
fn set(pool: &Arc<Pool>, entries: &[Entry], writers: usize) -> KeySet {
    let mut all: Vec<KeyWriter> = (0..writers).map(|_| KeyWriter::new(pool)).collect();
    for (at, entry) in entries.iter().enumerate() {
        all[at % writers].push(*entry);
    }
    KeySet::finish(all).unwrap()
}

fn entries(keys: &[u16]) -> Vec<Entry> {
    // Keys all over the range, neighbours within one partition among them.
    let spread = |key: u16| (u64::from(key) << 48) | u64::from(key % 3);
    keys.iter()
        .zip(1_i64..)
        .map(|(key, row)| Entry { key: spread(*key), row, extra: u64::from(*key) })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_maps(
        children in prop::collection::vec(prop_oneof![0..40_u16, any::<u16>(), Just(7)], 0..600),
        parents in prop::collection::vec(prop_oneof![0..40_u16, any::<u16>()], 0..600),
        limits in prop::array::uniform2(prop_oneof![Just(0_usize), Just(8 << 10), Just(1 << 30)]),
        writers in 1_usize..4,
    ) {
        let (children, parents) = (entries(&children), entries(&parents));
        let child_set = set(&pool(limits[0]), &children, writers);
        let parent_set = set(&pool(limits[1]), &parents, writers);

        let mut by_key: BTreeMap<u64, Vec<Entry>> = BTreeMap::new();
        children.iter().for_each(|entry| by_key.entry(entry.key).or_default().push(*entry));
        by_key.retain(|_, group| group.len() > 1);
        let mut groups = Vec::new();
        child_set.groups(|group| groups.push(group.to_vec())).unwrap();
        prop_assert_eq!(groups, by_key.into_values().collect::<Vec<_>>());

        let keys: HashSet<u64> = parents.iter().map(|entry| entry.key).collect();
        let mut missing = Vec::new();
        child_set.missing_from(&parent_set, |entry| missing.push(*entry)).unwrap();
        missing.sort_by_key(|entry| entry.row);
        let (present, expected): (Vec<Entry>, Vec<Entry>) =
            children.iter().partition(|entry| keys.contains(&entry.key));
        prop_assert_eq!(missing, expected);

        let mut contained = Vec::new();
        child_set.contained_in(&keys, |entry| contained.push(*entry)).unwrap();
        prop_assert_eq!(contained.into_iter().collect::<BTreeSet<_>>(), present.into_iter().collect());

        let mut all = Vec::new();
        child_set.each(|entry| all.push(*entry)).unwrap();
        all.sort_by_key(|entry| entry.row);
        prop_assert_eq!(all, children);
    }
}

#[test]
fn small_data_stays_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    // A folder that is not there: touching the disk would fail.
    let pool = Pool::new(1 << 20, &folder.path().join("none"));
    let some = entries(&(0..20_000).collect::<Vec<_>>());
    let made = set(&pool, &some, 2);
    let held = pool.held();
    assert!((20_000 * 24..=1 << 20).contains(&held), "{held}");
    drop(made);
    assert_eq!(pool.held(), 0);
}

#[test]
fn memory_stays_within_the_limit() {
    const LIMIT: usize = 1 << 20;
    let folder = tempfile::tempdir().unwrap();
    let pool = Pool::new(LIMIT, folder.path());
    let mut writers: Vec<KeyWriter> = (0..4).map(|_| KeyWriter::new(&pool)).collect();
    let mut most = 0;
    let mut random = 1_u64;
    for row in 0..400_000_i64 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        writers[(row % 4) as usize].push(Entry { key: random, row, extra: 0 });
        most = most.max(pool.held());
    }
    // What four writers may hold without asking, beside the pool.
    let allowed = LIMIT + 4 * 2 * (8 << 10) * 24;
    assert!(most <= allowed, "{most} bytes held, {allowed} allowed");
    let set = KeySet::finish(writers).unwrap();
    assert!(pool.held() <= LIMIT, "{}", pool.held());
    let mut rows = 0;
    set.each(|_| rows += 1).unwrap();
    assert_eq!(rows, 400_000);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the file has no name");
    drop(set);
    assert_eq!(pool.held(), 0);
}

#[test]
fn a_full_disk_is_told_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let pool = Pool::with_run_entries(0, 4, &folder.path().join("none"));
    let mut writer = KeyWriter::new(&pool);
    entries(&(0..2_000).collect::<Vec<_>>()).into_iter().for_each(|entry| writer.push(entry));
    assert!(matches!(KeySet::finish(vec![KeyWriter::new(&pool), writer]), Err(Error::File { .. })));
}
