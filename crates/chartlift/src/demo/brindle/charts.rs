//! What a chart holds beside its row: problems, prescriptions, vital signs, alerts, and in 8.0 allergies.

use std::io;

use chrono::NaiveDate;

use super::people::STAFF;
use super::{Edition, Practice, american, clock, staff};
use crate::demo::Defect;
use crate::demo::diary::Turn;
use crate::demo::random::Random;
use crate::demo::table::with;

pub(super) fn write(
    practice: &Practice<'_>,
    random: &mut Random,
    today: NaiveDate,
) -> io::Result<Vec<Defect>> {
    let mut defects = problems(practice, random, today)?;
    defects.extend(prescriptions(practice, random, today)?);
    defects.extend(vital_signs(practice, random)?);
    defects.extend(alerts(practice, random, today)?);
    if practice.edition == Edition::V80 {
        defects.extend(allergies(practice, random, today)?);
    }
    Ok(defects)
}

const PROBLEMS: &[(&str, &str)] = &[
    ("I10", "Hypertension"),
    ("E11.9", "Type 2 diabetes mellitus"),
    ("j45.909", "Asthma, unspecified"),
    ("F41.1", "Generalized anxiety"),
    ("", "Déjà vu episodes (uncoded)"),
];

fn problems(practice: &Practice<'_>, random: &mut Random, today: NaiveDate) -> io::Result<Vec<Defect>> {
    let header = ["ProblemID", "ChartNo", "ICD", "ProblemName", "Onset", "State", "Comment"];
    let mut table = practice.edition.table("problems.txt", &header);
    let (mut turns, mut id) = (Turn::default(), 0);
    for patient in &practice.whole {
        for _ in 0..random.below(3) {
            id += 1;
            let (code, name) = random.pick(PROBLEMS);
            let onset = random.day_before(today, 30, 4000).max(patient.born);
            let state = random.pick(&["ACTIVE", "CHRONIC", "RESOLVED", "INACTIVE", "RULEDOUT", "ERROR"]);
            let cells = vec![
                id.to_string(),
                patient.chart.to_string(),
                code.to_owned(),
                name.to_owned(),
                // A day, a month or a year, as far as it was known.
                match random.below(4) {
                    0 => onset.format("%m/%Y").to_string(),
                    1 => onset.format("%Y").to_string(),
                    2 => String::new(),
                    _ => american(onset),
                },
                state.to_owned(),
                random.pick(&["", "", "", "per old records", "ZZCANARIO wants this kept private"]).to_owned(),
            ];
            match turns.of(patient.role.sound()) {
                6 => table.push_defect("lost-value", &with(cells, 4, "childhood")),
                16 => table.push_defect("unmapped-code", &with(cells, 5, "WATCH")),
                26 => table.push_twice(&cells),
                _ => table.push(&cells),
            }
        }
    }
    table.write(practice.folder)
}

const DRUGS: &[(&str, &str)] = &[
    ("Lisinopril 10 mg tab", "1 tab PO daily"),
    ("Metformin 500 mg tab", "1 tab PO BID w/ meals"),
    ("Albuterol HFA 90 mcg", "2 puffs q4-6h PRN wheezing"),
    ("Insulin glargine 100 units/mL", "12.5 units SC at bedtime"),
    ("Amoxicillin 500 mg cap", "1 cap PO TID × 10 days"),
];

fn prescriptions(practice: &Practice<'_>, random: &mut Random, today: NaiveDate) -> io::Result<Vec<Defect>> {
    let header =
        ["RxID", "ChartNo", "StaffID", "Drug", "Sig", "Started", "Stopped", "Refills", "State", "Source"];
    let mut table = practice.edition.table("rx.txt", &header);
    let (mut turns, mut id) = (Turn::default(), 0);
    for patient in &practice.whole {
        for _ in 0..random.below(4) {
            id += 1;
            let (drug, sig) = random.pick(DRUGS);
            let started = random.day_before(today, 40, 1500).max(patient.born);
            let state = random.pick(&["ACTIVE", "ACTIVE", "HOLD", "DC", "DONE", "ERROR"]);
            let stopped = matches!(state, "DC" | "DONE");
            let here = random.chance(80);
            let cells = vec![
                id.to_string(),
                patient.chart.to_string(),
                if here { staff(random.between(1, STAFF)) } else { String::new() },
                drug.to_owned(),
                sig.to_owned(),
                american(started),
                if stopped { american(random.day_before(today, 1, 30).max(started)) } else { String::new() },
                if here { random.below(4).to_string() } else { String::new() },
                state.to_owned(),
                if here { "RX" } else { "PT" }.to_owned(),
            ];
            match turns.of(patient.role.sound()) {
                12 => table.push_defect("type-error", &with(cells, 5, "00/00/0000")),
                22 => table.push_defect("type-error", &with(cells, 7, "prn")),
                30 => table.push_defect("unmapped-code", &with(cells, 8, "PAUSED")),
                40 => table.push_defect("unmapped-code", &with(cells, 9, "??")),
                _ => table.push(&cells),
            }
        }
    }
    table.write(practice.folder)
}

/// What a form writes where nothing was measured.
const NOT_MEASURED: &str = "0";
const WEIGHT: usize = 9;

fn vital_signs(practice: &Practice<'_>, random: &mut Random) -> io::Result<Vec<Defect>> {
    let header = [
        "VitalsID",
        "ChartNo",
        "VisitID",
        "TakenOn",
        "TakenAt",
        "Systolic",
        "Diastolic",
        "Pulse",
        "TempF",
        "WeightLb",
        "HeightIn",
    ];
    let mut table = practice.edition.table("vitals.txt", &header);
    let mut turns = Turn::default();
    for (visit, patient) in &practice.visits {
        if !random.chance(70) {
            continue;
        }
        let systolic = random.between(95, 165);
        let mut sometimes = |percent: u32, value: String| {
            if random.chance(percent) { value } else { NOT_MEASURED.to_owned() }
        };
        let mut cells = vec![
            (visit.id + 40_000).to_string(),
            patient.chart.to_string(),
            visit.id.to_string(),
            american(visit.day),
            clock(visit.minute + 2),
        ];
        let half = if visit.id % 2 == 0 { "0" } else { "5" };
        cells.extend([
            sometimes(90, systolic.to_string()),
            sometimes(90, (systolic - 40).to_string()),
            sometimes(80, (56 + visit.id % 40).to_string()),
            sometimes(40, format!("98.{}", visit.id % 10)),
            sometimes(70, format!("{}.{half}", 110 + visit.id % 90)),
            sometimes(50, (58 + visit.id % 18).to_string()),
        ]);
        match turns.of(patient.role.sound()) {
            8 | 18 => table.push_defect("type-error", &with(cells, WEIGHT, "refused")),
            28 => {
                cells.truncate(5);
                cells.resize(header.len(), NOT_MEASURED.to_owned());
                table.push_defect("excluded", &cells);
            }
            _ => table.push(&cells),
        }
    }
    table.write(practice.folder)
}

fn alerts(practice: &Practice<'_>, random: &mut Random, today: NaiveDate) -> io::Result<Vec<Defect>> {
    let header = ["AlertID", "ChartNo", "AlertText", "State", "Since"];
    let mut table = practice.edition.table("alerts.txt", &header);
    let (mut turns, mut id) = (Turn::default(), 0);
    for patient in &practice.whole {
        if !random.chance(25) {
            continue;
        }
        id += 1;
        let text = random.pick(&["Fall risk", "Service dog", "Difficult stick", "ZZCANARIO – see chart"]);
        let cells = vec![
            id.to_string(),
            patient.chart.to_string(),
            text.to_owned(),
            random.pick(&["ON", "ON", "OFF", "ERR"]).to_owned(),
            if random.chance(60) { american(random.day_before(today, 5, 900)) } else { String::new() },
        ];
        match turns.of(patient.role.sound()) {
            6 => table.push_defect("unmapped-code", &with(cells, 3, "TMP")),
            16 => table.push_defect("type-error", &with(cells, 4, "last year")),
            _ => table.push(&cells),
        }
    }
    table.write(practice.folder)
}

/// The lists of 7.4 as rows, with a kind, a severity and a day.
fn allergies(practice: &Practice<'_>, random: &mut Random, today: NaiveDate) -> io::Result<Vec<Defect>> {
    let header =
        ["AllergyID", "ChartNo", "Substance", "Kind", "Reaction", "Severity", "State", "NotedOn", "StaffID"];
    let mut table = practice.edition.table("allergies.txt", &header);
    let (mut turns, mut id) = (Turn::default(), 0);
    for patient in &practice.whole {
        for allergy in &patient.allergies {
            id += 1;
            let noted = random.day_before(today, 30, 3000).max(patient.born);
            let real = !allergy.kind.is_empty();
            let cells = vec![
                id.to_string(),
                patient.chart.to_string(),
                allergy.substance.to_owned(),
                allergy.kind.to_owned(),
                allergy.reaction.to_owned(),
                if real { random.pick(&["1", "2", "3", ""]) } else { "" }.to_owned(),
                allergy.state.to_owned(),
                if random.chance(70) { american(noted) } else { String::new() },
                if random.chance(70) { staff(random.between(1, STAFF)) } else { String::new() },
            ];
            match turns.of(patient.role.sound()) {
                7 => table.push_defect("unmapped-code", &with(cells, 6, "Z")),
                17 => table.push_defect("type-error", &with(cells, 7, "00/00/2015")),
                27 => table.push_twice(&cells),
                37 => table.push_defect("unmapped-code", &with(cells, 5, "9")),
                _ => table.push(&cells),
            }
        }
    }
    table.write(practice.folder)
}
