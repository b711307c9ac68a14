//! Rows that are in a target already, as far as matching needs to see them.

/// A linked table as it stands.
#[derive(Clone, Default)]
pub struct Existing {
    pub rows: Vec<ExistingRow>,
    /// What the crosswalk says of the table in one series and system.
    pub links: Vec<Link>,
}

/// Values of a row: they must not reach a log.
#[derive(Clone, PartialEq, Eq)]
pub struct ExistingRow {
    /// The row's key as the crosswalk would hold it.
    pub key: String,
    /// The columns asked for, as text: dates and instants in ISO 8601 where the database knows them as such.
    pub cells: Vec<Option<String>>,
}

#[derive(Clone, PartialEq, Eq)]
pub struct Link {
    pub source_key: String,
    pub target_key: String,
    pub load: i64,
    /// False where the row was there before.
    pub created: bool,
}
