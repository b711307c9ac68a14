//! Whether what `patients` of the settings compares is there to be compared.

use super::unknown;
use crate::entries::Problems;
use crate::{
    Diagnostic, FieldType, IDENTIFIER_TYPE, IDENTIFIER_VALUE, Located, MatchPart, PATIENT,
    PATIENT_IDENTIFIER, Project,
};

pub(super) fn check(project: &Project, problems: &mut Problems) {
    let Some(patients) = &project.settings.patients else { return };
    for part in patients.alternatives.iter().flatten() {
        match part {
            MatchPart::Field(name) => field(project, name, problems),
            MatchPart::Identifier(name) => identifier(project, name, problems),
        }
    }
}

fn field(project: &Project, name: &Located<String>, problems: &mut Problems) {
    let Some(schema) = project.category(PATIENT) else { return };
    let Some(field) = schema.field(&name.value) else {
        let known = schema.fields.iter().map(|field| field.name.value.as_str());
        problems.push(unknown("unknown-column", "field of a patient", name, &name.value, known));
        return;
    };
    let own = |names: &[Located<String>]| names.iter().any(|one| one.value == name.value);
    let reference = schema.foreign_keys.iter().any(|foreign| own(&foreign.fields));
    let comparable = matches!(field.kind, FieldType::String | FieldType::Date | FieldType::Integer);
    if own(&schema.primary_key) || reference || !comparable {
        let message = format!("`{}` does not tell who somebody is", name.value);
        problems.push(
            Diagnostic::error("bad-patient-match", name.place, message)
                .help("keys mean something in one system only; compare texts, dates or whole numbers"),
        );
    }
}

fn identifier(project: &Project, name: &Located<String>, problems: &mut Problems) {
    let Some(schema) = project.category(PATIENT_IDENTIFIER) else { return };
    let has = |field: &str| schema.field(field).is_some();
    if !(has(IDENTIFIER_TYPE) && has(IDENTIFIER_VALUE) && schema.extension.patient.is_some()) {
        let message = format!(
            "the category `{PATIENT_IDENTIFIER}` has no `{IDENTIFIER_TYPE}`, `{IDENTIFIER_VALUE}` or patient"
        );
        problems.push(Diagnostic::error("bad-patient-match", name.place, message));
    }
}
