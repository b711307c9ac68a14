//! Offices, staff and charts, and what is wrong with some of the charts.

use std::io;
use std::path::Path;

use chrono::NaiveDate;

use super::{Edition, american, staff};
use crate::demo::Defect;
use crate::demo::diary::Fate;
use crate::demo::random::Random;
use crate::demo::table::{Table, with};

/// Members of staff that see patients.
pub(super) const STAFF: u32 = 5;

pub(super) struct Patient {
    pub(super) chart: u32,
    given: &'static str,
    middle: &'static str,
    family: String,
    female: bool,
    pub(super) born: NaiveDate,
    pub(super) role: Role,
    pub(super) allergies: Vec<Allergy>,
}

/// A line of the list of allergies: a substance, or the statement that there is none or that nobody asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allergy {
    pub(super) substance: &'static str,
    pub(super) reaction: &'static str,
    /// `DRUG`, `FOOD`, `ENV`; empty for statements.
    pub(super) kind: &'static str,
    pub(super) state: &'static str,
}

/// What a chart's row shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Sound,
    /// Arrive with a hold.
    UnreadableBirthDate,
    UnmappedSex,
    InvalidSsn,
    /// A mark of confidentiality that nobody explained: it restricts the chart most.
    OddMark,
    /// The second of two identical rows is merged.
    Repeated,
    /// Two rows of one chart after a merge in the old system: the last counts.
    Merged,
    /// Three substances and two reactions: the lists cannot be told apart. In 8.0 there are no lists.
    UnevenLists,
    /// An allergy whose state no map knows.
    UnmappedState,
    /// Quarantined: their children are `parent-held`.
    Nameless,
    Undecodable,
    Ragged,
    StrayTab,
}

impl Role {
    fn of(index: u32) -> Self {
        match index {
            5 | 65 => Self::UnreadableBirthDate,
            8 | 88 => Self::UnmappedSex,
            12 | 62 | 112 => Self::InvalidSsn,
            14 | 84 => Self::OddMark,
            15 => Self::Nameless,
            18 => Self::Undecodable,
            21 => Self::Repeated,
            27 => Self::Ragged,
            30 => Self::StrayTab,
            33 | 73 => Self::Merged,
            36 => Self::UnevenLists,
            44 => Self::UnmappedState,
            _ => Self::Sound,
        }
    }

    pub(super) fn fate(self) -> Fate {
        match self {
            Self::Nameless | Self::Undecodable | Self::Ragged | Self::StrayTab => Fate::Held,
            _ => Fate::Arrives,
        }
    }

    pub(super) fn sound(self) -> bool {
        self == Self::Sound
    }

    pub(super) fn held(self) -> bool {
        self.fate() == Fate::Held
    }
}

const WOMEN: &[&str] =
    &["Abigail", "Beatrice", "Chloë", "Dolores", "Edith", "Faye", "Noémie", "Ruth", "Sofía", "Zoë"];
const MEN: &[&str] =
    &["Amos", "Bertram", "Clyde", "Desmond", "Elijah", "Fausto", "José", "Orville", "René", "Walter"];
const FAMILY: &[&str] = &[
    "Alder",
    "Bunting",
    "Cottonwood",
    "D'Aspen",
    "Fernández-Finch",
    "Hackberry",
    "Heron",
    "Juniper",
    "O'Larch",
    "Peña",
    "Tamarack",
    "Wren",
];
const MIDDLE: &[&str] = &["", "", "Anne", "Lee", "Q.", "Rae"];
const STREETS: &[&str] = &["Invented Ave", "Fiction St Apt 4", "Sample Rd", "Nowhere Ln, rear", "½ Mile Rd"];
const INSURERS: &[&str] =
    &["Example Health Plan", "Specimen  Mutual", "Placeholder Blue", "SELF PAY", "", "Cash"];

const SUBSTANCES: &[Allergy] = &[
    Allergy { substance: "Penicillin", reaction: "Rash", kind: "DRUG", state: "A" },
    Allergy { substance: "Sulfa  drugs", reaction: "Hives", kind: "DRUG", state: "A" },
    Allergy { substance: "Peanut", reaction: "Anaphylaxis ZZCANARIO", kind: "FOOD", state: "A" },
    Allergy { substance: "Latex", reaction: "Contact dermatitis", kind: "ENV", state: "I" },
    Allergy { substance: "Codeine", reaction: "Nausea", kind: "DRUG", state: "U" },
    Allergy { substance: "Bee venom", reaction: "Swelling", kind: "ENV", state: "R" },
    Allergy { substance: "Aspirin", reaction: "Wheezing", kind: "DRUG", state: "E" },
];
const STATEMENTS: &[&str] = &["NKDA", "NKA", "nkda", "NOT ASKED", "UNABLE TO ASK"];

/// Charts with numbers from 100001 on.
pub(super) fn patients(random: &mut Random, today: NaiveDate, edition: Edition, count: u32) -> Vec<Patient> {
    (0..count).map(|index| patient(random, today, edition, index)).collect()
}

fn patient(random: &mut Random, today: NaiveDate, edition: Edition, index: u32) -> Patient {
    let role = Role::of(index);
    let female = random.chance(52);
    let given = random.pick(if female { WOMEN } else { MEN });
    let middle = random.pick(MIDDLE);
    let mut family = random.pick(FAMILY).to_owned();
    if index % 23 == 1 || role.held() {
        family.push_str(" ZZCANARIO");
    }
    let born = random.day_before(today, 60, 33_000);
    let mut allergies = allergies(random);
    match role {
        Role::Nameless => family.clear(),
        Role::UnevenLists => allergies = SUBSTANCES.iter().take(3).copied().collect(),
        // In 8.0 states stand in a file of their own, and so does this defect.
        Role::UnmappedState if edition == Edition::V74 => {
            allergies = SUBSTANCES.iter().take(1).map(|allergy| Allergy { state: "Z", ..*allergy }).collect();
        }
        _ => {}
    }
    Patient { chart: 100_001 + index, given, middle, family, female, born, role, allergies }
}

/// Most charts say something; some say nothing, which is not the same as saying that there is none.
fn allergies(random: &mut Random) -> Vec<Allergy> {
    if random.chance(30) {
        return Vec::new();
    }
    if random.chance(45) {
        let substance = random.pick(STATEMENTS);
        return vec![Allergy { substance, reaction: "", kind: "", state: "A" }];
    }
    let first = random.below(5) as usize;
    let count = random.between(1, 3) as usize;
    SUBSTANCES.iter().skip(first).take(count).copied().collect()
}

pub(super) fn write(
    folder: &Path,
    random: &mut Random,
    edition: Edition,
    patients: &[Patient],
) -> io::Result<Vec<Defect>> {
    let mut defects = offices(folder, edition)?;
    defects.extend(members(folder, edition)?);
    let mut table = edition.table("charts.txt", &chart_header(edition));
    for patient in patients {
        chart_rows(&mut table, random, edition, patient);
    }
    defects.extend(table.write(folder)?);
    Ok(defects)
}

fn offices(folder: &Path, edition: Edition) -> io::Result<Vec<Defect>> {
    let header = ["OfficeID", "OfficeName", "Phone", "Street", "City", "State", "Zip"];
    let mut table = edition.table("offices.txt", &header);
    table.push(&["1", "Main  Street", "(555) 555-0100", "1 Invented Ave", "Samplefield", "NY", "00501"]);
    table.push(&["2", "Café Corner", "555.555.0200", "22 Sample Rd", "Samplefield", "NY", "00501-0002"]);
    table.write(folder)
}

fn members(folder: &Path, edition: Edition) -> io::Result<Vec<Defect>> {
    let header =
        ["StaffID", "StaffName", "Credential", "NPI", "Specialty", "OfficeID", "Login", "PwHash", "Active"];
    let people = [
        ("Ruth  Heron", "MD", "0000000011", "Family medicine", "rheron", "Y"),
        ("Desmond Alder", "DO", "0000000022", "Internal medicine", "dalder", "Y"),
        ("Noémie Wren", "NP", "0000000033", "Pediatrics", "nwren", "Y"),
        ("Orville Bunting", "MD", "0000000044", "Cardiology", "", "N"),
        ("Faye Juniper", "RN", "n/a", "", "fjuniper", "Y"),
    ];
    let mut table = edition.table("staff.txt", &header);
    for (number, (name, credential, npi, specialty, login, active)) in (1..).zip(people) {
        let (id, office) = (staff(number), (number % 2 + 1).to_string());
        // Not a real hash: the rules must drop it whatever it is.
        let secret = format!("ZZCANARIO-{id}");
        let cells = [id.as_str(), name, credential, npi, specialty, &office, login, &secret, active];
        // A nurse has no such number, and the form wants one.
        table.push_labelled((npi == "n/a").then_some("constraint-error"), &cells);
    }
    table.write(folder)
}

const CHART_HEADER: &[&str] = &[
    "ChartNo",
    "LastName",
    "FirstName",
    "MI",
    "DOB",
    "Sex",
    "SSN",
    "HomePhone",
    "WorkPhone",
    "CellPhone",
    "Email",
    "Street",
    "City",
    "State",
    "Zip",
    "Status",
    "DeceasedOn",
    "StaffID",
    "Allergies",
    "Reactions",
    "AllergyStates",
    "Ins1Name",
    "Ins1Member",
    "Ins1Group",
    "Ins2Name",
    "Ins2Member",
    "Ins2Group",
    "Confidential",
];

/// Where these stand in 7.4.
const FAMILY_NAME: usize = 1;
const MIDDLE_INITIAL: usize = 3;
const STREET: usize = 11;
const ALLERGIES: usize = 18;
const ALLERGY_STATES: usize = 20;

/// Version 8.0 has no lists, and two columns more for names.
fn chart_header(edition: Edition) -> Vec<&'static str> {
    let mut header = CHART_HEADER.to_vec();
    if edition == Edition::V80 {
        header.drain(ALLERGIES..=ALLERGY_STATES);
        header.splice(MIDDLE_INITIAL..=MIDDLE_INITIAL, ["MiddleName", "PreferredName"]);
    }
    header
}

fn chart_rows(table: &mut Table, random: &mut Random, edition: Edition, patient: &Patient) {
    let mut cells = chart_cells(random, edition, patient);
    match patient.role {
        Role::Sound => table.push(&cells),
        Role::UnreadableBirthDate => table.push_defect("type-error", &cells),
        Role::UnmappedSex => table.push_defect("unmapped-code", &cells),
        Role::InvalidSsn => table.push_defect("invalid-ssn", &cells),
        Role::OddMark => table.push_defect("unknown-confidentiality", &cells),
        Role::Nameless => table.push_defect("constraint-error", &cells),
        Role::Undecodable => table.push_undecodable(&cells),
        Role::Repeated => table.push_twice(&cells),
        Role::UnevenLists if edition == Edition::V74 => table.push_defect("uneven-lists", &cells),
        Role::UnmappedState if edition == Edition::V74 => table.push_defect("unmapped-code", &cells),
        Role::UnevenLists | Role::UnmappedState => table.push(&cells),
        Role::Ragged => {
            cells.truncate(14);
            table.push_defect("missing-cell", &cells);
        }
        Role::StrayTab => {
            // Somebody pressed the tab key in the field of the street, and the export did not care.
            cells.insert(STREET + 1, "Apt 2".to_owned());
            table.push_defect("extra-cell", &cells);
        }
        Role::Merged => {
            table.push_defect("merged-by-rule", &with(cells.clone(), FAMILY_NAME, "Formername"));
            table.push(&cells);
        }
    }
}

fn chart_cells(random: &mut Random, edition: Edition, patient: &Patient) -> Vec<String> {
    let number = patient.chart - 100_000;
    let initial = patient.middle.get(..1).unwrap_or_default().to_owned();
    let phone = |line: u32| format!("(555) 555-{:04}", (number * 3 + line) % 10_000);
    let mut cells = vec![
        patient.chart.to_string(),
        patient.family.clone(),
        patient.given.to_owned(),
        initial,
        if patient.role == Role::UnreadableBirthDate {
            "02/30/1980".to_owned()
        } else {
            american(patient.born)
        },
        sex(patient).to_owned(),
        ssn(random, patient),
        if random.chance(70) { phone(0) } else { "N/A".to_owned() },
        if random.chance(20) { phone(1) } else { String::new() },
        if random.chance(80) { phone(2).replace(['(', ')'], "") } else { String::new() },
        if random.chance(60) { format!("Chart{number}@Example.invalid") } else { String::new() },
        format!("{} {}", random.between(1, 2000), random.pick(STREETS)),
        "Samplefield".to_owned(),
        "NY".to_owned(),
        format!("{:05}", 501 + random.below(2)),
    ];
    cells.extend(standing(random, patient));
    cells.extend(lists(edition, patient));
    cells.extend(insurance(random, number));
    cells.push(confidential(patient).to_owned());
    if edition == Edition::V80 {
        cells.drain(ALLERGIES..=ALLERGY_STATES);
        // Letters that the code page of 7.4 does not have.
        let preferred = if number % 29 == 3 { "Łucja ZZCANARIO" } else { "" };
        let names = [patient.middle.to_owned(), preferred.to_owned()];
        cells.splice(MIDDLE_INITIAL..=MIDDLE_INITIAL, names);
    }
    cells
}

fn sex(patient: &Patient) -> &'static str {
    match patient.role {
        Role::UnmappedSex => "Q",
        _ if patient.chart.is_multiple_of(40) => "U",
        _ if patient.chart.is_multiple_of(61) => "X",
        _ if patient.female => "F",
        _ => "M",
    }
}

/// Numbers that begin with 9 were never issued.
fn ssn(random: &mut Random, patient: &Patient) -> String {
    match patient.role {
        Role::InvalidSsn => "999-99-999".to_owned(),
        _ if random.chance(12) => String::new(),
        _ => format!("900-{:02}-{:04}", patient.chart / 10_000 % 100, patient.chart % 10_000),
    }
}

/// Status, day of death and who looks after the patient.
fn standing(random: &mut Random, patient: &Patient) -> [String; 3] {
    let doctor = staff(random.between(1, STAFF));
    match patient.chart % 100 {
        7 | 26 | 45 | 64 | 83 => ["I".to_owned(), String::new(), doctor],
        11 | 52 => ["D".to_owned(), american(crate::demo::today()), doctor],
        _ => ["A".to_owned(), String::new(), doctor],
    }
}

/// The three lists in step. 8.0 has them in a file of their own, and these cells go.
fn lists(edition: Edition, patient: &Patient) -> [String; 3] {
    let list =
        |of: fn(&Allergy) -> &'static str| patient.allergies.iter().map(of).collect::<Vec<_>>().join("|");
    let mut lists =
        [list(|allergy| allergy.substance), list(|allergy| allergy.reaction), list(|allergy| allergy.state)];
    if patient.role == Role::UnevenLists && edition == Edition::V74 {
        let [_, reactions, _] = &mut lists;
        "Rash|Hives".clone_into(reactions);
    }
    lists
}

fn insurance(random: &mut Random, number: u32) -> [String; 6] {
    let first = random.pick(INSURERS);
    let second = if first.is_empty() || !random.chance(25) { "" } else { "Specimen Mutual" };
    let member = |name: &str, letter: char| {
        if name.is_empty() { String::new() } else { format!("{letter}{number:07}") }
    };
    [
        first.to_owned(),
        member(first, 'X'),
        if first.starts_with('E') { "GRP-1" } else { "" }.to_owned(),
        second.to_owned(),
        member(second, 'Y'),
        String::new(),
    ]
}

/// What stands here restricts the chart; `N` and nothing do not.
fn confidential(patient: &Patient) -> &'static str {
    match patient.role {
        Role::OddMark => "see mgr",
        _ if patient.chart % 37 == 6 => "VIP",
        _ if patient.chart % 37 == 16 => "R",
        _ if patient.chart.is_multiple_of(5) => "N",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_charts_are_held() {
        let held = (0..200).filter(|index| Role::of(*index).held()).count();
        assert!((1..=6).contains(&held));
    }
}
