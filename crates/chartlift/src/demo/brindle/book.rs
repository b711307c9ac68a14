//! The book and the visits: one file of visits a year in 7.4, one file of all in 8.0.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use chrono::Datelike;

use super::people::Patient;
use super::{Edition, Practice, american, clock, staff};
use crate::demo::Defect;
use crate::demo::diary::{Slot, State, Turn};
use crate::demo::random::Random;
use crate::demo::table::{Table, with};

const REASONS: &[&str] =
    &["Annual physical", "Follow-up", "Cough x 2 wks", "Med refill", "Rash, \"itchy\"", "ZZCANARIO", ""];

pub(super) fn appointments(
    folder: &Path,
    random: &mut Random,
    edition: Edition,
    patients: &[Patient],
    slots: &[Slot],
) -> io::Result<Vec<Defect>> {
    let header =
        ["ApptID", "ChartNo", "StaffID", "OfficeID", "ApptDate", "StartTime", "Minutes", "Status", "Reason"];
    let mut table = edition.table("appts.txt", &header);
    let (mut past, mut future) = (Turn::default(), Turn::default());
    for slot in slots {
        let patient = slot.patient.and_then(|index| patients.get(index));
        let sound = patient.is_some_and(|patient| patient.role.sound());
        let turn = if slot.state.future() { &mut future } else { &mut past }.of(sound);
        let cells = vec![
            slot.id.to_string(),
            patient.map(|patient| patient.chart.to_string()).unwrap_or_default(),
            staff(slot.doctor),
            (slot.doctor % 2 + 1).to_string(),
            american(slot.day),
            clock(slot.minute),
            if patient.is_some() { "20" } else { "480" }.to_owned(),
            match slot.state {
                State::Booked | State::Blocked => "SCH",
                State::Confirmed => "CNF",
                State::Kept => "DONE",
                State::Missed => "NS",
                State::Cancelled => "CAN",
            }
            .to_owned(),
            if patient.is_some() { random.pick(REASONS) } else { "Block: staff meeting" }.to_owned(),
        ];
        appointment(&mut table, cells, turn, slot.state.future());
    }
    let orphan =
        ["59001", "999999", "S1", "1", "03/05/2025", "09:00 AM", "20", "DONE", "ZZCANARIO, chart purged"];
    table.push_defect("foreign-key", &orphan);
    table.write(folder)
}

const DAY: usize = 4;
const TIME: usize = 5;
const MINUTES: usize = 6;
const STATUS: usize = 7;

fn appointment(table: &mut Table, mut cells: Vec<String>, turn: u32, future: bool) {
    match (turn, future) {
        (4 | 14, false) | (3, true) => table.push_defect("unmapped-code", &with(cells, STATUS, "RS")),
        (24, false) => table.push_twice(&cells),
        (34, false) => {
            table.push_defect("primary-key", &cells);
            table.push_defect("primary-key", &with(cells, MINUTES, "45"));
        }
        (44, false) => {
            cells.truncate(6);
            table.push_defect("missing-cell", &cells);
        }
        (54, false) => {
            cells.push("typed a tab".to_owned());
            table.push_defect("extra-cell", &cells);
        }
        (64, false) => table.push_defect("constraint-error", &with(cells, TIME, "")),
        // The American order of day and month, turned around.
        (74, false) => table.push_defect("type-error", &with(cells, DAY, "31/12/2024")),
        // The clock of twenty-four hours in a field of twelve.
        (84, false) => table.push_defect("lost-value", &with(cells, TIME, "14:30 PM")),
        _ => table.push(&cells),
    }
}

/// Codes and names of what a visit was billed with: lists in step.
const DIAGNOSES: &[(&str, &str)] = &[
    ("I10", "Essential (primary) hypertension"),
    ("J20.9|R05.9", "Acute bronchitis|Cough"),
    ("E11.9|I10|Z79.4", "Type 2 diabetes|Hypertension|Long term use of insulin"),
    ("Z00.00", "General adult medical exam"),
    ("", ""),
];

const CHART: usize = 1;
const VISIT_DAY: usize = 4;
const TIME_OUT: usize = 6;
const KIND: usize = 7;
const DX_NAMES: usize = 10;

pub(super) fn visits(practice: &Practice<'_>, random: &mut Random) -> io::Result<Vec<Defect>> {
    let header = [
        "VisitID",
        "ChartNo",
        "StaffID",
        "OfficeID",
        "VisitDate",
        "TimeIn",
        "TimeOut",
        "VisitType",
        "Reason",
        "DxCodes",
        "DxNames",
    ];
    let names = match practice.edition {
        Edition::V74 => ["visits_2024.txt", "visits_2025.txt", "visits_2026.txt"].as_slice(),
        Edition::V80 => &["visits.txt"],
    };
    let mut tables: BTreeMap<&str, Table> =
        names.iter().map(|name| (*name, practice.edition.table(name, &header))).collect();
    let mut turns = Turn::default();
    for (visit, patient) in &practice.visits {
        // Nothing safety-critical hangs on a chart whose own row is held.
        let (codes, diagnoses) = if patient.role.held() { ("", "") } else { random.pick(DIAGNOSES) };
        let kind = if visit.tele { "TV" } else { random.pick(&["OV", "OV", "OV", "HV", "HOSP"]) };
        let cells = vec![
            visit.id.to_string(),
            patient.chart.to_string(),
            staff(visit.doctor),
            (visit.doctor % 2 + 1).to_string(),
            american(visit.day),
            clock(visit.minute),
            clock(visit.minute + random.between(10, 40)),
            kind.to_owned(),
            random.pick(REASONS).to_owned(),
            codes.to_owned(),
            diagnoses.to_owned(),
        ];
        let year = visit.day.year();
        let table = tables.iter_mut().find(|(name, _)| name.contains(&year.to_string()) || names.len() == 1);
        let Some((_, table)) = table else { continue };
        match turns.of(patient.role.sound()) {
            12 => table.push_defect("unmapped-code", &with(cells, KIND, "ZZ")),
            20 => table.push_defect("type-error", &with(cells, VISIT_DAY, "02/29/2025")),
            28 => table.push_defect("condition-failed", &with(cells, TIME_OUT, "12:05 AM")),
            33 => table.push_defect("foreign-key", &with(cells, CHART, "999999")),
            // One name for two codes.
            41 => {
                let cells = with(cells, DX_NAMES - 1, "R50.9|R51.9");
                table.push_defect("uneven-lists", &with(cells, DX_NAMES, "Fever"));
            }
            _ => table.push(&cells),
        }
    }
    let mut defects = Vec::new();
    for table in tables.into_values() {
        defects.extend(table.write(practice.folder)?);
    }
    Ok(defects)
}
