//! Functions on names of persons.

pub(super) mod family_name;
pub(super) mod given_name;
pub(super) mod initials;
pub(super) mod last_first;
pub(super) mod middle_names;
pub(super) mod name_prefix;
pub(super) mod name_suffix;
pub(super) mod title_case_name;
pub(super) mod words;
