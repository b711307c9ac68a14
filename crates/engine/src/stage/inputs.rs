//! The inputs of an order and the systems that wrote them: every stage after identify works on one system's rows
//! after the other's, each in a folder of its own, so that keys of two systems never meet.

use std::path::{Path, PathBuf};

use chartlift_rules::System;

use super::{Work, identify, missing};
use crate::Error;
use crate::keys::Secret;
use crate::order::{InputSpec, Order};
use crate::project_key::sha256_of;
use crate::report::SystemChoice;
use crate::statement::Stage;

impl<'a> Work<'a> {
    /// The same work once for each system, in the order of the inputs.
    pub(crate) fn systems(&self) -> Result<Vec<Self>, Error> {
        Ok((0..self.choices()?.len()).map(|nth| Self { nth, ..self.clone() }).collect())
    }

    /// The pack that reads the rows at hand.
    pub(crate) fn system(&self) -> Result<&'a System, Error> {
        let choice = self.choice()?;
        self.environment
            .project
            .systems
            .iter()
            .find(|system| system.name == choice.system && system.version == choice.version)
            .ok_or_else(|| Error::Usage {
                code: "not-identified",
                message: format!("the project no longer has the pack `{}` {}", choice.system, choice.version),
                hint: "restore the pack, or identify again".into(),
            })
    }

    /// The system's name where the order has several: whatever is said of its rows says whose they are.
    pub(crate) fn label(&self) -> Option<&'a str> {
        let choices = self.choices().ok()?;
        choices.get(self.nth).filter(|_| choices.len() > 1).map(|choice| choice.system.as_str())
    }

    /// The names of all its systems.
    pub(crate) fn system_names(&self) -> Result<Vec<&'a str>, Error> {
        Ok(self.choices()?.into_iter().map(|choice| choice.system.as_str()).collect())
    }

    /// Inputs of one system are parts of one export.
    pub(crate) fn inputs(&self) -> Result<Vec<&'a str>, Error> {
        let system = &self.choice()?.system;
        let all = self.report(Stage::Identify)?.systems.iter();
        Ok(all.filter(|choice| choice.system == *system).map(|choice| choice.input.as_str()).collect())
    }

    /// What an earlier stage published of this system's rows.
    pub(crate) fn folder(&self, stage: Stage) -> Result<PathBuf, Error> {
        self.under(&self.stage_folder(stage)?)
    }

    /// What an earlier stage published of all systems' rows.
    pub(crate) fn stage_folder(&self, stage: Stage) -> Result<PathBuf, Error> {
        let folder = self.earlier.get(&stage).and_then(|before| before.folder.clone());
        folder.ok_or_else(|| missing(stage))
    }

    /// Where this system's rows go in a stage's folder.
    pub(crate) fn under(&self, folder: &Path) -> Result<PathBuf, Error> {
        Ok(folder.join(&self.choice()?.system))
    }

    /// What this system's keys are hashed with: equal keys of two systems are not the same key.
    pub(crate) fn secret(&self) -> Secret {
        let key = &self.environment.key;
        match self.choice() {
            Ok(choice) if self.nth > 0 => key.secret_of(&choice.system),
            _ => key.secret(),
        }
    }

    /// Where an input is.
    pub(crate) fn input_path(&self, input: &str) -> PathBuf {
        let inputs = &self.order.spec().inputs;
        inputs.iter().find(|one| one.name == input).map(|one| self.order.input_path(one)).unwrap_or_default()
    }

    /// A file of an input.
    pub(crate) fn input_file(&self, input: &str, file: &str) -> PathBuf {
        let path = self.input_path(input);
        if path.is_file() { path } else { path.join(file) }
    }

    /// What is not there yet for orders of several systems is refused for them.
    pub(crate) fn one_system_only(&self, what: &str) -> Result<(), Error> {
        match self.choices()?.len() {
            0 | 1 => Ok(()),
            _ => Err(several_systems(what)),
        }
    }

    /// Each system once, with the first of its inputs.
    fn choices(&self) -> Result<Vec<&'a SystemChoice>, Error> {
        let mut choices: Vec<&SystemChoice> = Vec::new();
        for choice in &self.report(Stage::Identify)?.systems {
            if choices.iter().all(|known| known.system != choice.system) {
                choices.push(choice);
            }
        }
        Ok(choices)
    }

    fn choice(&self) -> Result<&'a SystemChoice, Error> {
        self.choices()?.get(self.nth).copied().ok_or_else(|| missing(Stage::Identify))
    }
}

/// `what`: a sentence's beginning, such as `the archive`.
pub(crate) fn several_systems(what: &str) -> Error {
    Error::Usage {
        code: "several-systems",
        message: format!("{what} is not there yet for orders of several systems"),
        hint: "migrate each system by an order of its own, with the same --series".into(),
    }
}

/// Names, sizes and times of all inputs' files: what says whether they must be read again.
pub(crate) fn listing(order: &Order) -> Result<String, Error> {
    let mut parts = Vec::new();
    for input in &order.spec().inputs {
        parts.push(input.name.clone());
        parts.extend(files_of(order, input)?.into_iter().map(|file| file.identity));
    }
    Ok(sha256_of(parts.iter().map(String::as_bytes)))
}

pub(super) fn files_of(order: &Order, input: &InputSpec) -> Result<Vec<identify::InputFile>, Error> {
    identify::files(&order.input_path(input))
}
