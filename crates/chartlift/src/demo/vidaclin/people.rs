//! Units, professionals and patients, and what is wrong with some of the patients.

use std::io;
use std::path::Path;

use chrono::NaiveDate;

use super::{Edition, brazilian, fate};
use crate::demo::Defect;
use crate::demo::diary::{Fate, Turn};
use crate::demo::random::Random;
use crate::demo::table::{Table, with};

/// Every professional is of unit 1 or 2; appointments draw from these.
pub(super) const DOCTORS: u32 = 6;

pub(super) struct Patient {
    pub(super) code: u32,
    pub(super) name: String,
    female: bool,
    pub(super) born: NaiveDate,
    pub(super) role: Role,
}

/// What a patient's row shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Sound,
    /// Excluded by a rule, with everything that belongs to them.
    Deleted,
    Test,
    /// Arrive with a hold.
    UnreadableBirthDate,
    UnmappedSex,
    InvalidCpf,
    /// The second of two identical rows is merged.
    Repeated,
    /// Quarantined: their children are `parent-held`.
    Nameless,
    Undecodable,
    Ragged,
    /// Two rows of one code that differ: both are quarantined.
    Conflict,
}

impl Role {
    fn of(index: u32) -> Self {
        match index {
            3 | 53 | 103 => Self::Test,
            5 | 65 => Self::UnreadableBirthDate,
            8 | 88 => Self::UnmappedSex,
            9 | 39 | 69 | 99 => Self::Deleted,
            12 | 62 | 112 => Self::InvalidCpf,
            15 => Self::Nameless,
            18 => Self::Undecodable,
            21 => Self::Repeated,
            24 => Self::Conflict,
            27 => Self::Ragged,
            _ => Self::Sound,
        }
    }

    pub(super) fn fate(self) -> Fate {
        match self {
            Self::Deleted => Fate::Deleted,
            Self::Test => Fate::Test,
            Self::Nameless | Self::Undecodable | Self::Ragged | Self::Conflict => Fate::Held,
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
    &["Aurora", "Beatriz", "Clarice", "Débora", "Elisângela", "Flávia", "Glória", "Inês", "Júlia", "Luíza"];
const MEN: &[&str] =
    &["Antônio", "Benício", "Caetano", "Davi", "Estêvão", "Fábio", "Gonçalo", "Ícaro", "João", "Otávio"];
const MIDDLE: &[&str] = &["", "", "Aparecida", "de Assis", "das Neves", "do Carmo", "Conceição", "de Luz"];
const FAMILY: &[&str] = &[
    "Araçá",
    "Bem-Te-Vi",
    "Cambuí",
    "Goiabeira",
    "Ipê-Roxo",
    "Jabuti",
    "Maçaranduba",
    "Pitangueira",
    "Sabiá",
    "Tatuí",
];
const STREETS: &[&str] =
    &["Rua das Acácias", "Avenida São João Fictício", "Travessa do Sabiá", "Rua 9½", "Praça da Invenção"];
const DISTRICTS: &[&str] = &["Centro", "Jardim Imaginário", "Vila Esperança", "Água Clara"];
const INSURERS: &[&str] = &["Particular", "Saúde Exemplo", "Convênio Modelo", ""];
const REMARKS: &[&str] = &[
    "",
    "",
    "",
    "xxx",
    "-",
    "...",
    "Prefere contato à tarde; não ligar pela manhã",
    "Usa aparelho \"novo\"",
];

/// Patients with codes from 10001 on. Every canary is in a name or a note, so that it reaches rejects as well.
pub(super) fn patients(random: &mut Random, today: NaiveDate, count: u32) -> Vec<Patient> {
    (0..count).map(|index| patient(random, today, index)).collect()
}

fn patient(random: &mut Random, today: NaiveDate, index: u32) -> Patient {
    let role = Role::of(index);
    let female = random.chance(52);
    let given = random.pick(if female { WOMEN } else { MEN });
    let words = [given, random.pick(MIDDLE), random.pick(FAMILY), random.pick(FAMILY)];
    let mut name = words.iter().filter(|word| !word.is_empty()).copied().collect::<Vec<_>>().join(" ");
    if index % 23 == 1 || role.held() {
        name.push_str(" ZZCANARIO");
    }
    match role {
        Role::Test => name = format!("TESTE {}", name.to_uppercase()),
        Role::Nameless => name.clear(),
        // Padded as by a form that keeps what was typed: the rules squeeze it.
        Role::Sound if index % 31 == 2 => name = format!("  {} ", name.replace(' ', "  ")),
        _ => {}
    }
    Patient { code: 10_001 + index, name, female, born: random.day_before(today, 60, 33_000), role }
}

pub(super) fn write(
    folder: &Path,
    random: &mut Random,
    edition: Edition,
    patients: &[Patient],
) -> io::Result<Vec<Defect>> {
    let mut defects = units(folder, edition)?;
    defects.extend(doctors(folder, edition)?);
    let mut table = edition.table("pacientes.csv", &patient_header(edition));
    for patient in patients {
        patient_rows(&mut table, random, edition, patient);
    }
    defects.extend(table.write(folder)?);
    if edition == Edition::V22 {
        defects.extend(cards(folder, random, edition, patients)?);
    }
    Ok(defects)
}

fn units(folder: &Path, edition: Edition) -> io::Result<Vec<Defect>> {
    let header = ["id_unidade", "nome", "cnes", "cnpj", "telefone", "endereco", "cidade", "uf", "cep"];
    let mut table = edition.table("unidades.csv", &header);
    let cnpj = "00.000.000/0000-00";
    table.push(&[
        "1",
        "Clínica Exemplo - Unidade Centro",
        "0000001",
        cnpj,
        "(11) 5555-0100",
        "Rua das Acácias, 10",
        "São Fictício",
        "SP",
        "00000-010",
    ]);
    table.push(&[
        "2",
        "Clínica Exemplo - Unidade Água Clara",
        "0000002",
        cnpj,
        "(11) 5555-0200",
        "Travessa do Sabiá, 2",
        "São Fictício",
        "SP",
        "00000-020",
    ]);
    table.write(folder)
}

fn doctors(folder: &Path, edition: Edition) -> io::Result<Vec<Defect>> {
    let header = [
        "id_medico",
        "id_unidade",
        "nome",
        "conselho",
        "numero_conselho",
        "uf_conselho",
        "especialidade",
        "cbo",
        "login",
        "senha_hash",
        "ativo",
    ];
    let people = [
        ("Dra. Helena  Ipê-Roxo", "CRM", "00.001", "Clínica médica", "225125", "helena", "S"),
        ("Dr. Otávio Sabiá", "CRM", "00002", "Cardiologia", "225120", "otavio", "S"),
        ("Dra. Inês Pitangueira", "CRM", "00003", "Pediatria", "225124", "ines", "S"),
        ("Dr. Caetano Cambuí", "CRM", "00.004", "Dermatologia", "225135", "caetano", "N"),
        ("Enf. Glória Goiabeira", "coren", "000005", "Enfermagem", "223505", "gloria", "S"),
        ("Psic. Davi Jabuti", "CRP", "06/0006", "Psicologia", "251510", "", "S"),
    ];
    let mut table = edition.table("medicos.csv", &header);
    for (index, (name, council, number, specialty, occupation, login, active)) in people.iter().enumerate() {
        let (id, unit) = ((index + 1).to_string(), (index % 2 + 1).to_string());
        // Not a real hash: the rules must drop it whatever it is.
        let secret = format!("ZZCANARIO-{id}");
        table.push(&[
            id.as_str(),
            &unit,
            name,
            council,
            number,
            "SP",
            specialty,
            occupation,
            login,
            &secret,
            active,
        ]);
    }
    table.write(folder)
}

const PATIENT_HEADER: &[&str] = &[
    "codigo",
    "Nome Completo",
    "Nome Social",
    "Data de Nascimento",
    "Sexo",
    "CPF",
    "RG",
    "Órgão Emissor",
    "Nome da Mãe",
    "Telefone",
    "E-mail",
    "CEP",
    "Endereço",
    "Número",
    "Bairro",
    "Cidade",
    "UF",
    "Convênio",
    "Observações",
    "Cadastro",
    "Excluído",
];

/// Version 2.2 has three telephones, and the insurer in a table of its own.
fn patient_header(edition: Edition) -> Vec<&'static str> {
    let mut header = PATIENT_HEADER.to_vec();
    if edition == Edition::V22 {
        header.remove(INSURER);
        header.splice(PHONE..=PHONE, ["Celular", "Telefone 1", "Telefone 2"]);
    }
    header
}

/// Where these stand in 2.1.
const PHONE: usize = 9;
const INSURER: usize = 17;

fn patient_rows(table: &mut Table, random: &mut Random, edition: Edition, patient: &Patient) {
    let mut cells = patient_cells(random, patient);
    if edition == Edition::V22 {
        cells = newer_cells(random, cells);
    }
    match patient.role {
        Role::Sound => table.push(&cells),
        Role::Deleted | Role::Test => table.push_defect("excluded", &cells),
        Role::UnreadableBirthDate => table.push_defect("type-error", &cells),
        Role::UnmappedSex => table.push_defect("unmapped-code", &cells),
        Role::InvalidCpf => table.push_defect("invalid-cpf", &cells),
        Role::Nameless => table.push_defect("constraint-error", &cells),
        Role::Undecodable => table.push_undecodable(&cells),
        Role::Ragged => {
            cells.truncate(14);
            table.push_defect("missing-cell", &cells);
        }
        Role::Repeated => table.push_twice(&cells),
        Role::Conflict => {
            table.push_defect("primary-key", &cells);
            if let Some(phone) = cells.get_mut(PHONE) {
                *phone = "(11) 95555-9999".into();
            }
            table.push_defect("primary-key", &cells);
        }
    }
}

/// The cells of 2.1 as 2.2 writes them.
fn newer_cells(random: &mut Random, mut cells: Vec<String>) -> Vec<String> {
    cells.remove(INSURER);
    let mobile = cells.get(PHONE).cloned().unwrap_or_default();
    let mut place = || format!("(11) 5555-{:04}", random.below(10_000));
    let (first, second) = (place(), place());
    let phones = match random.below(4) {
        0 => [String::new(), first, String::new()],
        1 => [mobile, first, second],
        _ => [mobile, String::new(), String::new()],
    };
    cells.splice(PHONE..=PHONE, phones);
    cells
}

fn patient_cells(random: &mut Random, patient: &Patient) -> Vec<String> {
    let Patient { code, name, female, born, role } = patient;
    let number = code - 10_000;
    let born = match role {
        Role::UnreadableBirthDate => "31/02/1980".to_owned(),
        _ => brazilian(*born),
    };
    let sex = match role {
        Role::UnmappedSex => "X",
        _ if number % 40 == 0 => "I",
        _ if *female => "F",
        _ => "M",
    };
    let cpf = match role {
        Role::InvalidCpf => "000.000.000-99".to_owned(),
        _ if random.chance(10) => String::new(),
        _ => cpf(number),
    };
    let has_rg = random.chance(60);
    let social = if number % 37 == 0 { format!("{} ZZCANARIO", random.pick(WOMEN)) } else { String::new() };
    vec![
        code.to_string(),
        name.clone(),
        social,
        born,
        sex.to_owned(),
        cpf,
        if has_rg { format!("00.{:03}.{:03}-X", number / 1000, number % 1000) } else { "-".to_owned() },
        if has_rg { "SSP/SP".to_owned() } else { String::new() },
        format!("{} {} {}", random.pick(WOMEN), random.pick(FAMILY), random.pick(FAMILY)),
        format!("(11) 95555-{:04}", number % 10_000),
        if random.chance(70) { format!("Paciente{number}@Exemplo.invalid") } else { String::new() },
        format!("00000-{:03}", random.below(1000)),
        random.pick(STREETS).to_owned(),
        random.between(1, 2000).to_string(),
        random.pick(DISTRICTS).to_owned(),
        "São Fictício".to_owned(),
        if random.chance(90) { "SP" } else { "sp" }.to_owned(),
        random.pick(INSURERS).to_owned(),
        random.pick(REMARKS).to_owned(),
        "02/01/2019".to_owned(),
        if *role == Role::Deleted { "S" } else { "N" }.to_owned(),
    ]
}

/// The cards of insurers, which 2.1 does not export.
fn cards(
    folder: &Path,
    random: &mut Random,
    edition: Edition,
    patients: &[Patient],
) -> io::Result<Vec<Defect>> {
    let header = [
        "id_convenio",
        "id_paciente",
        "operadora",
        "registro_ans",
        "plano",
        "carteirinha",
        "titular",
        "inicio",
        "validade",
        "ordem",
    ];
    let mut table = edition.table("convenios_paciente.csv", &header);
    let (mut turns, mut id) = (Turn::default(), 0);
    for patient in patients.iter().filter(|patient| !patient.role.held()) {
        for place in 1..=random.below(3) {
            id += 1;
            let cells = vec![
                id.to_string(),
                patient.code.to_string(),
                random.pick(&["Saúde Exemplo", "Convênio Modelo", "Cooperativa  Fictícia"]).to_owned(),
                "000001".to_owned(),
                random.pick(&["Básico", "Executivo", ""]).to_owned(),
                format!("0000 {:04} {id:04}", patient.code % 10_000),
                if random.chance(70) { "S" } else { "N" }.to_owned(),
                "01/03/2022".to_owned(),
                if random.chance(50) { "28/02/2027" } else { "" }.to_owned(),
                place.to_string(),
            ];
            match turns.of(patient.role.sound()) {
                8 => table.push_defect("type-error", &with(cells, 8, "indeterminada")),
                16 => table.push_defect("constraint-error", &with(cells, 3, "12-3")),
                24 => table.push_twice(&cells),
                _ => table.push_labelled(fate(Some(patient)), &cells),
            }
        }
    }
    table.write(folder)
}

/// A CPF with right check digits and one of the lowest numbers, as test data commonly have.
fn cpf(number: u32) -> String {
    let mut digits = format!("{number:09}");
    for weight in [10, 11] {
        let sum: u32 = digits
            .chars()
            .filter_map(|digit| digit.to_digit(10))
            .zip((2..=weight).rev())
            .map(|(d, w)| d * w)
            .sum();
        digits.push(char::from_digit(sum * 10 % 11 % 10, 10).unwrap_or('0'));
    }
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    format!("{}.{}.{}-{}", part(0, 3), part(3, 6), part(6, 9), part(9, 11))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_follow_the_rule() {
        // The usual worked example, and the lowest number there is.
        assert_eq!(cpf(111_444_777), "111.444.777-35");
        assert_eq!(cpf(1), "000.000.001-91");
    }

    #[test]
    fn few_patients_are_held() {
        let held = (0..200).filter(|index| Role::of(*index).held()).count();
        assert!((1..=6).contains(&held));
    }
}
