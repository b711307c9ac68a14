//! `system.yaml`: the tables a system exports and how their files are written.

use crate::entries::{Entries, Problems, mapping, open_mapping, unreadable, wrong_type};
use crate::layout::Pack;
use crate::read::{agree, attachments, schema, second_reading, spec};
use crate::yaml::{Node, Value};
use crate::{
    Diagnostic, Dialect, Encoding, Fingerprint, Ignored, LineTerminator, Located, Says, SourceTable, System,
    pattern_regex,
};

const KEYS: &[&str] = &[
    "spec",
    "system",
    "version",
    "covers",
    "extends",
    "title",
    "timezone",
    "dialect",
    "tables",
    "fingerprints",
    "ignore",
    "attachments",
    "second_reading",
];

/// Schemas and rules are added once all files are read.
pub(crate) fn read(node: &Node, pack: &Pack, problems: &mut Problems) -> Option<System> {
    let entries = mapping(node, "`system.yaml`", KEYS, problems)?;
    spec(&entries, problems);
    agree(&entries, "system", &pack.name, problems);
    agree(&entries, "version", &pack.version, problems);
    if entries.get("timezone").is_none() {
        let problem = Diagnostic::error("missing-key", entries.place, "`system.yaml` needs `timezone`");
        problems.push(
            problem.help("the zone of times without an offset is never guessed: e.g. `America/Sao_Paulo`"),
        );
    }
    let timezone = entries.filled("timezone", problems).map(|zone| zone.value).unwrap_or_default();
    let dialect = match entries.get("dialect") {
        Some(node) => dialect(node, &Dialect::default(), problems),
        None => Dialect::default(),
    };
    Some(System {
        name: pack.name.clone(),
        version: pack.version.clone(),
        covers: entries.texts("covers", problems).into_iter().map(|text| text.value).collect(),
        title: entries.filled("title", problems).map(|text| text.value),
        timezone,
        tables: tables(&entries, &dialect, problems),
        categorize: Vec::new(),
        fingerprints: entries
            .list("fingerprints", problems)
            .iter()
            .filter_map(|node| fingerprint(node, problems))
            .collect(),
        ignored_tables: ignored_tables(&entries, problems),
        attachments: entries
            .list("attachments", problems)
            .iter()
            .filter_map(|node| attachments::read(node, problems))
            .collect(),
        second_reading: second_reading::of_system(&entries, problems),
        place: node.place,
    })
}

fn fingerprint(node: &Node, problems: &mut Problems) -> Option<Fingerprint> {
    let what = "a fingerprint";
    let entries = mapping(node, what, &["table", "column", "all_in", "pattern"], problems)?;
    let table = entries.need_text("table", what, problems);
    let column = entries.need_text("column", what, problems);
    let says = match (entries.get("all_in"), entries.filled("pattern", problems)) {
        (Some(node), None) => {
            let own = mapping(node, "`all_in`", &["table", "column"], problems)?;
            let table = own.need_text("table", "`all_in`", problems);
            Says::AllIn { table, column: own.need_text("column", "`all_in`", problems) }
        }
        (None, Some(pattern)) => {
            if let Err(reason) = pattern_regex(&pattern.value) {
                let message = format!("this pattern is not a regular expression: {reason}");
                problems.push(Diagnostic::error("bad-pattern", pattern.place, message));
                return None;
            }
            Says::Pattern(pattern)
        }
        _ => {
            let message = "a fingerprint needs exactly one of `all_in` and `pattern`";
            problems.push(Diagnostic::error("missing-key", node.place, message));
            return None;
        }
    };
    Some(Fingerprint { table, column, says })
}

fn tables(entries: &Entries<'_>, base: &Dialect, problems: &mut Problems) -> Vec<SourceTable> {
    let Some(node) = entries.need("tables", "`system.yaml`", problems) else { return Vec::new() };
    let Some(tables) = open_mapping(node, "`tables`", problems) else { return Vec::new() };
    let mut read: Vec<SourceTable> = Vec::new();
    for (key, node) in tables.iter() {
        let name = Located { value: key.text.clone(), place: key.place };
        let Some(own) = mapping(node, "a table", &["path", "required", "dialect"], problems) else {
            read.push(table(name, String::new(), base));
            continue;
        };
        let path = own.need_text("path", "a table", problems);
        let twin = read.iter().find(|each| each.path.eq_ignore_ascii_case(&path.value));
        if let Some(twin) = twin.filter(|_| !path.value.is_empty()) {
            let message = format!("tables `{}` and `{}` claim the same files", twin.name.value, name.value);
            problems
                .push(Diagnostic::error("duplicate-name", path.place, message).help("a file is one table's"));
        }
        let mut table = table(name, path.value, base);
        table.required = own.boolean("required", true, problems);
        if let Some(node) = own.get("dialect") {
            table.dialect = dialect(node, base, problems);
        }
        read.push(table);
    }
    read
}

fn table(name: Located<String>, path: String, dialect: &Dialect) -> SourceTable {
    let schema = schema::opaque(name.place);
    SourceTable { name, path, required: true, dialect: dialect.clone(), schema }
}

fn ignored_tables(entries: &Entries<'_>, problems: &mut Problems) -> Vec<Ignored> {
    let mut ignored = Vec::new();
    for node in entries.list("ignore", problems) {
        let Some(own) = mapping(node, "an `ignore` entry", &["table", "reason"], problems) else { continue };
        let table = own.need_text("table", "an `ignore` entry", problems);
        let reason = own.need_text("reason", "an `ignore` entry", problems).value;
        ignored.push(Ignored { table, column: None, reason });
    }
    ignored
}

pub(crate) const DIALECT: &[&str] = &[
    "delimiter",
    "quoteChar",
    "doubleQuote",
    "escapeChar",
    "header",
    "headerRow",
    "lineTerminator",
    "encoding",
];

/// What is not stated is as in `base`.
pub(crate) fn dialect(node: &Node, base: &Dialect, problems: &mut Problems) -> Dialect {
    let mut dialect = base.clone();
    let Some(own) = mapping(node, "`dialect`", DIALECT, problems) else { return dialect };
    if let Some(node) = own.get("delimiter")
        && let Some(byte) = one_byte(node, "`delimiter`", problems)
    {
        dialect.delimiter = byte;
    }
    if let Some(node) = own.get("quoteChar") {
        dialect.quote_char = byte_or_none(node, "`quoteChar`", problems);
    }
    if let Some(node) = own.get("escapeChar") {
        dialect.escape_char = byte_or_none(node, "`escapeChar`", problems);
    }
    dialect.double_quote = own.boolean("doubleQuote", base.double_quote, problems);
    let words = [
        ("any", LineTerminator::Any),
        ("lf", LineTerminator::Lf),
        ("crlf", LineTerminator::CrLf),
        ("cr", LineTerminator::Cr),
    ];
    dialect.line_terminator = own.choice("lineTerminator", &words, problems).unwrap_or(base.line_terminator);
    let words = [
        ("utf-8", Encoding::Utf8),
        ("windows-1252", Encoding::Windows1252),
        ("iso-8859-1", Encoding::Iso8859_1),
        ("cp850", Encoding::Cp850),
        ("utf-16", Encoding::Utf16),
        ("utf-16le", Encoding::Utf16Le),
        ("utf-16be", Encoding::Utf16Be),
    ];
    dialect.encoding = own.choice("encoding", &words, problems).unwrap_or(base.encoding);
    dialect.header_row = header_row(&own, base.header_row, problems);
    // Quotes may escape themselves; otherwise the three differ.
    let (delimiter, quote, escape) = (Some(dialect.delimiter), dialect.quote_char, dialect.escape_char);
    if quote == delimiter || escape == delimiter {
        let message = "the delimiter must not be the quote or the escape character";
        problems.push(Diagnostic::error("bad-dialect", node.place, message));
    }
    dialect
}

fn header_row(own: &Entries<'_>, base: u32, problems: &mut Problems) -> u32 {
    let header = own.boolean("header", base > 0, problems);
    let row = own.number("headerRow", problems).map(|row| u32::try_from(row).unwrap_or(u32::MAX));
    match row {
        Some(row) if row == 0 || !header || row > 1000 => {
            let place = own.key_place("headerRow").unwrap_or(own.place);
            let problem =
                Diagnostic::error("bad-dialect", place, "`headerRow` counts records from 1 to 1000");
            problems.push(problem.help("a file without a header has `header: false` and no `headerRow`"));
            base
        }
        Some(row) => row,
        None if !header => 0,
        None => base.max(1),
    }
}

fn byte_or_none(node: &Node, what: &str, problems: &mut Problems) -> Option<u8> {
    if node.value == Value::Null { None } else { one_byte(node, what, problems) }
}

fn one_byte(node: &Node, what: &str, problems: &mut Problems) -> Option<u8> {
    if let Value::Scalar(scalar) = &node.value
        && let [byte] = scalar.text.as_bytes()
        && byte.is_ascii()
        && !matches!(byte, b'\n' | b'\r' | 0)
    {
        return Some(*byte);
    }
    let problem = wrong_type(node, what, "one ASCII character other than a line end");
    problems.push(problem.help("a tab is written \"\\t\", in double quotes"));
    None
}

/// `ignore` entries of a rule file; the table, where it is not stated, is found when names are resolved.
pub(crate) fn ignored_columns(entries: &Entries<'_>, problems: &mut Problems) -> Vec<Ignored> {
    let mut ignored = Vec::new();
    for node in entries.list("ignore", problems) {
        let known = ["table", "column", "reason"];
        let Some(own) = mapping(node, "an `ignore` entry", &known, problems) else { continue };
        let column = own.need_text("column", "an `ignore` entry", problems);
        let table = own.filled("table", problems).unwrap_or_else(|| unreadable(column.place));
        let reason = own.need_text("reason", "an `ignore` entry", problems).value;
        ignored.push(Ignored { table, column: Some(column), reason });
    }
    ignored
}
