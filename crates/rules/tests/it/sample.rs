//! A small project without a mistake; tests change one file of it.

use std::path::PathBuf;

pub(crate) const FILES: &[(&str, &str)] = &[
    (
        "chartlift.yaml",
        "\
spec: chartlift/v1
name: my-clinic
storage: .
key: file:.chartlift/key
target: clinic=sqlite:out.db
limits: { field_bytes: 1024, memory_mb: 64, threads: 2, lock_seconds: 5 }
gates:
  - { applies_to: pacientes, stage: check, quarantined: 2 %, author: Ana Souza, date: 2026-11-22, reason: known }
  - { applies_to: patient, quarantined: 0.5 %, author: Ana Souza, date: 2024-02-29, reason: known }
",
    ),
    (
        "systems/demo/1.10/system.yaml",
        "\
spec: chartlift/v1
system: demo
version: 1.10
covers: [1.9, 01]
title: A demonstration
timezone: America/Sao_Paulo
dialect: { delimiter: \";\", quoteChar: null, encoding: windows-1252 }
tables:
  pacientes: { path: pacientes*.csv }
  enderecos: { path: enderecos.csv, required: false, dialect: { delimiter: \"\\t\", quoteChar: \"'\", header: false } }
  contas: { path: contas.csv }
ignore:
  - { table: contas, reason: money moves by opening balance }
second_reading:
  patient: { table: pacientes, patient: id, facts: { name: Nome Completo } }
",
    ),
    (
        "systems/demo/1.10/schemas/pacientes.yaml",
        "\
$schema: https://datapackage.org/profiles/2.0/tableschema.json
title: Patients
fields:
  - { name: id, type: string, constraints: { required: true, unique: true, pattern: '\\d+' } }
  - { name: Nome Completo, type: string, title: The name, rdfType: x, example: y }
  - { name: nasc, type: date, format: \"%d/%m/%Y\", constraints: { minimum: 1900-01-01 } }
  - { name: sexo, type: string, constraints: { enum: [M, F, NO, 0123] } }
  - { name: peso, type: number, decimalChar: \",\", groupChar: \".\" }
  - { name: ativo, type: boolean, trueValues: [S], falseValues: [N] }
  - { name: senha, type: string, chartlift: { keep: never, failed: { type: note } } }
primaryKey: id
missingValues: [\"\", NO, { value: \"-\", label: none }]
chartlift: { failed: { enum: note, primaryKey: block } }
",
    ),
    (
        "systems/demo/1.10/schemas/enderecos.yaml",
        "\
fields:
  - { name: paciente, type: string }
  - { name: cidade, type: string }
  - { name: cep, type: string }
foreignKeys:
  - { fields: paciente, reference: { resource: pacientes, fields: [id] } }
chartlift: { row_key: [paciente, cidade] }
",
    ),
    ("systems/demo/1.10/schemas/contas.yaml", "fields: [{ name: id, type: integer }]\n"),
    (
        "systems/demo/1.10/categorize/patient.yaml",
        "\
spec: chartlift/v1
category: patient
rules:
  - name: patients
    from: pacientes
    join:
      - { table: enderecos, as: home, match: home.paciente = pacientes.id, unreferenced: exclude }
    exclude:
      - { rule: inactive, when: \"ativo = 'N' # old\", unknown: keep }
    fields:
      source_key: _key
      name: { column: Nome Completo, missing: [xxx, \"-\"] }
      full_name: { sql: squeeze(trim(\"Nome Completo\")) }
      birth: nasc
      registered: { column: nasc, formats: [DD/MM/YYYY, ISO], failed: hold_row }
      sex: { column: sexo, map: sex, unmapped: keep_text_and_flag }
      weight: peso
      city: home.cidade
      country: { text: BR }
      active: { text: \"true\" }
ignore:
  - { column: cep, reason: not needed }
  - { column: senha, reason: a credential }
",
    ),
    (
        "canonical/patient.yaml",
        "\
fields:
  - { name: source_key, type: string }
  - { name: name, type: string, constraints: { required: true } }
  - { name: full_name, type: string }
  - { name: birth, type: date }
  - { name: registered, type: date }
  - { name: sex, type: string }
  - { name: weight, type: number }
  - { name: city, type: string }
  - { name: country, type: string }
  - { name: active, type: boolean }
primaryKey: source_key
chartlift: { safety_critical: true, patient: source_key }
",
    ),
    (
        "targets/clinic/1/target.yaml",
        "\
spec: chartlift/v1
target: clinic
version: \"1\"
ignore:
  - { table: patient, column: registered, reason: no place for it }
",
    ),
    (
        "targets/clinic/1/schemas/patients.yaml",
        "\
fields:
  - { name: id, type: string, format: uuid, constraints: { required: true } }
  - { name: name, type: string, constraints: { required: true } }
  - { name: birth, type: date }
  - { name: mother_id, type: string }
  - { name: safety_hold, type: string, constraints: { required: true } }
primaryKey: id
foreignKeys:
  - { fields: mother_id, reference: { resource: \"\", fields: id } }
chartlift: { key: uuid, mode: insert, hold: safety_hold, patient: id, table: pessoas, second_reading: { category: patient, facts: { name: name } } }
",
    ),
    (
        "targets/clinic/1/convert/patients.yaml",
        "\
spec: chartlift/v1
table: patients
rules:
  - name: patients
    from: patient
    fields: { id: source_key, name: name, birth: birth }
ignore:
  - { column: country, reason: always here }
",
    ),
    ("targets/clinic/1/ddl/sqlite.sql", "create table pessoas (id text primary key) strict;\n"),
    (
        "maps/sex.csv",
        "\
source,source_text,target,equivalence,decided_by
M,\"Masculino, homem\",male,equal,Ana Souza
X,,,unmatched,Ana Souza
",
    ),
    ("systems/README.md", "# Systems\n"),
    ("tests/a/input.csv", "x\n"),
];

/// The sample, with the given files in place of its own or beside them.
pub(crate) fn with<T: AsRef<str>>(changed: &[(T, T)]) -> Vec<(PathBuf, String)> {
    let own = FILES.iter().map(|(path, text)| (PathBuf::from(path), (*text).to_owned()));
    let changed = changed.iter().map(|(path, text)| (PathBuf::from(path.as_ref()), text.as_ref().to_owned()));
    own.chain(changed).collect()
}

pub(crate) fn text(path: &str) -> &'static str {
    FILES.iter().find(|(each, _)| *each == path).unwrap_or_else(|| panic!("the sample has no {path}")).1
}
