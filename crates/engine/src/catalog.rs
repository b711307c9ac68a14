//! The pack's idea of the target beside what the live catalogue says.

use chartlift_io::target::{Catalog, CatalogColumn, CatalogTable, KeyKind, Role, TableSpec, TypeClass};
use chartlift_rules::{Disposition, Field, TableSchema, Target, TargetKey, TargetTable};
use datafusion::arrow::datatypes::DataType;

use crate::compile::arrow_type;
use crate::stage::key_type;
use crate::statement::{Finding, Stage, Trouble, Verdict};

mod facts;

pub use facts::{decided, firing};
pub(crate) use facts::{to_disable, undecided};

/// Every reason why rows made by the pack cannot go into the live tables, or not yet.
pub fn compare(target: &Target, live: &Catalog) -> Vec<Finding> {
    let mut findings: Vec<Finding> = live
        .lacks
        .iter()
        .map(|what| unplaced("missing-privilege", format!("the role lacks {what}")))
        .collect();
    findings.extend(target.tables.iter().flat_map(|table| compare_table(target, table, live)));
    findings.extend(undecided(target, live));
    findings
}

fn compare_table(target: &Target, table: &TargetTable, live: &Catalog) -> Vec<Finding> {
    let name = database_name(table);
    let Some(known) = live.table(name).filter(|known| known.exists) else {
        return vec![mismatch(table, None, "the table does not exist".into())];
    };
    let mut findings = Vec::new();
    for field in &table.schema.fields {
        let column = field.name.value.as_str();
        let Some(known) = known.column(column) else {
            findings.push(mismatch(table, Some(column), "the column does not exist".into()));
            continue;
        };
        let key = table.schema.primary_key.first().is_some_and(|key| key.value == column);
        let assigned = key && table.schema.extension.key == TargetKey::Identity;
        let wanted = loaded_type(target, table, known, arrow_type(field.kind));
        // An identity column takes the numbers that were reserved of its sequence.
        if known.generated && !(assigned && wanted == DataType::Int64) {
            findings.push(mismatch(table, Some(column), "the database makes this column itself".into()));
        } else if known.class == TypeClass::Unsupported {
            let message =
                format!("what a `{}` holds cannot be proved by reading it back", known.database_type);
            findings.push(problem("unverifiable-type", table, Some(column), message));
        } else if !known.class.accepts(&wanted) && !in_words(field, known, &wanted) {
            let message =
                format!("the column is `{}`, the pack has {}", known.database_type, pack_type(&wanted));
            findings.push(mismatch(table, Some(column), message));
        }
    }
    for column in required_columns(known) {
        if table.schema.field(column).is_none() {
            let message = "the column must have a value and the pack gives none".into();
            findings.push(mismatch(table, Some(column), message));
        }
    }
    findings.extend(facts::lacking(table, known));
    findings
}

/// Days and instants that only texts can say.
fn in_words(field: &Field, column: &CatalogColumn, wanted: &DataType) -> bool {
    *wanted == DataType::Utf8View && !field.extension.allow.is_empty() && column.class.accepts_days_in_words()
}

fn required_columns(table: &CatalogTable) -> impl Iterator<Item = &str> {
    table
        .columns
        .iter()
        .filter(|column| !column.nullable && !column.has_default && !column.generated)
        .map(|column| column.name.as_str())
}

/// The table's schema with what the live catalogue adds: columns that must have values, shorter texts.
pub fn tightened(table: &TargetTable, live: &Catalog) -> TableSchema {
    let mut schema = table.schema.clone();
    let Some(known) = live.table(database_name(table)) else { return schema };
    let key = schema.primary_key.first().map(|key| key.value.clone());
    for field in &mut schema.fields {
        let Some(column) = known.column(&field.name.value) else { continue };
        if !column.nullable || key.as_ref() == Some(&field.name.value) {
            field.constraints.required = true;
        }
        // A key that is made has its own length.
        let made = key.as_ref() == Some(&field.name.value) && schema.extension.key != TargetKey::Natural;
        let elements = matches!(column.class, TypeClass::Array(_));
        if let Some(limit) = column.max_length.filter(|_| !made && !elements).map(u64::from) {
            let limit = field.constraints.max_length.map_or(limit, |own| own.min(limit));
            field.constraints.max_length = Some(limit);
        }
    }
    schema
}

/// The type that import writes: keys and references are made from source keys on the way.
fn loaded_type(target: &Target, table: &TargetTable, column: &CatalogColumn, plain: DataType) -> DataType {
    let spec: TableSpec = crate::stage::table_spec(target, table, "");
    match spec.columns.iter().find(|one| one.name == column.name).map(|one| &one.role) {
        Some(Role::Key(KeyKind::Linked)) => match table.schema.extension.key {
            TargetKey::Identity => key_type(column.class),
            TargetKey::Uuid => DataType::FixedSizeBinary(16),
            TargetKey::Natural => plain,
        },
        Some(Role::Reference { kind: KeyKind::Linked, .. }) => key_type(column.class),
        Some(Role::Key(KeyKind::Uuid) | Role::Reference { kind: KeyKind::Uuid, .. }) => {
            DataType::FixedSizeBinary(16)
        }
        _ => plain,
    }
}

fn pack_type(kind: &DataType) -> &'static str {
    match kind {
        DataType::FixedSizeBinary(_) => "a UUID",
        other => crate::compile::type_name(other),
    }
}

fn database_name(table: &TargetTable) -> &str {
    table.schema.extension.table.as_deref().unwrap_or(&table.name.value)
}

fn mismatch(table: &TargetTable, column: Option<&str>, message: String) -> Finding {
    problem("catalog-mismatch", table, column, message)
}

fn problem(code: &str, table: &TargetTable, column: Option<&str>, message: String) -> Finding {
    Finding {
        table: Some(table.name.value.clone()),
        column: column.map(str::to_owned),
        ..unplaced(code, message)
    }
}

fn unplaced(code: &str, message: String) -> Finding {
    Finding {
        code: code.into(),
        severity: "error".into(),
        disposition: Disposition::Block.name().into(),
        stage: Stage::Validate,
        system: None,
        table: None,
        column: None,
        rows: 0,
        message: Some(message),
    }
}

/// What a finding of [`compare`] does to the order: the verdict, and what to do about it.
pub(crate) fn outcome(code: &str) -> Option<(Verdict, &'static str)> {
    Some(match code {
        "catalog-mismatch" => (Verdict::Fail, "see all differences with `chartlift target check`"),
        "missing-privilege" => (Verdict::Fail, "grant what is named; `chartlift target check` shows it all"),
        "unverifiable-type" => (
            Verdict::Suspended,
            "leave the column out of the pack's schema, or give it a type that gives back what it takes, e.g. text",
        ),
        "trigger-undecided" => (
            Verdict::Suspended,
            "say it in the target's schema: `chartlift: { triggers: { NAME: fire } }` or `disable for this load`",
        ),
        _ => return None,
    })
}

/// The first of the findings that keeps the order from going on, the hardest first.
pub(crate) fn stops(findings: &[Finding]) -> Option<(Verdict, Trouble)> {
    let all = findings.iter().filter_map(|finding| Some((finding, outcome(&finding.code)?)));
    let (finding, (verdict, hint)) =
        all.reduce(|worst, one| if one.1.0 > worst.1.0 { one } else { worst })?;
    let table = finding.table.clone().unwrap_or_default();
    let column = finding.column.as_ref().map(|column| format!(".{column}")).unwrap_or_default();
    let what = finding.message.clone().unwrap_or_default();
    let message = match finding.code.as_str() {
        "catalog-mismatch" => format!("the target's `{table}` is not as the pack says: {what}"),
        _ if table.is_empty() => what,
        _ => format!("`{table}{column}`: {what}"),
    };
    Some((verdict, Trouble { code: finding.code.clone(), message, hint: hint.into() }))
}
