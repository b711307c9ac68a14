//! The one table of codes. A code is never reused for another meaning; `chartlift explain CODE` prints its entry.

mod data;
mod decisions;
mod deltas;
mod portuguese;
mod rules;
mod runs;

pub use portuguese::summary_in_portuguese;

/// A code that a diagnostic, a finding or an error carries.
#[derive(Debug, Clone, Copy)]
pub struct Code {
    pub name: &'static str,
    /// One plain sentence.
    pub summary: &'static str,
    /// What it means, why it matters, what to do; may have several paragraphs.
    pub explanation: &'static str,
}

pub fn code_named(name: &str) -> Option<&'static Code> {
    CODES.iter().find(|code| code.name == name)
}

/// Every code: of rule files, of findings in data, of orders, targets and the command line.
pub static CODES: &[Code] = &joined();

const COUNT: usize =
    rules::CODES.len() + data::CODES.len() + decisions::CODES.len() + deltas::CODES.len() + runs::CODES.len();

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time: a wrong index does not compile")]
const fn joined() -> [Code; COUNT] {
    let parts = [rules::CODES, data::CODES, decisions::CODES, deltas::CODES, runs::CODES];
    let mut all = [Code { name: "", summary: "", explanation: "" }; COUNT];
    let (mut part, mut at, mut index) = (0, 0, 0);
    while part < parts.len() {
        if at < parts[part].len() {
            all[index] = parts[part][at];
            at += 1;
            index += 1;
        } else {
            part += 1;
            at = 0;
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::CODES;

    #[test]
    fn every_code_is_unique_kebab_case_and_explained() {
        let mut seen = HashSet::new();
        for code in CODES {
            let name = code.name;
            let parts = || name.split('-');
            let kebab =
                parts().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase()));
            assert!(kebab, "{name}");
            assert!(seen.insert(name), "{name} stands twice");
            assert!(code.summary.ends_with('.') && code.summary.len() > 15, "{name}: {}", code.summary);
            assert!(code.explanation.ends_with('.') && code.explanation.len() > 15, "{name}");
        }
    }

    /// The quoted words of kebab case that stand first after `Diagnostic::error(` and its like.
    #[test]
    fn every_code_that_is_reported_has_an_entry() {
        let sources = [
            include_str!("entries.rs"),
            include_str!("read.rs"),
            include_str!("read/field.rs"),
            include_str!("read/map.rs"),
            include_str!("read/rules.rs"),
            include_str!("read/schema.rs"),
            include_str!("read/second_reading.rs"),
            include_str!("read/settings.rs"),
            include_str!("read/system.rs"),
            include_str!("resolve.rs"),
            include_str!("resolve/coverage.rs"),
            include_str!("resolve/rules.rs"),
            include_str!("resolve/schemas.rs"),
            include_str!("resolve/second_reading.rs"),
            include_str!("yaml.rs"),
        ];
        let reported =
            regex::Regex::new(r#"(?:Diagnostic::(?:error|warning)|unknown)\(\s*"([^"]+)""#).unwrap();
        for code in sources.iter().flat_map(|source| reported.captures_iter(source)) {
            assert!(super::code_named(&code[1]).is_some(), "`{}` has no entry", &code[1]);
        }
    }
}
