//! The one table of codes. A code is never reused for another meaning; `chartlift explain CODE` prints its entry.

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

pub static CODES: &[Code] = &[];
