//! The states of Brazil.

use crate::functions::text::fold_accents::folded;

/// IBGE's number, letters, and name without accents in small letters.
const STATES: [(&str, &str, &str); 27] = [
    ("11", "RO", "rondonia"),
    ("12", "AC", "acre"),
    ("13", "AM", "amazonas"),
    ("14", "RR", "roraima"),
    ("15", "PA", "para"),
    ("16", "AP", "amapa"),
    ("17", "TO", "tocantins"),
    ("21", "MA", "maranhao"),
    ("22", "PI", "piaui"),
    ("23", "CE", "ceara"),
    ("24", "RN", "rio grande do norte"),
    ("25", "PB", "paraiba"),
    ("26", "PE", "pernambuco"),
    ("27", "AL", "alagoas"),
    ("28", "SE", "sergipe"),
    ("29", "BA", "bahia"),
    ("31", "MG", "minas gerais"),
    ("32", "ES", "espirito santo"),
    ("33", "RJ", "rio de janeiro"),
    ("35", "SP", "sao paulo"),
    ("41", "PR", "parana"),
    ("42", "SC", "santa catarina"),
    ("43", "RS", "rio grande do sul"),
    ("50", "MS", "mato grosso do sul"),
    ("51", "MT", "mato grosso"),
    ("52", "GO", "goias"),
    ("53", "DF", "distrito federal"),
];

/// The two letters, in any case.
pub(super) fn abbreviation(text: &str) -> Option<&'static str> {
    STATES.iter().find(|(_, letters, _)| letters.eq_ignore_ascii_case(text)).map(|(_, letters, _)| *letters)
}

/// The letters of a state by letters, number or name.
pub(super) fn state(text: &str) -> Option<&'static str> {
    if text.len() == 2 {
        return abbreviation(text).or_else(|| {
            STATES.iter().find(|(number, _, _)| *number == text).map(|(_, letters, _)| *letters)
        });
    }
    let same = |name: &str| match text.is_ascii() {
        true => name.eq_ignore_ascii_case(text),
        false => folded(text).eq_ignore_ascii_case(name),
    };
    STATES.iter().find(|(_, _, name)| same(name)).map(|(_, letters, _)| *letters)
}
