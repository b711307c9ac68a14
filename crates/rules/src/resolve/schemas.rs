//! Names inside schemas: keys, references, and the fields that `chartlift:` points at.

use std::collections::HashSet;

use super::{Schemas, matching, unknown};
use crate::entries::Problems;
use crate::{Diagnostic, FieldType, ForeignKey, Located, TableSchema, Target, TargetKey};

/// `noun` says what the schemas describe: `table` or `category`.
pub(crate) fn check_all(schemas: &Schemas<'_>, noun: &str, problems: &mut Problems) {
    for schema in schemas.values().filter(|schema| !schema.fields.is_empty()) {
        check_fields(schema, problems);
        for key in &schema.foreign_keys {
            check_reference(key, schema, schemas, noun, problems);
        }
    }
}

fn check_fields(schema: &TableSchema, problems: &mut Problems) {
    let mut seen = HashSet::new();
    for field in schema.fields.iter().filter(|field| !field.name.value.is_empty()) {
        if !seen.insert(field.name.value.as_str()) {
            let message = format!("field `{}` stands twice", field.name.value);
            problems.push(
                Diagnostic::error("duplicate-name", field.name.place, message).help("keep one of the two"),
            );
        }
    }
    let extension = &schema.extension;
    let named =
        schema.primary_key.iter().chain(&extension.row_key).chain(&extension.patient).chain(&extension.hold);
    let named = named.chain(&extension.time);
    for name in named {
        check_field(name, schema, problems);
    }
    if let Some(time) = &extension.time
        && let Some(field) = schema.field(&time.value)
        && !matches!(field.kind, FieldType::Date | FieldType::Datetime)
    {
        let message =
            format!("`time` must be a date or a datetime, `{}` is {}", time.value, field.kind.phrase());
        problems.push(Diagnostic::error("wrong-type", time.place, message));
    }
    for key in &schema.foreign_keys {
        key.fields.iter().for_each(|name| check_field(name, schema, problems));
    }
    if let (Some(row_key), false) = (extension.row_key.first(), schema.primary_key.is_empty()) {
        let message = "`row_key` stands beside a `primaryKey`";
        problems.push(
            Diagnostic::error("misplaced-key", row_key.place, message)
                .help("the primary key already names a row: take `row_key` out"),
        );
    }
}

pub(super) fn check_field(name: &Located<String>, schema: &TableSchema, problems: &mut Problems) {
    if !name.value.is_empty() && schema.field(&name.value).is_none() {
        let known = schema.fields.iter().map(|field| field.name.value.as_str());
        problems.push(unknown("unknown-field", "field", name, &name.value, known));
    }
}

fn check_reference(
    key: &ForeignKey,
    own: &TableSchema,
    schemas: &Schemas<'_>,
    noun: &str,
    problems: &mut Problems,
) {
    let Some(parent) = schemas.get(key.resource.value.as_str()) else {
        let code = if noun == "table" { "unknown-table" } else { "unknown-category" };
        problems.push(unknown(code, noun, &key.resource, &key.resource.value, schemas.keys().copied()));
        return;
    };
    if parent.fields.is_empty() {
        return;
    }
    for (name, field) in key.reference_fields.iter().zip(&key.fields) {
        check_field(name, parent, problems);
        let kinds = (own.field(&field.value), parent.field(&name.value));
        if let (Some(child), Some(parent)) = kinds
            && child.kind != parent.kind
        {
            let message = format!(
                "`{}` is {} and refers to `{}`, {}",
                field.value,
                child.kind.phrase(),
                name.value,
                parent.kind.phrase()
            );
            let problem = Diagnostic::error("foreign-key-shape", field.place, message);
            problems.push(problem.help("both sides of a reference have one type"));
        }
    }
    let keyed = names(&key.reference_fields) == names(&parent.primary_key);
    let unique = match key.reference_fields.as_slice() {
        [only] => parent.field(&only.value).is_none_or(|field| field.constraints.unique),
        _ => false,
    };
    if !keyed && !unique && !key.reference_fields.is_empty() {
        let message = format!("the fields referred to are not the primary key of `{}`", key.resource.value);
        problems.push(
            Diagnostic::error("foreign-key-shape", key.resource.place, message)
                .help("refer to its `primaryKey`, or to one field that is `unique: true`"),
        );
    }
}

fn names(fields: &[Located<String>]) -> HashSet<&str> {
    fields.iter().map(|field| field.value.as_str()).collect()
}

/// What a table that is loaded needs beyond the standard.
pub(crate) fn check_target(target: &Target, problems: &mut Problems) {
    for table in target.tables.iter().filter(|table| !table.schema.fields.is_empty()) {
        let schema = &table.schema;
        let [key] = schema.primary_key.as_slice() else {
            let place = schema.primary_key.get(1).map_or(schema.place, |key| key.place);
            let message = format!("table `{}` needs a primary key of one column", table.name.value);
            problems.push(
                Diagnostic::error("target-key", place, message)
                    .help("rows are found again, verified and taken back by it: write `primaryKey: NAME`"),
            );
            continue;
        };
        let text = schema.field(&key.value).is_none_or(|field| field.kind == FieldType::String);
        if schema.extension.key != TargetKey::Natural && !text {
            let by = if schema.extension.key == TargetKey::Uuid { "Chartlift" } else { "the target" };
            let message = format!("key `{}` is made by {by} and must be a string", key.value);
            problems.push(
                Diagnostic::error("target-key", key.place, message)
                    .help("rules give the source key: declare it `type: string`, or say `chartlift: { key: natural }` to load the source key itself"),
            );
        }
        matching::check(schema, key, problems);
        for reference in &schema.foreign_keys {
            let parent = target.table(&reference.resource.value).map(|parent| &parent.schema);
            let keyed =
                parent.is_none_or(|parent| names(&reference.reference_fields) == names(&parent.primary_key));
            if !keyed && reference.fields.len() == 1 {
                let message = "a reference between target tables must refer to the primary key";
                problems.push(
                    Diagnostic::error("foreign-key-shape", reference.resource.place, message)
                        .help("the import turns source keys into target keys by the parent's primary key"),
                );
            }
        }
    }
}
