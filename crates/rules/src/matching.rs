//! How a series finds the same person in several inputs: declared in `chartlift.yaml`, for it is neither the packs'
//! business nor the target's.

use crate::{Keep, Located};

/// The category whose records are persons.
pub const PATIENT: &str = "patient";
/// The category of their identifiers.
pub const PATIENT_IDENTIFIER: &str = "patient_identifier";
/// The fields of an identifier that say what it is, what it reads, and whether it can be relied upon.
pub const IDENTIFIER_TYPE: &str = "type";
pub const IDENTIFIER_VALUE: &str = "value";
pub const IDENTIFIER_STATUS: &str = "check_status";

/// `patients`: when two patient records of different systems are one person, and what becomes of the later one.
#[derive(Debug, Clone)]
pub struct PatientMatch {
    /// Each says what must be equal; stronger ones first.
    pub alternatives: Vec<Vec<MatchPart>>,
    /// First or fill.
    pub keep: Keep,
}

#[derive(Debug, Clone)]
pub enum MatchPart {
    /// A field of the patient's record.
    Field(Located<String>),
    /// The value of the patient's identifiers of this type.
    Identifier(Located<String>),
}
