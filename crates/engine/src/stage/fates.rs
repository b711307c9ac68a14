//! The overall fate of a source table's rows: each once, by its best fate over all rules that read it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use chartlift_rules::Unreferenced;
use roaring::RoaringTreemap;

use crate::Error;
use crate::compile::Reached;
use crate::layer;
use crate::marks::{RowId, RowSet, read_rows};
use crate::produce::Unproduced;
use crate::statement::TableBalance;

/// What all rules and joins did to the tables they read.
#[derive(Default)]
pub(super) struct Fates {
    rules: BTreeMap<String, Vec<BTreeMap<Unproduced, RowSet>>>,
    joins: BTreeMap<String, (RoaringTreemap, Unreferenced)>,
}

/// A source table as check left it.
pub(super) struct TableRows {
    pub(super) folder: PathBuf,
    pub(super) balance: TableBalance,
    pub(super) ignored: bool,
}

pub(super) struct SettledTable {
    pub(super) balance: TableBalance,
    /// Rows of a table that is only joined and that no driving row reached.
    pub(super) unreferenced: RoaringTreemap,
    pub(super) unreferenced_means: Unreferenced,
}

impl Fates {
    pub(super) fn rule(&mut self, from: String, unproduced: BTreeMap<Unproduced, RowSet>) {
        self.rules.entry(from).or_default().push(unproduced);
    }

    pub(super) fn join(&mut self, join: Reached, rows: RoaringTreemap) {
        let (reached, means) =
            self.joins.entry(join.table).or_insert_with(|| (RoaringTreemap::new(), join.unreferenced));
        *reached |= rows;
        if join.unreferenced == Unreferenced::Exclude {
            *means = Unreferenced::Exclude;
        }
    }

    pub(super) fn settle(&self, table: &TableRows) -> Result<SettledTable, Error> {
        let mut balance = table.balance.clone();
        let free = balance.landed - balance.merged - balance.quarantined;
        let mut settled = SettledTable {
            balance: TableBalance::default(),
            unreferenced: RoaringTreemap::new(),
            unreferenced_means: Unreferenced::Quarantine,
        };
        let joined = self.joins.get(&balance.table);
        if let Some(rules) = self.rules.get(&balance.table) {
            // What a row's own rules say of it stands, whoever else looked it up.
            balance.produced = free - unproduced(rules, &mut balance);
        } else if let Some((reached, means)) = joined {
            settled.unreferenced = unreached(table, reached)?;
            settled.unreferenced_means = *means;
            let count = settled.unreferenced.len();
            balance.merged += free - count;
            match means {
                Unreferenced::Quarantine => balance.quarantined += count,
                Unreferenced::Exclude => *balance.excluded.entry("unreferenced".into()).or_default() += count,
            }
        } else {
            // Lint has made sure that a table nobody reads is ignored with a reason.
            let name = if table.ignored { "not-migrated" } else { "not-read" };
            *balance.excluded.entry(name.into()).or_default() += free;
        }
        settled.balance = balance;
        Ok(settled)
    }
}

/// Adds the rows that no rule produced to the balance and returns how many there are.
fn unproduced(rules: &[BTreeMap<Unproduced, RowSet>], balance: &mut TableBalance) -> u64 {
    let Some((first, others)) = rules.split_first() else { return 0 };
    let mut count = 0;
    for (reason, rows) in first {
        for id in rows.iter() {
            let Some(best) = others.iter().try_fold(reason, |best, rule| {
                rule.iter().find(|(_, rows)| rows.contains(id)).map(|(other, _)| best.min(other))
            }) else {
                continue;
            };
            count += 1;
            match best {
                Unproduced::Merged => balance.merged += 1,
                Unproduced::Quarantined => balance.quarantined += 1,
                Unproduced::Excluded(name) => *balance.excluded.entry(name.clone()).or_default() += 1,
            }
        }
    }
    count
}

fn unreached(table: &TableRows, reached: &RoaringTreemap) -> Result<RoaringTreemap, Error> {
    let held = read_rows(&table.folder.join("held.parquet"))?;
    let mut missing = RoaringTreemap::new();
    for path in layer::parts(&table.folder)? {
        for batch in layer::batches_of(&path, Some(&["_row"]))? {
            for row in batch?.column(0).as_primitive::<Int64Type>().values() {
                if !reached.contains(row.cast_unsigned()) && !held.contains(RowId::source(*row)) {
                    missing.insert(row.cast_unsigned());
                }
            }
        }
    }
    Ok(missing)
}
