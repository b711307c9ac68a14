//! The diary and the visits, as `vidaclin` writes them.

use std::io;
use std::path::Path;

use super::people::Patient;
use super::{Edition, brazilian, clock, fate};
use crate::demo::Defect;
use crate::demo::diary::{Diary, Slot, State, Turn, Visit};
use crate::demo::random::Random;
use crate::demo::table::{Table, with};

pub(super) fn write(
    folder: &Path,
    random: &mut Random,
    edition: Edition,
    patients: &[Patient],
    diary: &Diary,
) -> io::Result<Vec<Defect>> {
    let mut defects = appointments(folder, random, edition, patients, &diary.slots)?;
    defects.extend(visits(folder, random, edition, patients, &diary.visits)?);
    Ok(defects)
}

const SERVICES: &[&str] = &["Consulta", "Retorno", "Exame", "Avaliação; primeira vez"];
const SLOT_NOTES: &[&str] =
    &["", "", "", "xxx", "não cobrar", "trazer exames", "...", "encaixe – confirmar por telefone"];

fn appointments(
    folder: &Path,
    random: &mut Random,
    edition: Edition,
    patients: &[Patient],
    slots: &[Slot],
) -> io::Result<Vec<Defect>> {
    let header = [
        "id_agendamento",
        "id_paciente",
        "nome_paciente",
        "id_medico",
        "dia",
        "hora_inicio",
        "hora_fim",
        "status",
        "procedimento",
        "modalidade",
        "observacao",
    ];
    let mut table = edition.table("agendamentos.csv", &header);
    let (mut past, mut future) = (Turn::default(), Turn::default());
    for slot in slots {
        let patient = slot.patient.and_then(|index| patients.get(index));
        let sound = patient.is_some_and(|patient| patient.role.sound());
        let turn = if slot.state.future() { &mut future } else { &mut past }.of(sound);
        let cells = slot_cells(random, patient, slot);
        appointment(&mut table, cells, turn, slot.state.future(), fate(patient));
    }
    for id in [59_001, 59_002] {
        let id = id.to_string();
        let cells = [
            id.as_str(),
            "99999",
            "Alguém ZZCANARIO",
            "1",
            "05/03/2024",
            "09:00",
            "09:20",
            "AT",
            "Consulta",
            "P",
            "",
        ];
        table.push_defect("foreign-key", &cells);
    }
    table.write(folder)
}

fn slot_cells(random: &mut Random, patient: Option<&Patient>, slot: &Slot) -> Vec<String> {
    vec![
        slot.id.to_string(),
        patient.map(|patient| patient.code.to_string()).unwrap_or_default(),
        patient.map(|patient| patient.name.trim().to_owned()).unwrap_or_default(),
        slot.doctor.to_string(),
        brazilian(slot.day),
        clock(slot.minute),
        clock(slot.minute + 20),
        match slot.state {
            State::Booked => "AG",
            State::Confirmed => "CF",
            State::Blocked => "BL",
            State::Kept => "AT",
            State::Missed => "FA",
            State::Cancelled => "DM",
        }
        .to_owned(),
        if patient.is_some() { random.pick(SERVICES) } else { "" }.to_owned(),
        match patient {
            Some(_) if slot.tele => "T",
            Some(_) => "P",
            None => "",
        }
        .to_owned(),
        random.pick(SLOT_NOTES).to_owned(),
    ]
}

const DAY: usize = 4;
const START: usize = 5;
const END: usize = 6;
const STATUS: usize = 7;

fn appointment(
    table: &mut Table,
    mut cells: Vec<String>,
    turn: u32,
    future: bool,
    fate: Option<&'static str>,
) {
    match (turn, future) {
        (4 | 14, false) | (3, true) => table.push_defect("unmapped-code", &with(cells, STATUS, "RM")),
        (24, false) => table.push_twice(&cells),
        (34, false) => {
            table.push_defect("primary-key", &cells);
            table.push_defect("primary-key", &with(cells, END, "23:59"));
        }
        (44, false) => {
            cells.truncate(6);
            table.push_defect("missing-cell", &cells);
        }
        (54, false) => {
            cells.push("sobra".to_owned());
            table.push_defect("extra-cell", &cells);
        }
        (64, false) => table.push_defect("constraint-error", &with(cells, START, "")),
        (74, false) => table.push_defect("type-error", &with(cells, DAY, "30/02/2024")),
        _ => table.push_labelled(fate, &cells),
    }
}

const COMPLAINTS: &[&str] = &[
    "Dor de cabeça",
    "Retorno de exames",
    "Check-up anual",
    "Tosse há 2 semanas",
    "xxx",
    "Dor lombar; piora à noite",
    "ZZCANARIO",
];

fn visits(
    folder: &Path,
    random: &mut Random,
    edition: Edition,
    patients: &[Patient],
    visits: &[Visit],
) -> io::Result<Vec<Defect>> {
    let header = [
        "id_atendimento",
        "id_agendamento",
        "id_paciente",
        "id_medico",
        "id_unidade",
        "data",
        "hora_inicio",
        "hora_fim",
        "modalidade",
        "queixa",
    ];
    let mut table = edition.table("atendimentos.csv", &header);
    let mut turns = Turn::default();
    for visit in visits {
        let Some(patient) = patients.get(visit.patient) else { continue };
        let cells = vec![
            visit.id.to_string(),
            visit.slot.map(|id| id.to_string()).unwrap_or_default(),
            patient.code.to_string(),
            visit.doctor.to_string(),
            (visit.doctor % 2 + 1).to_string(),
            brazilian(visit.day),
            clock(visit.minute),
            clock(visit.minute + random.between(10, 40)),
            if visit.tele { "T" } else { "P" }.to_owned(),
            random.pick(COMPLAINTS).to_owned(),
        ];
        match turns.of(patient.role.sound()) {
            20 | 50 => table.push_defect("type-error", &with(cells, 5, "31/04/2025")),
            // An appointment that was purged: noted, and the visit moves without it.
            33 => table.push_defect("foreign-key", &with(cells, 1, "1")),
            _ => table.push_labelled(fate(Some(patient)), &cells),
        }
    }
    table.write(folder)
}
