//! What a sound project says once it is read.

use std::path::PathBuf;

use chartlift_rules::*;

use crate::sample;

fn sample() -> Project {
    let (project, problems) = read(&sample::with::<&str>(&[]));
    assert!(problems.is_empty(), "{problems:#?}");
    project
}

#[test]
fn settings() {
    let settings = sample().settings;
    assert_eq!(settings.name, "my-clinic");
    let limits = Limits { field_bytes: 1024, memory_bytes: 64 << 20, threads: Some(2), lock_seconds: 5 };
    assert_eq!(settings.limits, limits);
    let shares: Vec<(f64, Option<&str>)> =
        settings.gates.iter().map(|gate| (gate.quarantined, gate.stage.as_deref())).collect();
    assert_eq!(shares, [(0.02, Some("check")), (0.005, None)]);
    assert_eq!(split_target(&settings.target.unwrap().value), ("clinic", Some("sqlite:out.db")));
    assert_eq!(split_target("clinic"), ("clinic", None));
}

#[test]
fn a_system() {
    let project = sample();
    let system = project.system("demo", "1.9").unwrap();
    assert_eq!((system.version.as_str(), system.title().as_str()), ("1.10", "A demonstration"));
    assert_eq!(system.covers, ["1.9", "01"]);
    assert!(project.system("demo", "2").is_none());
    let names: Vec<&str> = system.tables.iter().map(|table| table.name.value.as_str()).collect();
    assert_eq!(names, ["pacientes", "enderecos", "contas"], "in the order of the file");
    let base =
        Dialect { delimiter: b';', quote_char: None, encoding: Encoding::Windows1252, ..Dialect::default() };
    assert_eq!(system.table("pacientes").unwrap().dialect, base);
    let own = Dialect { delimiter: b'\t', quote_char: Some(b'\''), header_row: 0, ..base };
    let addresses = system.table("enderecos").unwrap();
    assert_eq!((&addresses.dialect, addresses.required), (&own, false));
    assert!(system.ignores("contas") && !system.ignores("pacientes"));
}

#[test]
fn a_schema() {
    let project = sample();
    let schema = &project.system("demo", "1.10").unwrap().table("pacientes").unwrap().schema;
    assert_eq!(schema.missing_values, ["", "NO", "-"]);
    assert_eq!(schema.field("sexo").unwrap().constraints.allowed.as_ref().unwrap().join(" "), "M F NO 0123");
    let weight = schema.field("peso").unwrap();
    assert_eq!((weight.kind, weight.decimal_char, weight.group_char), (FieldType::Number, ',', Some('.')));
    let id = schema.field("id").unwrap();
    assert_eq!(id.constraints.pattern.as_ref().unwrap().value, r"\d+");
    assert!(schema.requires(id) && !schema.requires(weight));
    let password = schema.field("senha").unwrap();
    assert!(password.extension.keep_never);
    assert_eq!(schema.failed(Some(password), "type"), Some(Disposition::Note));
    assert_eq!(schema.failed(Some(password), "enum"), Some(Disposition::Note));
    assert_eq!(schema.failed(None, "primaryKey"), Some(Disposition::Block));
    assert_eq!(schema.failed(None, "type"), None);
}

#[test]
fn rules() {
    let project = sample();
    let file = project.system("demo", "1.10").unwrap().rule_file("patient").unwrap();
    let rule = file.rule("patients").unwrap();
    assert_eq!(rule.reads().collect::<Vec<_>>(), ["pacientes", "enderecos"]);
    assert_eq!((rule.joins[0].alias.as_str(), rule.joins[0].at_most), ("home", AtMost::One));
    assert_eq!(rule.excludes[0].when.value, "ativo = 'N' # old");
    let formats: Vec<&str> =
        rule.field("registered").unwrap().formats.iter().map(|format| format.value.as_str()).collect();
    assert_eq!(formats, ["DD/MM/YYYY", "ISO"]);
    let ignored: Vec<(&str, &str)> = file
        .ignored_columns
        .iter()
        .map(|each| (each.table.value.as_str(), each.column.as_ref().unwrap().value.as_str()))
        .collect();
    assert_eq!(ignored, [("enderecos", "cep"), ("pacientes", "senha")], "the table is found");
}

#[test]
fn places_are_exact() {
    let project = sample();
    let text_of = |place: Place| {
        project.files[place.file as usize].text.get(place.start as usize..place.end as usize).unwrap()
    };
    let rule = &project.system("demo", "1.10").unwrap().rule_file("patient").unwrap().rules[0];
    for field in &rule.fields {
        let (FieldValue::Column(value)
        | FieldValue::Text(value)
        | FieldValue::Sql(value)
        | FieldValue::Lines { column: value, .. }) = &field.value;
        assert_eq!(text_of(value.place), value.value);
        assert_eq!(text_of(field.field.place), field.field.value);
    }
    assert_eq!(text_of(rule.excludes[0].when.place), rule.excludes[0].when.value, "inside the quotes");
}

#[test]
fn a_target() {
    let project = sample();
    let target = project.target("clinic").unwrap();
    let table = target.table("patients").unwrap();
    assert_eq!((table.database_name(), table.schema.extension.key), ("pessoas", TargetKey::Uuid));
    assert_eq!(
        table.schema.foreign_keys[0].resource.value, "patients",
        "an empty resource is the table itself"
    );
    assert!(target.ddl["sqlite"].starts_with("create table"));
    assert!(target.unconverted(project.system("demo", "1.10").unwrap()).is_empty());
}

#[test]
fn a_map() {
    let map = &sample().maps["sex"];
    assert_eq!(map.entry("M").unwrap().source_text, "Masculino, homem");
    assert_eq!(map.entry("X").unwrap().target, "");
}

#[test]
fn versions_are_ordered_by_number() {
    let mut files = sample::with::<&str>(&[]);
    for version in ["9", "10"] {
        let text = format!("spec: chartlift/v1\ntarget: clinic\nversion: {version}\n");
        files.push((PathBuf::from(format!("targets/clinic/{version}/target.yaml")), text));
    }
    assert_eq!(read(&files).0.target("clinic").unwrap().version, "10");
    assert_eq!(compare_versions("3.9", "3.10"), std::cmp::Ordering::Less);
    assert_eq!(compare_versions("3.10", "3.10-b"), std::cmp::Ordering::Less);
}

#[test]
fn a_later_file_replaces_an_earlier_one_of_the_same_path() {
    let own = sample::text("targets/clinic/1/target.yaml").replace("version: \"1\"", "title: Ours");
    let (project, problems) = read(&sample::with(&[("./targets//clinic/1/target.yaml", own.as_str())]));
    assert!(problems.is_empty(), "{problems:#?}");
    assert_eq!(project.target("clinic").unwrap().title(), "Ours");
}

#[test]
fn a_pattern_matches_whole_values() {
    let pattern = pattern_regex("a|b").unwrap();
    assert!(pattern.is_match("a") && pattern.is_match("b") && !pattern.is_match("ab"));
    assert!(pattern_regex("a)(b").is_err());
    assert!(pattern_regex("(?=a)").is_err());
}
