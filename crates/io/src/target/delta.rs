//! What a load that follows others finds of their rows: which are edited since, which its own rows no longer have.

/// The rows that were written of a table, before they are merged, beside what earlier loads left of it. Rows that are new,
/// unchanged, or changed by nobody but earlier loads are not listed: merging deals with them.
#[derive(Clone, Default)]
pub struct Comparison {
    /// Rows that earlier loads of the orders asked for left in the table.
    pub known: u64,
    pub touched: Vec<Touched>,
    pub absent: Vec<Absent>,
}

/// A row that somebody else has written to since the last load did, and that differs from the load's. Values: they must
/// not reach a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Touched {
    pub source_key: String,
    /// Of the load that wrote it last.
    pub order: String,
    pub input_digest: String,
    /// The columns whose cells differ; none where the row is gone.
    pub differs: Vec<String>,
    /// It was deleted.
    pub gone: bool,
    /// A hash over what the row is now and what the load would make of it.
    pub seen: i64,
}

/// A row of an earlier load whose source key is not among those written. Values: they must not reach a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Absent {
    pub source_key: String,
    /// Of the load that wrote it last.
    pub order: String,
    /// Somebody else has written to it since.
    pub edited: bool,
    /// It was deleted.
    pub gone: bool,
    /// An earlier load did not have it either.
    pub listed: bool,
    /// A hash over what the row is now.
    pub seen: i64,
}

/// What came of taking rows out of a table.
#[derive(Clone, Default)]
pub struct Removed {
    pub rows: u64,
    /// Source keys of rows that stay, for others refer to them.
    pub referred: Vec<String>,
}

/// Why a load does not answer for a row of an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exemption {
    /// It was edited in the target and is left as it is.
    Kept,
    /// The load has no such row, and leaves it.
    Absent,
    /// The load's row is held.
    Held,
    /// It is of an order that this one does not follow.
    Other,
}

impl Exemption {
    /// As the bookkeeping has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Absent => "absent",
            Self::Held => "held",
            Self::Other => "other",
        }
    }
}
