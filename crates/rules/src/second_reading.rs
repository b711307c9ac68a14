//! What packs declare about the second reading: which columns state the facts of a category, and which carry them.

use crate::Located;

/// `second_reading:` of `system.yaml`, for one category.
#[derive(Debug, Clone, PartialEq)]
pub struct SecondReading {
    pub category: Located<String>,
    /// Why it is not read twice; then there are no tables.
    pub none: Option<String>,
    pub tables: Vec<ReadTable>,
}

/// A source table as it is read a second time.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadTable {
    pub table: Located<String>,
    /// The rule that makes the same entries of it; needed where the category has several rules on the table.
    pub rule: Option<Located<String>>,
    /// The column with the patient's source key.
    pub patient: Located<String>,
    pub split: Option<ReadSplit>,
    pub facts: Vec<ReadFact>,
}

/// Columns that hold lists, taken in step.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadSplit {
    pub columns: Vec<Located<String>>,
    pub separator: String,
}

/// A field of the category and the column that states it.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadFact {
    pub field: Located<String>,
    pub column: Located<String>,
    pub kind: FactKind,
    /// Further texts that mean "no value".
    pub missing: Vec<String>,
    /// The first that fits decides.
    pub unless: Vec<ReadUnless>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum FactKind {
    /// The text itself, white space squeezed.
    Text,
    /// A date by the first pattern that fits.
    Date(Vec<String>),
    /// An instant by the first pattern that fits; UTC where the pattern ends in `Z`, else in the pack's zone.
    Instant(Vec<String>),
    /// The digits of the text and nothing else.
    Digits,
    /// A number, and the character before its fraction.
    Number(char),
    /// Active where the text is one of these.
    Status(Vec<String>),
}

/// Where another column has one of some texts, the fact is read as another text, or as none.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadUnless {
    pub column: Located<String>,
    pub texts: Vec<String>,
    /// `None`: as none.
    pub reads: Option<String>,
    /// As its own column after all.
    pub own: bool,
}

/// `second_reading:` of a target table's schema.
#[derive(Debug, Clone, PartialEq)]
pub struct Carried {
    pub category: Located<String>,
    /// Why its rows are not compared; then there are no facts.
    pub none: Option<String>,
    pub facts: Vec<CarriedFact>,
}

/// A field of the category and the target column that carries it.
#[derive(Debug, Clone, PartialEq)]
pub struct CarriedFact {
    pub field: Located<String>,
    pub column: Located<String>,
    /// The column that says how much of a date was known: `Y`, `M` or `D`.
    pub precision: Option<Located<String>>,
    /// For a state: the codes that mean active.
    pub active: Vec<String>,
}
