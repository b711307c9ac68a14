//! What is written during and around visits: notes, prescriptions, vital signs, problems, allergies, vaccines.

use std::io;
use std::path::Path;

use chrono::NaiveDate;

use super::people::{DOCTORS, Patient, Role};
use super::{Edition, brazilian, clock, fate};
use crate::demo::Defect;
use crate::demo::diary::{Diary, Turn, Visit};
use crate::demo::random::Random;
use crate::demo::table::with;

pub(super) fn write(
    folder: &Path,
    random: &mut Random,
    edition: Edition,
    today: NaiveDate,
    patients: &[Patient],
    diary: &Diary,
) -> io::Result<Vec<Defect>> {
    let visits: Vec<(&Visit, &Patient)> =
        diary.visits.iter().filter_map(|visit| Some((visit, patients.get(visit.patient)?))).collect();
    // Nothing safety-critical hangs on a patient whose own row is held.
    let whole: Vec<&Patient> = patients.iter().filter(|patient| !patient.role.held()).collect();
    let mut defects = notes(folder, random, edition, &visits)?;
    defects.extend(problems(folder, random, edition, today, &whole)?);
    defects.extend(allergies(folder, random, edition, today, &whole)?);
    defects.extend(prescriptions(folder, random, edition, &visits)?);
    defects.extend(vital_signs(folder, random, edition, &visits)?);
    defects.extend(vaccines(folder, random, edition, today, patients)?);
    defects.extend(audit_trail(folder, random, edition, &visits)?);
    Ok(defects)
}

const HISTORY: &[&str] = &[
    "Paciente refere melhora.",
    "Refere \"aperto\" no peito ao subir escadas; nega febre.",
    "Queixa-se de tosse seca há 10 dias, sem dispneia.",
    "Retorno com exames: glicemia 92; colesterol 187.",
    "Mãe relata sono agitado – orientada.",
    "ZZCANARIO relata \"dor em pontada\"; nega trauma.",
];
const PLANS: &[&str] = &[
    "Mantida a medicação.\nRetorno em 30 dias.",
    "Solicito:\n- hemograma\n- TSH; T4 livre",
    "Orientações gerais. Alta.",
    "Encaminho à fisioterapia (10 sessões).",
];

fn notes(
    folder: &Path,
    random: &mut Random,
    edition: Edition,
    visits: &[(&Visit, &Patient)],
) -> io::Result<Vec<Defect>> {
    let mut table = edition.table(
        "evolucoes.csv",
        &["id_evolucao", "id_atendimento", "id_paciente", "data_hora", "assinado", "texto"],
    );
    let mut turns = Turn::default();
    for (visit, patient) in visits {
        let cells = vec![
            (visit.id + 20_000).to_string(),
            visit.id.to_string(),
            patient.code.to_string(),
            format!("{} {}", brazilian(visit.day), clock(visit.minute + 15)),
            if random.chance(85) { "S" } else { "N" }.to_owned(),
            format!("{}\n\nConduta: {}", random.pick(HISTORY), random.pick(PLANS)),
        ];
        match turns.of(patient.role.sound()) {
            10 | 60 => table
                .push_stray_quote(cells.get(..5).unwrap_or_default(), "paciente refere \"pontada\" há dias"),
            25 => table.push_undecodable(&cells),
            40 => table.push_defect("missing-cell", cells.get(..4).unwrap_or_default()),
            turn if turn % 17 == 3 => {
                table.push_defect("excluded", &with(cells, 5, random.pick(&["xxx", "...", "-"])))
            }
            _ => table.push_labelled(fate(Some(patient)), &cells),
        }
    }
    table.write(folder)
}

const PROBLEMS: &[(&str, &str)] = &[
    ("I10", "Hipertensão essencial"),
    ("E11.9", "Diabetes mellitus tipo 2"),
    ("J45.9", "Asma não especificada"),
    ("F41.1", "Ansiedade generalizada"),
    ("M54.5", "Dor lombar baixa"),
    ("", "Enxaqueca (sem código)"),
];

fn problems(
    folder: &Path,
    random: &mut Random,
    edition: Edition,
    today: NaiveDate,
    patients: &[&Patient],
) -> io::Result<Vec<Defect>> {
    let mut table = edition
        .table("problemas.csv", &["id_problema", "id_paciente", "cid", "descricao", "inicio", "situacao"]);
    let (mut turns, mut id) = (Turn::default(), 0);
    for patient in patients {
        for _ in 0..random.below(3) {
            id += 1;
            let (code, text) = random.pick(PROBLEMS);
            let onset = random.day_before(today, 30, 4000);
            let cells = vec![
                id.to_string(),
                patient.code.to_string(),
                code.to_owned(),
                text.to_owned(),
                if random.chance(80) { brazilian(onset.max(patient.born)) } else { String::new() },
                random.pick(&["A", "A", "A", "R", "I"]).to_owned(),
            ];
            match turns.of(patient.role.sound()) {
                6 => table.push_defect("type-error", &with(cells, 4, "2015")),
                16 => table.push_defect("unmapped-code", &with(cells, 5, "Z")),
                _ => table.push_labelled(fate(Some(patient)), &cells),
            }
        }
    }
    table.write(folder)
}

const SUBSTANCES: &[(&str, &str, &str)] = &[
    ("Dipirona", "M", "Urticária"),
    ("Penicilina", "M", "Anafilaxia; internada em 2009"),
    ("Camarão", "A", "Edema labial ZZCANARIO"),
    ("Ácaros", "B", "Rinite"),
    ("Nega alergias", "", ""),
    ("NEGA  ALERGIA A MEDICAMENTOS", "", ""),
];

fn allergies(
    folder: &Path,
    random: &mut Random,
    edition: Edition,
    today: NaiveDate,
    patients: &[&Patient],
) -> io::Result<Vec<Defect>> {
    let mut header =
        vec!["id_alergia", "id_paciente", "substancia", "tipo", "reacao", "gravidade", "desde", "situacao"];
    if edition == Edition::V22 {
        header.insert(CONFIRMED, "confirmada");
    }
    let mut table = edition.table("alergias.csv", &header);
    let (mut turns, mut id) = (Turn::default(), 0);
    for patient in patients {
        if patient.role != Role::Test && !random.chance(45) {
            continue;
        }
        id += 1;
        let (substance, kind, reaction) = random.pick(SUBSTANCES);
        let since = random.day_before(today, 30, 6000).max(patient.born);
        let known = !reaction.is_empty();
        let mut cells = vec![
            id.to_string(),
            patient.code.to_string(),
            substance.to_owned(),
            kind.to_owned(),
            reaction.to_owned(),
            if known { random.pick(&["L", "M", "G", ""]) } else { "" }.to_owned(),
            match random.below(3) {
                _ if !known => String::new(),
                0 => since.format("%Y").to_string(),
                1 => brazilian(since),
                _ => String::new(),
            },
            "A".to_owned(),
        ];
        if edition == Edition::V22 {
            // Refuted ones stay in the file, still marked as active.
            let confirmed = if known { random.pick(&["S", "S", "N", "R", ""]) } else { "" };
            cells.insert(CONFIRMED, confirmed.to_owned());
        }
        match turns.of(patient.role.sound()) {
            37 if edition == Edition::V22 => {
                table.push_defect("unmapped-code", &with(cells, CONFIRMED, "Q"));
            }
            7 => table.push_defect("unmapped-code", &with(cells, 5, "X")),
            17 => table.push_defect("lost-value", &with(cells, 6, "00/00/2015")),
            27 => table.push_twice(&cells),
            _ => table.push_labelled(fate(Some(patient)), &cells),
        }
    }
    table.write(folder)
}

/// Where 2.2 says whether somebody confirmed an allergy.
const CONFIRMED: usize = 7;

const DRUGS: &[(&str, &str, &str, &str, &str)] = &[
    ("Losartana 50 mg", "1", "comprimido", "Oral", "Tomar 1 comprimido de 12/12 h"),
    ("Metformina 850 mg", "1", "comprimido", "Oral", "1 comprimido após o almoço e o jantar"),
    ("Dipirona gotas", "0,5", "mL", "Oral", "Se dor; até 4x ao dia"),
    ("Salbutamol spray", "2", "jatos", "Inalatória", "Se falta de ar"),
    ("Insulina NPH", "12,5", "UI", "Subcutânea", "Às 22 h"),
];

fn prescriptions(
    folder: &Path,
    random: &mut Random,
    edition: Edition,
    visits: &[(&Visit, &Patient)],
) -> io::Result<Vec<Defect>> {
    let header = [
        "id_atendimento",
        "item",
        "id_paciente",
        "medicamento",
        "dose",
        "unidade",
        "via",
        "posologia",
        "inicio",
        "dias",
        "continuo",
        "situacao",
    ];
    let mut table = edition.table("prescricoes.csv", &header);
    let mut turns = Turn::default();
    for (visit, patient) in visits.iter().filter(|(_, patient)| !patient.role.held()) {
        for item in 1..=random.below(3) {
            let (drug, dose, unit, route, instructions) = random.pick(DRUGS);
            let continuous = random.chance(40);
            let cells = vec![
                visit.id.to_string(),
                item.to_string(),
                patient.code.to_string(),
                drug.to_owned(),
                dose.to_owned(),
                unit.to_owned(),
                route.to_owned(),
                instructions.to_owned(),
                brazilian(visit.day),
                if continuous { String::new() } else { random.pick(&["5", "7", "10", "30"]).to_owned() },
                if continuous { "S" } else { "N" }.to_owned(),
                if continuous { "ATIVA" } else { random.pick(&["ENCERRADA", "ENCERRADA", "SUSPENSA"]) }
                    .to_owned(),
            ];
            match turns.of(patient.role.sound()) {
                12 => table.push_defect("type-error", &with(cells, 8, "00/00/0000")),
                30 => table.push_defect("unmapped-code", &with(cells, 11, "PAUSADA")),
                _ => table.push_labelled(fate(Some(patient)), &cells),
            }
        }
    }
    table.write(folder)
}

/// Version 2.2 has a column for each of the two pressures, and a sign more.
fn vital_signs_header(edition: Edition) -> Vec<&'static str> {
    let mut header =
        vec!["id_atendimento", "id_paciente", "data_hora", "peso_kg", "altura_cm", "pa", "fc", "temperatura"];
    if edition == Edition::V22 {
        header.splice(PRESSURE..=PRESSURE, ["pas", "pad"]);
        header.push("saturacao");
    }
    header
}

/// Where 2.1 has both pressures in one cell, and 2.2 the first of the two.
const PRESSURE: usize = 5;

fn vital_signs(
    folder: &Path,
    random: &mut Random,
    edition: Edition,
    visits: &[(&Visit, &Patient)],
) -> io::Result<Vec<Defect>> {
    let mut table = edition.table("sinais_vitais.csv", &vital_signs_header(edition));
    let mut turns = Turn::default();
    for (visit, patient) in visits {
        if !random.chance(70) {
            continue;
        }
        let systolic = random.between(95, 165);
        let mut cells = vec![
            visit.id.to_string(),
            patient.code.to_string(),
            format!("{} {}", brazilian(visit.day), clock(visit.minute + 2)),
            format!("{},{}", random.between(48, 104), random.below(10)),
            if random.chance(60) { random.between(150, 192).to_string() } else { "-".to_owned() },
            if random.chance(85) { format!("{systolic}/{}", systolic - 40) } else { String::new() },
            random.between(56, 98).to_string(),
            if random.chance(30) { format!("36,{}", random.below(10)) } else { "-".to_owned() },
        ];
        let mut impossible = "12x8";
        if edition == Edition::V22 {
            let diastolic = (systolic - 40).to_string();
            cells.splice(PRESSURE..=PRESSURE, [systolic.to_string(), diastolic]);
            cells.push(if random.chance(40) { random.between(88, 100).to_string() } else { "-".to_owned() });
            impossible = "1280";
        }
        match turns.of(patient.role.sound()) {
            8 | 18 => table.push_defect("constraint-error", &with(cells, PRESSURE, impossible)),
            28 => table.push_defect("type-error", &with(cells, 3, "setenta")),
            _ => table.push_labelled(fate(Some(patient)), &cells),
        }
    }
    table.write(folder)
}

const VACCINES: &[(&str, &str)] = &[
    ("Influenza", "Dose anual"),
    ("Hepatite B", "1ª dose"),
    ("Febre amarela", "Dose única"),
    ("dT adulto", "Reforço"),
];

fn vaccines(
    folder: &Path,
    random: &mut Random,
    edition: Edition,
    today: NaiveDate,
    patients: &[Patient],
) -> io::Result<Vec<Defect>> {
    let header = [
        "id_vacina",
        "id_paciente",
        "vacina",
        "aplicada_em",
        "dose",
        "lote",
        "validade",
        "fabricante",
        "id_aplicador",
    ];
    let mut table = edition.table("vacinas.csv", &header);
    let (mut turns, mut id) = (Turn::default(), 0);
    for patient in patients {
        if !patient.role.held() && !random.chance(60) {
            continue;
        }
        id += 1;
        let (vaccine, dose) = random.pick(VACCINES);
        let given = random.day_before(today, 10, 2000).max(patient.born);
        let here = random.chance(60);
        let cells = vec![
            id.to_string(),
            patient.code.to_string(),
            vaccine.to_owned(),
            brazilian(given),
            dose.to_owned(),
            if here { format!("lt{:04}", random.below(10_000)) } else { String::new() },
            if here { brazilian(later(given)) } else { String::new() },
            if here { "Laboratório Exemplo" } else { "" }.to_owned(),
            if here { random.between(1, DOCTORS).to_string() } else { String::new() },
        ];
        match turns.of(patient.role.sound()) {
            5 | 45 => table.push_defect("constraint-error", &with(cells, 3, "")),
            15 => table.push_defect("type-error", &with(cells, 3, "32/01/2022")),
            25 | 55 => table.push_defect("foreign-key", &with(cells, 1, "99999")),
            35 => table.push_twice(&cells),
            _ => table.push_labelled(fate(Some(patient)), &cells),
        }
    }
    table.write(folder)
}

/// A vaccine's date of expiry: a year after it was given is late enough for any batch.
fn later(given: NaiveDate) -> NaiveDate {
    given.checked_add_months(chrono::Months::new(12)).unwrap_or(given)
}

fn audit_trail(
    folder: &Path,
    random: &mut Random,
    edition: Edition,
    visits: &[(&Visit, &Patient)],
) -> io::Result<Vec<Defect>> {
    let mut table = edition.table("auditoria.csv", &["quando", "login", "acao", "id_paciente"]);
    for (visit, patient) in visits {
        let time = format!("{} {}:00", brazilian(visit.day), clock(visit.minute));
        let code = patient.code.to_string();
        table.push(&[time.as_str(), random.pick(&["helena", "otavio", "ines"]), "ABRIR PRONTUÁRIO", &code]);
    }
    table.write(folder)
}
