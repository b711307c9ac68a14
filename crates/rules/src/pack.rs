//! What a project says once its files are read: systems, targets, categories, maps and settings.

use std::collections::BTreeMap;

use crate::{FieldType, File, PatientMatch, Place, SecondReading, TableSchema};

/// A value and where it stands in a rule file.
///
/// Text that is written without escapes and on one line is as long as its place, quotes left out: there an offset in
/// the text is an offset in the file. Otherwise the place is that of the whole scalar.
#[derive(Debug, Clone, PartialEq)]
pub struct Located<T> {
    pub value: T,
    pub place: Place,
}

/// Everything a project's folder (and the packs compiled in) says.
#[derive(Debug, Clone, Default)]
pub struct Project {
    pub settings: Settings,
    pub systems: Vec<System>,
    pub targets: Vec<Target>,
    /// Canonical categories by name.
    pub categories: BTreeMap<String, TableSchema>,
    pub maps: BTreeMap<String, CodeMap>,
    /// The files read, for underlining; `Place::file` indexes this.
    pub files: Vec<File>,
}

/// `chartlift.yaml`
#[derive(Debug, Clone, Default)]
pub struct Settings {
    pub name: String,
    /// Where orders live: a path or URL; relative paths start at the project's folder.
    pub storage: Option<String>,
    /// The project key: `env:NAME` or `file:PATH`.
    pub key: Option<Located<String>>,
    /// The default target: `NAME` or `NAME=URL`.
    pub target: Option<Located<String>>,
    pub limits: Limits,
    /// When patients of several inputs are one person; nobody is where this is not said.
    pub patients: Option<PatientMatch>,
    pub gates: Vec<Gate>,
    pub absences: Vec<AbsenceLimit>,
    /// Nothing is imported that nobody approved.
    pub approval_required: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// The longest field the reader accepts, in bytes; a longer one makes its row a reject.
    pub field_bytes: usize,
    /// What queries may hold in memory, in bytes.
    pub memory_bytes: usize,
    /// Worker threads; `None` is one a core.
    pub threads: Option<usize>,
    /// How long a target's locks are waited for, in seconds.
    pub lock_seconds: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { field_bytes: 16 << 20, memory_bytes: 256 << 20, threads: None, lock_seconds: 60 }
    }
}

/// An acceptance gate that somebody moved, with name and reason.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    /// A source table, a category or a target table.
    pub applies_to: Located<String>,
    /// `None`: at every stage.
    pub stage: Option<String>,
    /// The largest accepted share of quarantined and blocked rows, 0 to 1.
    pub quarantined: f64,
    pub author: String,
    pub date: String,
    pub reason: String,
}

/// How much of a target table may be missing from a later export before the order waits, with name and reason.
#[derive(Debug, Clone, PartialEq)]
pub struct AbsenceLimit {
    pub table: Located<String>,
    /// Of the rows that earlier orders loaded, 0 to 1.
    pub share: f64,
    pub author: String,
    pub date: String,
    pub reason: String,
}

/// A source product and one version of its export format.
#[derive(Debug, Clone)]
pub struct System {
    pub name: String,
    pub version: String,
    /// Further product versions that write exactly the same format.
    pub covers: Vec<String>,
    pub title: Option<String>,
    /// IANA zone of times that carry no offset.
    pub timezone: String,
    pub tables: Vec<SourceTable>,
    pub categorize: Vec<RuleFile>,
    /// What tells this version from others that only values tell apart.
    pub fingerprints: Vec<Fingerprint>,
    /// Whole tables nobody reads, each with a reason.
    pub ignored_tables: Vec<Ignored>,
    /// Columns that name files of the export.
    pub attachments: Vec<Attachments>,
    /// What is read a second time, straight from the files.
    pub second_reading: Vec<SecondReading>,
    pub place: Place,
}

/// Files that the rows of a table name, one a row.
#[derive(Debug, Clone, PartialEq)]
pub struct Attachments {
    pub table: Located<String>,
    /// Holds the file's name, relative to the folder.
    pub column: Located<String>,
    /// A folder of the export, with `/`; what lies in it is no table.
    pub folder: Located<String>,
    /// What the names begin with in the old system, such as `C:\\scans\\`.
    pub strip: Option<String>,
    /// A column with the SHA-256 that the file should have.
    pub sha256: Option<Located<String>>,
}

impl Attachments {
    /// The columns that rules may read of a row's file, with their types.
    pub const COLUMNS: [(&'static str, FieldType); 5] = [
        ("_file_name", FieldType::String),
        ("_file_sha256", FieldType::String),
        ("_file_size", FieldType::Integer),
        ("_file_media_type", FieldType::String),
        ("_file_missing", FieldType::Boolean),
    ];
}

/// A fact about all values of a column.
#[derive(Debug, Clone, PartialEq)]
pub struct Fingerprint {
    pub table: Located<String>,
    pub column: Located<String>,
    pub says: Says,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Says {
    /// Reference inclusion: every value is one of another column's.
    AllIn { table: Located<String>, column: Located<String> },
    /// Every value matches, as a schema's `pattern` does.
    Pattern(Located<String>),
}

#[derive(Debug, Clone)]
pub struct SourceTable {
    pub name: Located<String>,
    /// File name pattern: `*` and `?`, compared without regard to case.
    pub path: String,
    /// False: an export without this file is still complete.
    pub required: bool,
    pub dialect: Dialect,
    pub schema: TableSchema,
}

/// How a delimited file is written. Names follow the Table Dialect standard.
#[derive(Debug, Clone, PartialEq)]
pub struct Dialect {
    pub delimiter: u8,
    /// `None`: quotes are ordinary characters.
    pub quote_char: Option<u8>,
    /// A doubled quote inside a quoted field stands for one.
    pub double_quote: bool,
    /// Makes the next character ordinary, e.g. a backslash.
    pub escape_char: Option<u8>,
    /// The 1-based record that holds the header; 0: none, columns are the schema's, in order.
    pub header_row: u32,
    pub line_terminator: LineTerminator,
    pub encoding: Encoding,
}

impl Default for Dialect {
    fn default() -> Self {
        Self {
            delimiter: b',',
            quote_char: Some(b'"'),
            double_quote: true,
            escape_char: None,
            header_row: 1,
            line_terminator: LineTerminator::Any,
            encoding: Encoding::Utf8,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineTerminator {
    /// `\n`, with a `\r` before it taken off.
    Any,
    Lf,
    CrLf,
    Cr,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// With or without a byte order mark.
    Utf8,
    Windows1252,
    /// ISO-8859-1 proper: 0x80 to 0x9F are control characters, not Windows' letters.
    Iso8859_1,
    /// MS-DOS in Western Europe and Brazil.
    Cp850,
    /// The byte order mark says which byte comes first; a file without one cannot be read.
    Utf16,
    /// With or without a byte order mark.
    Utf16Le,
    Utf16Be,
}

#[derive(Debug, Clone)]
pub struct Ignored {
    pub table: Located<String>,
    /// `None`: the whole table.
    pub column: Option<Located<String>>,
    pub reason: String,
}

/// `categorize/<category>.yaml` or `convert/<table>.yaml`
#[derive(Debug, Clone)]
pub struct RuleFile {
    /// The category or the target table the rules produce.
    pub into: Located<String>,
    pub rules: Vec<Rule>,
    /// What becomes of rows with one key and different content; `None`: all are quarantined.
    pub merge: Option<Merge>,
    pub ignored_columns: Vec<Ignored>,
}

/// How rows with one key become one.
#[derive(Debug, Clone)]
pub struct Merge {
    pub keep: Keep,
    /// Fields that put the rows in order; what is equal stays in the order of the files.
    pub order: Vec<Located<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    First,
    Last,
    /// The first row, its empty fields filled from the next that has a value.
    Fill,
}

#[derive(Debug, Clone)]
pub struct Rule {
    pub name: Located<String>,
    /// The driving table (categorize) or category (convert). A union's rule stands once for each of its tables.
    pub from: Located<String>,
    /// The name its columns are reached by: its own, or that of the union's first table.
    pub alias: String,
    pub group: Option<Group>,
    pub unpivot: Option<Unpivot>,
    pub split: Option<Split>,
    pub joins: Vec<Join>,
    pub excludes: Vec<Exclude>,
    pub checks: Vec<Condition>,
    pub fields: Vec<FieldRule>,
    pub place: Place,
}

/// Many rows become one: those with equal values in `by`.
#[derive(Debug, Clone)]
pub struct Group {
    pub by: Vec<Located<String>>,
    /// Columns that put a group's rows in order, each by its declared type.
    pub order: Vec<Located<String>>,
    /// The row that plain columns are taken from.
    pub take: Take,
    pub place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Take {
    First,
    Last,
}

/// Numbered columns become rows: the nth of each list makes the nth row.
#[derive(Debug, Clone)]
pub struct Unpivot {
    /// New column and the columns it takes its values from, all as many.
    pub columns: Vec<(Located<String>, Vec<Located<String>>)>,
    /// A new column with the place in the lists, from 1.
    pub number: Option<Located<String>>,
    pub place: Place,
}

/// Columns that hold lists become rows, one a piece; several columns are taken in step.
#[derive(Debug, Clone)]
pub struct Split {
    /// New column and the column that holds the list.
    pub columns: Vec<(Located<String>, Located<String>)>,
    pub separator: String,
    pub place: Place,
}

/// A condition over a row's columns that is true where something is wrong.
#[derive(Debug, Clone)]
pub struct Condition {
    pub check: Located<String>,
    pub when: Located<String>,
    pub failed: Disposition,
}

#[derive(Debug, Clone)]
pub struct Join {
    pub table: Located<String>,
    /// The name its columns are reached by; the table's own unless `as` gives another.
    pub alias: String,
    /// An equality condition in SQL, columns qualified: `addresses.patient_id = patients.id`.
    pub matches: Located<String>,
    pub at_most: AtMost,
    /// What becomes of the joined table's rows that no driving row reached.
    pub unreferenced: Unreferenced,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtMost {
    /// More matches quarantine the driving row (`fan-out`).
    One,
    /// Every match makes a row of its own.
    Many,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreferenced {
    Quarantine,
    /// Excused: counted as excluded.
    Exclude,
}

#[derive(Debug, Clone)]
pub struct Exclude {
    pub rule: Located<String>,
    /// A condition in SQL.
    pub when: Located<String>,
    pub unknown: Unknown,
    /// It sees the driving table's own columns only, not those of joined ones: so it fits every rule of the table.
    pub own_columns: bool,
}

/// What a null condition means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    Stop,
    Exclude,
    Keep,
}

/// One field of a rule: where its value comes from and what may be done to it.
#[derive(Debug, Clone)]
pub struct FieldRule {
    pub field: Located<String>,
    pub value: FieldValue,
    /// PostgreSQL template patterns (`DD/MM/YYYY`), tried in order.
    pub formats: Vec<Located<String>>,
    pub map: Option<Located<String>>,
    /// `None`: the category's default.
    pub failed: Option<Failed>,
    pub unmapped: Option<Failed>,
    /// Further texts that mean "no value" in this field only.
    pub missing_values: Vec<String>,
    /// Lossless changes to what was written, each with its own mark.
    pub repairs: Vec<Located<Repair>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repair {
    /// NUL characters are taken out.
    Nul,
    /// UTF-8 that was once read as Windows-1252 is read right, where that loses nothing.
    Mojibake,
    /// Digits get the zeros back that a spreadsheet took, where the whole column shows that it did.
    LeadingZeros,
}

impl Repair {
    pub const ALL: [Self; 3] = [Self::Nul, Self::Mojibake, Self::LeadingZeros];

    /// The word in rule files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nul => "nul",
            Self::Mojibake => "mojibake",
            Self::LeadingZeros => "leading_zeros",
        }
    }
}

#[derive(Debug, Clone)]
pub enum FieldValue {
    /// A column of the driving table, or `table.column` of a joined one.
    Column(Located<String>),
    /// A constant.
    Text(Located<String>),
    /// A scalar SQL expression.
    Sql(Located<String>),
    /// The texts of all rows of a group, in order.
    Lines { column: Located<String>, separator: String },
}

/// What a lost value or an unmapped code means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failed {
    KeepTextAndFlag,
    HoldRow,
    Stop,
}

/// What a finding means, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Disposition {
    Note,
    Repair,
    Degrade,
    Exclude,
    Quarantine,
    Block,
}

impl Disposition {
    pub const ALL: [Self; 6] =
        [Self::Note, Self::Repair, Self::Degrade, Self::Exclude, Self::Quarantine, Self::Block];

    pub fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Repair => "repair",
            Self::Degrade => "degrade",
            Self::Exclude => "exclude",
            Self::Quarantine => "quarantine",
            Self::Block => "block",
        }
    }

    /// Later stages do not read a held row.
    pub fn holds(self) -> bool {
        self >= Self::Exclude
    }
}

/// A destination and its version.
#[derive(Debug, Clone)]
pub struct Target {
    pub name: String,
    pub version: String,
    pub title: Option<String>,
    pub tables: Vec<TargetTable>,
    pub convert: Vec<RuleFile>,
    /// `ddl/postgres.sql` and `ddl/sqlite.sql`, by database name.
    pub ddl: BTreeMap<String, String>,
    /// Whole categories this target has no place for, each with a reason.
    pub ignored_categories: Vec<Ignored>,
    pub place: Place,
}

#[derive(Debug, Clone)]
pub struct TargetTable {
    pub name: Located<String>,
    pub schema: TableSchema,
}

/// A code map: source code to target code.
#[derive(Debug, Clone)]
pub struct CodeMap {
    pub name: String,
    pub entries: Vec<MapEntry>,
    pub place: Place,
}

#[derive(Debug, Clone, PartialEq)]
pub struct MapEntry {
    pub source: String,
    pub source_text: String,
    pub target: String,
    /// FHIR R4 ConceptMap equivalence.
    pub equivalence: String,
    pub decided_by: String,
}
