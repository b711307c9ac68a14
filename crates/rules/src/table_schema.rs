//! Table Schema (Data Package v2), the one description of a table: source files, canonical categories and
//! target tables all use it. What the standard lacks sits under the `chartlift:` key.
//!
//! Names and meaning follow <https://datapackage.org/standard/table-schema/>.

use crate::{Carried, Disposition, Located, Place};

/// One table: its fields in order, its keys, and Chartlift's own additions.
#[derive(Debug, Clone, PartialEq)]
pub struct TableSchema {
    pub fields: Vec<Field>,
    /// Columns that no file has: what was found out about the files that a source table's rows name.
    pub made: Vec<Field>,
    /// Empty when the table declares no primary key.
    pub primary_key: Vec<Located<String>>,
    pub foreign_keys: Vec<ForeignKey>,
    /// Texts that mean "no value". The standard's default is one empty text.
    pub missing_values: Vec<String>,
    pub extension: TableExtension,
    pub place: Place,
}

impl TableSchema {
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().chain(&self.made).find(|field| field.name.value == name)
    }

    /// Where a field stands among the fields.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name.value == name)
    }

    /// Whether a row must have a value here: by constraint, or as part of the primary key.
    pub fn requires(&self, field: &Field) -> bool {
        field.constraints.required || self.primary_key.iter().any(|key| key.value == field.name.value)
    }

    /// What a failed check means where the schema says so: the field's own word, else the table's.
    /// The same with what is true of every primary key, said or not: its columns must have values.
    pub fn with_required_keys(&self) -> Self {
        let mut schema = self.clone();
        for field in &mut schema.fields {
            field.constraints.required |= self.primary_key.iter().any(|key| key.value == field.name.value);
        }
        schema
    }

    pub fn failed(&self, field: Option<&Field>, check: &str) -> Option<Disposition> {
        let find = |list: &[(String, Disposition)]| {
            list.iter().find(|(name, _)| name == check).map(|(_, disposition)| *disposition)
        };
        field.and_then(|field| find(&field.extension.failed)).or_else(|| find(&self.extension.failed))
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    pub name: Located<String>,
    pub kind: FieldType,
    /// The standard's `format`: for dates and times a strptime pattern (`%d/%m/%Y`); `None` means the default (ISO 8601).
    pub format: Option<Located<String>>,
    /// The standard's `decimalChar`, default `.`.
    pub decimal_char: char,
    /// The standard's `groupChar`; no default.
    pub group_char: Option<char>,
    /// The standard's `trueValues`, default `true True TRUE 1`.
    pub true_values: Vec<String>,
    /// The standard's `falseValues`, default `false False FALSE 0`.
    pub false_values: Vec<String>,
    pub title: Option<String>,
    pub description: Option<String>,
    pub constraints: Constraints,
    pub extension: FieldExtension,
}

impl Field {
    /// A field with the standard's defaults and no constraint.
    pub fn plain(name: Located<String>, kind: FieldType) -> Self {
        let words = |words: [&str; 4]| words.map(str::to_owned).to_vec();
        Self {
            name,
            kind,
            format: None,
            decimal_char: '.',
            group_char: None,
            true_values: words(["true", "True", "TRUE", "1"]),
            false_values: words(["false", "False", "FALSE", "0"]),
            title: None,
            description: None,
            constraints: Constraints::default(),
            extension: FieldExtension::default(),
        }
    }

    /// How many digits a value has, where the constraints leave no choice: a pattern such as `\d{5}`, or one length.
    pub fn fixed_digits(&self) -> Option<u32> {
        if self.kind != FieldType::String {
            return None;
        }
        let constraints = &self.constraints;
        let of_pattern = || {
            let pattern = constraints.pattern.as_ref()?.value.as_str();
            let bare = pattern.trim_start_matches('^').trim_end_matches('$');
            let count = bare.strip_prefix("\\d").or_else(|| bare.strip_prefix("[0-9]"))?;
            count.strip_prefix('{')?.strip_suffix('}')?.parse().ok()
        };
        let of_length = || {
            let length = constraints.min_length.filter(|length| Some(*length) == constraints.max_length)?;
            u32::try_from(length).ok()
        };
        of_pattern().or_else(of_length).filter(|digits| (2..=64).contains(digits))
    }
}

/// The standard's field types that flat exports use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FieldType {
    String,
    Integer,
    Number,
    Boolean,
    Date,
    Time,
    Datetime,
}

impl FieldType {
    pub const ALL: [Self; 7] =
        [Self::String, Self::Integer, Self::Number, Self::Boolean, Self::Date, Self::Time, Self::Datetime];

    /// The standard's word.
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Time => "time",
            Self::Datetime => "datetime",
        }
    }

    /// The word with its article, for messages.
    pub(crate) fn phrase(self) -> String {
        let article = if self == Self::Integer { "an" } else { "a" };
        format!("{article} {}", self.name())
    }
}

/// The standard's constraint names, verbatim (in Rust's casing).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Constraints {
    pub required: bool,
    pub unique: bool,
    pub min_length: Option<u64>,
    pub max_length: Option<u64>,
    /// Bounds are kept as their text and read by the field's own type.
    pub minimum: Option<Located<String>>,
    pub maximum: Option<Located<String>>,
    pub exclusive_minimum: Option<Located<String>>,
    pub exclusive_maximum: Option<Located<String>>,
    /// An XML Schema regular expression: it must match the whole value.
    pub pattern: Option<Located<String>>,
    pub allowed: Option<Vec<String>>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ForeignKey {
    pub fields: Vec<Located<String>>,
    /// The table referred to; the standard's empty text (self reference) is already resolved to the own name.
    pub resource: Located<String>,
    pub reference_fields: Vec<Located<String>>,
}

/// The `chartlift:` key of a field.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FieldExtension {
    /// What a failed check of this field means, by constraint name (`type`, `required`, `pattern`, `foreignKey`, ...).
    pub failed: Vec<(String, Disposition)>,
    /// `keep: never`: a credential; its value goes nowhere, not even to residue.
    pub keep_never: bool,
    /// Target fields of type `string` whose column holds days or instants: what may stand there besides those of the
    /// years 1 to 9999.
    pub allow: Vec<Unusual>,
}

/// Days and instants that only some systems know what to do with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unusual {
    /// `infinity` and `-infinity`.
    Infinity,
    /// What ends in ` BC`.
    BeforeChrist,
}

/// What is to become of a trigger of the target while rows are loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TriggerRule {
    Fire,
    /// From before the first row until just before the commit.
    Disable,
}

/// The `chartlift:` key of a table. Each floor of use reads the part that concerns it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TableExtension {
    /// Table-wide dispositions by constraint name; a field's own win.
    pub failed: Vec<(String, Disposition)>,
    /// Source tables without a primary key: the columns that, with an occurrence number, name a row.
    pub row_key: Vec<Located<String>>,
    /// Categories: loss is never silent (see the semantics of holds).
    pub safety_critical: SafetyCritical,
    /// Categories: the date or instant that says whether a row lies in the future.
    pub time: Option<Located<String>>,
    /// Categories and target tables: the field that names the patient (its source key).
    pub patient: Option<Located<String>>,
    /// Target tables: how the primary key is made.
    pub key: TargetKey,
    /// Target tables: how rows are loaded.
    pub mode: LoadMode,
    /// Target tables loaded with `mode: match`: the lists of columns that tell rows apart, each an alternative.
    pub alternatives: Vec<Vec<Located<String>>>,
    /// The same: which columns of rows that are found take cells where they have none.
    pub fill: Fill,
    /// Target tables: the column that shows what was degraded.
    pub hold: Option<Located<String>>,
    /// Target tables: which columns carry the facts that are read a second time.
    pub second_reading: Option<Carried>,
    /// Target tables: the name in the database when it differs from the file's.
    pub table: Option<String>,
    /// Target tables: the triggers that the database has, by name.
    pub triggers: Vec<(Located<String>, TriggerRule)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SafetyCritical {
    #[default]
    No,
    Yes,
    /// Only rows whose instant lies after the order's creation (appointments).
    Future,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TargetKey {
    /// UUIDv8 from HMAC-SHA256 over (series, system, table, source key).
    #[default]
    Uuid,
    /// The source key itself.
    Natural,
    /// The target assigns it: a number of the column's own sequence, or where the column takes none a UUID.
    Identity,
}

/// What is filled in of rows that are found in the target.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Fill {
    #[default]
    Nothing,
    /// Every column but the key and the one that shows holds.
    All,
    Columns(Vec<Located<String>>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LoadMode {
    /// A conflict is a finding and nothing is loaded.
    #[default]
    Insert,
    /// Rows whose key is there already take the cells of the export.
    Upsert,
    /// Rows whose key is there already stay as they are; only the others are inserted.
    SkipExisting,
    /// Rows that are there already are found and left as they are; only the others are inserted.
    Match,
}
