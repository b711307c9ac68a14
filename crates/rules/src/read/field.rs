//! One field of a Table Schema: type, format and constraints.

use crate::entries::{Entries, Problems, mapping};
use crate::read::live;
use crate::read::schema::{self, Use};
use crate::yaml::Node;
use crate::{Constraints, Diagnostic, Field, FieldExtension, FieldType, Located, pattern_regex};

const KEYS: &[&str] = &[
    "name",
    "type",
    "format",
    "decimalChar",
    "groupChar",
    "trueValues",
    "falseValues",
    "title",
    "description",
    "example",
    "rdfType",
    "constraints",
    "chartlift",
];

/// Names that rows already use for their own lineage.
const RESERVED: &[&str] = &["_key", "_row", "_offset", "_part", "_degraded"];

pub(crate) fn read(node: &Node, usage: Use, problems: &mut Problems) -> Option<Field> {
    let entries = mapping(node, "a field", KEYS, problems)?;
    let name = schema::field_name(&entries, problems);
    if RESERVED.contains(&name.value.as_str()) {
        let message = format!("`{}` is a name Chartlift gives to its own columns", name.value);
        problems.push(
            Diagnostic::error("reserved-name", name.place, message).help("give the field another name"),
        );
    }
    let declared = kind(&entries, problems);
    if declared.is_none() {
        problems.untyped.insert(name.place);
    }
    let extension = extension(&entries, declared, usage, problems);
    Some(Field {
        format: format(&entries, declared, usage, problems),
        decimal_char: one_char(&entries, "decimalChar", FieldType::Number, declared, problems).unwrap_or('.'),
        group_char: one_char(&entries, "groupChar", FieldType::Number, declared, problems),
        true_values: words(&entries, "trueValues", declared, &["true", "True", "TRUE", "1"], problems),
        false_values: words(&entries, "falseValues", declared, &["false", "False", "FALSE", "0"], problems),
        title: entries.text("title", problems).map(|text| text.value),
        description: entries.text("description", problems).map(|text| text.value),
        constraints: constraints(&entries, declared, problems),
        extension,
        kind: declared.unwrap_or(FieldType::String),
        name,
    })
}

fn kind(entries: &Entries<'_>, problems: &mut Problems) -> Option<FieldType> {
    let Some(name) = entries.filled("type", problems) else {
        if entries.get("type").is_none() {
            let problem = Diagnostic::error("missing-key", entries.place, "a field needs `type`");
            problems.push(
                problem.help("types are never guessed: write `type: string` where nothing more is known"),
            );
        }
        return None;
    };
    let found = FieldType::ALL.into_iter().find(|kind| kind.name() == name.value);
    if found.is_none() {
        problems.push(schema::unsupported_type(&name, &FieldType::ALL.map(FieldType::name)));
    }
    found
}

fn format(
    entries: &Entries<'_>,
    kind: Option<FieldType>,
    usage: Use,
    problems: &mut Problems,
) -> Option<Located<String>> {
    let kind = kind?;
    let format = entries.filled("format", problems).filter(|format| format.value != "default")?;
    let temporal = matches!(kind, FieldType::Date | FieldType::Time | FieldType::Datetime);
    if temporal && format.value.contains('%') {
        return Some(format);
    }
    let problem = Diagnostic::error(
        "unsupported-format",
        format.place,
        format!("{} cannot have the format `{}`", kind.phrase(), format.value),
    );
    let help = match kind {
        _ if temporal && format.value == "any" => {
            "a format is never guessed: write the pattern, e.g. `%d/%m/%Y`"
        }
        _ if temporal => "a schema's format uses strptime words, e.g. `%d/%m/%Y %H:%M`",
        FieldType::String if usage != Use::Source => {
            return ["email", "uri", "uuid", "binary"]
                .contains(&format.value.as_str())
                .then_some(format)
                .or_else(|| {
                    problems.push(problem.help("text may be `email`, `uri`, `uuid` or `binary`"));
                    None
                });
        }
        FieldType::String => "say what the text looks like with `constraints: { pattern: ... }`",
        _ => "take the format out, or use `decimalChar`, `groupChar`, `trueValues`, `falseValues`",
    };
    problems.push(problem.help(help));
    None
}

fn one_char(
    entries: &Entries<'_>,
    key: &str,
    only: FieldType,
    kind: Option<FieldType>,
    problems: &mut Problems,
) -> Option<char> {
    let text = entries.text(key, problems)?;
    if let Some(kind) = kind.filter(|kind| *kind != only) {
        problems.push(not_for(key, kind, &text));
    }
    let mut characters = text.value.chars();
    let first = characters.next();
    if first.is_none() || characters.next().is_some() {
        problems.push(Diagnostic::error("wrong-type", text.place, format!("`{key}` must be one character")));
    }
    first
}

fn words(
    entries: &Entries<'_>,
    key: &str,
    kind: Option<FieldType>,
    default: &[&str],
    problems: &mut Problems,
) -> Vec<String> {
    if entries.get(key).is_none() {
        return default.iter().map(|word| (*word).to_owned()).collect();
    }
    let texts = entries.texts(key, problems);
    if let (Some(first), Some(kind)) = (texts.first(), kind.filter(|kind| *kind != FieldType::Boolean)) {
        problems.push(not_for(key, kind, first));
    }
    texts.into_iter().map(|text| text.value).collect()
}

fn not_for(key: &str, kind: FieldType, at: &Located<String>) -> Diagnostic {
    Diagnostic::error("wrong-constraint", at.place, format!("`{key}` means nothing for {}", kind.phrase()))
        .help("take it out, or correct the field's `type`")
}

fn extension(
    entries: &Entries<'_>,
    kind: Option<FieldType>,
    usage: Use,
    problems: &mut Problems,
) -> FieldExtension {
    let known: &[&str] = match usage {
        Use::Source => &["keep", "failed"],
        Use::Category => &["failed"],
        Use::Target => &["failed", "allow"],
    };
    let mut extension = FieldExtension::default();
    let own = entries.get("chartlift").and_then(|node| mapping(node, "`chartlift`", known, problems));
    if let Some(own) = own {
        extension.keep_never = own.choice("keep", &[("never", true)], problems).unwrap_or(false);
        extension.failed = schema::failed(&own, schema::FIELD_CHECKS, problems);
        extension.allow = live::unusual(&own, kind, problems);
    }
    extension
}

const CONSTRAINTS: &[&str] = &[
    "required",
    "unique",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "pattern",
    "enum",
];

/// Whether bounds and `enum` are values of the field's type is checked where such values are read: by the engine.
fn constraints(entries: &Entries<'_>, kind: Option<FieldType>, problems: &mut Problems) -> Constraints {
    let own =
        entries.get("constraints").and_then(|node| mapping(node, "`constraints`", CONSTRAINTS, problems));
    let Some(own) = own else { return Constraints::default() };
    misplaced(&own, kind, problems);
    let read = Constraints {
        required: own.boolean("required", false, problems),
        unique: own.boolean("unique", false, problems),
        min_length: own.number("minLength", problems),
        max_length: own.number("maxLength", problems),
        minimum: own.filled("minimum", problems),
        maximum: own.filled("maximum", problems),
        exclusive_minimum: own.filled("exclusiveMinimum", problems),
        exclusive_maximum: own.filled("exclusiveMaximum", problems),
        pattern: own.filled("pattern", problems),
        allowed: own
            .get("enum")
            .map(|_| own.texts("enum", problems).into_iter().map(|text| text.value).collect()),
    };
    if let Some(pattern) = &read.pattern
        && let Err(reason) = pattern_regex(&pattern.value)
    {
        let message = format!("this pattern is not a regular expression: {reason}");
        problems.push(Diagnostic::error("bad-pattern", pattern.place, message).help(
            "look-around and back-references are not part of XML Schema expressions; in double quotes a backslash is written twice",
        ));
    }
    if let (Some(allowed), Some(place)) = (&read.allowed, own.key_place("enum"))
        && allowed.is_empty()
    {
        problems.push(Diagnostic::error("wrong-type", place, "`enum` must list at least one value"));
    }
    read
}

fn misplaced(own: &Entries<'_>, kind: Option<FieldType>, problems: &mut Problems) {
    let Some(kind) = kind else { return };
    let unbounded = matches!(kind, FieldType::String | FieldType::Boolean);
    for (key, _) in own.iter() {
        let refused = match key.text.as_str() {
            "minLength" | "maxLength" | "pattern" => kind != FieldType::String,
            "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => unbounded,
            _ => false,
        };
        if refused {
            let at = Located { value: String::new(), place: key.place };
            problems.push(not_for(&key.text, kind, &at));
        }
    }
}

/// Whether a text is a day of the calendar, written `YYYY-MM-DD`.
pub(crate) fn is_date(text: &str) -> bool {
    let shape = text.len() == 10
        && text.bytes().enumerate().all(|(index, byte)| match index {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    let part = |range| text.get(range).and_then(|digits: &str| digits.parse::<u32>().ok()).unwrap_or(0);
    let (year, month, day) = (part(0..4), part(5..7), part(8..10));
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    shape && (1..=days).contains(&day)
}
