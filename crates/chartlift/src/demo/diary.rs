//! Appointments and the visits that came of them.

use std::io;
use std::path::Path;

use chrono::{Days, NaiveDate};

use super::people::{DOCTORS, Patient, Role};
use super::random::Random;
use super::table::Table;
use super::{Defect, brazilian};

pub(super) struct Diary {
    slots: Vec<Slot>,
    pub(super) visits: Vec<Visit>,
}

struct Slot {
    id: u32,
    /// An index into the patients; `None` for a block.
    patient: Option<usize>,
    doctor: u32,
    day: NaiveDate,
    minute: u32,
    status: &'static str,
    tele: bool,
    future: bool,
}

pub(super) struct Visit {
    pub(super) id: u32,
    slot: Option<u32>,
    pub(super) patient: usize,
    pub(super) doctor: u32,
    pub(super) day: NaiveDate,
    pub(super) minute: u32,
    tele: bool,
}

/// Counts the rows of sound patients, so that each defect has a row to itself.
#[derive(Default)]
pub(super) struct Turn(u32);

impl Turn {
    /// 1, 2, 3, ... for sound patients; 0 for others.
    pub(super) fn of(&mut self, role: Option<Role>) -> u32 {
        if role != Some(Role::Sound) {
            return 0;
        }
        self.0 += 1;
        self.0
    }
}

/// What a child row of an excluded patient is expected to become.
pub(super) fn fate(patient: Option<&Patient>) -> Option<&'static str> {
    patient.filter(|patient| patient.role.excluded()).map(|_| "excluded")
}

pub(super) fn clock(minute: u32) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

pub(super) fn plan(random: &mut Random, today: NaiveDate, patients: &[Patient]) -> Diary {
    let mut diary = Diary { slots: Vec::new(), visits: Vec::new() };
    for (index, patient) in patients.iter().enumerate() {
        if patient.role != Role::Test {
            let past = if patient.role.held() { 1 } else { random.between(1, 3) };
            for _ in 0..past {
                past_slot(random, today, index, patient, &mut diary);
            }
        }
        if !patient.role.held() && (patient.role == Role::Test || random.chance(35)) {
            let day = later(today, random.between(3, 90));
            let status = if random.chance(50) { "AG" } else { "CF" };
            diary.slot(random, Some(index), day, status);
        }
        if !patient.role.excluded() && random.chance(12) {
            let day = random.day_before(today, 5, 900).max(patient.born);
            diary.visit(None, index, random.between(1, DOCTORS), day, random.between(480, 1000), false);
        }
    }
    for _ in 0..2 * DOCTORS {
        let day = later(today, random.between(3, 60));
        diary.slot(random, None, day, "BL");
    }
    diary
}

fn past_slot(random: &mut Random, today: NaiveDate, index: usize, patient: &Patient, diary: &mut Diary) {
    let day = random.day_before(today, 5, 900).max(patient.born);
    let kept = patient.role.held() || random.chance(80);
    let status = if kept { "AT" } else { random.pick(&["FA", "FA", "DM"]) };
    diary.slot(random, Some(index), day, status);
    let slot = diary.slots.last().filter(|_| kept).map(|slot| (slot.id, slot.doctor, slot.minute, slot.tele));
    if let Some((id, doctor, minute, tele)) = slot {
        diary.visit(Some(id), index, doctor, day, minute + random.below(10), tele);
    }
}

fn later(day: NaiveDate, days: u32) -> NaiveDate {
    day.checked_add_days(Days::new(days.into())).unwrap_or(day)
}

impl Diary {
    fn slot(&mut self, random: &mut Random, patient: Option<usize>, day: NaiveDate, status: &'static str) {
        self.slots.push(Slot {
            id: 50_001 + u32::try_from(self.slots.len()).unwrap_or(u32::MAX - 50_001),
            patient,
            doctor: random.between(1, DOCTORS),
            day,
            minute: 480 + 20 * random.below(28),
            status,
            tele: random.chance(15),
            future: matches!(status, "AG" | "CF" | "BL"),
        });
    }

    fn visit(
        &mut self,
        slot: Option<u32>,
        patient: usize,
        doctor: u32,
        day: NaiveDate,
        minute: u32,
        tele: bool,
    ) {
        let id = 70_001 + u32::try_from(self.visits.len()).unwrap_or(u32::MAX - 70_001);
        self.visits.push(Visit { id, slot, patient, doctor, day, minute, tele });
    }
}

pub(super) fn write(
    folder: &Path,
    random: &mut Random,
    patients: &[Patient],
    diary: &Diary,
) -> io::Result<Vec<Defect>> {
    let mut defects = appointments(folder, random, patients, &diary.slots)?;
    defects.extend(visits(folder, random, patients, &diary.visits)?);
    Ok(defects)
}

const SERVICES: &[&str] = &["Consulta", "Retorno", "Exame", "Avaliação; primeira vez"];
const SLOT_NOTES: &[&str] =
    &["", "", "", "xxx", "não cobrar", "trazer exames", "...", "encaixe – confirmar por telefone"];

fn appointments(
    folder: &Path,
    random: &mut Random,
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
    let mut table = Table::new("agendamentos.csv", &header);
    let (mut past, mut future) = (Turn::default(), Turn::default());
    for slot in slots {
        let patient = slot.patient.and_then(|index| patients.get(index));
        let role = patient.map(|patient| patient.role);
        let turn = if slot.future { &mut future } else { &mut past }.of(role);
        let cells = slot_cells(random, patient, slot);
        appointment(&mut table, cells, turn, slot.future, fate(patient));
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
        slot.status.to_owned(),
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
        (24, false) => {
            table.push(&cells);
            table.push_defect("duplicate-row", &cells);
        }
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

/// The cells with one of them replaced.
pub(super) fn with(mut cells: Vec<String>, at: usize, value: &str) -> Vec<String> {
    if let Some(cell) = cells.get_mut(at) {
        value.clone_into(cell);
    }
    cells
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
    let mut table = Table::new("atendimentos.csv", &header);
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
        match turns.of(Some(patient.role)) {
            20 | 50 => table.push_defect("type-error", &with(cells, 5, "31/04/2025")),
            // An appointment that was purged: noted, and the visit moves without it.
            33 => table.push_defect("foreign-key", &with(cells, 1, "1")),
            _ => table.push_labelled(fate(Some(patient)), &cells),
        }
    }
    table.write(folder)
}
