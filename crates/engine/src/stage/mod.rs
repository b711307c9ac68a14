//! The stages. Each reads what the one before published, writes its own artefacts, and reports.

mod attachments;
mod categorize;
mod chart_rows;
mod check;
mod convert;
mod delta;
mod drift;
mod fates;
mod filled;
mod future;
mod gathered;
mod held_rows;
mod identify;
mod ids;
mod import;
mod inputs;
mod joined_rows;
mod joining;
mod lineage;
mod linked;
mod load_order;
mod loadable;
mod matched;
mod merge;
mod overruled;
mod patients;
mod persons;
mod rehearsal;
mod residue;
mod row_checks;
mod same_key;
mod seal;
mod second_reading;
mod transform;
mod validate;
mod verify;
mod whole;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chartlift_rules::{SafetyCritical, Target};
use datafusion::execution::context::SessionContext;

use crate::Error;
use crate::keys::Pool;
use crate::order::Order;
use crate::project_key::sha256_of;
use crate::report::StageReport;
use crate::run::{Environment, TargetChoice};
use crate::session::{self, Limits};
use crate::statement::{Stage, Verdict};

pub(crate) use attachments::TOLD;
pub(crate) use chart_rows::{chart_rows, defines_patients, patient_column};
pub(crate) use drift::followed;
pub(crate) use future::{is_past, time_of};
pub(crate) use held_rows::{Held, HeldRows, origins};
pub(crate) use inputs::{listing, several_systems};
pub(crate) use linked::key_type;
pub(crate) use loadable::{emptied_path, in_load_order, row_ids, table_spec};
pub(crate) use matched::TARGET_CHANGED;
pub(crate) use rehearsal::run as rehearse;
pub use rehearsal::{Fires, Late, Rehearsal, Rehearsed, Waits, Why};
pub(crate) use residue::of_system as residue_of;
pub(crate) use seal::seals;
pub(crate) use transform::Patients;
pub(crate) use whole::{add_lost, for_patients};

/// What a stage made.
pub(crate) struct Finished {
    pub(crate) report: StageReport,
    pub(crate) verdict: Verdict,
    /// Digest of the artefacts; the same for the same input, rules and key.
    pub(crate) digest: String,
}

/// What a stage's keys hold in memory before they use the disk.
const KEY_BYTES: usize = 64 << 20;

/// What a stage may look at.
#[derive(Clone)]
pub(crate) struct Work<'a> {
    pub(crate) environment: &'a Environment,
    pub(crate) order: &'a Order,
    pub(crate) target_name: String,
    pub(crate) target_url: Option<String>,
    /// Memory and, in the attempt's folder, disk for the stage's keys.
    pub(crate) pool: Arc<Pool>,
    /// Reports and folders of the earlier stages.
    pub(crate) earlier: &'a BTreeMap<Stage, Before>,
    /// Whose rows are at hand: the system's place among the order's.
    pub(crate) nth: usize,
}

/// An earlier stage as its record says.
pub(crate) struct Before {
    pub(crate) report: StageReport,
    pub(crate) folder: Option<PathBuf>,
    pub(crate) digest: String,
}

impl<'a> Work<'a> {
    /// The first system's rows are at hand; what keys do not find in memory goes into `folder`.
    pub(crate) fn new(
        environment: &'a Environment,
        order: &'a Order,
        target: &TargetChoice,
        folder: &Path,
        earlier: &'a BTreeMap<Stage, Before>,
    ) -> Self {
        Self {
            environment,
            order,
            target_name: target.name.clone(),
            target_url: target.url.clone(),
            pool: Pool::new(KEY_BYTES, folder),
            earlier,
            nth: 0,
        }
    }

    pub(crate) fn report(&self, stage: Stage) -> Result<&'a StageReport, Error> {
        self.earlier.get(&stage).map(|before| &before.report).ok_or_else(|| missing(stage))
    }

    pub(crate) fn target(&self) -> Result<&'a Target, Error> {
        find_target(&self.environment.project, &self.target_name)
    }

    pub(crate) fn session(&self) -> Result<SessionContext, Error> {
        let limits = Limits {
            threads: self.environment.threads,
            memory_bytes: self.environment.project.settings.limits.memory_bytes,
        };
        session::session(limits).map_err(Error::query("making a session"))
    }

    /// Digest of exactly the rows that are to be loaded.
    pub(crate) fn loaded_digest(&self) -> Result<String, Error> {
        let digest = |stage| {
            self.earlier.get(&stage).map(|before| before.digest.as_bytes()).ok_or_else(|| missing(stage))
        };
        Ok(sha256_of([digest(Stage::Convert)?, digest(Stage::Validate)?]))
    }

    pub(crate) async fn connect(&self) -> Result<Box<dyn chartlift_io::target::Target>, Error> {
        let url = self.target_url.as_deref().ok_or_else(|| Error::Usage {
            code: "target-missing",
            message: format!("nothing says where the target `{}` is", self.target_name),
            hint: format!(
                "give --target {0}=sqlite:{0}.db or --target {0}=env:DATABASE_URL",
                self.target_name
            ),
        })?;
        Ok(chartlift_io::target::connect_with(url, &self.environment.connection).await?)
    }

    /// Judges what the stage measured by the gates and waivers of now.
    pub(crate) fn judge(&self, stage: Stage, report: &mut StageReport) -> Verdict {
        self.environment.judge(&self.order.spec().id, stage).settle(report)
    }

    /// Whether a target table takes a safety-critical category.
    pub(crate) fn critical_table(&self, table: &str) -> SafetyCritical {
        let Ok(target) = self.target() else { return SafetyCritical::No };
        let rules =
            target.convert.iter().filter(|file| file.into.value == table).flat_map(|file| &file.rules);
        let categories = rules.filter_map(|rule| self.environment.project.categories.get(&rule.from.value));
        worst(categories.map(|category| category.extension.safety_critical))
    }
}

/// The most critical of several: what lies in the future only is so as long as nothing else is.
pub(crate) fn worst(all: impl Iterator<Item = SafetyCritical>) -> SafetyCritical {
    all.fold(SafetyCritical::No, |worst, one| match (worst, one) {
        (SafetyCritical::Yes, _) | (_, SafetyCritical::Yes) => SafetyCritical::Yes,
        (SafetyCritical::Future, _) | (_, SafetyCritical::Future) => SafetyCritical::Future,
        _ => SafetyCritical::No,
    })
}

pub(crate) fn find_target<'a>(
    project: &'a chartlift_rules::Project,
    name: &str,
) -> Result<&'a Target, Error> {
    project.targets.iter().rfind(|target| target.name == name).ok_or_else(|| Error::Usage {
        code: "unknown-target",
        message: format!("no target pack `{name}`"),
        hint: format!(
            "the project knows {}",
            project.targets.iter().map(|target| format!("`{}`", target.name)).collect::<Vec<_>>().join(", ")
        ),
    })
}

pub(crate) fn missing(stage: Stage) -> Error {
    Error::Usage {
        code: "stage-missing",
        message: format!("the stage {} has not been done", stage.name()),
        hint: "run the order from its first missing stage with `chartlift run`".into(),
    }
}

/// Runs one stage. `folder` is where its artefacts go.
pub(crate) async fn run(stage: Stage, work: &Work<'_>, folder: &Path) -> Result<Finished, Error> {
    match stage {
        Stage::Identify => identify::run(work),
        Stage::Check => check::run(work, folder).await,
        Stage::Categorize => categorize::run(work, folder).await,
        Stage::Convert => convert::run(work, folder).await,
        Stage::Validate => validate::run(work, folder).await,
        Stage::Import => import::run(work).await,
        Stage::Verify => verify::run(work).await,
    }
}

/// Digest of transformed layers: the same for the same rows in whatever order they were written.
fn layer_digest(layers: &[String], report: &StageReport) -> String {
    let rules = serde_json::to_vec(&report.rules).unwrap_or_default();
    let findings = serde_json::to_vec(&report.findings).unwrap_or_default();
    sha256_of(layers.iter().map(String::as_bytes).chain([rules.as_slice(), findings.as_slice()]))
}
