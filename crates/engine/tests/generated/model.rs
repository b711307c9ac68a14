//! What a generated case consists of: what the generator makes, the renderer writes and the interpreter reads.

/// Text, or nothing. Dates are ISO text and integers plain decimal text once they have been read.
pub(crate) type Value = Option<String>;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Text,
    Integer,
    Date,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Test {
    Required,
    Unique,
    MinLength(usize),
    MaxLength(usize),
    OneOf(Vec<&'static str>),
    /// Of integers.
    Minimum(i64),
}

impl Test {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Unique => "unique",
            Self::MinLength(_) => "minLength",
            Self::MaxLength(_) => "maxLength",
            Self::OneOf(_) => "enum",
            Self::Minimum(_) => "minimum",
        }
    }
}

/// What a failed check means, by the check's name.
pub(crate) type Failed = Vec<(&'static str, &'static str)>;

#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// A date of a source is `DD/MM/YYYY`, not ISO.
    pub(crate) day_first: bool,
    pub(crate) tests: Vec<Test>,
    pub(crate) failed: Failed,
}

impl Field {
    pub(crate) fn new(name: &str, kind: Kind) -> Self {
        Self { name: name.into(), kind, day_first: false, tests: Vec::new(), failed: Vec::new() }
    }

    pub(crate) fn required(&self) -> bool {
        self.tests.contains(&Test::Required)
    }
}

/// A source table.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) fields: Vec<Field>,
    pub(crate) primary: Vec<String>,
    pub(crate) row_key: Vec<String>,
    /// Column and parent table; the parent's key is `id`.
    pub(crate) references: Vec<(String, String)>,
    pub(crate) missing: Vec<&'static str>,
    pub(crate) failed: Failed,
    pub(crate) ignored: bool,
    pub(crate) files: Vec<File>,
}

impl Table {
    pub(crate) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) name: String,
    /// The places of the table's fields, in the order of the file's columns.
    pub(crate) order: Vec<usize>,
    pub(crate) lines: Vec<Line>,
}

#[derive(Clone, Debug)]
pub(crate) enum Line {
    /// In the order of the fields.
    Row(Vec<Value>),
    /// Too few or too many cells, in the order of the file.
    Damaged(Vec<Value>),
}

/// A category or a target table, and the rules that fill it.
#[derive(Clone, Debug)]
pub(crate) struct Sink {
    pub(crate) name: String,
    pub(crate) fields: Vec<Field>,
    pub(crate) key: String,
    pub(crate) patient: Option<String>,
    pub(crate) critical: bool,
    /// Column and parent.
    pub(crate) references: Vec<(String, String)>,
    pub(crate) failed: Failed,
    pub(crate) hold: Option<String>,
    pub(crate) natural: bool,
    pub(crate) rules: Vec<Rule>,
    pub(crate) merge: Option<Merge>,
    /// A category that the target has no place for.
    pub(crate) ignored: bool,
}

impl Sink {
    pub(crate) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    pub(crate) fn defines_patients(&self) -> bool {
        self.patient.as_ref() == Some(&self.key)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Keep {
    First,
    Last,
    Fill,
}

#[derive(Clone, Debug)]
pub(crate) struct Merge {
    pub(crate) keep: Keep,
    pub(crate) order: Vec<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) name: String,
    /// Several: a union. The first names the columns in SQL.
    pub(crate) from: Vec<String>,
    pub(crate) group: Option<Group>,
    pub(crate) unpivot: Option<Unpivot>,
    pub(crate) split: Option<Split>,
    pub(crate) joins: Vec<Join>,
    pub(crate) excludes: Vec<Exclude>,
    pub(crate) checks: Vec<Check>,
    pub(crate) fields: Vec<(String, Given)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) by: Vec<String>,
    pub(crate) order: Vec<String>,
    pub(crate) last: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Unpivot {
    pub(crate) columns: Vec<(String, Vec<String>)>,
    pub(crate) number: Option<String>,
}

/// The separator is always `|`.
#[derive(Clone, Debug)]
pub(crate) struct Split {
    pub(crate) columns: Vec<(String, String)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Join {
    pub(crate) table: String,
    pub(crate) alias: String,
    pub(crate) matches: Condition,
    pub(crate) many: bool,
    pub(crate) exclude: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Exclude {
    pub(crate) name: String,
    pub(crate) when: Condition,
    /// `stop`, `exclude` or `keep`.
    pub(crate) unknown: &'static str,
}

#[derive(Clone, Debug)]
pub(crate) struct Check {
    pub(crate) name: String,
    pub(crate) when: Condition,
    pub(crate) failed: &'static str,
}

#[derive(Clone, Debug)]
pub(crate) struct Given {
    pub(crate) source: Source,
    pub(crate) map: Option<String>,
    /// Template words, e.g. `DD/MM/YYYY`.
    pub(crate) formats: Vec<&'static str>,
    pub(crate) missing: Vec<&'static str>,
    /// `keep_text_and_flag`, `hold_row` or `stop`.
    pub(crate) failed: Option<&'static str>,
    pub(crate) unmapped: Option<&'static str>,
    pub(crate) repair: bool,
}

impl Given {
    pub(crate) fn new(source: Source) -> Self {
        Self {
            source,
            map: None,
            formats: Vec::new(),
            missing: Vec::new(),
            failed: None,
            unmapped: None,
            repair: false,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Source {
    Column(Column),
    Text(String),
    Sql(Expression),
    Lines(String, String),
}

/// `alias` as SQL names the table.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Column {
    pub(crate) alias: String,
    pub(crate) name: String,
}

#[derive(Clone, Debug)]
pub(crate) enum Expression {
    Column(Column),
    Text(String),
    Coalesce(Vec<Self>),
    Concat(Vec<Self>),
    Trim(Box<Self>),
    Upper(Box<Self>),
    Digits(Box<Self>),
    NullIf(Box<Self>, String),
    Case(Box<Condition>, Box<Self>, Box<Self>),
    ParseInteger(Box<Self>),
    /// With template words.
    ParseDate(Box<Self>, &'static str),
}

#[derive(Clone, Debug)]
pub(crate) enum Condition {
    Equal(Expression, Expression),
    Unequal(Expression, Expression),
    Null(Expression),
    NotNull(Expression),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Not(Box<Self>),
}

#[derive(Clone, Debug)]
pub(crate) struct Map {
    pub(crate) name: String,
    /// Code and what it becomes; empty: decided to be nothing.
    pub(crate) entries: Vec<(&'static str, &'static str)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Gate {
    pub(crate) applies_to: String,
    pub(crate) stage: Option<&'static str>,
    pub(crate) percent: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) tables: Vec<Table>,
    pub(crate) categories: Vec<Sink>,
    pub(crate) targets: Vec<Sink>,
    pub(crate) maps: Vec<Map>,
    pub(crate) gates: Vec<Gate>,
}

impl Case {
    pub(crate) fn table(&self, name: &str) -> &Table {
        self.tables.iter().find(|table| table.name == name).expect("a table of the case")
    }

    pub(crate) fn category(&self, name: &str) -> &Sink {
        self.categories.iter().find(|category| category.name == name).expect("a category of the case")
    }

    pub(crate) fn target(&self, name: &str) -> &Sink {
        self.targets.iter().find(|target| target.name == name).expect("a target table of the case")
    }
}
