//! `fold_accents`: letters without their marks, for comparing names.

use arrow::array::ArrayRef;
use datafusion::common::Result;
use unicode_normalization::UnicodeNormalization;

use crate::functions::output::Changed;
use crate::functions::{Body, Domain, Example, Function, Parameter, ParameterType, kernel::Call};

pub(in crate::functions) static FOLD_ACCENTS: Function = Function {
    name: "fold_accents",
    summary: "Replaces letters with accents and other marks by the plain letters.",
    details: "For keys and comparisons, not for names that a person will read: it loses information. Letters that \
              have no plain form in Unicode become the usual ones (`ø` o, `ł` l, `ß` ss, `æ` ae).",
    domain: Domain::Text,
    parameters: &[Parameter { name: "text", kind: ParameterType::Text, description: "the text" }],
    repeated: 0,
    returns: ParameterType::Text,
    fallible: false,
    examples: &[
        Example { sql: "fold_accents('São João')", result: Some("Sao Joao") },
        Example { sql: "fold_accents('ÇÜÑ e\u{301}')", result: Some("CUN e") },
        Example { sql: "fold_accents('Łódź, Straße')", result: Some("Lodz, Strasse") },
        Example {
            sql: "fold_accents('हिन्दी 한국')", result: Some("हिन्दी 한국")
        },
        Example { sql: "fold_accents('plain')", result: Some("plain") },
        Example { sql: "fold_accents(null)", result: None },
    ],
    body: Body::Kernel(evaluate),
};

fn evaluate(call: &Call<'_>) -> Result<ArrayRef> {
    call.map_text(0, |text| if text.is_ascii() { Changed::Same } else { Changed::To(folded(text)) })
}

/// Combining diacritical marks of Latin, Greek and Cyrillic; in other scripts marks are vowels.
const ACCENTS: std::ops::RangeInclusive<char> = '\u{300}'..='\u{36f}';

pub(crate) fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    // Recomposed at the end, for scripts whose letters are not accents (Hangul).
    for character in text.nfd().filter(|character| !ACCENTS.contains(character)).nfc() {
        match undecomposed(character) {
            Some(plain) => folded.push_str(plain),
            None => folded.push(character),
        }
    }
    folded
}

/// Latin letters with a mark that Unicode does not take apart.
fn undecomposed(character: char) -> Option<&'static str> {
    Some(match character {
        'ø' => "o",
        'Ø' => "O",
        'ł' => "l",
        'Ł' => "L",
        'đ' | 'ð' => "d",
        'Đ' | 'Ð' => "D",
        'ħ' => "h",
        'Ħ' => "H",
        'ŧ' => "t",
        'Ŧ' => "T",
        'ı' => "i",
        'ß' => "ss",
        'ẞ' => "SS",
        'æ' => "ae",
        'Æ' => "AE",
        'œ' => "oe",
        'Œ' => "OE",
        'þ' => "th",
        'Þ' => "TH",
        _ => return None,
    })
}
