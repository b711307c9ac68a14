//! `schemas/<table>.yaml` and `canonical/<category>.yaml`: Table Schema with its `chartlift:` key.

use crate::entries::{Entries, Problems, choice, filled, mapping, text, unreadable, wrong_type};
use crate::read::{field, live, matching, second_reading};
use crate::yaml::{Node, Value};
use crate::{
    Diagnostic, Disposition, ForeignKey, LoadMode, Located, Place, SafetyCritical, TableExtension,
    TableSchema, TargetKey, suggest,
};

/// Who uses a schema: decides which of Chartlift's own keys it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Source,
    Category,
    Target,
}

const KEYS: &[&str] = &[
    "fields",
    "primaryKey",
    "foreignKeys",
    "missingValues",
    "chartlift",
    "$schema",
    "name",
    "title",
    "description",
];

/// What stands for a schema that could not be read: resolving asks nothing of a table without fields.
pub(crate) fn opaque(place: Place) -> TableSchema {
    TableSchema {
        fields: Vec::new(),
        made: Vec::new(),
        primary_key: Vec::new(),
        foreign_keys: Vec::new(),
        missing_values: vec![String::new()],
        extension: TableExtension::default(),
        place,
    }
}

/// `own_name` resolves a foreign key's empty resource, which means the table itself.
pub(crate) fn read(node: &Node, own_name: &str, usage: Use, problems: &mut Problems) -> TableSchema {
    let mut schema = opaque(node.place);
    let Some(entries) = mapping(node, "a table schema", KEYS, problems) else { return schema };
    if let Some(fields) = entries.need("fields", "a table schema", problems) {
        match &fields.value {
            Value::List(nodes) if nodes.is_empty() => {
                problems.push(Diagnostic::error("wrong-type", fields.place, "`fields` must not be empty"));
            }
            Value::List(nodes) => {
                schema.fields = nodes.iter().filter_map(|node| field::read(node, usage, problems)).collect();
            }
            _ => problems.push(wrong_type(fields, "`fields`", "a list")),
        }
    }
    schema.primary_key = entries.names("primaryKey", problems);
    for node in entries.list("foreignKeys", problems) {
        schema.foreign_keys.extend(foreign_key(node, own_name, problems));
    }
    if entries.get("missingValues").is_some() {
        schema.missing_values = missing_values(&entries, problems);
    }
    if let Some(node) = entries.get("chartlift") {
        schema.extension = extension(node, usage, problems);
    }
    schema
}

fn foreign_key(node: &Node, own_name: &str, problems: &mut Problems) -> Option<ForeignKey> {
    let entries = mapping(node, "a foreign key", &["fields", "reference"], problems)?;
    entries.need("fields", "a foreign key", problems);
    let fields = entries.names("fields", problems);
    let node = entries.need("reference", "a foreign key", problems)?;
    let reference = mapping(node, "`reference`", &["resource", "fields"], problems)?;
    reference.need("fields", "`reference`", problems);
    let reference_fields = reference.names("fields", problems);
    let resource = match reference.text("resource", problems) {
        Some(resource) if !resource.value.is_empty() => resource,
        Some(own) => Located { value: own_name.to_owned(), place: own.place },
        None => Located { value: own_name.to_owned(), place: reference.place },
    };
    if fields.len() != reference_fields.len() && !fields.is_empty() && !reference_fields.is_empty() {
        let message =
            format!("the key has {} fields, its reference {}", fields.len(), reference_fields.len());
        problems.push(
            Diagnostic::error("foreign-key-shape", node.place, message)
                .help("list as many fields under `reference` as under `fields`, in the same order"),
        );
        return None;
    }
    Some(ForeignKey { fields, resource, reference_fields })
}

/// Texts, or as the standard also allows, objects with `value` and `label`.
fn missing_values(entries: &Entries<'_>, problems: &mut Problems) -> Vec<String> {
    let what = "an entry of `missingValues`";
    let mut values = Vec::new();
    for node in entries.list("missingValues", problems) {
        let read = match &node.value {
            Value::Map(_) => mapping(node, what, &["value", "label"], problems)
                .and_then(|entry| entry.need("value", what, problems).cloned())
                .and_then(|node| text(&node, "`value`", problems)),
            _ => text(node, what, problems),
        };
        values.extend(read.map(|text| text.value));
    }
    values
}

fn extension(node: &Node, usage: Use, problems: &mut Problems) -> TableExtension {
    let known: &[&str] = match usage {
        Use::Source => &["row_key", "failed"],
        Use::Category => &["safety_critical", "time", "patient", "failed"],
        Use::Target => &[
            "key",
            "mode",
            "match",
            "fill",
            "hold",
            "patient",
            "table",
            "failed",
            "second_reading",
            "triggers",
        ],
    };
    let mut extension = TableExtension::default();
    let Some(entries) = mapping(node, "`chartlift`", known, problems) else { return extension };
    if usage == Use::Source {
        extension.row_key = entries.names("row_key", problems);
    }
    extension.patient = entries.filled("patient", problems);
    extension.hold = entries.filled("hold", problems);
    extension.table = entries.filled("table", problems).map(|name| name.value);
    extension.second_reading =
        entries.get("second_reading").and_then(|node| second_reading::of_table(node, problems));
    let words =
        [("true", SafetyCritical::Yes), ("false", SafetyCritical::No), ("future", SafetyCritical::Future)];
    extension.safety_critical = entries.choice("safety_critical", &words, problems).unwrap_or_default();
    extension.time = entries.filled("time", problems);
    if extension.safety_critical == SafetyCritical::Future && entries.get("time").is_none() {
        let place = entries.key_place("safety_critical").unwrap_or(entries.place);
        let problem = Diagnostic::error("missing-key", place, "`safety_critical: future` needs `time`");
        problems.push(problem.help("name the field that says when it is, e.g. `time: start_at`"));
    }
    let words =
        [("uuid", TargetKey::Uuid), ("natural", TargetKey::Natural), ("identity", TargetKey::Identity)];
    extension.key = entries.choice("key", &words, problems).unwrap_or_default();
    let words = [
        ("insert", LoadMode::Insert),
        ("upsert", LoadMode::Upsert),
        ("skip-existing", LoadMode::SkipExisting),
        ("match", LoadMode::Match),
    ];
    extension.mode = entries.choice("mode", &words, problems).unwrap_or_default();
    if extension.key == TargetKey::Identity
        && matches!(extension.mode, LoadMode::Upsert | LoadMode::SkipExisting)
    {
        let place = entries.get("mode").map_or(entries.place, |node| node.place);
        let message = "rows are found by their key, and `key: identity` makes a new one each time";
        let problem = Diagnostic::error("mode-key", place, message);
        problems.push(problem.help("make the key `uuid` or `natural`, or find rows with `mode: match`"));
    }
    if usage == Use::Target {
        extension.alternatives = matching::read(&entries, extension.mode, problems);
        extension.fill = matching::fill(&entries, extension.mode, problems);
        extension.triggers = live::triggers(&entries, problems);
    }
    extension.failed = failed(&entries, TABLE_CHECKS, problems);
    extension
}

pub(crate) const FIELD_CHECKS: &[&str] = &[
    "type",
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
    "foreignKey",
];
const TABLE_CHECKS: &[&str] = &[
    "type",
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
    "foreignKey",
    "primaryKey",
];

/// `failed: { pattern: note, ... }`: what a failed check means.
pub(crate) fn failed(
    entries: &Entries<'_>,
    checks: &[&str],
    problems: &mut Problems,
) -> Vec<(String, Disposition)> {
    let Some(node) = entries.get("failed") else { return Vec::new() };
    let Some(failed) = mapping(node, "`failed`", checks, problems) else { return Vec::new() };
    let words = [
        ("note", Disposition::Note),
        ("degrade", Disposition::Degrade),
        ("quarantine", Disposition::Quarantine),
        ("block", Disposition::Block),
    ];
    let mut read = Vec::new();
    for (key, node) in failed.iter() {
        let what = format!("`failed: {}`", key.text);
        read.extend(choice(node, &what, &words, problems).map(|disposition| (key.text.clone(), disposition)));
    }
    read
}

/// A word that the standard knows and Chartlift does not read yet is told apart from a slip.
pub(crate) fn unsupported_type(name: &Located<String>, supported: &[&str]) -> Diagnostic {
    const STANDARD: &[&str] =
        &["any", "object", "array", "list", "geopoint", "geojson", "year", "yearmonth", "duration"];
    if STANDARD.contains(&name.value.as_str()) {
        let names: Vec<String> = supported.iter().map(|name| format!("`{name}`")).collect();
        let message = format!("type `{}` is in the standard but not supported here", name.value);
        return Diagnostic::error("unsupported-type", name.place, message)
            .help(format!("declare `string` and convert it in a rule; supported are {}", names.join(", ")));
    }
    let problem = Diagnostic::error("unsupported-type", name.place, format!("unknown type `{}`", name.value));
    match suggest(&name.value, supported.iter().copied()) {
        Some(help) => problem.help(help),
        None => problem,
    }
}

/// The name of a field; one that could not be read is already reported.
pub(crate) fn field_name(entries: &Entries<'_>, problems: &mut Problems) -> Located<String> {
    let read = entries.need("name", "a field", problems).and_then(|node| filled(node, "`name`", problems));
    read.unwrap_or_else(|| unreadable(entries.place))
}
