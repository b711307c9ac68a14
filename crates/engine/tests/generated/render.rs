//! A case as the files of a project and of an export.

use std::fmt::Write as _;

use crate::model::{
    Case, Column, Condition, Expression, Field, File, Given, Kind, Line, Rule, Sink, Source, Table, Test,
    Value,
};

/// Path and text of every rule file.
pub(crate) fn project(case: &Case) -> Vec<(String, String)> {
    let mut files = vec![("chartlift.yaml".to_owned(), settings(case)), system(case)];
    for table in &case.tables {
        files.push((format!("systems/made/1/schemas/{}.yaml", table.name), source_schema(table)));
    }
    for category in &case.categories {
        files.push((format!("canonical/{}.yaml", category.name), sink_schema(category, false)));
        files
            .push((format!("systems/made/1/categorize/{}.yaml", category.name), rules("category", category)));
    }
    let mut target = "spec: chartlift/v1\ntarget: aim\nversion: \"1\"\n".to_owned();
    let ignored: Vec<String> = case
        .categories
        .iter()
        .filter(|category| category.ignored)
        .map(|category| format!("{{ table: {}, reason: not wanted }}", category.name))
        .collect();
    if !ignored.is_empty() {
        writeln!(target, "ignore: [{}]", ignored.join(", ")).expect("text");
    }
    files.push(("targets/aim/1/target.yaml".into(), target));
    for table in &case.targets {
        files.push((format!("targets/aim/1/schemas/{}.yaml", table.name), sink_schema(table, true)));
        files.push((format!("targets/aim/1/convert/{}.yaml", table.name), rules("table", table)));
    }
    for map in &case.maps {
        let mut text = "source,source_text,target,equivalence,decided_by\n".to_owned();
        for (code, target) in &map.entries {
            let equivalence = if target.is_empty() { "unmatched" } else { "equal" };
            writeln!(text, "{code},,{target},{equivalence},Test Author").expect("text");
        }
        files.push((format!("maps/{}.csv", map.name), text));
    }
    files
}

/// The tables of the target, for SQLite.
pub(crate) fn ddl(case: &Case) -> String {
    let mut text = String::new();
    for table in &case.targets {
        let columns: Vec<String> = table
            .fields
            .iter()
            .map(|field| {
                let kind = if field.kind == Kind::Integer { "integer" } else { "text" };
                let key = if field.name == table.key { " primary key" } else { "" };
                format!("{} {kind}{key}", field.name)
            })
            .collect();
        writeln!(text, "create table {} ({}) strict;", table.name, columns.join(", ")).expect("text");
    }
    text
}

/// Name and bytes of every file of the export.
pub(crate) fn export(case: &Case) -> Vec<(String, String)> {
    let of = |table: &Table| -> Vec<(String, String)> {
        table.files.iter().map(|file| (file.name.clone(), csv(table, file))).collect()
    };
    case.tables.iter().flat_map(of).collect()
}

fn csv(table: &Table, file: &File) -> String {
    let header: Vec<String> = file.order.iter().map(|at| table.fields[*at].name.clone()).collect();
    let mut text = header.join(",");
    text.push('\n');
    for line in &file.lines {
        let cells: Vec<String> = match line {
            Line::Row(values) => file.order.iter().map(|at| cell(&values[*at])).collect(),
            Line::Damaged(values) => values.iter().map(cell).collect(),
        };
        text.push_str(&cells.join(","));
        text.push('\n');
    }
    text
}

fn cell(value: &Value) -> String {
    let Some(text) = value else { return String::new() };
    // Quotes that are not needed change nothing: a third of the cells have them.
    let odd = text.is_empty() || text.contains([',', '"', '\n', '\r']);
    if odd || text.len() % 3 == 2 { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.clone() }
}

fn settings(case: &Case) -> String {
    let mut text = "spec: chartlift/v1\nname: made\nkey: env:KEY\n".to_owned();
    if !case.gates.is_empty() {
        text.push_str("gates:\n");
    }
    for gate in &case.gates {
        let stage = gate.stage.map(|stage| format!(", stage: {stage}")).unwrap_or_default();
        writeln!(
            text,
            "  - {{ applies_to: {}{stage}, quarantined: {} %, author: Test Author, date: 2026-11-22, reason: made }}",
            gate.applies_to, gate.percent
        )
        .expect("text");
    }
    text
}

fn system(case: &Case) -> (String, String) {
    let mut text = "spec: chartlift/v1\ntimezone: UTC\ntables:\n".to_owned();
    for table in &case.tables {
        let star = if table.files.len() > 1 { "_*" } else { "" };
        writeln!(text, "  {}: {{ path: \"{}{star}.csv\" }}", table.name, table.name).expect("text");
    }
    let ignored: Vec<&Table> = case.tables.iter().filter(|table| table.ignored).collect();
    if !ignored.is_empty() {
        text.push_str("ignore:\n");
    }
    for table in ignored {
        writeln!(text, "  - {{ table: {}, reason: not wanted }}", table.name).expect("text");
    }
    if case.categories.iter().any(|category| category.critical) {
        text.push_str("second_reading:\n");
    }
    for category in case.categories.iter().filter(|category| category.critical) {
        writeln!(text, "  {}: {{ none: made at random }}", category.name).expect("text");
    }
    ("systems/made/1/system.yaml".into(), text)
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("text")
}

fn list<T: AsRef<str>>(texts: &[T]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| quoted(text.as_ref())).collect();
    format!("[{}]", texts.join(", "))
}

fn pairs(failed: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = failed.iter().map(|(name, means)| format!("{name}: {means}")).collect();
    format!("{{ {} }}", pairs.join(", "))
}

fn field(field: &Field) -> String {
    let kind = match field.kind {
        Kind::Text => "string",
        Kind::Integer => "integer",
        Kind::Date => "date",
    };
    let mut text = format!("  - {{ name: {}, type: {kind}", quoted(&field.name));
    if field.day_first {
        text.push_str(", format: \"%d/%m/%Y\"");
    }
    let tests: Vec<String> = field
        .tests
        .iter()
        .map(|test| match test {
            Test::Required | Test::Unique => format!("{}: true", test.name()),
            Test::MinLength(length) | Test::MaxLength(length) => format!("{}: {length}", test.name()),
            Test::OneOf(words) => format!("enum: {}", list(words)),
            Test::Minimum(least) => format!("minimum: {least}"),
        })
        .collect();
    if !tests.is_empty() {
        write!(text, ", constraints: {{ {} }}", tests.join(", ")).expect("text");
    }
    if !field.failed.is_empty() {
        write!(text, ", chartlift: {{ failed: {} }}", pairs(&field.failed)).expect("text");
    }
    text.push_str(" }\n");
    text
}

fn references(references: &[(String, String)], key: impl Fn(&str) -> String) -> String {
    if references.is_empty() {
        return String::new();
    }
    let mut text = "foreignKeys:\n".to_owned();
    for (column, parent) in references {
        let key = key(parent);
        writeln!(text, "  - {{ fields: {column}, reference: {{ resource: {parent}, fields: {key} }} }}")
            .expect("text");
    }
    text
}

fn source_schema(table: &Table) -> String {
    let mut text = "fields:\n".to_owned();
    table.fields.iter().for_each(|one| text.push_str(&field(one)));
    if !table.primary.is_empty() {
        writeln!(text, "primaryKey: {}", list(&table.primary)).expect("text");
    }
    text.push_str(&references(&table.references, |_| "id".into()));
    writeln!(text, "missingValues: {}", list(&table.missing)).expect("text");
    let mut own = Vec::new();
    if !table.row_key.is_empty() {
        own.push(format!("row_key: {}", list(&table.row_key)));
    }
    if !table.failed.is_empty() {
        own.push(format!("failed: {}", pairs(&table.failed)));
    }
    if !own.is_empty() {
        writeln!(text, "chartlift: {{ {} }}", own.join(", ")).expect("text");
    }
    text
}

fn sink_schema(sink: &Sink, target: bool) -> String {
    let mut text = "fields:\n".to_owned();
    sink.fields.iter().for_each(|one| text.push_str(&field(one)));
    writeln!(text, "primaryKey: {}", sink.key).expect("text");
    text.push_str(&references(&sink.references, |_| "k".into()));
    let mut own = Vec::new();
    own.extend(sink.patient.as_ref().map(|patient| format!("patient: {patient}")));
    own.extend(sink.hold.as_ref().map(|hold| format!("hold: {hold}")));
    if target {
        own.push(format!("key: {}", if sink.natural { "natural" } else { "uuid" }));
    } else {
        own.push(format!("safety_critical: {}", sink.critical));
    }
    if !sink.failed.is_empty() {
        own.push(format!("failed: {}", pairs(&sink.failed)));
    }
    writeln!(text, "chartlift: {{ {} }}", own.join(", ")).expect("text");
    text
}

fn rules(own: &str, sink: &Sink) -> String {
    let mut text = format!("spec: chartlift/v1\n{own}: {}\nrules:\n", sink.name);
    sink.rules.iter().for_each(|one| rule(&mut text, one));
    if let Some(merge) = &sink.merge {
        let keep = format!("{:?}", merge.keep).to_lowercase();
        writeln!(text, "merge: {{ keep: {keep}, order: {} }}", list(&merge.order)).expect("text");
    }
    text
}

fn rule(text: &mut String, rule: &Rule) {
    let mut line = |words: String| {
        text.push_str(&words);
        text.push('\n');
    };
    line(format!("  - name: {}", rule.name));
    line(format!("    from: {}", list(&rule.from)));
    if let Some(group) = &rule.group {
        let take = if group.last { "last" } else { "first" };
        line(format!(
            "    group: {{ by: {}, order: {}, take: {take} }}",
            list(&group.by),
            list(&group.order)
        ));
    }
    if let Some(unpivot) = &rule.unpivot {
        let columns: Vec<String> =
            unpivot.columns.iter().map(|(name, from)| format!("{name}: {}", list(from))).collect();
        let number = unpivot.number.as_ref().map(|name| format!(", number: {name}")).unwrap_or_default();
        line(format!("    unpivot: {{ columns: {{ {} }}{number} }}", columns.join(", ")));
    }
    if let Some(split) = &rule.split {
        let columns: Vec<String> =
            split.columns.iter().map(|(name, from)| format!("{name}: {}", quoted(from))).collect();
        line(format!("    split: {{ columns: {{ {} }}, separator: \"|\" }}", columns.join(", ")));
    }
    if !rule.joins.is_empty() {
        line("    join:".into());
    }
    for join in &rule.joins {
        let unreferenced = if join.exclude { "exclude" } else { "quarantine" };
        line(format!(
            "      - {{ table: {}, as: {}, match: {}, at_most: {}, unreferenced: {unreferenced} }}",
            join.table,
            join.alias,
            quoted(&condition(&join.matches)),
            if join.many { "many" } else { "one" }
        ));
    }
    if !rule.excludes.is_empty() {
        line("    exclude:".into());
    }
    for exclude in &rule.excludes {
        let when = quoted(&condition(&exclude.when));
        line(format!("      - {{ rule: {}, when: {when}, unknown: {} }}", exclude.name, exclude.unknown));
    }
    if !rule.checks.is_empty() {
        line("    checks:".into());
    }
    for check in &rule.checks {
        let when = quoted(&condition(&check.when));
        line(format!("      - {{ check: {}, when: {when}, failed: {} }}", check.name, check.failed));
    }
    line("    fields:".into());
    for (name, value) in &rule.fields {
        line(format!("      {name}: {}", given(rule, value)));
    }
}

fn given(rule: &Rule, given: &Given) -> String {
    let mut own = vec![match &given.source {
        // A plain name is a column of the driving table.
        Source::Column(column) if column.alias == rule.from[0] => {
            format!("column: {}", quoted(&column.name))
        }
        Source::Column(column) => format!("column: {}", quoted(&format!("{}.{}", column.alias, column.name))),
        Source::Text(text) => format!("text: {}", quoted(text)),
        Source::Sql(sql) => format!("sql: {}", quoted(&expression(sql))),
        Source::Lines(name, separator) => {
            format!("lines: {}, separator: {}", quoted(name), quoted(separator))
        }
    }];
    own.extend(given.map.as_ref().map(|map| format!("map: {map}")));
    if !given.formats.is_empty() {
        own.push(format!("formats: {}", list(&given.formats)));
    }
    if !given.missing.is_empty() {
        own.push(format!("missing: {}", list(&given.missing)));
    }
    own.extend(given.failed.map(|failed| format!("failed: {failed}")));
    own.extend(given.unmapped.map(|unmapped| format!("unmapped: {unmapped}")));
    if given.repair {
        own.push("repair: [mojibake]".into());
    }
    format!("{{ {} }}", own.join(", "))
}

fn column(column: &Column) -> String {
    let plain = column.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let name = if plain { column.name.clone() } else { format!("\"{}\"", column.name) };
    format!("{}.{name}", column.alias)
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

pub(crate) fn expression(one: &Expression) -> String {
    let all = |parts: &[Expression]| parts.iter().map(expression).collect::<Vec<_>>().join(", ");
    match one {
        Expression::Column(name) => column(name),
        Expression::Text(text) => literal(text),
        Expression::Coalesce(parts) => format!("coalesce({})", all(parts)),
        Expression::Concat(parts) => format!("concat({})", all(parts)),
        Expression::Trim(inner) => format!("trim({})", expression(inner)),
        Expression::Upper(inner) => format!("upper({})", expression(inner)),
        Expression::Digits(inner) => format!("digits({})", expression(inner)),
        Expression::NullIf(inner, text) => format!("nullif({}, {})", expression(inner), literal(text)),
        Expression::Case(when, then, other) => {
            format!("case when {} then {} else {} end", condition(when), expression(then), expression(other))
        }
        Expression::ParseInteger(inner) => format!("parse_integer({})", expression(inner)),
        Expression::ParseDate(inner, words) => {
            format!("parse_date({}, {})", expression(inner), literal(words))
        }
    }
}

pub(crate) fn condition(one: &Condition) -> String {
    match one {
        Condition::Equal(left, right) => format!("{} = {}", expression(left), expression(right)),
        Condition::Unequal(left, right) => format!("{} <> {}", expression(left), expression(right)),
        Condition::Null(inner) => format!("{} is null", expression(inner)),
        Condition::NotNull(inner) => format!("{} is not null", expression(inner)),
        Condition::And(left, right) => format!("({} and {})", condition(left), condition(right)),
        Condition::Or(left, right) => format!("({} or {})", condition(left), condition(right)),
        Condition::Not(inner) => format!("not ({})", condition(inner)),
    }
}
