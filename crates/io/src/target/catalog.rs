//! What the live database says of its tables, in the few words that rules can be compared with.

use arrow::datatypes::DataType;

use super::facts::TableFacts;
use super::spec::ValueType;
use crate::Error;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Catalog {
    pub tables: Vec<CatalogTable>,
    /// Why nothing can be written there, in words that follow a colon.
    pub read_only: Option<&'static str>,
    /// Privileges that the bookkeeping needs and the role lacks, as `INSERT on table chartlift.load`.
    pub lacks: Vec<String>,
}

impl Catalog {
    /// Refuses a target that takes no writes.
    pub fn demand_writes(&self, target: String) -> Result<(), Error> {
        self.read_only.map_or(Ok(()), |problem| Err(Error::ReadOnly { target, problem }))
    }

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
    pub facts: TableFacts,
}

impl CatalogTable {
    pub fn column(&self, name: &str) -> Option<&CatalogColumn> {
        self.columns.iter().find(|column| column.name == name)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CatalogColumn {
    pub name: String,
    /// The type as the database writes it, for messages.
    pub database_type: String,
    /// The same without its domains, as SQL.
    pub base_type: String,
    pub class: TypeClass,
    pub nullable: bool,
    pub has_default: bool,
    /// In characters; of an array, each element's.
    pub max_length: Option<u32>,
    /// The database computes it: nothing may be written to it.
    pub generated: bool,
    /// The database numbers it, and takes numbers that are given.
    pub identity: bool,
    /// An enumeration's labels.
    pub labels: Option<Vec<String>>,
    /// Digits of a second that the column keeps, where they are fewer than six.
    pub precision: Option<u8>,
    /// `char(n)`: spaces at the end do not come back.
    pub padded: bool,
    /// It stands in an index that takes no long texts.
    pub indexed: bool,
    /// Privileges on it that the role lacks: `SELECT`, `INSERT`, `UPDATE`.
    pub lacks: Vec<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignKey {
    pub columns: Vec<String>,
    /// `schema.table` only where the plain name would not find it.
    pub table: String,
    pub referred_columns: Vec<String>,
    /// The constraint, as SQL, where it can be looked at when a transaction ends; empty where all of them are.
    pub deferrable: Option<String>,
}

/// What a column can hold, as far as writing and reading it back differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
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
    /// Kept as it was written.
    Json,
    /// Read and written anew by the server: members sorted, the last of equal names kept, numbers spelt out.
    Jsonb,
    /// Bytes; converted values are texts, base64 or `\x` and hexadecimal digits.
    Bytes,
    /// One dimension; converted values are texts that hold a JSON array.
    Array(Element),
    /// SQLite's TEXT: texts, and numbers, dates and instants in canonical writing.
    AnyText,
    /// SQLite's INTEGER: integers, and booleans as 0 and 1.
    AnyInteger,
    /// What is written could not be proved by reading it back: interval, inet, money, xml, ranges, composites, ...
    #[default]
    Unsupported,
}

/// What an array holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Element {
    Text,
    /// Like text, but the server tells them apart.
    Varchar,
    Uuid,
    SmallInteger,
    Integer,
    BigInteger,
    Numeric {
        digits: Option<u16>,
        scale: Option<u16>,
    },
    Boolean,
    Date,
    Timestamp,
    TimestampWithZone,
}

impl Element {
    /// The class of a column that holds one of them.
    pub fn class(self) -> TypeClass {
        match self {
            Self::Text | Self::Varchar => TypeClass::Text,
            Self::Uuid => TypeClass::Uuid,
            Self::SmallInteger => TypeClass::SmallInteger,
            Self::Integer => TypeClass::Integer,
            Self::BigInteger => TypeClass::BigInteger,
            Self::Numeric { digits, scale } => TypeClass::Numeric { digits, scale },
            Self::Boolean => TypeClass::Boolean,
            Self::Date => TypeClass::Date,
            Self::Timestamp => TypeClass::Timestamp,
            Self::TimestampWithZone => TypeClass::TimestampWithZone,
        }
    }
}

impl TypeClass {
    /// Whether texts can be written into such a column as days or instants, infinite ones and those before Christ among
    /// them: a pack must say that it has some.
    pub fn accepts_days_in_words(self) -> bool {
        matches!(self, Self::Date | Self::Timestamp | Self::TimestampWithZone | Self::AnyText)
    }

    /// Whether converted values of this Arrow type can be written into such a column.
    pub fn accepts(self, data_type: &DataType) -> bool {
        let Some(value) = ValueType::of(data_type) else { return false };
        match value {
            ValueType::Text => matches!(
                self,
                Self::Text
                    | Self::AnyText
                    | Self::Uuid
                    | Self::Time
                    | Self::Json
                    | Self::Jsonb
                    | Self::Bytes
                    | Self::Array(_)
            ),
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
