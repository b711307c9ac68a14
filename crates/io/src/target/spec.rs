//! What a load says of the tables it writes: names and roles, never database types (those the catalogue knows).

use arrow::array::{Array, StringViewArray};
use arrow::datatypes::{DataType, TimeUnit};
use arrow::record_batch::RecordBatch;

use super::writing::WriteMode;
use crate::Error;

/// The last column of every batch: the row's source key.
pub const KEY_COLUMN: &str = "_key";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSpec {
    /// In the database; may be `schema.table`.
    pub name: String,
    pub columns: Vec<ColumnSpec>,
    /// The system whose rows these are: its keys are its own in the crosswalk.
    pub system: String,
    /// The table's name in the crosswalk, within series and system.
    pub keyspace: String,
    pub mode: WriteMode,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnSpec {
    pub name: String,
    pub role: Role,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// The table's key: not digested, since the row's source key stands for it.
    Key(KeyKind),
    /// The key of a row of another table, named by its keyspace.
    Reference {
        table: String,
        kind: KeyKind,
    },
    Data,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// A UUID made from the source key.
    Uuid,
    /// The source key itself, as text.
    Natural,
    /// Whatever the crosswalk says: the key of a row that was there before, or one that the target assigned. In
    /// batches an integer or a text, as the column has it.
    Linked,
}

impl TableSpec {
    /// The column that holds the table's key, and how it is made.
    pub(crate) fn key(&self) -> Result<(&ColumnSpec, KeyKind), Error> {
        self.columns
            .iter()
            .find_map(|column| match column.role {
                Role::Key(kind) => Some((column, kind)),
                _ => None,
            })
            .ok_or_else(|| Error::shape(&self.name, "?", "no column has the role of a key"))
    }

    /// The source keys of a batch whose columns are this table's.
    pub(crate) fn source_keys<'a>(&self, batch: &'a RecordBatch) -> Result<&'a StringViewArray, Error> {
        if batch.num_columns() != self.columns.len() + 1 {
            let problem =
                format!("{} columns were expected, {} given", self.columns.len() + 1, batch.num_columns());
            return Err(Error::shape(&self.name, KEY_COLUMN, problem));
        }
        let keys = batch
            .columns()
            .last()
            .and_then(|array| array.as_any().downcast_ref::<StringViewArray>())
            .ok_or_else(|| Error::shape(&self.name, KEY_COLUMN, "expected text as the last column"))?;
        if keys.null_count() > 0 {
            return Err(Error::shape(&self.name, KEY_COLUMN, "a row has no source key"));
        }
        Ok(keys)
    }

    pub(crate) fn is_linked(&self) -> bool {
        self.columns.iter().any(|column| column.role == Role::Key(KeyKind::Linked))
    }

    /// The position of the key column among the batch's columns.
    pub(crate) fn key_position(&self) -> Result<usize, Error> {
        self.columns
            .iter()
            .position(|column| matches!(column.role, Role::Key(_)))
            .ok_or_else(|| Error::shape(&self.name, "?", "no column has the role of a key"))
    }
}

/// The few types that converted rows have. Its name is stored with the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ValueType {
    Text,
    Uuid,
    Integer,
    Number,
    Boolean,
    Date,
    Instant,
}

impl ValueType {
    /// Digits after the point of `number` values.
    pub(crate) const NUMBER_SCALE: i8 = 18;

    pub(crate) fn of(data_type: &DataType) -> Option<Self> {
        Some(match data_type {
            DataType::Utf8View => Self::Text,
            DataType::FixedSizeBinary(16) => Self::Uuid,
            DataType::Int64 => Self::Integer,
            DataType::Decimal128(_, Self::NUMBER_SCALE) => Self::Number,
            DataType::Boolean => Self::Boolean,
            DataType::Date32 => Self::Date,
            DataType::Timestamp(TimeUnit::Microsecond, _) => Self::Instant,
            _ => return None,
        })
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Uuid => "uuid",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Instant => "datetime",
        }
    }
}
