//! The page's sentences, in each language. A sentence is a name with parameters; a language that lacks one does not
//! compile, and a test compares the parameters.

mod en;
mod pt_br;

use chartlift_rules::code_named;

/// A language of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    BrazilianPortuguese,
}

impl Language {
    /// The tag of BCP 47, which also names the file.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::BrazilianPortuguese => "pt-BR",
        }
    }

    pub(super) fn words(self) -> &'static Words {
        match self {
            Self::English => &en::WORDS,
            Self::BrazilianPortuguese => &pt_br::WORDS,
        }
    }

    /// What a code means, in one sentence.
    pub(super) fn reason(self, code: &str) -> Option<&'static str> {
        match self {
            Self::English => code_named(code).map(|code| code.summary),
            Self::BrazilianPortuguese => chartlift_rules::summary_in_portuguese(code),
        }
    }
}

macro_rules! words {
    ($($name:ident),+ $(,)?) => {
        /// Every sentence of the page; `{name}` stands for a parameter.
        pub(super) struct Words { $(pub(super) $name: &'static str),+ }

        #[cfg(test)]
        impl Words {
            fn all(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($name), self.$name)),+]
            }
        }
    };
}

words! {
    // The page as a whole
    title, skip, contents, identified, running,
    // What happened
    what_happened, verdict_whole, verdict_passed, verdict_not_run, verdict_suspended, verdict_failed,
    clinic, order, created, system, system_unknown, target, loaded_at, not_loaded, seal, no_seal,
    balance_rows, balance_equal, balance_open,
    // Patients
    patients, patients_caption, what, count, share, meaning,
    exported, exported_meaning, whole, whole_meaning, incomplete, incomplete_meaning, absent, absent_meaning,
    patients_open, unattributed,
    // The list
    list, list_intro, list_none, list_check_only, list_differs, standing_incomplete, standing_absent, no_name,
    chart_number, born, birth_text, no_birth_date, social_name, mother, problem_held, problem_degraded, place,
    reason, wrote, wrote_nothing, shown, not_shown, constraint, whole_record, no_problem_rows,
    reference_emptied, chartless, chartless_intro, chartless_more, raw_record,
    // Reading
    reading, reading_intro, none_known, none_known_drug, not_asked, unable, asserted_other,
    no_entry, not_exported, no_row_of_its_own, empty_field, lost_field, future_only, no_future, same_record,
    not_exported_these, times, listed, standing,
    // The sample
    sample, sample_none, sample_draw, sample_fewer, sample_bound, sample_bound_none, sample_defect,
    seed, seed_load, seed_now, seed_hand, frame, frame_digest, redraw,
    tick_caption, number, chart, compared, equal, differs, initials, remarks,
    risks, risks_intro, risks_none, why, own, own_intro,
    most_records, longest_text, next_of, youngest, minor, oldest, deceased, longest_name, marked,
    charts, charts_intro, old_system, new_system, record_of, drawn_as, chosen_as,
    // Categories
    cat_patient, cat_allergy, cat_appointment, cat_condition, cat_medication, cat_patient_identifier, cat_patient_link,
    cat_clinical_document, cat_encounter, cat_observation, cat_immunization, cat_coverage, cat_procedure,
    // Signatures
    signatures, sign_statement, sign_receipt, sign_no_receipt, clinician, owner, name, role, council, date, signature,
    // Numbers and dates
    thousands, decimal, date_form, month_form, time_form, months, yes, no,
}

/// Puts the parameters into a sentence.
pub(super) fn fill(sentence: &str, parameters: &[(&str, &str)]) -> String {
    let mut text = String::with_capacity(sentence.len() + 32);
    let mut rest = sentence;
    // A value that looks like a parameter is never taken for one: what was filled in is not looked at again.
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let (name, behind) = after.split_once('}').unwrap_or((after, ""));
        let value = parameters.iter().find(|(known, _)| *known == name);
        debug_assert!(value.is_some(), "`{name}` is not given for `{sentence}`");
        text.push_str(value.map_or("", |(_, value)| value));
        rest = behind;
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn parameters(sentence: &str) -> BTreeSet<&str> {
        sentence.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect()
    }

    #[test]
    fn all_languages_say_the_same_with_the_same_parameters() {
        let (one, other) = (en::WORDS.all(), pt_br::WORDS.all());
        assert!(one.len() > 100);
        for ((name, english), (_, portuguese)) in one.iter().zip(&other) {
            assert!(!english.is_empty() && !portuguese.is_empty(), "{name}");
            assert_eq!(parameters(english), parameters(portuguese), "{name}");
            assert_eq!(english.matches('`').count() % 2, 0, "{name}");
            assert_eq!(portuguese.matches('`').count() % 2, 0, "{name}");
        }
        for words in [&en::WORDS, &pt_br::WORDS] {
            assert_eq!(words.months.split(' ').count(), 12);
        }
    }

    #[test]
    fn what_is_filled_in_is_not_looked_at_again() {
        assert_eq!(fill("a {x} b {y}", &[("x", "{y}"), ("y", "2")]), "a {y} b 2");
    }

    /// Only what could be the same word in both may be.
    #[test]
    fn nothing_was_left_untranslated() {
        let same = ["date_form", "time_form", "month_form", "months", "thousands", "decimal"];
        for ((name, english), (_, portuguese)) in en::WORDS.all().iter().zip(pt_br::WORDS.all()) {
            assert!(same.contains(name) || english != &portuguese, "{name}: {english}");
        }
    }
}
