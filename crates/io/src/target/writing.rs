//! How a table's rows are written: what becomes of those that are there already, which way rows take, what they came to.

/// What becomes of rows whose key the target has already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum WriteMode {
    /// All rows are new: a key that is taken stops the load.
    #[default]
    Insert,
    /// Rows that are there take the load's cells where these differ.
    Upsert,
    /// Rows that are there stay as they are, and stand for the load's.
    SkipExisting,
    /// As [`WriteMode::Insert`]: rows that are there were found before, and are not among those written.
    Match,
    /// Columns of rows that are there, which take the load's cells where they have none.
    Fill,
    /// Columns of rows that this load has written already, which had to wait for rows of other tables.
    Late,
}

impl WriteMode {
    /// As target schemas name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Upsert => "upsert",
            Self::SkipExisting => "skip-existing",
            Self::Match => "match",
            Self::Fill => "fill",
            Self::Late => "late",
        }
    }

    /// Whether rows must be compared with those that are there before they are written.
    pub(crate) fn compares(self) -> bool {
        matches!(self, Self::Upsert | Self::SkipExisting | Self::Fill | Self::Late)
    }
}

/// The way that a table's rows take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Path {
    /// Straight into the table.
    #[default]
    Direct,
    /// Into a temporary table first, from there by few statements.
    Staged,
}

/// Why rows are staged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// They are compared with rows that are there.
    Mode,
    /// The role is subject to row level security, which COPY does not heed.
    RowSecurity,
    /// Rows refer to rows of the same table, and each statement is checked at its end.
    SelfReference,
    /// A rule of the table rewrites inserts, which COPY does not heed.
    Rule,
    /// The load follows others, whose rows are in the table.
    Follows,
}

impl Reason {
    /// As reports name it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Mode => "mode",
            Self::RowSecurity => "row-security",
            Self::SelfReference => "self-reference",
            Self::Rule => "rule",
            Self::Follows => "follows",
        }
    }

    /// What follows "staged, because".
    pub fn because(self) -> &'static str {
        match self {
            Self::Mode => "rows are compared with those that are there",
            Self::RowSecurity => "row level security is active for the role, and COPY does not heed it",
            Self::SelfReference => "rows refer to rows of the same table, and must be checked together",
            Self::Follows => "rows are compared with those of the orders before",
            Self::Rule => "a rule of the table rewrites inserts, and COPY does not heed it",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TablePlan {
    pub path: Path,
    /// Empty where rows go straight into the table.
    pub why: Vec<Reason>,
}

/// What was decided of single rows, by source key. Empty but for loads that follow others.
#[derive(Clone, Default)]
pub struct Rulings {
    /// Rows that take the load's cells though somebody else has written to them since.
    pub overwrite: Vec<String>,
    /// Rows that stay as they are though the load's cells differ.
    pub keep: Vec<String>,
}

/// What a table's written rows came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Merged {
    pub inserted: u64,
    /// Rows that were there and took other cells.
    pub updated: u64,
    /// Rows that were there with just these cells.
    pub unchanged: u64,
    /// Rows that were there and stay as they are, whatever their cells.
    pub matched: u64,
    /// Rows that were matched before, and took cells where they had none.
    pub filled: u64,
    /// Rows that stay as they are by a ruling.
    pub kept: u64,
}

impl Merged {
    /// Rows that the load answers for.
    pub fn loaded(&self) -> u64 {
        self.inserted + self.updated + self.unchanged
    }
}

impl std::ops::AddAssign for Merged {
    fn add_assign(&mut self, more: Self) {
        self.inserted += more.inserted;
        self.updated += more.updated;
        self.unchanged += more.unchanged;
        self.matched += more.matched;
        self.filled += more.filled;
        self.kept += more.kept;
    }
}

/// Rows of a keyspace for which a load does not answer. Values: they must not reach a log.
#[derive(Clone, Default)]
pub struct Unanswered {
    /// A later load has written to them, or took them over.
    pub superseded: Vec<String>,
    /// They were there before and stayed as they were; they are there now.
    pub skipped: Vec<String>,
    /// They were edited in the target since an earlier load, and were left so.
    pub kept: Vec<String>,
}
