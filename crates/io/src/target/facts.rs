//! What a live table does besides holding columns: triggers, late checks, sequences, and what the role may not do.

/// A trigger that would fire when rows are written, or would if it were enabled.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trigger {
    pub name: String,
    /// The table it hangs on, as SQL, where that is a partition; empty for the table itself.
    pub partition: String,
    /// `BEFORE INSERT`, `AFTER INSERT OR UPDATE`, ...
    pub fires: String,
    /// What it calls; empty where the trigger is its own program.
    pub function: String,
    pub on_insert: bool,
    pub on_update: bool,
    pub enabled: bool,
    /// Enabled also for what replication writes: it must be so again.
    pub always: bool,
}

/// A constraint that is looked at when the transaction ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deferred {
    pub constraint: String,
    /// Otherwise only when a transaction asks for it, which no load does.
    pub initially: bool,
}

/// Bytes of the server's memory that wait for the commit, a row and deferred constraint: an event of PostgreSQL's
/// `trigger.c` has 12, and its list some more.
const PENDING_BYTES: u64 = 16;

/// Where a column's numbers come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sequence {
    /// As SQL.
    pub name: String,
    pub column: String,
    /// Whether the role may advance it.
    pub usable: bool,
}

/// A check over the columns of one row, of the table or of a column's domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowCheck {
    pub constraint: String,
    /// A domain's has one.
    pub columns: Vec<String>,
    /// SQL that is false where the check fails. A domain's calls its value `value`.
    pub expression: String,
    pub of_domain: bool,
}

/// Facts of one table that its columns do not tell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TableFacts {
    pub triggers: Vec<Trigger>,
    pub deferred: Vec<Deferred>,
    pub sequences: Vec<Sequence>,
    pub checks: Vec<RowCheck>,
    /// Policies stand between this role and the rows.
    pub row_security: bool,
    pub partitioned: bool,
    /// The role may change the table itself: disable its triggers.
    pub owned: bool,
    /// The role may gather statistics.
    pub may_analyze: bool,
    /// The role may keep others from writing.
    pub may_lock: bool,
    /// Privileges that any use needs and the role lacks, as `USAGE on schema clinic`.
    pub lacks: Vec<String>,
}

impl TableFacts {
    /// Memory of the server, in bytes, that so many new rows take until the commit; 0 where nothing is deferred.
    pub fn pending_bytes(&self, rows: u64) -> u64 {
        let deferred = self.deferred.iter().filter(|one| one.initially).count() as u64;
        rows.saturating_mul(deferred).saturating_mul(PENDING_BYTES)
    }
}
