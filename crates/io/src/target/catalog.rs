//! What the live database says of its tables, in the few words that rules can be compared with.

use arrow::datatypes::DataType;

use super::spec::ValueType;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Catalog {
    pub tables: Vec<CatalogTable>,
}

impl Catalog {
    /// The entry asked for under this name, whether or not the table exists.
    pub fn table(&self, name: &str) -> Option<&CatalogTable> {
        self.tables.iter().find(|table| table.name == name)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CatalogTable {
    /// As asked for.
    pub name: String,
    pub exists: bool,
    pub columns: Vec<CatalogColumn>,
    /// Empty when there is none.
    pub primary_key: Vec<String>,
    /// Unique keys besides the primary key; partial and expression indexes are not listed.
    pub unique_keys: Vec<Vec<String>>,
    pub foreign_keys: Vec<ForeignKey>,
}

impl CatalogTable {
    pub fn column(&self, name: &str) -> Option<&CatalogColumn> {
        self.columns.iter().find(|column| column.name == name)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogColumn {
    pub name: String,
    /// The type as the database writes it, for messages.
    pub database_type: String,
    pub class: TypeClass,
    pub nullable: bool,
    pub has_default: bool,
    /// In characters.
    pub max_length: Option<u32>,
    /// The database computes it: nothing may be written to it.
    pub generated: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignKey {
    pub columns: Vec<String>,
    /// `schema.table` only where the plain name would not find it.
    pub table: String,
    pub referred_columns: Vec<String>,
}

/// What a column can hold, as far as writing and reading it back differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TypeClass {
    /// text, varchar, char, citext, enumerations, domains over these.
    Text,
    Uuid,
    SmallInteger,
    Integer,
    BigInteger,
    /// `digits` in all, `scale` of them after the point; `None`: any.
    Numeric {
        digits: Option<u16>,
        scale: Option<u16>,
    },
    Real,
    Double,
    Boolean,
    Date,
    Time,
    /// Without zone: written in UTC.
    Timestamp,
    TimestampWithZone,
    /// Kept as it was written; `jsonb` is not, so it is unsupported.
    Json,
    /// SQLite's TEXT: texts, and numbers, dates and instants in canonical writing.
    AnyText,
    /// SQLite's INTEGER: integers, and booleans as 0 and 1.
    AnyInteger,
    /// Nothing here can write it.
    Unsupported,
}

impl TypeClass {
    /// Whether converted values of this Arrow type can be written into such a column.
    pub fn accepts(self, data_type: &DataType) -> bool {
        let Some(value) = ValueType::of(data_type) else { return false };
        match value {
            ValueType::Text => {
                matches!(self, Self::Text | Self::AnyText | Self::Uuid | Self::Time | Self::Json)
            }
            ValueType::Uuid => matches!(self, Self::Uuid | Self::Text | Self::AnyText),
            ValueType::Integer => matches!(
                self,
                Self::SmallInteger
                    | Self::Integer
                    | Self::BigInteger
                    | Self::Numeric { .. }
                    | Self::Double
                    | Self::AnyInteger
            ),
            ValueType::Number => {
                matches!(self, Self::Numeric { .. } | Self::Real | Self::Double | Self::AnyText)
            }
            ValueType::Boolean => matches!(self, Self::Boolean | Self::AnyInteger),
            ValueType::Date => matches!(self, Self::Date | Self::AnyText),
            ValueType::Instant => matches!(self, Self::Timestamp | Self::TimestampWithZone | Self::AnyText),
        }
    }
}
