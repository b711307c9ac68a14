//! Units as people write them, and their UCUM codes.

use super::ucum::unit;

/// In small letters, with the UCUM code. Spellings that mean something else in UCUM are here, too: `ft` is a
/// femtotonne there, `cc` nothing.
const SPELLINGS: &[(&str, &str)] = &[
    ("mmhg", "mm[Hg]"),
    ("mm hg", "mm[Hg]"),
    ("cmh2o", "cm[H2O]"),
    ("°c", "Cel"),
    ("ºc", "Cel"),
    ("celsius", "Cel"),
    ("°f", "[degF]"),
    ("ºf", "[degF]"),
    ("fahrenheit", "[degF]"),
    ("mcg", "ug"),
    ("µg", "ug"),
    ("μg", "ug"),
    ("kgs", "kg"),
    ("quilo", "kg"),
    ("quilos", "kg"),
    ("kilo", "kg"),
    ("kilos", "kg"),
    ("gr", "g"),
    ("grs", "g"),
    ("grama", "g"),
    ("gramas", "g"),
    ("gram", "g"),
    ("grams", "g"),
    ("lb", "[lb_av]"),
    ("lbs", "[lb_av]"),
    ("pound", "[lb_av]"),
    ("pounds", "[lb_av]"),
    ("oz", "[oz_av]"),
    ("in", "[in_i]"),
    ("inch", "[in_i]"),
    ("inches", "[in_i]"),
    ("\"", "[in_i]"),
    ("ft", "[ft_i]"),
    ("feet", "[ft_i]"),
    ("mt", "m"),
    ("mts", "m"),
    ("metro", "m"),
    ("metros", "m"),
    ("cc", "mL"),
    ("litro", "L"),
    ("litros", "L"),
    ("lt", "L"),
    ("ui", "[IU]"),
    ("iu", "[IU]"),
    ("mui", "m[IU]"),
    ("miu", "m[IU]"),
    ("uui", "u[IU]"),
    ("µui", "u[IU]"),
    ("μui", "u[IU]"),
    ("uiu", "u[IU]"),
    ("meq", "meq"),
    ("mosm", "mosm"),
    ("10^3", "10*3"),
    ("10³", "10*3"),
    ("10^6", "10*6"),
    ("10^9", "10*9"),
    ("mm³", "mm3"),
    ("cm³", "cm3"),
    ("m²", "m2"),
    ("µl", "uL"),
    ("μl", "uL"),
    ("dl", "dL"),
    ("gota", "[drp]"),
    ("gotas", "[drp]"),
    ("gts", "[drp]"),
    ("bpm", "/min"),
    ("irpm", "/min"),
    ("rpm", "/min"),
    ("mrpm", "/min"),
    ("sec", "s"),
    ("seg", "s"),
    ("hr", "h"),
    ("hrs", "h"),
    ("hora", "h"),
    ("horas", "h"),
    ("hours", "h"),
    ("minuto", "min"),
    ("minutos", "min"),
    ("mins", "min"),
    ("dia", "d"),
    ("dias", "d"),
    ("day", "d"),
    ("days", "d"),
    ("semana", "wk"),
    ("semanas", "wk"),
    ("weeks", "wk"),
    ("mes", "mo"),
    ("mês", "mo"),
    ("meses", "mo"),
    ("months", "mo"),
    ("ano", "a"),
    ("anos", "a"),
    ("years", "a"),
    ("mg", "mg"),
    ("kg", "kg"),
    ("g", "g"),
    ("ml", "mL"),
    ("l", "L"),
    ("cm", "cm"),
    ("mm", "mm"),
    ("m", "m"),
];

/// Capitals that could be a slip of the hand for another unit: a megagram is no dose, `MUI` is a million units in
/// Brazil and a thousandth of one elsewhere.
const UNSURE: [&str; 7] = ["Mg", "M", "MM", "G", "MUI", "MIU", "ME"];

/// The UCUM code of a unit as it is written; a quotient is looked up part by part.
pub(super) fn code(text: &str) -> Option<String> {
    let text = text.trim().trim_end_matches('.');
    if let Some(known) = code_of_part(text).filter(|code| !code.is_empty()) {
        return Some(known.to_owned());
    }
    let parts: Option<Vec<&str>> = text.split('/').map(|part| code_of_part(part.trim())).collect();
    Some(parts?.join("/")).filter(|code| unit(code).is_some())
}

/// Nothing stands before the slash of `/min`.
fn code_of_part(part: &str) -> Option<&str> {
    if UNSURE.contains(&part) {
        return None;
    }
    let is = |known: &str| part.chars().flat_map(char::to_lowercase).eq(known.chars());
    let spelling = SPELLINGS.iter().find(|(known, _)| is(known)).map(|(_, code)| *code);
    // Parts of a quotient come one by one: `Mg/dL` must not pass as a whole.
    spelling.or_else(|| (part.is_empty() || (!part.contains('/') && unit(part).is_some())).then_some(part))
}
