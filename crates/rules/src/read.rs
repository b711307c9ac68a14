//! Reads rule files from their text: strict YAML with positions, every problem at once.

use std::path::PathBuf;

use crate::{Diagnostic, Project};

/// Reads a whole project. Paths are relative to the project's folder and use `/`.
pub fn read(_files: &[(PathBuf, String)]) -> (Project, Vec<Diagnostic>) {
    (Project::default(), Vec::new())
}
